"""A file of 200 MiB through each kind of adapter that holds files: it is never in memory as a whole."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.kit.conformance.files import with_files
from adapters.kit.contract import FilesBench
from adapters.kit.kind import find
from gateway.ports import Attachment

MIB = 1024 * 1024
SIZE = 200 * MIB
GROWTH = 24 * MIB
"""Bytes of memory more than before, of the adapter and of what stands in for its system together."""
KINDS = ("folder", "sftp", "sql")


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not say how much memory is used")


@contextmanager
def watched() -> Iterator[list[int]]:
    """The largest growth of the process since the beginning, in bytes, as the one member of a list."""
    before, most, stop = _resident(), [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            most[0] = max(most[0], _resident() - before)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


@pytest.mark.deep
@pytest.mark.parametrize("kind", KINDS)
async def test_memory_stays_flat(kind: str, tmp_path: Path) -> None:
    """Both ways, with the figures printed."""
    piece = bytes(range(256)) * (MIB // 256)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(SIZE // MIB):
            yield piece

    digest = sha256(piece * (SIZE // MIB)).hexdigest()
    file = Attachment(part=0, name="0.pdf", media_type="application/pdf", size=SIZE, sha256=digest, read=pieces)
    async with find(kind).stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, FilesBench)
        await bench.adapter().push(with_files(file))  # what libraries load once is no growth of a file's
        with watched() as came:
            await bench.adapter().push(with_files(file, key="key-2", message_id="C" * 22))
        bench.offer_file("one", piece * (SIZE // MIB))
        (record,) = await bench.adapter().pull()
        seen = sha256()
        with watched() as went:
            async for chunk in record.files[0].read():
                seen.update(chunk)
        assert seen.hexdigest() == digest
    print(f"{kind}: {came[0] / MIB:.0f} MiB while it comes, {went[0] / MIB:.0f} MiB while it goes")
    assert came[0] < GROWTH
    assert went[0] < GROWTH
