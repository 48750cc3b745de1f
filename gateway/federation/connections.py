"""A connection of HTTP that ends when its other end stops: silent, slow to send, or slow to read.

Both listeners use it: the public one and the one for the country's own systems and people. aiohttp would quote a faulty
request in its answer and name itself with its version; here both are a bare status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

IDLE_SECONDS = 75.0
"""How long a connection may take for a request head, and stay open without one."""
BODY_SECONDS = 60.0
"""How long a body may take to arrive, besides the time for its length at `SLOWEST`."""
SLOWEST = 16 * 1024
"""Bytes a second at which a body has to come at least."""
ANSWER_SECONDS = 60.0
"""How long an answer, or a piece of one that is streamed, may wait for its reader."""
LINGER_SECONDS = 1.0
"""How long an unread body is drained, so that its sender still sees the answer."""
LONGEST_LINE, MOST_HEADERS = 8190, 64

SERVER = "nrm"
"""The Server field of every answer: names neither the program nor its version."""


class Connection(web.RequestHandler):
    """One connection, with the deadlines of this page."""

    def __init__(self, manager: web.Server, *, auto_decompress: bool, caller: str = "") -> None:
        """See `aiohttp.web.Server`, which makes connections and ends them when the node stops.

        ``caller`` is the address of whoever is at the other end, also behind a front.
        """
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            auto_decompress=auto_decompress,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
            logger=_SILENCE,
            access_log=_SILENCE,
        )
        self.caller = caller

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer bytes that are no HTTP request; ``message`` would quote them."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer was begun already")
        return build_bare_response(status)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, or cut the connection of whoever does not read it."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                sent = await super().finish_response(request, resp, start_time)
                await request.writer.drain()  # it was only handed to the transport
                return sent
        except TimeoutError:
            _cut(request)
            return resp, True


def caller_of(request: web.BaseRequest) -> str:
    """Return the address that limits count: the caller's, not that of a front."""
    connection = request.protocol
    return connection.caller if isinstance(connection, Connection) else ""


def build_bare_response(status: int, again_in: int | None = None) -> web.Response:
    """Build an answer of a status and nothing else, but after how many seconds to come again where that is known
    (nrm1 9.5). The connection ends with it, so that no unread body can be taken for a request.
    """
    later = {} if again_in is None else {"Retry-After": str(again_in)}
    response = web.Response(status=status, headers={"Server": SERVER, **later})
    response.force_close()
    return response


async def name_nobody(_request: web.Request, response: web.StreamResponse) -> None:
    """Set the Server field of an answer of an application (a signal of aiohttp)."""
    response.headers["Server"] = SERVER


@web.middleware
async def end_slow_bodies(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 408 where a body has not come in the time for its length, whoever reads it."""
    if not request.body_exists:
        return await handler(request)

    def end() -> None:
        if not request.content.is_eof():
            request.content.set_exception(web.HTTPRequestTimeout())

    seconds = BODY_SECONDS + (request.content_length or 0) / SLOWEST
    deadline = asyncio.get_running_loop().call_later(seconds, end)
    try:
        return await handler(request)
    finally:
        deadline.cancel()


async def write_piece(request: web.Request, response: web.StreamResponse, piece: bytes) -> None:
    """Write a piece of an answer that is streamed. Raises ConnectionError where its reader does not take it."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await response.write(piece)
    except TimeoutError as error:
        _cut(request)
        raise ConnectionError("the reader of a stream does not read") from error


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _silence() -> logging.Logger:
    """A logger that belongs to nobody: raw header lines and paths go nowhere (nrm1 9.18)."""
    logger = logging.Logger("gateway.federation.silence", level=logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


_SILENCE = _silence()
