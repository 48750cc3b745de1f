"""An alert, an update and a request to erase under an asylum hold, between two real nodes (domain 9.28)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes

from keys.primitives.encoding import b64u

CASE, OTHER = (b64u(text[:16]) for text in (b"conversation one", b"conversation two"))
CONSENT = b64u(b"consent consent."[:16])
WORDS = "her brother waits outside the shelter"
TOLD = ["tells_feared_state"]


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def referred(fr: Party, conversation: str, **person: Any) -> None:
    """A referral from FR to AL of somebody who agreed to it, and what it tells of the person besides."""
    request = example("referral.request/1", "AL", consent_ref=CONSENT)
    request["content"]["person"] |= person
    await fr.call("message.submit", **request | {"purpose": "referral", "conversation": conversation})


async def agreed(fr: Party) -> None:
    """FR records the consent to refer to AL."""
    content = example("consent.record/1", "AL")["content"]
    grant = content["grants"][0] | {"recipient_units": [f"AL/{UNIT}"]}
    said = content | {"consent_id": CONSENT, "grants": [grant]}
    await fr.call("consent.record", by="w-1", number="fr-7f3a", content=said)


def alert(conversation: str = CASE) -> dict[str, Any]:
    """A safety alert to AL in words."""
    request = example("safety.alert/1", "AL")
    return request | {"conversation": conversation, "content": request["content"] | {"what_happened": WORDS}}


async def alarms(fr: Party) -> list[str]:
    """The open alarms about what a feared State was told."""
    return [one["kind"] for one in (await fr.call("alarm.list", kind="feared_state.told"))["alarms"]]


async def test_an_alert_to_a_feared_state_goes_in_codes_and_is_seen(two: Two) -> None:
    """Before and after, its writer is told; AL gets codes, the words stay here; one person alone raises an alarm."""
    fr, al = two.fr, two.al
    await agreed(fr)
    await referred(fr, CASE)
    before = await fr.call("message.preview", draft=alert())
    assert (before["warnings"], before["leaves"]["content"]["what_happened"]) == ([], WORDS)
    await fr.call("asylum.hold", id=CASE, by="Ana B.", states=["AL"])

    preview = await fr.call("message.preview", draft=alert())
    assert (preview["goes"], preview["warnings"]) == (True, TOLD)
    assert preview["leaves"]["content"]["what_happened"] == "See the codes."
    assert [one["place"] for one in preview["dropped"]] == ["/content/what_happened"]

    seen = await fr.call("message.submit", **alert(), by="Ana B.", second_by="Carl D.")
    assert (seen["warnings"], await alarms(fr)) == (TOLD, [])
    alone = await fr.call("message.submit", **alert())
    assert (alone["warnings"], await alarms(fr)) == (TOLD, ["feared_state.told"])

    async def there() -> bool:
        return bool((await fr.show(alone["id"]))["state"] in ("awaiting_opening", "opened"))

    await two.until(there, seconds=30, what="the alert arrives")
    got = await al.show(alone["id"])
    assert got["content"] == example("safety.alert/1", "AL")["content"] | {"what_happened": "See the codes."}


async def test_a_request_to_erase_is_told_of_too(two: Two) -> None:
    """It has no words to keep, and it tells the State all the same; in another conversation on the consent as well."""
    fr = two.fr
    await agreed(fr)
    await referred(fr, CASE)
    await referred(fr, OTHER)
    await fr.call("asylum.hold", id=CASE, by="Ana B.", states=["AL"])
    request = example("erasure.request/1", "AL") | {"conversation": OTHER}
    request["content"] = {"scope": "conversation", "ground": "not_needed"}
    assert (await fr.call("message.submit", **request))["warnings"] == TOLD
    assert (await fr.call("message.submit", **alert(OTHER)))["warnings"] == TOLD
    assert await alarms(fr) == 2 * ["feared_state.told"]


async def test_a_state_that_is_not_feared_gets_the_words(two: Two) -> None:
    """A hold that names another State changes nothing for AL, nor does one that was lifted."""
    fr = two.fr
    await agreed(fr)
    await referred(fr, CASE)
    await fr.call("asylum.hold", id=CASE, by="Ana B.", states=["MA"])
    assert "warnings" not in await fr.call("message.submit", **alert())
    await fr.call("asylum.hold", id=CASE, by="Ana B.", states=["AL"])
    for by in ("Ana B.", "Carl D."):
        await fr.call("asylum.lift", id=CASE, by=by)
    assert "warnings" not in await fr.call("message.submit", **alert())
    assert await alarms(fr) == []


@pytest.mark.parametrize(("nationality", "named", "told"), [("AL", [], True), ("MA", [], False), ("AL", ["MA"], True)])
async def test_the_state_of_nationality_is_feared_unnamed(
    two: Two, nationality: str, named: list[str], told: bool
) -> None:
    """A hold keeps away from the State whose nationality a message told, whether it names none or another one; also in
    another conversation on the consent, where no message told it.
    """
    fr = two.fr
    await agreed(fr)
    await referred(fr, CASE, nationalities=[nationality])
    await referred(fr, OTHER)
    await fr.call("asylum.hold", id=CASE, by="Ana B.", states=named)
    words = "See the codes." if told else WORDS
    for conversation in (CASE, OTHER):
        preview = await fr.call("message.preview", draft=alert(conversation))
        assert (preview["warnings"], preview["leaves"]["content"]["what_happened"]) == (TOLD if told else [], words)
    assert (await fr.call("message.submit", **alert())).get("warnings", []) == (TOLD if told else [])
    assert await alarms(fr) == (["feared_state.told"] if told else [])
