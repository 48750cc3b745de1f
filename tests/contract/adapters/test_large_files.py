"""A file of 200 MiB through each kind of adapter that holds files: it is never in memory as a whole.

A Primero takes 20 MiB at most, and its stand-in reads a request as a whole as it does: what its adapter sends and reads
has no such limit, and is tried with the same size on a server that takes and gives bytes.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from support.ports import free_port

from adapters.kit.conformance.files import with_files
from adapters.kit.contract import FilesBench
from adapters.kit.kind import find
from adapters.kit.web import exactly
from adapters.primero.attachments import make_body
from adapters.primero.client import Primero
from gateway.ports import Attachment

MIB = 1024 * 1024
SIZE = 200 * MIB
GROWTH = 24 * MIB
"""Bytes of memory more than before, of the adapter and of what stands in for its system together."""
KINDS = ("folder", "sftp", "sql", "rest")
PIECE = bytes(range(256)) * (MIB // 256)


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


def large_file() -> Attachment:
    """A file of SIZE bytes of which one piece is in memory."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(SIZE // MIB):
            yield PIECE

    digest = sha256()
    for _ in range(SIZE // MIB):
        digest.update(PIECE)
    return Attachment(
        part=0, name="0.pdf", media_type="application/pdf", size=SIZE, sha256=digest.hexdigest(), read=pieces
    )


@pytest.mark.deep
@pytest.mark.parametrize("kind", KINDS)
async def test_memory_stays_flat(kind: str, tmp_path: Path) -> None:
    """Both ways, with the figures printed."""
    file = large_file()
    async with find(kind).stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, FilesBench)
        await bench.adapter().push(with_files(file))  # what libraries load once is no growth of a file's
        with watched() as came:
            await bench.adapter().push(with_files(file, key="key-2", message_id="C" * 22))
        bench.offer_file("one", PIECE * (SIZE // MIB))
        (record,) = await bench.adapter().pull()
        seen = sha256()
        with watched() as went:
            async for chunk in record.files[0].read():
                seen.update(chunk)
        assert seen.hexdigest() == file.sha256
    print(f"{kind}: {came[0] / MIB:.0f} MiB while it comes, {went[0] / MIB:.0f} MiB while it goes")
    assert came[0] < GROWTH
    assert went[0] < GROWTH


@asynccontextmanager
async def bytes_server(taken: list[int]) -> AsyncIterator[str]:
    """A server that counts the bytes that it takes under the path of attachments, and gives the large file there."""

    async def take(request: web.Request) -> web.Response:
        taken.append(0)
        async for chunk in request.content.iter_chunked(MIB):
            taken[-1] += len(chunk)
        return web.json_response({"data": {"id": len(taken)}})

    async def give(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = SIZE
        await response.prepare(request)
        for _ in range(SIZE // MIB):
            await response.write(PIECE)
        return response

    app, path = web.Application(), "/api/v2/cases/{case}/attachments"
    app.add_routes([web.post(path, take), web.get(path + "/{number}", give)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.deep
async def test_memory_stays_flat_with_base64(tmp_path: Path) -> None:
    """What a Primero gets and gives, with the figures printed."""
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("a password")
    file, taken = large_file(), list[int]()
    async with bytes_server(taken) as url:
        client = Primero(url, "trm", password)
        await client.attach("case", make_body({"file_name": "0.pdf"}, file))  # what libraries load once
        with watched() as came:
            await client.attach("case", make_body({"file_name": "0.pdf"}, file))
        seen = sha256()
        with watched() as went:
            async with client.open_file("case", 1, SIZE) as opened:
                async for chunk in exactly(opened.chunks, SIZE):
                    seen.update(chunk)
    assert (seen.hexdigest(), taken[1] > SIZE * 4 // 3) == (file.sha256, True)
    print(f"base64: {came[0] / MIB:.0f} MiB while it comes, {went[0] / MIB:.0f} MiB while it goes")
    assert came[0] < GROWTH
    assert went[0] < GROWTH
