"""An HTTP proxy that opens tunnels and writes down all that it sees; it can refuse, break off and listen in."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from support.ports import free_port

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass
class ConnectProxy:
    """Listens at ``port``. ``answer`` is what it says to ``CONNECT``; None: nothing, for ever; empty: it hangs up.

    ``heads`` and ``passed`` are what it saw: the requests to itself, and the bytes of the tunnels both ways. It ends a
    tunnel after ``most`` bytes. With ``intercept`` it ends TLS itself and shows a certificate of its own.
    """

    port: int
    answer: bytes | None = OPENED
    most: int | None = None
    intercept: ssl.SSLContext | None = None
    heads: list[str] = field(default_factory=list)
    passed: bytearray = field(default_factory=bytearray)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.answer is None:
                await reader.read()
            writer.write(self.answer or b"")
            await writer.drain()
            if self.answer == OPENED and self.intercept is not None:
                await writer.start_tls(self.intercept)
                self.passed += await reader.read(65_536)
            elif self.answer == OPENED:
                await self._carry(head, reader, writer)
        writer.transport.abort()

    async def _carry(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = head.split(" ")[1].rpartition(":")
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return
        ways = [asyncio.create_task(self._pump(*way)) for way in ((reader, far_writer), (far_reader, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.passed += data
            if self.most is not None and len(self.passed) > self.most:
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def proxying() -> AsyncIterator[ConnectProxy]:
    """A proxy on a free port of the loopback."""
    proxy = ConnectProxy(port=free_port())
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", proxy.port)
    try:
        yield proxy
    finally:
        server.close()


def refusal(status: int) -> bytes:
    """An answer that opens no tunnel, with a page as proxies send it."""
    return f"HTTP/1.1 {status} No\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>".encode()
