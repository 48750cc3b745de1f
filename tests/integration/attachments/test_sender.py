"""The parts of a message go to its peer: in order, on from a break, and no longer than the message may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.attached import COUNT, PDF, Segments, added, content, delivered, opened, reached, sent, stored
from support.pair import Party, Two, two_nodes
from support.patience import PATIENCE

from gateway.attachments import sender, uploads
from gateway.delivery.outbound import file_carrier
from gateway.delivery.outbound.lookout import Lookout
from gateway.errors import Code, TransientError
from gateway.federation.endpoints import PUT_PART
from gateway.federation.wire import Wire
from keys.primitives.attachment_cipher import SEGMENT, part_length


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving; people at FR have opened the group of files, which is closed otherwise."""
    async with two_nodes(tmp_path) as pair:
        await opened(pair)
        yield pair


async def test_what_is_on_its_way_is_shown_and_keeps_nothing_else_from_going(two: Two) -> None:
    """While a file stands still both sides say how far it is, and the peer confirms a message that was sent later."""
    seen = Segments(two.fr)
    stop = seen.hold_at(3)
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 3, seconds=5)
    for party, state, peer in ((two.fr, "going", "AL"), (two.al, "coming", "FR")):
        wanted = {"id": id, "state": state, "peer": peer, "done": 3 * SEGMENT, "bytes": part_length(len(PDF))}

        async def shown(party: Party = party, wanted: dict[str, Any] = wanted) -> bool:
            (item,) = (await party.call("attachment.moving"))["moving"]
            return {name: item[name] for name in wanted} == wanted

        await two.until(shown, seconds=5, what="it does not say how far the file is")
    assert id not in {item["id"] for item in (await two.al.call("message.list"))["messages"]}  # it does not count yet
    other = await two.fr.submit("later")
    await reached(two, other, "awaiting_handover")
    stop.set()
    await reached(two, id, "awaiting_opening")
    await reached(two, other, "awaiting_opening")
    order = [item.message_id for item in two.al.deliveries()]
    assert order.index(id) < order.index(other)  # hand-over follows the numbers


async def test_a_cut_connection_goes_on_where_it_was(two: Two) -> None:
    """Cut at 70 %, the receiving node started again: of the file less than 35 % is sent once more."""
    seen = Segments(two.fr)
    cut = -(-COUNT * 7 // 10)

    async def away(n: int, k: int) -> None:
        if k >= cut:
            raise TransientError(Code.UNREACHABLE, "the wire is cut")

    seen.fault = away
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == cut, seconds=5)
    await two.al.stop()
    await two.al.start()
    seen.fault, before = None, len(seen.sent)
    await reached(two, id, "awaiting_opening", seconds=600)
    assert len(seen.sent) - before < COUNT * 35 / 100
    assert sorted(seen.sent) == [(0, k) for k in range(COUNT)]
    assert await content(delivered(two, id), 0) == PDF


async def test_a_corrupted_segment_alone_is_sent_again(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bit that flips on the wire is refused by the digest, and only that segment goes once more."""
    seen, send, spoilt = Segments(two.fr), Wire.send, [2]

    async def flip(self: Wire, row: Any, **what: Any) -> Any:
        if row is PUT_PART and what["path"].endswith(f"/{spoilt[0] if spoilt else '-'}"):
            spoilt.clear()
            what["body"] = what["body"][:-1] + bytes([what["body"][-1] ^ 1])
        return await send(self, row, **what)

    monkeypatch.setattr(Wire, "send", flip)
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening")
    assert spoilt == []
    assert sorted(seen.sent) == sorted([*((0, k) for k in range(COUNT)), (0, 2)])
    assert await content(delivered(two, id), 0) == PDF


async def test_a_cancelled_message_takes_its_files_along(two: Two) -> None:
    """The number is fenced off, and what had come of the files goes."""
    seen = Segments(two.fr)
    stop = seen.hold_at(2)
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 2, seconds=5)
    await two.fr.call("message.cancel", id=id, by="adm")
    stop.set()
    await reached(two, id, "failed")
    for party in two:
        await party.running.attachments.sweep()
        assert stored(party) == []
    assert len(seen.sent) <= 3 + sender.AT_ONCE  # what was under way, and nothing behind it
    later = await two.fr.submit("later")
    await reached(two, later, "awaiting_opening")


async def test_a_hold_stops_a_file_on_its_way(two: Two) -> None:
    """A file may take hours, and the message it is of was judged before: what the person fears since counts now."""
    seen = Segments(two.fr)
    stop = seen.hold_at(2)
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 2, seconds=5)
    await two.fr.call("asylum.hold", id=(await two.fr.show(id))["conversation"], by="adm", states=["AL"])
    stop.set()
    await reached(two, id, "failed")
    assert (await two.fr.show(id))["reason"] == "gate_g5"
    assert len(seen.sent) <= 3 + sender.AT_ONCE  # what was under way, and nothing behind it
    await two.al.running.attachments.sweep()
    assert stored(two.al) == []


async def test_a_hold_before_the_envelope_is_shown(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is numbered; neither its envelope nor a segment goes."""
    fr, seen, departure = two.fr, Segments(two.fr), two.fr.running.departure
    depart, shown, post = departure.depart, list[object](), fr.running.client.post_messages

    async def depart_late(peer: Any, refs: Any) -> Any:
        made = await depart(peer, refs)
        if not seen.sent and made and not made[0].void:
            talk = (await fr.show(made[0].row.id))["conversation"]
            await fr.call("asylum.hold", id=talk, by="adm", states=["AL"])
        return made

    async def see(peer: Any, envelopes: Any) -> Any:
        shown.extend(envelopes)
        return await post(peer, envelopes)

    monkeypatch.setattr(departure, "depart", depart_late)
    monkeypatch.setattr(fr.running.client, "post_messages", see)
    id = await sent(two, await added(fr, PDF), 0)
    await reached(two, id, "failed")
    assert ((await fr.show(id))["reason"], shown, seen.sent) == ("gate_g5", [], [])


async def test_a_judgement_counts_for_a_minute(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """While files go the message is judged anew, by all that was said and agreed since; they go on where they were."""
    seen, judged, look_up = Segments(two.fr), list[object](), Lookout.look_up

    async def counted(self: Lookout, peer: Any, refs: Any) -> Any:
        judged.append(refs)
        return await look_up(self, peer, refs)

    async def pass_a_minute(n: int, k: int) -> None:
        if k % 3 == 2:
            two.clock.advance(61)

    seen.fault = pass_a_minute
    monkeypatch.setattr(Lookout, "look_up", counted)
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening")
    assert sorted(set(seen.sent)) == [(0, k) for k in range(COUNT)]
    assert len(judged) > COUNT / 4
    assert await content(delivered(two, id), 0) == PDF


async def test_nothing_is_tried_over_and_over_while_the_peer_is_suspended(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator suspends it while a file goes: the rest waits until people of both sides agree again."""
    seen, carried = Segments(two.fr), list[int]()
    stop = seen.hold_at(2)
    carry = file_carrier.FileCarrier.carry_files

    async def counted(self: Any, ref: int) -> bool:
        carried.append(ref)
        return await carry(self, ref)

    monkeypatch.setattr(file_carrier.FileCarrier, "carry_files", counted)
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 2, seconds=5)
    await two.fr.changes("peer.suspend")
    stop.set()
    for _ in range(20):
        await two.calm()
    assert len(carried) <= 4
    assert await two.fr.state(id) == "awaiting_receipt"
    assert len(seen.sent) <= 3 + sender.AT_ONCE


async def test_a_file_that_is_lost_on_its_way_wastes_no_number(two: Two) -> None:
    """The message was numbered before its file was found gone: the number is fenced off by a void, not left as a gap,
    and what a person had decided meanwhile is not written over.
    """
    seen = Segments(two.fr)

    async def lose(n: int, k: int) -> None:
        for path in stored(two.fr):
            path.unlink(missing_ok=True)

    seen.fault = lose
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "failed")
    shown = await two.fr.show(id)
    assert shown["reason"] == "not_found"
    assert [(receipt["status"], receipt["code"]) for receipt in shown["receipts"]] == [("rejected", "void")]
    later = await two.fr.submit("later")
    await reached(two, later, "awaiting_opening")
    assert (await two.al.rows("select * from link_gap")) == []


# --- several segments under way -----------------------------------------------------------------------------------


async def test_lost_answers_cost_no_segment_twice(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments arrive and their answers do not, with several under way: the sender asks, and sends none again."""
    monkeypatch.setattr(uploads, "EARLY_SECONDS", PATIENCE)
    seen, send, lost = Segments(two.fr), Wire.send, set[str]()

    async def drop(self: Wire, row: Any, **what: Any) -> Any:
        answer = await send(self, row, **what)
        if row is PUT_PART and what["path"].rpartition("/")[2] in ("1", "2", "5") and what["path"] not in lost:
            lost.add(what["path"])
            raise TransientError(Code.UNREACHABLE, "connection ended before the answer")
        return answer

    monkeypatch.setattr(Wire, "send", drop)
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening", seconds=600)
    assert len(lost) == 3
    assert sorted(seen.sent) == [(0, k) for k in range(COUNT)]
    assert await content(delivered(two, id), 0) == PDF


async def test_a_lost_answer_to_the_last_segment(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receipt is got by the envelope, which is shown again; the files are not."""
    seen, send, lost = Segments(two.fr), Wire.send, set[str]()

    async def drop(self: Wire, row: Any, **what: Any) -> Any:
        answer = await send(self, row, **what)
        if row is PUT_PART and what["path"].endswith(f"/{COUNT - 1}") and not lost:
            lost.add(what["path"])
            raise TransientError(Code.UNREACHABLE, "connection ended before the answer")
        return answer

    monkeypatch.setattr(Wire, "send", drop)
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening", seconds=600)
    assert lost and sorted(seen.sent) == [(0, k) for k in range(COUNT)]
    assert await content(delivered(two, id), 0) == PDF


async def test_segments_that_overtake_each_other_arrive(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one in front is slow on the wire: those behind it wait for it at the peer, and none goes twice."""
    monkeypatch.setattr(uploads, "EARLY_SECONDS", PATIENCE)
    seen = Segments(two.fr)

    async def slow(n: int, k: int) -> None:
        if k % 3 == 0 and k < COUNT - 1:
            await two.until(lambda: (n, k + 1) in seen.sent)

    seen.fault = slow
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening")
    assert sorted(seen.sent) == [(0, k) for k in range(COUNT)]
    assert seen.sent != sorted(seen.sent)
    assert await content(delivered(two, id), 0) == PDF


@pytest.mark.parametrize("older", ["receiver", "sender"])
async def test_a_node_that_moves_one_segment_at_a_time(two: Two, older: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of before refuses at once what is not wanted next, and sends one after the other: both still work."""
    if older == "receiver":
        monkeypatch.setattr(uploads, "MOST_EARLY", 1)
    else:
        monkeypatch.setattr(sender, "AT_ONCE", 1)
    seen = Segments(two.fr)

    async def slow(n: int, k: int) -> None:
        if k == 0 and older == "receiver":
            await two.until(lambda: seen.ended > 0)  # one of those behind it was refused

    seen.fault = slow
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening", seconds=600)
    again = len(seen.sent) - COUNT
    assert 0 < again < sender.AT_ONCE if older == "receiver" else again == 0
    assert await content(delivered(two, id), 0) == PDF


@pytest.mark.parametrize("ends", ["FR", "AL"])
async def test_a_node_that_ends_with_segments_under_way(two: Two, ends: str) -> None:
    """One of the two is gone in the middle of a stretch: what was answered is not sent again, and nothing misses."""
    seen, stop = Segments(two.fr), asyncio.Event()

    async def hang(n: int, k: int) -> None:
        if k >= 5:
            await stop.wait()

    seen.fault = hang
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 5, seconds=5)
    party = two.fr if ends == "FR" else two.al
    before = list(seen.sent)
    await party.stop()
    stop.set()
    await party.start()
    seen = Segments(two.fr) if ends == "FR" else seen
    seen.fault = None
    await reached(two, id, "awaiting_opening", seconds=600)
    went = [*before, *seen.sent] if ends == "FR" else seen.sent
    assert {k for _, k in went} == set(range(COUNT))
    assert len(went) - COUNT <= sender.AT_ONCE
    assert await content(delivered(two, id), 0) == PDF
