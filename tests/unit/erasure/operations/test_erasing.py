"""gateway.erasure.operations.erasing: what a person erases, what keeps them from it and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import rows
from support.erasing import ANA, Desk, holds, operations, value
from support.kept_content import name_of
from support.keystores import fails
from support.nodes import NOW
from support.rows import PEER

from gateway.conversations import on_call
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.erasure import store as erasures
from gateway.erasure.operations.erasing import shown
from gateway.erasure.operations.models import EraseConversation, EraseMessage, RunRetention
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.retention_rules import DAY, Decision, Plan, RetentionDecision
from gateway.erasure.rules import Backups
from gateway.errors import Code
from gateway.foundation.config import BackupSection
from gateway.foundation.ids import ConversationId, MessageId
from gateway.identity import machine_store
from gateway.identity.machine_store import Machine
from gateway.messages.store import local, messages, receipts, records
from gateway.messages.store.local import ConsentRow, DraftRow
from gateway.messages.store.records import OriginRow
from keys.keystore.key_changes import BeginEpoch, FinishEpoch

TALK, SECOND = ConversationId(name_of(0)), ConversationId(name_of(40))
TODAY = "2027-01-15"
WITHDRAWAL = "consent.withdrawal/1"


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """Of which nothing is stored yet."""
    return await Desk.open(store, vault)


def index(desk: Desk, talk: ConversationId = TALK) -> bytes:
    """A conversation as rows name it."""
    return desk.content.sealer.conversation_index(talk)


async def erase(desk: Desk, ref: int = 1, **changed: Any) -> Any:
    """Ana erases a message, at a node with these settings."""
    asked = EraseMessage(id=MessageId(name_of(ref)), reason="objection")
    return await value(operations(desk, **changed).erase_message(asked, ANA))


async def erase_all(desk: Desk) -> Any:
    """Ana erases the conversation."""
    return await value(operations(desk).erase_conversation(EraseConversation(id=TALK, reason="objection"), ANA))


def places(answer: Any) -> dict[str, str]:
    """What is said of each place; of what is due there its day."""
    return {one["place"]: one.get("by_date", one["done"]) for one in answer["places"]}


def alarms(kind: str, ref: int) -> Callable[[Connection], bool]:
    """An alarm about a message."""
    return lambda connection: journal.raise_alarm(connection, at=NOW, kind=kind, ref=ref)


# --- what a person erases ---------------------------------------------------------------------------------------------


async def test_a_message_that_a_person_erases(desk: Desk) -> None:
    """That one and no other; they are told what is so at each place, and the log has them as who did it."""
    await desk.keeps(desk.message(1), desk.message(2))
    assert await erase(desk) == {
        "erased": 1,
        "messages": [
            {
                "id": name_of(1),
                "direction": "in",
                "at": NOW,
                "reason": "objection",
                "local_system": "not_held",
                "told": None,
            }
        ],
        "places": [
            {"place": "gateway", "done": "erased"},
            {"place": "draft", "done": "not_held"},
            {"place": "envelope", "done": "not_held"},
            {"place": "attachment", "done": "not_held"},
            {"place": "key_file", "done": "due", "by_date": TODAY},
            {"place": "local_system", "done": "not_held"},
            {"place": "journal", "done": "not_held"},
            {"place": "backup", "done": "not_held"},
            {"place": "recipient", "done": "not_held"},
        ],
        "recipients": [],
        "machines": [],
    }
    assert await desk.left(1, 2) == {2}
    (entry,) = await desk.entries("message.erased")
    assert orjson.loads(entry)["actor"] == desk.home.keys.actor(b"person/ana").hex()


async def test_two_messages_with_one_id(desk: Desk) -> None:
    """A peer may have taken an id of ours: nothing goes before the person has said which of them."""
    await desk.keeps(desk.message(1), desk.sent(2, id=name_of(1)))
    with fails(Code.CONFLICT, "two messages have this id"):
        await erase(desk)
    asked = EraseMessage(id=MessageId(name_of(1)), reason="objection", direction="out")
    done = await value(operations(desk).erase_message(asked, ANA))
    assert ([one["direction"] for one in done["messages"]], await desk.left(1, 2)) == (["out"], {1})
    with fails(Code.NOT_FOUND, "no such message"):
        await erase(desk, 9)


async def test_a_conversation_that_a_person_erases(desk: Desk) -> None:
    """Both ways, in the order in which it was said; nothing of another one."""
    talk = index(desk)
    await desk.keeps(desk.message(1, conversation=talk), desk.sent(2, conversation=talk), desk.message(3))
    done = await erase_all(desk)
    assert [(one["id"], one["direction"]) for one in done["messages"]] == [(name_of(1), "in"), (name_of(2), "out")]
    assert (done["erased"], await desk.left(1, 2, 3)) == (2, {3})
    with fails(Code.NOT_FOUND, "no such conversation"):
        await value(operations(desk).erase_conversation(EraseConversation(id=SECOND, reason="objection"), ANA))


async def test_what_was_erased_before(desk: Desk) -> None:
    """Whoever asks once more is told so, and what was written down of it stays."""
    await desk.keeps(desk.message(1))
    await erase(desk)
    before = await desk.found(1)
    desk.home.clock.at += 5
    with fails(Code.CONFLICT, "erased before"):
        await erase(desk)
    assert (await desk.found(1), len(await desk.entries("message.erased"))) == (before, 1)


# --- what keeps them from it ------------------------------------------------------------------------------------------


async def test_what_a_legal_hold_lies_over_is_not_erased(desk: Desk) -> None:
    """Not a message of it, and of several conversations none; what it does not lie over can be erased."""
    await desk.keeps(desk.message(1, conversation=b"held"), desk.message(2), holds(b"held"))
    some = list((await desk.content.store.read(lambda c: messages.get(c, [1, 2]))).values())
    with fails(Code.CONFLICT, "under a legal hold; nothing was erased"):
        await erase(desk)
    with fails(Code.CONFLICT, "under a legal hold; nothing was erased"):
        await operations(desk).erase_rows(some, "objection", ANA.actor)
    assert await desk.left(1, 2) == {1, 2}
    assert (await erase(desk, 2))["erased"] == 1


async def test_a_hold_that_is_placed_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it lies over stays, and the answer names only what went; where it lies over all of it they are told why."""
    await desk.keeps(desk.message(1), desk.message(2, conversation=b"held"), desk.message(3, conversation=b"held"))
    some = list((await desk.content.store.read(lambda c: messages.get(c, [1, 2]))).values())

    async def keep() -> None:
        await desk.keeps(holds(b"held"))

    monkeypatch.setattr(desk.others, "keep", keep)
    done = await value(operations(desk).erase_rows(some, "objection", ANA.actor))
    assert (done["erased"], [one["id"] for one in done["messages"]]) == (1, [name_of(1)])
    await desk.keeps(lambda c: erasures.lift_hold(c, b"held"))
    with fails(Code.CONFLICT, "under a legal hold; nothing was erased"):
        await erase(desk, 3)
    assert await desk.left(1, 2, 3) == {2, 3}


@pytest.mark.parametrize("kind", on_call.ALARMS)
async def test_an_alert_that_nobody_has_taken(desk: Desk, kind: str) -> None:
    """It comes to a person before it is erased; then, and anything else, it may go."""
    await desk.keeps(desk.message(1), desk.message(2), alarms(kind, 1), alarms("message.held", 2))
    with fails(Code.CONFLICT, "a safety alert that nobody has taken; nothing was erased"):
        await erase(desk)
    assert await desk.left(1, 2) == {1, 2}
    assert (await erase(desk, 2))["erased"] == 1
    await desk.keeps(lambda c: journal.close_alarms(c, kind, at=NOW))
    assert (await erase(desk))["erased"] == 1


async def test_an_alert_that_came_just_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose alarm is raised when how conversations stand is written down."""
    await desk.keeps(desk.message(1))

    async def keep() -> None:
        await desk.keeps(alarms("safety.alert", 1))

    monkeypatch.setattr(desk.others, "keep", keep)
    with fails(Code.CONFLICT, "a safety alert that nobody has taken"):
        await erase(desk)
    assert await desk.left(1) == {1}


@pytest.mark.parametrize("state", ["queued", "awaiting_receipt"])
async def test_a_withdrawal_that_the_peer_does_not_have_yet(desk: Desk, state: str) -> None:
    """It is told first: the rest of the conversation goes, and it goes on its way."""
    talk = index(desk)
    await desk.keeps(desk.message(1, conversation=talk), desk.sent(2, WITHDRAWAL, state=state, conversation=talk))
    assert [one["id"] for one in (await erase_all(desk))["messages"]] == [name_of(1)]
    with fails(Code.CONFLICT, "it has not arrived yet; nothing was erased"):
        await erase(desk, 2)
    assert (await desk.left(1, 2), (await desk.states())[2]) == ({2}, (state, None))


async def test_what_the_peer_need_not_be_told_first(desk: Desk) -> None:
    """A withdrawal that it has, one of its own, and whatever else waits to go, also where nobody can read it."""
    talk = index(desk)
    await desk.keeps(
        desk.sent(1, WITHDRAWAL, state="awaiting_handover", conversation=talk),
        desk.message(2, WITHDRAWAL, conversation=talk),
        desk.sent(3, state="queued", conversation=talk),
        desk.sent(4, None, state="queued", conversation=talk),
        lambda c: content.put(c, [rows.sealed(4)]),
        desk.sent(5, WITHDRAWAL, state="queued", conversation=talk),
    )
    assert (await erase_all(desk))["erased"] == 4
    assert await desk.left(1, 2, 3, 4, 5) == {5}


@pytest.mark.parametrize("waits", [WITHDRAWAL, "safety.alert/1"])
async def test_a_consent_does_not_wait_for_what_has_to_be_told_first(desk: Desk, waits: str) -> None:
    """What was taken down of it goes with the last message that relied on it, while that is on its way."""
    talk, consent = index(desk), desk.content.sealer.consent_index(name_of(7))
    await desk.keeps(
        desk.message(1, conversation=talk, consent=consent),
        desk.sent(2, waits, state="queued", conversation=talk, consent=consent),
        lambda c: content.put(c, [desk.content.sealer.seal(300, b"record")]),
        lambda c: local.add_consent(c, ConsentRow(ref=300, consent=consent, holder=PEER, state="valid", at=1)),
    )
    await erase_all(desk)
    assert await desk.left(1, 2, 300) == {2}


# --- what they are told -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stays", "said"), [(False, "erased"), (True, TODAY)], ids=["it went", "it is still there"])
async def test_a_draft_that_it_was_made_of(desk: Desk, monkeypatch: pytest.MonkeyPatch, stays: bool, said: str) -> None:
    """The node looks at itself before it says anything: what is still there is not called erased."""

    def drafts(connection: Connection) -> None:
        records.add_origins(connection, [OriginRow(ref=900, key=b"key", version=b"v", at=1)])
        content.put(connection, [desk.content.sealer.seal(ref, b"draft") for ref in (900, 41, 42)])
        for ref, state in ((41, "released"), (42, "waiting")):
            local.add_draft(connection, DraftRow(ref=ref, id=f"draft {ref}", origin=900, state=state, at=1))
        messages.put_envelopes(connection, [(1, b"bytes that were repeated")])

    await desk.keeps(desk.sent(1, origin=900), drafts)
    for name in ("discard_drafts", "erase_drafts") if stays else ():
        monkeypatch.setattr(erasures, name, lambda *_, **__: None)
    told = places(await erase(desk))
    assert (told["gateway"], told["draft"], told["envelope"]) == ("erased", said, "erased")
    assert (told["local_system"], told["journal"]) == ("not_supported", "unknown")


async def test_the_key_that_opens_it_is_called_gone_when_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its storage epoch ended meanwhile: here, and on every machine of the node. Who has not followed is named."""
    await desk.keeps(desk.message(1), desk.message(2))
    other = Machine(id="m2", host="second", gen=1, step=1, epoch=1, since=NOW, seen=NOW)

    async def happened() -> None:
        before = desk.home.keys.epoch
        desk.home.keys.change(BeginEpoch(desk.home.clock.at))
        desk.home.keys.change(FinishEpoch(before))

    def behind(connection: Connection) -> None:
        machine_store.add_machine(connection, other)
        connection.exec_driver_sql(
            "insert into keystore_step (gen, before, mark, sealed) values (2, x'00', x'01', null)"
        )

    monkeypatch.setattr(desk.others, "happened", happened)
    alone = await erase(desk)
    assert (places(alone)["key_file"], alone["machines"]) == ("erased", [])
    await desk.keeps(behind)
    two = await erase(desk, 2)
    assert (places(two)["key_file"], two["machines"]) == (TODAY, ["second"])


async def test_how_long_backups_open_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the office keeps them, counted from now; what a database server keeps besides is asked about too."""
    await desk.keeps(*(desk.message(ref) for ref in (1, 2, 3)))
    settings = BackupSection(recovery_key=Path("recovery.public"), keystore_days=5)
    assert places(await erase(desk, 1, backup=settings))["backup"] == "2027-01-20"
    unsaid = BackupSection(recovery_key=Path("recovery.public"))
    assert places(await erase(desk, 2, backup=unsaid))["backup"] == "unknown"

    def kept_by_server(_: Connection, __: object, since: int, *, archive_days: int) -> Backups:
        return Backups(made=True, until=since + archive_days * DAY)

    monkeypatch.setattr(erasures, "find_backups", kept_by_server)
    assert places(await erase(desk, 3, archive_days=9))["backup"] == "2027-01-24"


async def test_who_had_it_from_here(desk: Desk) -> None:
    """Each node by its id, with whether it has signed that nothing of it is left there."""

    def signed(ref: int, peer: str) -> Callable[[Connection], None]:
        told = rows.receipt(f"of {ref}", "erased", peer=peer, direction=receipts.RECEIVED, id=name_of(ref))
        return lambda connection: receipts.add(connection, [told])

    talk = index(desk)
    await desk.keeps(
        desk.sent(1, conversation=talk, n=1),
        desk.sent(2, conversation=talk, n=2, peer="n1other"),
        desk.sent(3, n=3),
        signed(1, PEER),
        signed(3, PEER),
    )
    done = await erase_all(desk)
    assert done["recipients"] == [{"peer": "n1other", "erased": False}, {"peer": PEER, "erased": True}]
    assert places(done)["recipient"] == "unknown"
    done = await erase(desk, 3)
    assert (done["recipients"], places(done)["recipient"]) == ([{"peer": PEER, "erased": True}], "erased")


async def test_how_an_erased_message_is_shown(desk: Desk) -> None:
    """When, why, what the case system said, and when its sender was told; of one that is there nothing."""
    await desk.keeps(desk.message(1), desk.message(2))
    await erase(desk)
    store, (erased,) = desk.content.store, (await desk.found(1)).values()
    await store.move(lambda c: erasures.tell(c, [erased.ref], at=NOW + 9))
    there = await store.read(lambda c: messages.get(c, [1, 2]))
    told = {"at": NOW, "reason": "objection", "local_system": "not_held", "told": NOW + 9}
    assert (await shown(store, there[1]), await shown(store, there[2])) == (told, None)


# --- what the rules erase ---------------------------------------------------------------------------------------------


class Rules:
    """Retention, which has made this plan, and by whom it was carried out."""

    def __init__(self, made: Plan) -> None:
        self.made, self.runs = made, list[str | None]()

    async def plan(self) -> Plan:
        """Nothing is changed."""
        return self.made

    async def run(self, *, by: str | None = None) -> Plan:
        """It is done."""
        self.runs.append(by)
        return self.made


def asks(ref: int, number: int, follow: int | None) -> Callable[[Connection], None]:
    """A request of a peer, by its message."""
    row = RequestRow(ref=number, message=ref, peer=PEER, state=State.WAITING, at=NOW, follow=follow, due=NOW + 99)
    return lambda connection: requests.add(connection, row)


@pytest.mark.parametrize("dry", [True, False])
async def test_what_may_be_kept_no_longer(desk: Desk, dry: bool) -> None:
    """Each message with its rule, how many stay and why, and the requests whose time has come, the oldest first; a dry
    run does nothing of it.
    """
    made = Plan(now=NOW, horizon=NOW + 9)
    for ref, verdict in ((2, RetentionDecision.ERASE), (1, RetentionDecision.KEEP)):
        made.add(Decision(ref=ref, verdict=verdict, rule="enquiry", due=NOW - 5))
    await desk.keeps(
        *(desk.message(ref) for ref in (1, 11, 12, 13, 14)),
        desk.sent(2),
        *(asks(*one) for one in ((11, 511, NOW + 1), (12, 512, None), (13, 514, NOW), (14, 513, NOW - 9))),
    )
    rules = Rules(made)
    assert await value(operations(desk, retention=rules).run(RunRetention(dry_run=dry), ANA)) == {
        "dry_run": dry,
        "at": NOW,
        "horizon": NOW + 9,
        "report": [
            {"verdict": "erase", "rule": "enquiry", "messages": 1},
            {"verdict": "keep", "rule": "enquiry", "messages": 1},
        ],
        "erase": [{"id": name_of(2), "direction": "out", "rule": "enquiry", "due": NOW - 5}],
        "requests": [name_of(14), name_of(13)],
    }
    assert rules.runs == ([] if dry else [ANA.actor])
