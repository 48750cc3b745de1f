"""A referral in danger to life that nobody answers at night, between two real nodes (domain 5.14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes

from keys.primitives.encoding import b64u

CASE, CONSENT = b64u(b"conversation one"[:16]), b64u(b"consent consent."[:16])
HOUR = 3_600
DESKS = {
    "AL": '\n[duty]\ncontacts = ["al-1", "al-2"]\ncoordinator = "al-9"\nquiet_hours = "00:00-24:00"\n',
    "FR": '\n[duty]\ncoordinator = "fr-9"\n',
}


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving; each has somebody to wake."""
    async with two_nodes(tmp_path) as made:
        for party in made:
            await party.stop()
            path = party.folder / "node.toml"
            path.write_text(path.read_text(encoding="utf-8") + DESKS[party.name], encoding="utf-8")
            await party.start()
        yield made


async def referred(two: Two) -> str:
    """An emergency that AL has and nobody opens; its id."""
    content = example("consent.record/1", "AL")["content"]
    units = [f"{name}/{UNIT}" for name in DESKS]
    grant = content["grants"][0] | {"purpose": "referral", "recipient_units": units}
    said = content | {"consent_id": CONSENT, "grants": [grant]}
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=said)
    request = example("referral.request/1", "AL", consent_ref=CONSENT, priority="emergency")
    id = str((await two.fr.call("message.submit", **request | {"purpose": "referral", "conversation": CASE}))["id"])
    await arrived(two, two.fr, id)
    return id


async def arrived(two: Two, party: Party, id: str) -> None:
    """Wait until the other side has it."""

    async def there() -> bool:
        return bool(await party.state(id) in ("awaiting_opening", "opened"))

    await two.until(there, seconds=30)


async def woken(party: Party) -> list[str]:
    """Which people were woken, in order."""
    await party.running.status_updates.keep()
    return [state for (state,) in await party.rows("select state from event where kind = 'duty' order by seq")]


async def elsewhere(party: Party) -> tuple[str, bool]:
    """How the conversation stands, and whether a second unit is offered."""
    (standing,) = (await party.call("conversation.show", id=CASE))["standing"]
    return standing["state"], standing["ask_elsewhere"]


async def undecided(party: Party) -> list[str]:
    """The alarms that are open about it."""
    return [one["kind"] for one in (await party.call("alarm.list", kind="emergency.undecided"))["alarms"]]


async def test_finding_a6_an_emergency_silent_for_36_hours_can_still_be_accepted(two: Two) -> None:
    """It wakes the desk and both coordinators, whatever the hour, is offered elsewhere, and is accepted late."""
    fr, al = two.fr, two.al
    id = await referred(two)
    two.clock.advance(12 * HOUR + 1)
    assert (await woken(al), await woken(fr)) == (["al-1"], [])
    two.clock.advance(12 * HOUR)
    assert (await woken(al), await woken(fr)) == (["al-1", "al-9"], ["fr-9"])
    assert (await undecided(al), await undecided(fr)) == 2 * (["emergency.undecided"],)
    assert await elsewhere(fr) == ("delivered", False)
    two.clock.advance(12 * HOUR + 1)
    assert (await woken(al))[2:] == ["al-2"]
    assert await elsewhere(fr) == ("delivered", True)
    assert await elsewhere(al) == ("delivered", False)

    answer = example("referral.accept/1", "FR") | {"purpose": "referral", "conversation": CASE, "in_reply_to": id}
    answer["header"]["consent_ref"] = CONSENT
    await arrived(two, al, str((await al.call("message.submit", **answer))["id"]))
    for party in two:
        assert await elsewhere(party) == ("accepted", False)
        await woken(party)
        assert await undecided(party) == []
