"""Files on a real SFTP server: whole or not there, with their document, at whatever step the line is cut."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from adapters.kit.conformance.files import a_file, with_files
from adapters.kit.contract import NewBench, a_notice
from adapters.sftp import SftpAdapter
from adapters.sftp.bench import SftpBench, stand_in
from adapters.sftp.connection import Remote
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Erasure, NoticeKind

PDF, NOTE = b"%PDF " + bytes(3_000_000), b"a note"
ITEM = with_files(a_file(0, PDF), a_file(1, NOTE))


@pytest.fixture
async def new(tmp_path: Path) -> AsyncIterator[NewBench]:
    """A server that has an account for each bench."""
    async with stand_in(tmp_path) as make:
        yield make


@pytest.fixture
def bench(new: NewBench) -> SftpBench:
    """One account of the server."""
    made = new()
    assert isinstance(made, SftpBench)
    return made


class Cut:
    """Cuts the line just before the `moment`th change of the server's disk."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.moment = -1
        self._changes = 0
        for name in ("write_pieces", "move", "remove"):
            patch.setattr(Remote, name, self._before(getattr(Remote, name)))

    def at(self, moment: int) -> None:
        """Cut there from now on; -1 for never."""
        self.moment, self._changes = moment, 0

    def _before(self, work: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def changed(remote: Remote, *arguments: Any) -> None:
            self._changes += 1
            if self._changes - 1 == self.moment:
                raise TransientError(Code.ADAPTER_BUSY, "the line was cut")
            await work(remote, *arguments)

        return changed


async def push(adapter: SftpAdapter) -> None:
    """Hand over a message with two files."""
    await adapter.push(ITEM)


async def erase(adapter: SftpAdapter) -> None:
    """Erase it, by its key."""
    await adapter.erase(ITEM.key)


async def take(adapter: SftpAdapter) -> None:
    """Pull what waits and settle it as drafted."""
    for record in await adapter.pull():
        assert not record.faults
        assert b"".join([chunk async for chunk in record.files[0].read()]) == PDF
        await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))


async def after_each_cut(
    new: NewBench, cut: Cut, work: Callable[[SftpAdapter], Awaitable[None]], prepare: Callable[[SftpBench], Any]
) -> AsyncIterator[SftpBench]:
    """Benches on which the work was cut at each moment in turn, and repeated by an adapter that remembers nothing."""
    for moment in count():
        bench = new()
        assert isinstance(bench, SftpBench)
        prepared = prepare(bench)
        if prepared is not None:
            await prepared
        cut.at(moment)
        try:
            await work(bench.adapter())
        except TransientError:
            names_only_what_is_there(bench)
            cut.at(-1)
            await work(bench.adapter())
            yield bench
        else:
            assert moment > 2
            return


def names_only_what_is_there(bench: SftpBench) -> None:
    """A document that the office can see has the files that it names."""
    for path in (bench.root / "incoming").glob("[!.]*.json"):
        for entry in json.loads(path.read_bytes()).get("attachments", []):
            assert path.with_name(f"{path.stem}.{entry['name']}").stat().st_size == entry["size"]


async def test_files_arrive_once_however_the_line_is_cut(new: NewBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, with their message, and nothing hidden is left."""
    cut = Cut(monkeypatch)
    async for bench in after_each_cut(new, cut, push, lambda bench: None):
        assert bench.received() == [ITEM.message_id]
        assert sorted(bench.received_files()) == sorted([PDF, NOTE])
        assert len(bench.all("incoming")) == 3


async def test_erasing_takes_files_however_the_line_is_cut(new: NewBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document and then its files; the tombstone stays."""
    cut = Cut(monkeypatch)
    async for bench in after_each_cut(new, cut, erase, lambda bench: bench.adapter().push(ITEM)):
        assert bench.all("incoming") == []
        assert len(bench.all("erased")) == 1


async def test_a_draft_keeps_its_file_however_the_line_is_cut(new: NewBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken once, with the file beside it, and nothing anywhere else."""
    cut = Cut(monkeypatch)
    async for bench in after_each_cut(new, cut, take, lambda bench: bench.offer_file("one", PDF)):
        assert await bench.adapter().pull() == []
        assert [path.name for path in bench.all("taken")] == ["one.0.pdf", "one.json"]
        assert bench.all("outgoing") == bench.all("claimed") == bench.all("refused") == []


async def test_what_was_begun_is_erased_by_its_key(bench: SftpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hand-over that never ended leaves a hidden file, which is found without a journal."""
    cut = Cut(monkeypatch)
    cut.at(1)
    with pytest.raises(TransientError):
        await bench.adapter().push(ITEM)
    assert [path.name.startswith(".") for path in bench.all("incoming")] == [True]
    cut.at(-1)
    assert await bench.adapter().erase(ITEM.key) is Erasure.ERASED
    assert bench.all("incoming") == []


async def test_a_file_that_the_office_took_is_out_of_reach(bench: SftpBench) -> None:
    """Said honestly, and the rest goes."""
    local_id = await bench.adapter().push(ITEM)
    next((bench.root / "incoming").glob("*.1.txt")).unlink()
    assert await bench.adapter().erase(local_id) is Erasure.NOT_SUPPORTED
    assert bench.all("incoming") == []


async def test_what_is_no_file_of_a_draft(bench: SftpBench) -> None:
    """A link is not followed, and a missing file is no empty one: faults of the draft."""
    (bench.root / "secret").write_bytes(PDF)
    bench.offer_file("link", PDF)
    (bench.root / "outgoing" / "link.0.pdf").unlink()
    (bench.root / "outgoing" / "link.0.pdf").symlink_to(bench.root / "secret")
    bench.offer_file("missing", PDF)
    (bench.root / "outgoing" / "missing.0.pdf").unlink()
    found = {record.ref: [fault.rule for fault in record.faults] for record in await bench.adapter().pull()}
    assert found == {"link": ["not_a_file"], "missing": ["file_missing"]}


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"%PDF other"), Path.unlink])
async def test_a_file_that_is_changed_is_not_sent(bench: SftpBench, change: Callable[[Path], Any]) -> None:
    """What lies there later is not what the draft was read with."""
    bench.offer_file("one", PDF)
    (record,) = await bench.adapter().pull()
    change(bench.root / "claimed" / "one.0.pdf")
    with pytest.raises(RefusedError) as caught:
        [chunk async for chunk in record.files[0].read()]
    assert caught.value.code is Code.CHANGED_MEANWHILE


async def test_erasing_a_draft_takes_its_files(bench: SftpBench) -> None:
    """Wherever it lies, under its own name and a numbered one; what is dropped anew stays."""
    adapter = bench.adapter()
    for _ in range(2):
        bench.offer_file("one", PDF)
        (record,) = await adapter.pull()
        await adapter.settle(record, a_notice("one", NoticeKind.REFUSED))
    assert sorted(path.name for path in bench.all("refused") if path.suffix == ".pdf") == ["one.0.pdf", "one.2.0.pdf"]
    bench.offer_file("one", NOTE)
    assert await adapter.erase_record("one") is Erasure.ERASED
    assert bench.all("refused") == []
    (record,) = await bench.adapter().pull()
    assert b"".join([chunk async for chunk in record.files[0].read()]) == NOTE
