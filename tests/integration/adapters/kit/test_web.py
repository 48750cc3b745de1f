"""Files over HTTP as streams: whole or never whole, held to their size, and no more of them in memory than a chunk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from support.ports import free_port

from adapters.kit.web import Answer, Body, Web, exactly
from gateway.errors import Code, GatewayError, RefusedError, TransientError

DATA = bytes(range(256)) * 2_000


@dataclass
class Server:
    """Takes bodies, with what was announced of each, and gives what a test wants."""

    url: str = ""
    whole: list[bytes] = field(default_factory=list)
    announced: list[int | None] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    stops: bool = False

    async def take(self, request: web.Request) -> web.Response:
        """Read a body to its end."""
        self.announced.append(request.content_length)
        try:
            self.whole.append(await request.read())
        except ConnectionResetError:
            return web.Response(status=400)
        return web.json_response({"id": 1})

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Give DATA with these headers; `length` bytes are announced where it is set."""
        self.headers["asked"] = request.headers.get("Accept-Encoding", "")
        response = web.StreamResponse()
        if self.length is not None:
            response.content_length = self.length
        await response.prepare(request)
        await response.write(DATA)
        if self.stops:
            await asyncio.sleep(10)
        elif self.length not in {None, len(DATA)} and request.transport is not None:
            request.transport.close()
        return response


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """A server on this machine."""
    server, app = Server(), web.Application(client_max_size=1 << 30)
    app.add_routes([web.put("/file", server.take), web.get("/file", server.give)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def chunks(*parts: bytes, breaks: GatewayError | None = None) -> AsyncIterator[bytes]:
    """These parts, and what is raised behind them."""
    for part in parts:
        yield part
    if breaks is not None:
        raise breaks


async def put(server: Server, size: int, body: AsyncIterator[bytes]) -> Answer:
    """Send a body that is said to have so many bytes."""
    return await Web(server.url).ask("PUT", "/file", headers={}, data=Body(size=size, chunks=body))


async def test_a_body_goes_as_it_comes() -> None:
    """With its length before it, in whatever chunks it comes."""
    async with serving() as server:
        answer = await put(server, len(DATA), chunks(DATA[:7], b"", DATA[7:100_000], DATA[100_000:]))
        assert (answer.status, answer.value) == (200, {"id": 1})
        assert (server.whole, server.announced) == ([DATA], [len(DATA)])


@pytest.mark.parametrize(
    "error", [RefusedError(Code.UNDECRYPTABLE, "it does not open"), TransientError(Code.DISK, "the disk is away")]
)
async def test_what_does_not_open_to_its_end_never_arrives_whole(error: GatewayError) -> None:
    """Also where the fault is found behind its last byte; what was raised is raised, and not how the request ended."""
    async with serving() as server:
        for parts in ([DATA], [DATA[:5], DATA[5:]], []):
            with pytest.raises(type(error)) as caught:
                await put(server, len(DATA), chunks(*parts, breaks=error))
            assert caught.value is error
    assert server.whole == []  # now that every connection has ended


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
async def test_a_body_of_another_length_never_arrives_whole(size: int) -> None:
    """Shorter or longer than was said."""
    async with serving() as server:
        for parts in ([DATA], [DATA[:-1], DATA[-1:]], [DATA[:-1], b"", DATA[-1:], b""]):
            with pytest.raises(RefusedError, match="not as long as it was said"):
                await put(server, size, chunks(*parts))
    assert server.whole == []


async def test_a_file_is_read_as_it_comes() -> None:
    """Its size is said before its bytes where the server says it; nothing is compressed on the way."""
    async with serving() as server:
        for length in (len(DATA), None):
            server.length = length
            async with Web(server.url).open("/file", headers={}, size=len(DATA)) as opened:
                assert (opened.status, opened.size) == (200, length)
                assert b"".join([chunk async for chunk in exactly(opened.chunks, len(DATA))]) == DATA
        assert server.headers["asked"] == "identity"


@pytest.mark.parametrize("size", [1, len(DATA) - 1, len(DATA) + 1])
async def test_a_file_of_another_size_is_refused(size: int) -> None:
    """More is not read to its end, less is no file."""
    async with serving() as server, Web(server.url).open("/file", headers={}, size=size) as opened:
        read = 0
        with pytest.raises(RefusedError) as caught:
            async for chunk in exactly(opened.chunks, size):
                read += len(chunk)
        assert caught.value.code is Code.CHANGED_MEANWHILE
        assert read <= min(size, len(DATA))


async def test_a_server_that_stops_in_the_middle_means_later() -> None:
    """After the patience for one answer, however large the file is."""
    async with serving() as server:
        server.length, server.stops = len(DATA) + 1, True
        patient = Web(server.url, patience=0.1)
        with pytest.raises(TransientError, match="does not answer"):
            async with patient.open("/file", headers={}, size=1 << 40) as opened:
                [chunk async for chunk in opened.chunks]


async def test_a_cut_while_a_file_is_read_means_later() -> None:
    """What was announced and did not come was not there."""
    async with serving() as server:
        server.length = len(DATA) + 1
        with pytest.raises(TransientError, match="does not answer"):
            async with Web(server.url).open("/file", headers={}, size=len(DATA) + 1) as opened:
                [chunk async for chunk in exactly(opened.chunks, len(DATA) + 1)]
