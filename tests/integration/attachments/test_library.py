"""Files between two real nodes: sealed once, in segments, resumed, checked before anybody gets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.attached import (
    COUNT,
    NOTE,
    PDF,
    Segments,
    added,
    content,
    delivered,
    opened,
    pieces,
    reached,
    sent,
    stored,
)
from support.pair import Spoiler, Two, two_nodes
from support.tables import table

from gateway.attachments import store
from gateway.attachments.byte_source import PDF as PDF_TYPE
from gateway.attachments.folder import FileFolder
from gateway.attachments.library import AttachmentLibrary
from gateway.database.engine import Store
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, RefusedError, TransientError
from keys.primitives.attachment_cipher import SEGMENT
from keys.primitives.encoding import sha256_hex


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving; people at FR have opened the group of files, which is closed otherwise."""
    async with two_nodes(tmp_path) as pair:
        await opened(pair)
        yield pair


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


@table(
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


# --- the end of files ---------------------------------------------------------------------------------------------


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
    await two.until(lambda: any(one.attachments for one in two.al.deliveries()), seconds=120)
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


async def test_what_is_erased_while_its_files_are_sealed_anew_does_not_go(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be here again, and with the peer; the copies of its files go too."""
    id = await failed(two, Spoiler(two.fr))
    before, copied = await two.fr.rows("select count(*) from message"), AttachmentLibrary.copied

    async def erase_meanwhile(self: AttachmentLibrary, *given: Any) -> bool:
        made = await copied(self, *given)
        await two.fr.call("message.erase", id=id, by="adm", reason="not_needed")
        return made

    monkeypatch.setattr(AttachmentLibrary, "copied", erase_meanwhile)
    assert [one["id"] for one in (await resent(two, id))["refused"]] == [id]
    assert await two.fr.rows("select count(*) from message") == before
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []


async def test_copies_for_a_message_that_was_never_stored_go_with_the_one_it_was_made_of(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node ended after the files were sealed anew: nobody knows the id under which they wait."""

    class EndedError(BaseException):
        """The node ends."""

    async def end(*_: Any, **__: Any) -> Any:
        raise EndedError

    id = await failed(two, Spoiler(two.fr))
    with monkeypatch.context() as ending:
        ending.setattr(Submission, "submit", end)
        for _ in range(2):
            with pytest.raises(EndedError):
                await resent(two, id)
    assert len(await two.fr.rows("select * from attachment where message is null")) == 2
    await two.fr.call("message.erase", id=id, by="adm", reason="not_needed")
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []


async def test_a_file_that_is_finished_during_a_sweep_stays(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on disk when the sweep lists the files, and gets its row after the sweep has read which have one."""
    keep, read = AttachmentLibrary._keep, Store.read
    sealed, goes_on = asyncio.Event(), asyncio.Event()

    async def keep_later(self: AttachmentLibrary, *given: Any) -> Any:
        sealed.set()
        await goes_on.wait()
        return await keep(self, *given)

    async def read_before(self: Store, query: Any) -> Any:
        found = await read(self, query)
        if query is store.files:
            goes_on.set()
            await adding
        return found

    monkeypatch.setattr(AttachmentLibrary, "_keep", keep_later)
    adding = asyncio.create_task(added(two.fr, NOTE))
    await sealed.wait()
    monkeypatch.setattr(Store, "read", read_before)
    await two.fr.running.attachments.sweep()
    assert len(stored(two.fr)) == 1


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
    with pytest.raises(RefusedError, match="no file waits"):
        await two.fr.call("attachment.waiting", id=one)
    assert len(stored(two.fr)) == 1
    assert [item["id"] for item in (await two.fr.call("attachment.moving"))["moving"]] == [other]
    two.clock.advance(14 * 86_400 + 1)
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []
    with pytest.raises(RefusedError):
        await two.fr.call("attachment.discard", id=other)
