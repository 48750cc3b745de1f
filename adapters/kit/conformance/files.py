"""Cases about files, for adapters that say that they hold them, on a bench that shows them (`FilesBench`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from adapters.kit import victim
from adapters.kit.contract import FilesBench, a_delivery, a_notice, require
from adapters.kit.trial import TOLD, Trial, is_an_error, is_transient, where
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Attachment, Delivery, Erasure, NoticeKind, RecordEraser

PDF = b"%PDF-1.7\n" + TOLD.encode() + b"\n" + bytes(range(256)) * 6_000 + b"\n%%EOF\n"
"""Some 1.5 MB: more than one chunk."""
NOTE = b"a note"
_CHUNK = 1 << 20
_DIGEST = "0" * 64
"""An adapter hands the hash on; it was compared by the node before, and is not compared again."""


def a_file(part: int, data: bytes, *, breaks: Exception | None = None) -> Attachment:
    """Make a file of a message; `breaks` is raised behind its bytes."""

    async def read() -> AsyncIterator[bytes]:
        for at in range(0, len(data), _CHUNK):
            yield data[at : at + _CHUNK]
        if breaks is not None:
            raise breaks

    media, ending = ("application/pdf", "pdf") if data.startswith(b"%PDF") else ("text/plain", "txt")
    name = f"{part}.{ending}"
    return Attachment(part=part, name=name, media_type=media, size=len(data), sha256=_DIGEST, read=read)


def with_files(*files: Attachment, key: str = "key-1", message_id: str = "A" * 22) -> Delivery:
    """Make a received referral with these."""
    return replace(a_delivery(key=key, message_id=message_id), attachments=files)


async def says_whether_it_holds_files(trial: Trial) -> None:
    """describe() says that files go both ways where the bench shows them, and only there."""
    about = trial.bench.adapter().describe()
    shows = isinstance(trial.bench, FilesBench)
    require(about.takes_files == shows, "takes_files is not what the bench can show: it needs received_files()")
    require(about.gives_files == shows, "gives_files is not what the bench can offer: it needs offer_file()")


async def files_arrive(trial: Trial) -> None:
    """The files of a message are there, whole, once, when the message is; a repeat changes nothing."""
    item = with_files(a_file(0, PDF), a_file(1, NOTE))
    local_id = await trial.bench.adapter().push(item)
    require(trial.bench.received() == [item.message_id], "a message with files is not shown once")
    require(_received(trial) == sorted([PDF, NOTE]), "the files that arrive are not those that were sent")
    require(await trial.bench.adapter().push(item) == local_id, "a repeat has another local id")
    require(_received(trial) == sorted([PDF, NOTE]), "a repeat leaves a file twice, or none")


async def a_broken_file_is_nothing(trial: Trial) -> None:
    """A file that does not open to its end leaves nothing of its message; the next attempt makes it whole."""
    broken = RefusedError(Code.UNDECRYPTABLE, "it does not open")
    await is_an_error(trial.bench.adapter().push(with_files(a_file(0, NOTE), a_file(1, PDF, breaks=broken))), "push")
    require(not trial.bench.received() and not _received(trial), "something of a broken message is shown")
    await trial.bench.adapter().push(with_files(a_file(0, NOTE), a_file(1, PDF)))
    require(trial.bench.received() == ["A" * 22], "afterwards it is there twice, or not at all")
    require(_received(trial) == sorted([PDF, NOTE]), "afterwards its files are not those that were sent")


async def a_file_that_is_away_is_tried_again(trial: Trial) -> None:
    """When reading a file fails for now, so does the hand-over; repeated, it is made once."""
    away = TransientError(Code.DISK, "the disk is away")
    await is_transient(trial.bench.adapter().push(with_files(a_file(0, PDF, breaks=away))), "push")
    require(not trial.bench.received(), "a message is shown before its files are there")
    await trial.bench.adapter().push(with_files(a_file(0, PDF)))
    require(_received(trial) == [PDF], "afterwards the file is there twice, or not at all")


async def files_are_erased(trial: Trial) -> None:
    """What is called erased has no file left, whether asked by the local id or by the key; others keep theirs."""
    adapter = trial.bench.adapter()
    await adapter.push(with_files(a_file(0, NOTE)))
    gone = with_files(a_file(0, PDF), key="key-2", message_id="C" * 22)
    await adapter.push(gone)
    if await adapter.erase(gone.key) is Erasure.ERASED:
        require(_received(trial) == [NOTE], "a file of an erased message is there, or another one is gone")
        await trial.bench.adapter().push(gone)
        require(_received(trial) == [NOTE], "a repeat brings back the file of an erased message")


async def a_killed_hand_over_makes_files_once(trial: Trial) -> None:
    """kill -9 while a message with files is handed over: the repeat makes one message with each file once."""
    for number, seconds in enumerate((0.002, 0.03)):
        item = with_files(a_file(0, PDF), a_file(1, NOTE), key=f"key-{number}", message_id=f"{number:022d}")
        await victim.killed_while(where(trial), item, seconds, contents=[PDF, NOTE])
        await trial.bench.adapter().push(item)
        require(trial.bench.received().count(item.message_id) == 1, "a killed hand-over leaves two messages, or none")
        count = number + 1
        require(_received(trial) == sorted([PDF, NOTE] * count), "a killed hand-over doubles a file, or loses it")


async def a_record_gives_its_file(trial: Trial) -> None:
    """A record offers its file with its size; it is read more than once until it is settled, and comes no more then."""
    bench = _bench(trial)
    bench.offer_file("one", PDF)
    bench.offer("two")
    adapter = trial.bench.adapter()
    records = list(await adapter.pull())
    require(sorted(len(record.files) for record in records) == [0, 1], "the file is not offered with its record alone")
    (record,) = [record for record in records if record.files]
    (file,) = record.files
    require(not record.faults, "a record with a file has faults")
    require(file.size == len(PDF), "the size of a file is not said before it is read")
    require(TOLD not in f"{record.ref} {file.place} {record.places}", "a name tells what is in the file")
    for _ in range(2):
        chunks = [chunk async for chunk in file.read()]
        require(b"".join(chunks) == PDF, "what is read is not what was offered")
        require(max(map(len, chunks)) <= _CHUNK, "a chunk is larger than a mebibyte: a large file fills the memory")
    for one in records:
        await adapter.settle(one, a_notice(one.ref, NoticeKind.DRAFTED, key=f"settled-{one.ref}"))
    require(not list(await trial.bench.adapter().pull()), "a settled record comes again")


async def a_file_comes_again_after_a_restart(trial: Trial) -> None:
    """A record that was not settled comes with its file again, the same one."""
    _bench(trial).offer_file("one", PDF)
    (first,) = await trial.bench.adapter().pull()
    (second,) = await trial.bench.adapter().pull()
    require(first.ref == second.ref and first.files == second.files, "the next adapter offers another file, or none")
    require(b"".join([chunk async for chunk in second.files[0].read()]) == PDF, "what is read is not what was offered")


async def an_erased_record_takes_its_file(trial: Trial) -> None:
    """A record that is called erased leaves no file behind."""
    _bench(trial).offer_file("one", PDF)
    adapter = trial.bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    if isinstance(adapter, RecordEraser) and await adapter.erase_record(record.ref) is Erasure.ERASED:
        require(not trial.bench.holds(TOLD), "it says erased, and the file can be found")


def _bench(trial: Trial) -> FilesBench:
    if not isinstance(trial.bench, FilesBench):
        raise RuntimeError("a case about files was run on a bench without them")
    return trial.bench


def _received(trial: Trial) -> Sequence[bytes]:
    return sorted(_bench(trial).received_files())
