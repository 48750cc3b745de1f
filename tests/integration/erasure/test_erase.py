"""Erasing between two nodes: nothing can be opened any more, the case system is asked, the sender gets a receipt."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.canary import Scanner
from support.nodeproc import enquiry
from support.pair import Party, Spoiler, Two, two_nodes
from support.relied_on import CONSENT, recorded, referral, types

from gateway.database.content import SealedRow
from gateway.erasure.erase import Eraser
from gateway.errors import Code, RefusedError, RemoteError
from gateway.messages import state_transitions
from gateway.messages.machines.delivery import OutgoingEvent
from gateway.messages.state_transitions import Change
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.ports import Delivery, Erasure
from gateway.trust.link_reset import store as resets
from keys.documents.envelope import cek_info, parse_envelope

MARK = "Canary-note-7c1f"
DAY = 86_400


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def sent(two: Two, mark: str = MARK) -> str:
    """An enquiry of FR that AL's case system has taken; its id."""
    id = await two.fr.submit(mark)
    await two.until(lambda: mark in two.al.notes(), seconds=30)

    async def known() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(known, seconds=30)
    return id


async def erase(party: Party, id: str, **more: Any) -> Any:
    """A person erases a message."""
    return await party.call("message.erase", id=id, by="w-1", reason="not_needed", **more)


async def receipts(party: Party, id: str) -> list[str]:
    """What the other side has signed about a message."""
    return [receipt["status"] for receipt in (await party.show(id))["receipts"]]


def opened(party: Party, database: Path) -> list[int]:
    """Numbers of the rows of a database file that the node can still open."""
    with sqlite3.connect(database) as connection:
        query = "select d.ref, d.epoch, d.wrapped, s.data, s.form from datakey d join sealed s on s.ref = d.ref"
        rows = [SealedRow(ref=r, epoch=e, wrapped=w, data=d, form=f) for r, e, w, d, f in connection.execute(query)]
    connection.close()
    found = party.running.sealer.open_each(rows)
    return [row.ref for row, plain in zip(rows, found, strict=True) if not isinstance(plain, RefusedError)]


async def test_nothing_can_be_opened_or_found(two: Two):
    """With everything on the disk, and yesterday's copy of the database, no value of the message is there any more."""
    id = await sent(two)
    ((ref,),) = await two.al.rows("select ref from message where direction = 'in'")
    old = two.al.folder.parent / "yesterday.db"
    await two.al.running.store.checkpoint(truncate=True)
    shutil.copy(two.al.folder / "node.db", old)
    assert ref in opened(two.al, old)
    await erase(two.al, id)
    assert ref not in opened(two.al, old)
    assert ref not in opened(two.al, two.al.folder / "node.db")
    assert list(Scanner.of({"note": MARK}).folders([two.al.folder])) == []
    assert (two.al.folder / "node.db-wal").stat().st_size < 100_000
    assert MARK not in two.al.notes()


async def test_what_proves_it_stays(two: Two):
    """State, numbers and receipts of an erased message stay; its content and type do not."""
    id = await sent(two)
    before = await two.al.show(id)
    await erase(two.al, id)
    after = await two.al.show(id)
    assert (after["state"], after["n"], after["type"], "content" in after) == (before["state"], 1, None, False)
    assert after["erased"]["reason"] == "not_needed"
    assert after["erased"]["local_system"] == "erased"
    with pytest.raises(RefusedError) as refusal:
        await erase(two.al, id)
    assert refusal.value.code is Code.CONFLICT


async def test_the_sender_gets_a_receipt(two: Two):
    """`erased` is signed when the storage epoch is gone too, and kept by the sender with its batch."""
    id = await sent(two)
    await erase(two.al, id)

    async def told() -> bool:
        return "erased" in await receipts(two.fr, id)

    await two.until(told, seconds=30)
    bundle = await two.fr.call("evidence.export", id=(await two.fr.show(id))["conversation"])
    assert bundle


async def test_no_receipt_before_the_epoch_is_gone(two: Two):
    """What a rule erases is told at the end of the storage epoch: before it a copy of the key might be opened."""
    id = await sent(two)
    ((ref,),) = await two.al.rows("select ref from message where direction = 'in'")
    await two.al.running.eraser.erase({ref: "named"})
    await two.al.running.erased_receipts.tell()
    assert await receipts(two.al, id) == ["received", "delivered"]
    await two.al.running.epochs.rotate()
    assert "erased" in await receipts(two.al, id)


async def test_flaw_4_the_wire_opens_no_more_when_erased_is_signed(two: Two):
    """Threat 173: an envelope that was recorded on the wire opens with the seed that it names, and no seed of that time
    is left when `erased` is signed. What comes next is sealed for a new key and arrives.
    """
    wire = Spoiler(two.fr)
    id = await sent(two)
    ((recorded_envelope,),) = wire.envelopes()
    (recipient,) = (envelope := parse_envelope(recorded_envelope)).rcp
    keys, info = two.al.running.keys, cek_info(recipient.kid, envelope.hdr)
    assert len(keys.open_cek(recipient.kid, recipient.enc, info)) == 32
    two.clock.advance(1)
    await erase(two.al, id)

    async def told() -> bool:
        return "erased" in await receipts(two.fr, id)

    await two.until(told, seconds=30)
    with pytest.raises(RemoteError, check=lambda error: error.code is Code.UNKNOWN_RECIPIENT_KEY):
        keys.open_cek(recipient.kid, recipient.enc, info)
    assert await sent(two, "after it")


async def test_seeds_that_are_younger_than_the_message_stay(two: Two):
    """Threat 173: a message of four days ago is erased, and what is in flight to keys of today is not sealed anew."""
    id = await sent(two)
    before = {key.kid for key in two.al.running.keys.listing() if key.use == "enc"}
    two.clock.advance(4 * DAY)
    await two.calm()
    await two.until(lambda: len(two.al.running.own.keyset.enc) and not before & listed(two.al), seconds=7_200)
    young = listed(two.al)
    await erase(two.al, id)
    await two.al.running.erased_receipts.tell()
    held = {key.kid for key in two.al.running.keys.listing() if key.use == "enc"}
    assert held & before == set()
    assert young <= held


def listed(party: Party) -> set[str]:
    """The encryption keys that senders may use."""
    return {key.kid for key in party.running.own.keyset.enc}


@pytest.mark.parametrize("answer", [Erasure.DISABLED_ONLY, Erasure.NOT_SUPPORTED])
async def test_an_honest_answer_is_kept(two: Two, answer: Erasure):
    """What the case system can not erase is written down and told to a person."""
    two.al.system.erases = answer
    id = await sent(two)
    done = await erase(two.al, id)
    assert done["messages"][0]["local_system"] == str(answer)
    assert "erasure.left" in await two.al.alarms()


async def test_a_case_system_that_is_away_is_asked_later(two: Two):
    """Here the message goes at once; the case system is asked until it answers, by the name it gave."""
    two.al.system.names = True
    id = await sent(two)
    two.al.system.busy = 10_000
    done = await erase(two.al, id)
    assert done["messages"][0]["local_system"] == "due"
    assert await two.al.rows("select count(*) from local_item") == [(1,)]
    two.al.system.busy = 0
    await two.al.running.case_system_eraser.ask()
    assert (await two.al.show(id))["erased"]["local_system"] == "erased"
    assert two.al.system.erased
    assert await two.al.rows("select count(*) from local_item") == [(0,)]


async def test_what_was_not_handed_over_is_not_asked_about(two: Two):
    """A message that still waits for the case system never comes to it."""
    two.al.system.refuses = True
    id = await two.fr.submit(MARK)

    async def held() -> bool:
        return "message.held" in await two.al.alarms()

    await two.until(held, seconds=30)
    assert (await erase(two.al, id))["messages"][0]["local_system"] == "not_held"
    for operation in ("message.ack", "message.resend"):
        with pytest.raises(RefusedError) as refusal:
            await two.al.call(operation, id=id)
        assert refusal.value.code is Code.CONFLICT


async def test_what_waits_to_go_is_cancelled(two: Two):
    """An outgoing message that is erased before it went never goes."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit(MARK)
    await erase(two.fr, id)
    assert await two.fr.state(id) == "cancelled"
    wire.away = False
    await sent(two, "the next one")
    assert two.al.notes() == ["the next one"]
    assert (await two.al.rows("select n from message"))[0] == (1,)


async def test_a_legal_hold_wins(two: Two):
    """Neither a person nor a rule erases what is held; once it is lifted the rule does."""
    id = await sent(two)
    conversation = (await two.al.show(id))["conversation"]
    hold = {"id": conversation, "by": "dpo", "ground": "legal_claims_17_3_e", "until": "2027-12-31"}
    await two.al.call("retention.hold", **hold)
    assert [item["id"] for item in (await two.al.call("retention.list"))["holds"]] == [conversation]
    with pytest.raises(RefusedError) as refusal:
        await erase(two.al, id)
    assert refusal.value.code is Code.CONFLICT
    two.clock.advance(100 * DAY)
    run = await two.al.call("retention.run", by="dpo")
    assert run["report"] == [{"verdict": "held", "rule": "enquiry", "messages": 1}]
    await two.al.call("retention.release", id=conversation, by="dpo")
    run = await two.al.call("retention.run", by="dpo", dry_run=True)
    assert run["report"] == [{"verdict": "erase", "rule": "enquiry", "messages": 1}]
    assert (await two.al.show(id))["erased"] is None
    await two.al.call("retention.run", by="dpo")
    assert (await two.al.show(id))["erased"]["reason"] == "enquiry"


@pytest.mark.parametrize("who", ["a person", "a rule"])
async def test_a_legal_hold_wins_that_is_placed_meanwhile(two: Two, monkeypatch: pytest.MonkeyPatch, who: str):
    """Between the look at what may go and its erasure: who placed the hold was told that it lies."""
    id = await sent(two)
    conversation = (await two.al.show(id))["conversation"]
    hold = {"id": conversation, "by": "dpo", "ground": "legal_claims_17_3_e", "until": "2027-12-31"}
    two.clock.advance(100 * DAY)

    erasing, first, placed = Eraser._erase, asyncio.Lock(), list[Any]()

    async def held_first(*asked: Any, **named: Any) -> int:
        """The hold is placed just before the first transaction, also where that is of the daily look."""
        async with first:
            if not placed:
                placed.append(await two.al.call("retention.hold", **hold))
        return await erasing(*asked, **named)

    monkeypatch.setattr(Eraser, "_erase", held_first)
    if who == "a person":
        with pytest.raises(RefusedError) as refusal:
            await erase(two.al, id)
        assert "under a legal hold; nothing was erased" in refusal.value.what
    else:
        await two.al.call("retention.run", by="dpo")
    assert (await two.al.show(id))["erased"] is None


async def test_what_goes_again_meanwhile_is_not_erased_by_a_rule(two: Two, monkeypatch: pytest.MonkeyPatch):
    """Between the look at what may go and its erasure the peer, which was restored, has lost it: it is sent first."""
    two.al.system.busy = 10_000
    asked = enquiry("the bed", "AL")
    asked["header"]["handling"]["retain_until"] = datetime.fromtimestamp(two.clock.now(), UTC).date().isoformat()
    id = str((await two.fr.call("message.submit", **asked))["id"])

    async def waits() -> bool:
        return await two.fr.state(id) == "awaiting_handover"

    await two.until(waits, seconds=30)
    wire, erasing = Spoiler(two.fr), Eraser._erase
    first, lost = asyncio.Lock(), list[str]()
    two.clock.advance(2 * DAY)

    def lose(connection: Connection) -> None:
        (row,) = messages.find(connection, id)
        state_transitions.advance(connection, [Change(row=row, event=OutgoingEvent.RENUMBER)], at=two.clock.now())
        resets.forget_numbers(connection, [row.ref])

    async def lost_first(self: Eraser, reasons: Mapping[int, str], *given: Any, **named: Any) -> int:
        """The link begins anew just before the first transaction that erases something, also of the daily look."""
        async with first:
            if reasons and not lost:
                wire.away = True
                lost.append(id)
                await two.fr.running.store.move(lose)
        return await erasing(self, reasons, *given, **named)

    monkeypatch.setattr(Eraser, "_erase", lost_first)
    await two.fr.call("retention.run", by="dpo")
    shown = await two.fr.show(id)
    assert (shown["state"], shown["erased"]) == ("queued", None)
    assert shown["content"]["note"] == "the bed"


async def test_a_conversation_goes_as_a_whole(two: Two):
    """Every message of it, in both directions, and nothing of another one."""
    id, other = await sent(two), await sent(two, "another one")
    conversation = (await two.al.show(id))["conversation"]
    done = await two.al.call("conversation.erase", id=conversation, by="w-1", reason="objection")
    assert [item["id"] for item in done["messages"]] == [id]
    assert (await two.al.show(other))["content"]["note"] == "another one"


async def test_wrong_words_erase_nothing(two: Two):
    """A code that is none, a day that is none, or one that is over, is refused by its place."""
    id = await sent(two)
    conversation = (await two.al.show(id))["conversation"]
    for operation, arguments, place in (
        ("message.erase", {"id": id, "by": "w-1", "reason": "because"}, "/reason"),
        ("retention.hold", {"id": conversation, "by": "d", "ground": "restriction_18", "until": "soon"}, "/until"),
        (
            "retention.hold",
            {"id": conversation, "by": "d", "ground": "restriction_18", "until": "2020-01-31"},
            "/until",
        ),
    ):
        with pytest.raises(RefusedError) as refusal:
            await two.al.call(operation, **arguments)
        assert [finding.place for finding in refusal.value.findings] == [place]
    assert "content" in await two.al.show(id)


async def test_what_is_erased_while_it_is_opened_for_the_case_system_is_not_handed_over(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    """A person erases a message between its opening and its hand-over: the case system is never shown it."""
    handover = two.al.running.handover
    number, erased = handover._under_our_number, asyncio.Event()

    async def number_late(message: MessageRow, item: Delivery) -> Delivery:
        """Give it our number; then a person erases it."""
        made = await number(message, item)
        if not erased.is_set():
            erased.set()
            await erase(two.al, message.id)
        return made

    monkeypatch.setattr(handover, "_under_our_number", number_late)
    id = await two.fr.submit(MARK)
    await two.until(erased.is_set, seconds=30)
    await sent(two, "the next one")
    assert two.al.system.pushes == [key for key in two.al.system.items if not key.endswith(id)]
    assert two.al.notes() == ["the next one"]


async def test_a_withdrawal_that_was_not_told_yet_is_told_first(two: Two):
    """Whoever erases a conversation at once after a withdrawal does not keep it from the peer; told, it is erased."""
    await recorded(two)
    conversation = (await two.fr.call("message.submit", **referral()))["conversation"]
    await two.until(lambda: len(types(two)) == 2, seconds=60)
    wire = Spoiler(two.fr)
    wire.away = True
    ((told, withdrawal),) = [
        (item["peer"], item["message"])
        for item in (await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", erase_wanted=True))["told"]
    ]
    whole = {"id": conversation, "by": "w-1", "reason": "consent_withdrawn"}
    erased = await two.fr.call("conversation.erase", **whole)
    assert (told, erased["erased"], withdrawal in str(erased)) == ("AL", 2, False)
    with pytest.raises(RefusedError) as refusal:
        await erase(two.fr, withdrawal)
    assert refusal.value.code is Code.CONFLICT
    wire.away = False
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    assert (await two.al.call("consent.show", id=CONSENT))["state"] == "withdrawn"

    async def known() -> bool:
        return await two.fr.state(withdrawal) == "awaiting_opening"

    await two.until(known, seconds=60)
    assert (await two.fr.call("conversation.erase", **whole))["erased"] == 1
