"""Safety alerts between two real nodes: duty contacts are woken in turn until a human takes it (domain 9.3)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import START, Party, Two, example, two_nodes

from gateway.conversations import status_updates
from gateway.errors import Code, RefusedError
from gateway.messages.store import conversations as rows_of
from keys.primitives.encoding import b64u

CASE = b64u(b"conversation one"[:16])
MINUTE = 60
NIGHT = 22 * 3_600
DESK = '\n[duty]\ncontacts = ["al-1", "al-2"]\nquiet_hours = "20:00-07:00"\nescalation_minutes = 20\n'


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving; the desk of AL has two duty contacts and quiet hours, that of FR nobody."""
    async with two_nodes(tmp_path) as made:
        await made.al.stop()
        path = made.al.folder / "node.toml"
        path.write_text(path.read_text(encoding="utf-8") + DESK, encoding="utf-8")
        await made.al.start()
        yield made


async def sent(two: Two, party: Party, body_type: str, conversation: str = CASE, **content: Any) -> str:
    """A message of the case that the other side has; its id."""
    other = "AL" if party is two.fr else "FR"
    request = example(body_type, other) | {"conversation": conversation}
    request["content"] |= content
    id = str((await party.call("message.submit", **request))["id"])

    async def there() -> bool:
        return bool(await party.state(id) in ("awaiting_opening", "opened"))

    await two.until(there, seconds=30)
    return id


async def woken(party: Party) -> list[str]:
    """Which contacts were woken, in order."""
    await party.running.status_updates.keep()
    return [state for (state,) in await party.rows("select state from event where kind = 'duty' order by seq")]


async def safety(party: Party) -> list[str]:
    """The open alarms about alerts."""
    await party.running.status_updates.keep()
    return sorted(kind for kind in await party.alarms() if kind.startswith("safety."))


async def test_each_of_many_alerts_wakes_somebody(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are folded some at a time, and none is left for later."""
    looked_at: list[int] = []
    fold_some = two.al.running.status_updates._fold_some

    async def counted(keys: Any) -> tuple[int, int]:
        looked_at.append(len(keys))
        return await fold_some(keys)

    monkeypatch.setattr(status_updates, "MOST", 1)
    two.clock.advance((NIGHT - START) % 86_400)
    for each in range(2):
        await sent(two, two.fr, "safety.alert/1", b64u(b"conversation%4d" % each), kind="violence")
    monkeypatch.setattr(two.al.running.status_updates, "_fold_some", counted)
    two.clock.advance(20 * MINUTE)
    await two.al.running.status_updates.keep_alerts()
    assert looked_at.count(1) >= 2  # the chore looks as well
    assert sorted(await woken(two.al)) == ["al-1", "al-1", "al-2", "al-2"]


async def test_whoever_asks_again_for_alerts_opens_no_message(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame of each page asks for them: their conversations are in memory by then, however long they are."""
    await sent(two, two.fr, "safety.alert/1", kind="violence")
    await two.calm()
    listed, sealer, opened = await two.al.call("alert.list"), two.al.running.sealer, list[int]()
    open_each = sealer.open_each

    def counted(rows: Any) -> Any:
        opened.append(len(rows))
        return open_each(rows)

    monkeypatch.setattr(sealer, "open_each", counted)
    assert await two.al.call("alert.list") == listed
    assert [one["kind"] for one in listed["alerts"]] == ["violence"]
    assert sum(opened) == 0


async def test_an_alert_wakes_one_after_the_other_until_somebody_takes_it(two: Two) -> None:
    """In the middle of the quiet hours too. A person who opens it takes nothing; both sides alarm when its hour is
    over, a dismissed alarm comes back, and taking it ends all of it on both sides.
    """
    fr, al = two.fr, two.al
    two.clock.advance((NIGHT - START) % 86_400)
    id = await sent(two, fr, "safety.alert/1", kind="violence")
    assert (await woken(al), await safety(al)) == (["al-1"], ["safety.alert"])
    assert (await woken(fr), await safety(fr)) == ([], [])
    await al.call("message.open", id=id, by="w-2")
    two.clock.advance(20 * MINUTE)
    assert await woken(al) == ["al-1", "al-2"]
    two.clock.advance(41 * MINUTE)
    assert await woken(al) == ["al-1", "al-2", "al-1", "al-2"]
    assert (await safety(al), await safety(fr)) == (
        ["safety.alert", "safety.unacknowledged"],
        ["safety.unacknowledged"],
    )
    for alarm in (await al.call("alarm.list"))["alarms"]:
        await al.call("alarm.dismiss", id=alarm["id"], by="w-2")
    two.clock.advance(20 * MINUTE)
    assert (await woken(al))[4:] == ["al-1"]
    assert await safety(al) == ["safety.unacknowledged"]
    (shown,) = (await al.call("alert.list"))["alerts"]
    assert (shown["id"], shown["kind"], shown["owes"], shown["overdue"]) == (id, "violence", "us", True)
    assert [rung["contact"] for rung in shown["woken"]] == ["al-1", "al-2", "al-1", "al-2", "al-1"]
    assert shown["next"]["contact"] == "al-2"
    (seen,) = (await fr.call("alert.list"))["alerts"]
    assert (seen["owes"], seen["woken"], seen["next"]) == ("them", [], None)

    with pytest.raises(RefusedError) as unsaid:
        await al.call("alert.acknowledge", id=id, by="Besa K.", actions=[])
    assert unsaid.value.code is Code.INVALID
    answer = await al.call("alert.acknowledge", id=id, by="Besa K.", actions=["call_person"], hours=2)

    async def there() -> bool:
        return bool(await al.state(answer["id"]) == "awaiting_opening")

    await two.until(there, seconds=30)
    for party in two:
        assert await safety(party) == []
        assert (await party.call("alert.list"))["alerts"] == []
    two.clock.advance(3_600)
    assert len(await woken(al)) == 5
    header = (await fr.call("message.show", id=answer["id"]))["header"]
    assert (header["sender_unit"], header["recipient_unit"]) == (UNIT, UNIT)
    assert "Besa" not in header["author_ref"]


async def test_an_alert_waits_for_nothing_else(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """More changes than a node works in, and none of them is: the alert stands on the list all the same, somebody is
    woken, and whoever takes it is answered.
    """
    al, released, ordinary = two.al, threading.Event(), rows_of.to_fold

    def held(*asked: Any) -> Any:
        released.wait(240)
        return ordinary(*asked)

    monkeypatch.setattr(rows_of, "to_fold", held)
    under_way = asyncio.create_task(al.running.status_updates.keep())
    try:
        id = await sent(two, two.fr, "safety.alert/1", kind="violence")
        assert [alert["id"] for alert in (await al.call("alert.list"))["alerts"]] == [id]
        assert await al.rows("select state from event where kind = 'duty'") == [("al-1",)]
        await al.call("alert.acknowledge", id=id, by="Besa K.", actions=["call_person"], hours=2)
        assert (await al.call("alert.list"))["alerts"] == []
        assert not under_way.done()
    finally:
        released.set()
    await under_way
    assert await safety(al) == []


async def test_the_answer_names_the_case_as_the_peer_knows_it(two: Two) -> None:
    """An alert names our case by the reference that the peer was told: the answer says that one, and not another that
    is made of it.
    """
    fr, al = two.fr, two.al
    first = await sent(two, al, "safety.alert/1", kind="violence")
    reference = (await fr.show(first))["header"]["case_ref_sender"]
    request = example("safety.alert/1", "AL", case_ref_recipient=reference) | {"conversation": CASE}
    id = str((await fr.call("message.submit", **request))["id"])
    await two.until(lambda: came(al, id), seconds=30)
    answer = await al.call("alert.acknowledge", id=id, by="Besa K.", actions=["call_person"], hours=2)
    await two.until(lambda: came(fr, answer["id"]), seconds=30)
    header = (await fr.show(answer["id"]))["header"]
    assert header["case_ref_sender"] == reference
    assert header["case_ref_recipient"] == (await al.show(id))["header"]["case_ref_sender"]


async def came(party: Party, id: str) -> bool:
    """Whether a message has arrived."""
    return bool(await party.rows(f"select 1 from message where direction = 'in' and id = '{id}'"))


async def test_without_duty_contacts_an_alert_alarms_at_once(two: Two) -> None:
    """Nobody is there to be woken, so people have to be found."""
    await sent(two, two.al, "safety.alert/1", kind="violence")
    assert await safety(two.fr) == ["safety.alert", "safety.unacknowledged"]
    assert await safety(two.al) == []
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("alert.acknowledge", id=b64u(bytes(16)), by="w-1", actions=["none"])
    assert refusal.value.code is Code.NOT_FOUND


async def test_an_alert_that_nobody_has_taken_is_not_erased(two: Two) -> None:
    """Neither alone nor with its conversation, on either side; once a human has taken it, it may go like the rest."""
    id = await sent(two, two.al, "safety.alert/1", kind="violence")
    how = {"by": "w-1", "reason": "not_needed"}
    for asked in (
        two.fr.call("message.erase", id=id, **how),
        two.fr.call("conversation.erase", id=CASE, **how),
    ):
        with pytest.raises(RefusedError) as refusal:
            await asked
        assert refusal.value.code is Code.CONFLICT and "alert acknowledge" in refusal.value.hint
    assert [alert["id"] for alert in (await two.fr.call("alert.list"))["alerts"]] == [id]
    await two.fr.call("alert.acknowledge", id=id, by="w-1", actions=["call_person"])

    async def told() -> bool:
        return await two.fr.rows("select distinct state from message where direction = 'out'") == [
            ("awaiting_opening",)
        ]

    await two.until(told, seconds=60)  # what nothing may block goes before it is erased
    assert (await two.fr.call("conversation.erase", id=CASE, **how))["erased"] == 2


async def test_reminders_wait_for_the_end_of_the_quiet_hours(two: Two) -> None:
    """Half of the time for an answer is over at night: the desk is told in the morning, an emergency at once."""
    fr, al = two.fr, two.al
    two.clock.advance((NIGHT - 36 * 3_600 - START) % 86_400)
    for name, priority in ((b"conversation two", "urgent"), (b"conversation 3  ", "emergency")):
        request = example("enquiry.capacity/1", "AL", priority=priority) | {"conversation": b64u(name)}
        id = (await fr.call("message.submit", **request))["id"]

        async def there(id: str = id) -> bool:
            return bool(await fr.state(id) == "awaiting_opening")

        await two.until(there, seconds=30)
    await al.running.status_updates.keep()
    two.clock.advance(13 * 3_600)  # half of 24 hours: the emergency
    assert len(await reminded(al)) == 1
    two.clock.advance(12 * 3_600)  # the end of 24 hours
    assert len(await reminded(al)) == 2
    two.clock.advance(12 * 3_600)  # half of 72 hours, at night
    assert len(await reminded(al)) == 2
    two.clock.advance(9 * 3_600)
    assert len(await reminded(al)) == 3
    assert await reminded(fr)


async def reminded(party: Party) -> list[str]:
    """The reminders that the desk was told."""
    await party.running.status_updates.keep()
    return [state for (state,) in await party.rows("select state from event where kind = 'reminder'")]
