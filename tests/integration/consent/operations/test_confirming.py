"""After a restore without a ledger workers look at the consents of each case, at a real node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.pair import Party, Two, two_nodes
from support.persons import ANA, case_of, referral, referred, referred_each

from gateway.consent.unconfirmed_store import doubt_all
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

HERS, HERS_TOO, HIS = b64u(b"consent of her.."), b64u(b"her other one..."), b64u(b"consent of him..")
TALK, SECOND, OTHER = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation 3.."))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """One person with two consents and a referral on each, another with one, and a restore left all three in doubt."""
    async with two_nodes(tmp_path) as made:
        await referred_each(made, (("F-1", HERS, TALK), ("F-1", HERS_TOO, SECOND), ("F-2", HIS, OTHER)))
        await made.fr.running.store.move(lambda c: doubt_all(c, at=made.clock.now()))
        yield made


async def waiting(party: Party) -> tuple[dict[str, int], int]:
    """By the name of its case how many consents wait to be confirmed, and how many in all."""
    value = await party.call("consent.unconfirmed", by=ANA)
    return {one["of_case"]["name"]: one["consents"] for one in value["cases"]}, value["consents"]


async def nothing_waits(party: Party, case: str) -> None:
    """Nobody has to look at anything any more, nothing of this case can be confirmed, and the alarm is over."""
    assert await waiting(party) == ({}, 0)
    assert "consent.unconfirmed" not in await party.alarms()
    with pytest.raises(RefusedError, match="nothing was changed") as caught:
        await party.call("consent.confirm", case=case, by=ANA)
    assert caught.value.code is Code.CONFLICT


async def test_confirmed_consents_are_relied_on_again(two: Two):
    """Those of the one case alone; the last one ends the alarm."""
    fr = two.fr
    assert await waiting(fr) == ({"F-1": 2, "F-2": 1}, 3)
    case, other = await case_of(fr, TALK), await case_of(fr, OTHER)
    assert await fr.call("consent.confirm", case=case, by=ANA) == {"case": case, "confirmed": 2}
    assert (await waiting(fr), "consent.unconfirmed" in await fr.alarms()) == (({"F-2": 1}, 1), True)
    await referred(two, "F-1", HERS)
    with pytest.raises(RefusedError, match="nothing was") as caught:
        await fr.call("message.submit", **referral("F-2", HIS))
    assert caught.value.code is Code.GATE_G2
    await fr.call("consent.confirm", case=other, by=ANA)
    await nothing_waits(fr, other)


async def test_one_that_was_withdrawn_is_withdrawn_instead(two: Two):
    """Nobody has to say of what a person took back that it still holds."""
    fr = two.fr
    case = await case_of(fr, TALK)
    await fr.call("consent.withdraw", id=HIS, by=ANA)
    assert await waiting(fr) == ({"F-1": 2}, 2)
    await fr.call("consent.withdraw_all", id=case, by=ANA)
    await nothing_waits(fr, case)


async def test_one_that_was_erased_waits_no_more(two: Two):
    """With its last conversation a record goes: nobody could confirm it, and no list counts it for ever."""
    fr = two.fr
    case = await case_of(fr, TALK)
    for talk in (TALK, OTHER):
        await fr.call("conversation.erase", id=talk, by=ANA, reason="not_needed")
    assert await waiting(fr) == ({"F-1": 1}, 1)
    assert await fr.call("consent.confirm", case=case, by=ANA) == {"case": case, "confirmed": 1}
    await nothing_waits(fr, case)
