"""Files between two real nodes: sealed once, in segments, resumed, checked before anybody gets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.pair import Party, Spoiler, Two, example, two_nodes
from support.policies import open_on
from support.running import consent

from gateway.attachments import library
from gateway.attachments.folder import FileFolder
from gateway.attachments.media import PDF as PDF_TYPE
from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.client import Answered
from gateway.federation.endpoints import PUT_PART
from gateway.federation.wire import Wire
from gateway.ports import Delivery
from keys.primitives.attachment_cipher import SEGMENT, count_segments, part_length
from keys.primitives.encoding import sha256_hex
from schemas.region_pack.policies import canonical_bytes

PDF = b"%PDF-1.7\nplain words of a case\n" + bytes(range(256)) * 40_000 + b"\n%%EOF\n"
"""Some 10 MiB."""
COUNT = count_segments(part_length(len(PDF)))
NOTE = b"a note, shorter than its padding"


async def pieces(data: bytes, step: int = 100_000) -> AsyncIterator[bytes]:
    """A file as a caller brings it."""
    for at in range(0, len(data), step):
        yield data[at : at + step]


async def added(party: Party, data: bytes, id: str | None = None) -> str:
    """Add a file; the id of the message that has to take it."""
    arguments = {} if id is None else {"message": id}
    done: Any = (await party.running.desk.attach(arguments, pieces(data), size=len(data))).value
    assert done["sha256"] == sha256_hex(data)
    return str(done["message"])


async def sent(two: Two, id: str, *named: int) -> str:
    """Send a referral from FR that names these files, with a consent that covers it."""
    request = example("referral.request/1", "AL")
    request["content"]["attachments"] = [{"part": n, "doc_kind": "other"} for n in named]
    unit = request["header"]["recipient_unit"]
    given = await two.fr.call("consent.record", by="adm", content=consent(f"AL/{unit}"))
    request["header"]["consent_ref"] = given["id"]
    done = await two.fr.call("message.submit", **request, message=id, purpose="referral")
    assert done["id"] == id
    return id


async def reached(two: Two, id: str, state: str, *, seconds: int = 60) -> None:
    """Wait until the sender knows this of the message."""

    async def there() -> bool:
        return await two.fr.state(id) == state

    await two.until(there, seconds=seconds, real=40, what=f"{id} is {await two.fr.state(id)}, not {state}")


def delivered(two: Two, id: str) -> Delivery:
    """What the case system of AL was given."""
    (found,) = [item for item in two.al.deliveries() if item.message_id == id]
    return found


async def content(delivery: Delivery, part: int) -> bytes:
    """One file, read as an adapter does."""
    return b"".join([chunk async for chunk in delivery.attachments[part].read()])


def stored(party: Party) -> list[Path]:
    """The files in the folder of a node."""
    return sorted((party.folder / "attachments").iterdir())


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving; people at FR have opened the group of files, which is closed otherwise."""
    async with two_nodes(tmp_path) as pair:
        await opened(pair)
        yield pair


async def opened(two: Two) -> None:
    """The administrators of FR let everything leave for AL."""
    new = canonical_bytes(open_on(("FR", "AL"))).decode()
    await two.fr.changes("policy.widen", "node", policy=new)


class Segments:
    """Stands before a sender's client: counts what is sent of parts; `fault(n, k)` is awaited before each segment."""

    def __init__(self, party: Party) -> None:
        client = party.running.client
        self.sent: list[tuple[int, int]] = []
        self.fault: Callable[[int, int], Awaitable[None]] | None = None
        ask = client.put_part

        async def put(peer: Any, id: str, n: int, k: int, data: bytes) -> Answered:
            if self.fault is not None:
                await self.fault(n, k)
            self.sent.append((n, k))
            return await ask(peer, id, n, k, data)

        client.put_part = put  # type: ignore[method-assign]


# --- the good way -------------------------------------------------------------------------------------------------


async def test_files_arrive(two: Two) -> None:
    """Two files with one message: each segment once, the same bytes there, no plain text on either disk; the sender
    keeps its ciphertext until the other side has taken the message over.
    """
    seen = Segments(two.fr)
    id = await added(two.fr, PDF)
    assert id == await added(two.fr, NOTE, id)
    await sent(two, id, 1, 0)
    await reached(two, id, "awaiting_opening")
    assert seen.sent == [*((0, k) for k in range(COUNT)), (1, 0)]
    found = delivered(two, id)
    assert [(a.part, a.name, a.media_type, a.size) for a in found.attachments] == [
        (0, "0.pdf", PDF_TYPE, len(PDF)),
        (1, "1.txt", "text/plain", len(NOTE)),
    ]
    assert [await content(found, n) for n in (0, 1)] == [PDF, NOTE]
    listed = (await two.al.call("attachment.list", id=id))["attachments"]
    assert [(item["sha256"], item["doc_kind"], item["stored"]) for item in listed] == [
        (sha256_hex(data), "other", True) for data in (PDF, NOTE)
    ]
    for party in two:
        assert not any(word in path.read_bytes() for path in stored(party) for word in (b"plain words", NOTE))
    assert len(stored(two.al)) == 2
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []
    assert [item["stored"] for item in (await two.fr.call("attachment.list", id=id))["attachments"]] == []


async def test_what_is_on_its_way_is_shown_and_keeps_nothing_else_from_going(two: Two) -> None:
    """While a file stands still both sides say how far it is, and the peer confirms a message that was sent later."""
    seen, stop = Segments(two.fr), asyncio.Event()

    async def wait(n: int, k: int) -> None:
        if k == 3:
            await stop.wait()

    seen.fault = wait
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 3, seconds=5)
    await asyncio.sleep(0.4)
    for party, state, peer in ((two.fr, "going", "AL"), (two.al, "coming", "FR")):
        (item,) = (await party.call("attachment.moving"))["moving"]
        assert (item["id"], item["state"], item["peer"], item["done"]) == (id, state, peer, 3 * SEGMENT)
        assert item["bytes"] == part_length(len(PDF))
    assert id not in {item["id"] for item in (await two.al.call("message.list"))["messages"]}  # it does not count yet
    other = await two.fr.submit("later")
    await reached(two, other, "awaiting_handover")
    stop.set()
    await reached(two, id, "awaiting_opening")
    await reached(two, other, "awaiting_opening")
    order = [item.message_id for item in two.al.deliveries()]
    assert order.index(id) < order.index(other)  # hand-over follows the numbers


# --- breaks -------------------------------------------------------------------------------------------------------


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


async def test_what_the_receivers_disk_lost_is_asked_for_again(two: Two) -> None:
    """A segment that was counted and is not there any more comes once more, before the message counts."""
    seen = Segments(two.fr)

    async def lose(n: int, k: int) -> None:
        if k == COUNT - 1 and not lost:
            (path,) = stored(two.al)
            lost.append(path)
            path.write_bytes(path.read_bytes()[: 4 * SEGMENT])
            raise TransientError(Code.UNREACHABLE, "the wire is cut")

    lost: list[Path] = []
    seen.fault = lose
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening", seconds=600)
    assert await content(delivered(two, id), 0) == PDF


async def test_a_corridor_that_is_closed_keeps_files_back(tmp_path: Path) -> None:
    """A new node's policy has the group closed: nothing of the message goes without its files."""
    async with two_nodes(tmp_path) as pair:
        id = await added(pair.fr, NOTE)
        with pytest.raises(RefusedError, match="corridor policy") as caught:
            await sent(pair, id, 0)
        assert caught.value.code is Code.OUT_OF_SCOPE
        assert (await pair.fr.call("message.list"))["messages"] == []


# --- what does not go ---------------------------------------------------------------------------------------------


async def limited(two: Two, most: int) -> None:
    """AL takes no larger files any more."""
    scope = await two.al.call("peer.scope", id="FR")
    await two.al.changes("peer.narrow", scope=scope | {"max_file_bytes": most})
    await two.until(lambda: two.fr.peer().trust.agreed.max_file_bytes == most, seconds=60)


async def test_a_file_over_the_limit_is_refused_before_anything_goes(two: Two) -> None:
    """The limit is announced in the trust record: the sender refuses by it when the file is added, and when a file
    that was added before is sent.
    """
    seen = Segments(two.fr)
    id = await added(two.fr, PDF)
    await limited(two, 1_000)
    with pytest.raises(RefusedError, match="1000") as caught:
        await added(two.fr, PDF)
    assert caught.value.code is Code.TOO_LARGE
    with pytest.raises(RefusedError) as caught:
        await sent(two, id, 0)
    assert caught.value.code is Code.TOO_LARGE
    assert (seen.sent, len(stored(two.fr)), stored(two.al)) == ([], 1, [])


@pytest.mark.parametrize(
    ("data", "size", "code"),
    [
        (b"MZ\x90\x00" + bytes(100), 104, Code.WRONG_TYPE),
        (b"%PDF-1.7\n%%EOF", 10, Code.MALFORMED),
        (b"%PDF-1.7\n%%EOF", 20, Code.MALFORMED),
    ],
    ids=["program", "longer than said", "shorter than said"],
)
async def test_what_is_no_file_to_send_leaves_nothing(two: Two, data: bytes, size: int, code: Code) -> None:
    """Refused with a code; no row, no ciphertext."""
    with pytest.raises(RefusedError) as caught:
        await two.fr.running.desk.attach({}, pieces(data), size=size)
    assert caught.value.code is code
    assert stored(two.fr) == []
    assert (await two.fr.call("attachment.moving"))["moving"] == []


class Blind(library.Inspector):
    """What a sender that looks at nothing says of every file."""

    def feed(self, data: bytes) -> None:
        """Nothing."""

    def finish(self) -> str:
        """A text, it says."""
        return "text/plain"


@pytest.mark.parametrize("data", [b"MZ\x90\x00" + bytes(100), PDF[:100] + b"%%EOF"], ids=["program", "another type"])
async def test_the_receiver_looks_for_itself(two: Two, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that lies about a type gets a signed refusal, and nothing of the file stays."""
    with monkeypatch.context() as lying:
        lying.setattr(library, "Inspector", Blind)
        id = await added(two.fr, data)
    await sent(two, id, 0)
    await reached(two, id, "rejected")
    assert (await two.fr.show(id))["reason"] == "wrong_type"
    await two.al.running.attachments.sweep()
    assert stored(two.al) == []
    assert id not in {item.message_id for item in two.al.deliveries()}


async def test_a_file_that_is_not_the_signed_one_is_rejected(two: Two) -> None:
    """Other ciphertext of the right length, as from a sender whose disk went bad."""
    id = await added(two.fr, PDF)
    (path,) = stored(two.fr)
    data = bytearray(path.read_bytes())
    data[5 * SEGMENT] ^= 1
    path.write_bytes(data)
    await sent(two, id, 0)
    await reached(two, id, "rejected")
    assert (await two.fr.show(id))["reason"] == "undecryptable"
    assert id not in {item.message_id for item in two.al.deliveries()}


async def test_files_and_words_have_to_agree(two: Two) -> None:
    """A file that no field names, a field without its file, an id that nobody gave: nothing is stored."""
    id = await added(two.fr, NOTE)
    for named in ((), (1,), (0, 0), (0, 1)):
        with pytest.raises(RefusedError) as caught:
            await sent(two, id, *named)
        assert caught.value.code is Code.SCHEMA
    with pytest.raises(RefusedError) as caught:
        await sent(two, "AAAAAAAAAAAAAAAAAAAAAA", 0)
    assert caught.value.code is Code.NOT_FOUND
    await sent(two, id, 0)
    with pytest.raises(RefusedError) as caught:
        await sent(two, id, 0)
    assert caught.value.code is Code.NOT_FOUND  # a message has its files once


# --- the end of files ---------------------------------------------------------------------------------------------


async def test_a_cancelled_message_takes_its_files_along(two: Two) -> None:
    """The number is fenced off, and what had come of the files goes."""
    seen, stop = Segments(two.fr), asyncio.Event()

    async def wait(n: int, k: int) -> None:
        if k == 2:
            await stop.wait()

    seen.fault = wait
    id = await sent(two, await added(two.fr, PDF), 0)
    await two.until(lambda: len(seen.sent) == 2, seconds=5)
    await two.fr.call("message.cancel", id=id, by="adm")
    stop.set()
    await reached(two, id, "failed")
    for party in two:
        await party.running.attachments.sweep()
        assert stored(party) == []
    assert len(seen.sent) <= 3
    later = await two.fr.submit("later")
    await reached(two, later, "awaiting_opening")


async def failed(two: Two, wire: Spoiler) -> str:
    """A message with two files that did not go in its time."""
    wire.away = True
    id = await added(two.fr, PDF)
    await sent(two, await added(two.fr, NOTE, id), 0, 1)
    two.clock.advance(15 * 86_400)
    await reached(two, id, "failed", seconds=90)
    await two.fr.running.attachments.sweep()
    wire.away = False
    return id


async def resent(two: Two, id: str) -> Any:
    """What a person is answered who sends it anew."""
    return await two.fr.call("message.resend_many", state="failed", message=id, by="adm")


async def test_a_failed_message_is_sent_anew_with_its_files(two: Two) -> None:
    """They are kept while a person may do so, go as files of the new message, and those of the old one end."""
    id = await failed(two, Spoiler(two.fr))
    before = stored(two.fr)
    assert len(before) == 2
    assert (await resent(two, id))["again"] == 1
    await two.until(lambda: any(one.attachments for one in two.al.deliveries()), seconds=120, real=40)
    (given,) = [one for one in two.al.deliveries() if one.attachments]
    assert given.message_id != id
    assert [await content(given, n) for n in (0, 1)] == [PDF, NOTE]
    await reached(two, given.message_id, "awaiting_opening")
    await two.fr.running.attachments.sweep()
    assert not set(before) & set(stored(two.fr))
    assert (await resent(two, id))["matched"] == 0


async def test_a_failed_message_whose_file_is_gone_stays(two: Two) -> None:
    """Nothing of it goes, no copy is kept, its page says which file is gone; dismissed, it keeps none."""
    id = await failed(two, Spoiler(two.fr))
    whole = {path for path in stored(two.fr) if path.stat().st_size > SEGMENT}
    (note,) = set(stored(two.fr)) - whole
    note.unlink()
    assert (await resent(two, id))["refused"] == [{"id": id, "code": "not_found"}]
    listed = (await two.fr.call("attachment.list", id=id))["attachments"]
    assert [one["stored"] for one in listed] == [True, False]
    await two.fr.running.attachments.sweep()
    assert set(stored(two.fr)) == whole
    alarms = (await two.fr.call("alarm.list", kind="message.failed"))["alarms"]  # that of the consent is another one
    await two.fr.call("alarm.dismiss", id=next(one["id"] for one in alarms if one["message"] == id), by="adm")
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []


async def test_what_may_not_be_sent_anew_leaves_no_copies(two: Two) -> None:
    """Refused by what holds now, its files wait with it for the next try."""
    id = await failed(two, Spoiler(two.fr))
    before = stored(two.fr)
    await two.fr.changes("peer.suspend")
    (told,) = (await resent(two, id))["refused"]
    assert told["id"] == id and (await two.fr.call("attachment.moving"))["moving"] == []
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == before


async def test_erasing_takes_the_key_first_and_then_the_file(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails while a file is erased leaves ciphertext without a key, which the next sweep takes."""
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening")
    (path,) = stored(two.al)

    async def fails(self: FileFolder, names: Any) -> None:
        raise TransientError(Code.DISK, "the disk fails")

    with monkeypatch.context() as failing:
        failing.setattr(FileFolder, "erase", fails)
        with pytest.raises(TransientError):
            await two.al.call("message.erase", id=id, by="adm", reason="not_needed")
    assert path.exists()
    assert (await two.al.call("attachment.list", id=id))["attachments"] == []
    await two.al.running.erasure.erase()
    assert stored(two.al) == []


async def test_files_that_no_message_took_are_forgotten(two: Two) -> None:
    """By a person at once, by themselves after 14 days."""
    one, other = await added(two.fr, NOTE), await added(two.fr, NOTE)
    waiting = (await two.fr.call("attachment.waiting", id=one))["attachments"]
    assert [(item["part"], item["size"]) for item in waiting] == [(0, len(NOTE))]
    await two.fr.call("attachment.discard", id=one)
    assert (await two.fr.call("attachment.waiting", id=one))["attachments"] == []
    assert len(stored(two.fr)) == 1
    assert [item["id"] for item in (await two.fr.call("attachment.moving"))["moving"]] == [other]
    two.clock.advance(14 * 86_400 + 1)
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []
    with pytest.raises(RefusedError):
        await two.fr.call("attachment.discard", id=other)
