"""What somebody said as the first of two people is over when they have left, or all that they came in with ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Party, Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referral, referred

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent of hers.")
HERS, NEXT = b64u(b"conversation one"), b64u(b"conversation two")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving."""
    async with two_nodes(tmp_path) as pair:
        yield pair


@pytest.mark.parametrize(
    ("operation", "more"), [("person.end", {}), ("person.invite", {"instead": True})], ids=["left", "a stolen passkey"]
)
async def test_a_second_person_confirms_nothing_of_whoever_is_shut_out(
    two: Two, operation: str, more: dict[str, Any]
) -> None:
    """The second becomes the first one of a release and of lifting a hold; changes of cases are asked for anew."""
    fr = two.fr
    await agreed(fr, "F-1", CONSENT)
    await referred(two, "F-1", CONSENT, conversation=HERS)
    case = await case_of(fr, HERS)
    other = (await fr.call("case.open", label="Blue 7", by=BEN))["id"]
    moved = await changed(fr, "case.move", source=case, into=other, conversations=[HERS])
    await fr.call("asylum.hold", id=HERS, by=BEN, states=["MA"])
    draft = (await fr.call("draft.save", draft=referral("F-1", CONSENT, conversation=NEXT), by=BEN))["id"]

    assert (await fr.call("draft.release", id=draft, by=ANA))["state"] == "waiting_second"
    assert (await fr.call("asylum.lift", id=HERS, by=ANA))["held"]
    asked = await fr.call("case.merge", id=other, into=case, reason="one person", by=ANA)
    await fr.call("case.undo", id=moved["change"], by=ANA)
    await fr.call(operation, id=await person(fr, ANA), **more)

    assert (await fr.call("draft.list"))["drafts"][0]["state"] == "waiting"
    assert (await fr.call("draft.release", id=draft, by=BEN))["state"] == "waiting_second"
    assert (await fr.call("asylum.lift", id=HERS, by=BEN))["held"]
    for change in (asked["change"], moved["change"]):
        with pytest.raises(RefusedError) as refusal:
            await fr.call("case.confirm", id=change, by=BEN)
        assert refusal.value.code is Code.CONFLICT
    assert await case_of(fr, HERS) == other
    assert len(two.al.deliveries()) == 2  # the consent and the first referral
    await fr.call("draft.release", id=draft, by="Cleo D.")
    assert not (await fr.call("asylum.lift", id=HERS, by="Cleo D."))["held"]


async def person(party: Party, name: str) -> str:
    """The id of a person of this name."""
    return str(next(one["id"] for one in (await party.call("person.list"))["people"] if one["name"] == name))
