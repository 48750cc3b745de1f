"""gateway.erasure.case_system: the case system is asked about what it has, and its honest answer is kept."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select
from structlog.testing import capture_logs
from support import rows
from support.memory_adapter import MemoryAdapter, MemorySystem
from support.nodes import NOW
from support.robbed_stand_ins import Clock
from support.rows import PEER

from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.database.tables import erasure, notice
from gateway.erasure import case_system
from gateway.erasure import store as erasures
from gateway.erasure.case_system import CaseSystemEraser
from gateway.erasure.store import ErasureRow
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.chores import DAY
from gateway.messages.store import handed_over, local, messages, records
from gateway.messages.store.local import DraftRow
from gateway.messages.store.messages import MessageRow
from gateway.messages.store.records import OriginRow
from gateway.ports import Delivery, Erasure, LocalRecord

pytestmark = pytest.mark.usefixtures("plain_logs")

ORIGIN = 900
RECORD = "case 7 in the office"


class OfMessages:
    """A case system that can say nothing of records."""

    def __init__(self, system: MemorySystem) -> None:
        self._whole = MemoryAdapter(system)

    async def erase(self, local_id: str) -> Erasure:
        """Take it away."""
        return await self._whole.erase(local_id)


class Office:
    """A node with a case system of which messages came and went."""

    def __init__(self, store: Store, vault: ContentSealer) -> None:
        self.content, self.clock, self.system = Content(store, vault), Clock(), MemorySystem()
        self.adapter: Any = MemoryAdapter(self.system)

    @property
    def eraser(self) -> CaseSystemEraser:
        """Who asks the case system."""
        clock: Any = self.clock
        return CaseSystemEraser(content=self.content, adapter=self.adapter, clock=clock)

    async def erased(self, ref: int, *, local_id: str | None = None, **changed: Any) -> MessageRow:
        """A message was erased here, and the case system is to be asked; it is called `local_id` there."""
        row = rows.message(ref, **{"direction": "in", "state": "opened", "id": f"id-{ref}"} | changed)

        def move(connection: Connection) -> None:
            messages.add(connection, [row])
            done = ErasureRow(ref=500 + ref, message=ref, at=1, reason="objection", epoch=1, place="due", told=None)
            erasures.add(connection, [done])
            if local_id is not None:
                content.put(connection, [self.content.sealer.seal(700 + ref, local_id.encode())])
                handed_over.add_items(connection, [(ref, 700 + ref)])

        await self.content.store.move(move)
        return row

    async def gave(self, *, name: bool = True) -> None:
        """A message of ours was made of a record of the case system, whose name is still there or not."""

        def move(connection: Connection) -> None:
            records.add_origins(connection, [OriginRow(ref=ORIGIN, key=b"key", version=b"version", at=1)])
            if name:
                content.put(connection, [self.content.sealer.seal(ORIGIN, RECORD.encode())])

        await self.content.store.move(move)
        self.system.offer(LocalRecord(ref=RECORD, fields={}))

    def has(self, *keys: str) -> None:
        """The case system took these."""
        for key in keys:
            self.system.items[key] = Delivery.__new__(Delivery)

    async def places(self) -> list[str]:
        """What the case system has said of each erased message."""
        query = select(erasure.c.place).order_by(erasure.c.ref)
        return await self.content.store.read(lambda c: list(c.scalars(query)))

    async def told(self) -> list[tuple[str, str | None, int | None, int]]:
        """What people are told."""
        alarms = await self.content.store.read(journal.open_alarms)
        return [(one.kind, one.peer, one.ref, one.at) for one in alarms]

    async def entries(self) -> list[bytes]:
        """What the log says."""
        return [entry for _, entry in await self.content.store.read(journal.leaves)]


@pytest.fixture
def office(store: Store, vault: ContentSealer) -> Office:
    """Of which nothing came yet."""
    return Office(store, vault)


# --- who has to be asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "origin", "reason", "connected", "there", "place"),
    [
        ("out", ORIGIN, "objection", True, False, "due"),
        ("out", ORIGIN, "declined", True, False, "not_supported"),
        ("out", ORIGIN, "objection", False, False, "not_supported"),
        ("out", None, "objection", True, False, "not_held"),
        ("in", None, "declined", True, False, "due"),
        ("in", None, "declined", False, True, "not_supported"),
        ("in", None, "declined", False, False, "not_held"),
        ("out", None, "objection", False, True, "not_supported"),
    ],
)
async def test_who_is_asked_first(
    office: Office, direction: str, origin: int | None, reason: str, connected: bool, there: bool, place: str
) -> None:
    """A rule leaves the office's own record to the office; of what nobody can ask about, a person hears."""
    if not connected:
        office.adapter = None
    await office.gave()
    row = rows.message(1, direction=direction, origin=origin, state="opened")
    items = [(1, 800)] if there else []
    await office.content.store.move(lambda c: (messages.add(c, [row]), handed_over.add_items(c, items)))
    assert await office.content.store.read(lambda c: office.eraser.first_place(c, row, reason)) == place


# --- what it is asked -------------------------------------------------------------------------------------------------


async def test_it_is_asked_by_the_name_that_it_gave(office: Office) -> None:
    """By the key of the hand-over where it gave none; the name is forgotten with the answer."""
    await office.erased(1, local_id="theirs")
    await office.erased(2)
    office.has("theirs", f"{PEER}.id-2")
    office.clock.at += 5
    await office.eraser.ask()
    assert (await office.places(), office.system.erased) == (["erased", "erased"], {"theirs", f"{PEER}.id-2"})
    assert await office.content.store.read(lambda c: (handed_over.items(c, [1]), content.get(c, [701]))) == ({}, {})
    assert await office.told() == []
    entries = await office.entries()
    for entry, id in zip(entries, ("id-1", "id-2"), strict=True):
        assert all(word in entry for word in (b"message.erased_locally", id.encode(), b'"state":"erased"'))
        assert b'"at":%d' % (NOW + 5) in entry


@pytest.mark.parametrize("answer", [Erasure.DISABLED_ONLY, Erasure.NOT_SUPPORTED])
async def test_a_person_is_told_what_is_left_there(office: Office, answer: Erasure) -> None:
    """They erase by hand."""
    office.system.erases = answer
    await office.erased(1)
    office.has(f"{PEER}.id-1")
    await office.eraser.ask()
    assert await office.places() == [str(answer)]
    assert await office.told() == [("erasure.left", PEER, 1, NOW)]


async def test_what_it_does_not_have_is_not_held(office: Office) -> None:
    """It was looked for there; nobody has to do anything."""
    await office.erased(1)
    await office.eraser.ask()
    assert (await office.places(), await office.told()) == (["not_held"], [])


async def test_a_refusal_is_told_to_a_person(office: Office) -> None:
    """It is asked again later; the others are asked meanwhile."""
    await office.erased(1)
    await office.erased(2)
    office.has(f"{PEER}.id-2")
    status = office.adapter.status

    async def refused(local_id: str) -> str:
        if local_id.endswith("id-1"):
            raise RefusedError(Code.ADAPTER_REFUSED, "it does not want to")
        return str(await status(local_id))

    office.adapter.status = refused
    await office.eraser.ask()
    assert (await office.places(), await office.told()) == (
        ["due", "erased"],
        [("erasure.refused", PEER, 1, NOW)],
    )
    assert len(await office.entries()) == 1


async def test_a_case_system_that_is_busy_is_asked_later(office: Office) -> None:
    """From the first answer that does not come on, nothing more is asked; at the next look all of it is."""
    await office.erased(1)
    await office.erased(2)
    office.has(f"{PEER}.id-1", f"{PEER}.id-2")
    office.system.busy = 1
    with capture_logs() as said:
        await office.eraser.ask()
    assert said == [{"event": "erasure.postponed", "code": "adapter_busy", "log_level": "info"}]
    assert (await office.places(), office.system.busy) == (["due", "due"], 0)
    await office.eraser.ask()
    assert await office.places() == ["erased", "erased"]
    office.adapter = None
    await office.erased(3)
    await office.eraser.ask()
    assert (await office.places())[2] == "due"


async def test_a_case_system_that_stays_busy_is_asked_about_one_message_at_a_look(office: Office) -> None:
    """About the next one each time, and not about those before it once it is busy there."""
    eraser, office.system.busy = office.eraser, 2
    for ref in (1, 2):
        await office.erased(ref)
        office.has(f"{PEER}.id-{ref}")
    for busy, places in ((1, ["due", "due"]), (0, ["due", "due"]), (0, ["erased", "erased"])):
        await eraser.ask()
        assert (office.system.busy, await office.places()) == (busy, places)


async def test_what_it_never_answers_keeps_nothing_else(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are asked at the next look, and a person is told after a day, until it answers after all."""
    status, eraser, office.clock.at = office.adapter.status, office.eraser, 1
    for ref in (1, 2, 3):
        await office.erased(ref)
        office.has(f"{PEER}.id-{ref}")

    async def broken(local_id: str) -> str:
        if local_id.endswith("id-2"):
            raise TransientError(Code.ADAPTER_BUSY, "the adapter is at fault")
        return str(await status(local_id))

    monkeypatch.setattr(office.adapter, "status", broken)
    for last in ("due", "erased"):
        await eraser.ask()
        assert (await office.places(), await office.told()) == (["erased", "due", last], [])
    office.clock.at += DAY
    await eraser.ask()
    assert await office.told() == [("erasure.refused", PEER, 2, office.clock.at)]
    monkeypatch.setattr(office.adapter, "status", status)
    await eraser.ask()
    assert (await office.places(), await office.told()) == (["erased"] * 3, [])


async def test_all_of_it_is_asked_about(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is more than is looked at together, and some of it is refused each time."""
    monkeypatch.setattr(case_system, "AT_ONCE", 2)
    for ref in range(1, 6):
        await office.erased(ref)
    await office.eraser.ask()
    assert await office.places() == ["not_held"] * 5


# --- records of the office --------------------------------------------------------------------------------------------


async def owe_news(office: Office, *origins: int) -> None:
    """The case system is still to hear something of these records."""
    counts = {"attempts": 0, "refusals": 0, "next_try": 0, "at": 1}
    made = [{"kind": "erased", "origin": origin, **counts} for origin in origins]
    await office.content.store.move(lambda c: c.execute(notice.insert(), made))


async def owed(office: Office) -> list[int]:
    """The records of which it is."""
    return await office.content.store.read(lambda c: list(c.scalars(select(notice.c.origin))))


async def sent(office: Office, ref: int, **changed: Any) -> MessageRow:
    """A message of ours that was made of the record was erased."""
    return await office.erased(ref, **{"direction": "out", "state": "received", "origin": ORIGIN} | changed)


@pytest.mark.parametrize(("there", "place"), [(True, "erased"), (False, "not_held")], ids=["now", "before"])
async def test_the_record_of_a_message_is_erased_there(office: Office, there: bool, place: str) -> None:
    """And what the case system was still to hear of it is dropped: it would name the record anew. So it is where the
    case system erased the record before, and the node ended before it noted that.
    """
    await office.gave()
    if not there:
        office.system.offered.clear()
    await sent(office, 1)
    await owe_news(office, ORIGIN, ORIGIN + 1)
    await office.eraser.ask()
    assert (await office.places(), office.system.offered) == ([place], {})
    assert await owed(office) == [ORIGIN + 1]


@pytest.mark.parametrize("answer", [Erasure.DISABLED_ONLY, Erasure.NOT_SUPPORTED])
async def test_of_a_record_that_is_still_there_it_hears_on(office: Office, answer: Erasure) -> None:
    """What it was still to hear of a record that it did not erase is not dropped."""
    await office.gave()
    office.system.erases = answer
    await sent(office, 1)
    await owe_news(office, ORIGIN)
    await office.eraser.ask()
    assert (await office.places(), await owed(office)) == ([str(answer)], [ORIGIN])


async def test_a_record_that_is_still_used_is_not_erased(office: Office) -> None:
    """A draft of it waits: nobody can ask, so a person hears of it."""
    await office.gave()
    await sent(office, 1)
    draft = DraftRow(ref=41, id="draft", origin=ORIGIN, state="waiting", at=1)
    await office.content.store.move(lambda c: local.add_draft(c, draft))
    await office.eraser.ask()
    assert await office.places() == ["not_supported"]
    assert [*office.system.offered] == [RECORD]
    assert await office.told() == [("erasure.left", PEER, 1, NOW)]


@pytest.mark.parametrize("of_messages", [False, True], ids=["its name is gone", "of messages alone"])
async def test_a_record_that_nobody_can_ask_about(office: Office, of_messages: bool) -> None:
    """Its name is gone here, or the case system can say nothing of records: a person hears of it."""
    await office.gave(name=of_messages)
    await sent(office, 1)
    if of_messages:
        office.adapter = OfMessages(office.system)
    await office.eraser.ask()
    assert (await office.places(), [*office.system.offered]) == (["not_supported"], [RECORD])
    assert await office.told() == [("erasure.left", PEER, 1, NOW)]
