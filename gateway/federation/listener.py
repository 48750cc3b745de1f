"""The sockets under the front door: TLS 1.3, bounded connections, and no word about what strangers send (nrm1 9.18).

aiohttp would decompress bodies, quote a faulty request in its answer and log its raw lines; all three are off here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl

from aiohttp import web

from gateway.federation.server import FederationApp, build_bare_response

IDLE_SECONDS = 75.0
"""How long a connection may take for a request head, and stay open without one."""
HANDSHAKE_SECONDS = 10.0
LINGER_SECONDS = 1.0
"""How long an unread body is drained, so that its sender still sees the answer."""
CONNECTIONS = 512


class _Connection(web.RequestHandler):
    """A connection of aiohttp, made quiet: bytes that cannot be parsed get a bare status, and no line of them is
    logged.
    """

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


class _Listener(web.Server):
    """Makes a connection for each client, and enforces the limits on their number."""

    def __init__(self, app: FederationApp) -> None:
        super().__init__(app)
        self._live: dict[web.RequestHandler, asyncio.Transport] = {}
        self._none_live = asyncio.Event()

    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=8190,
            max_field_size=8190,
            max_headers=64,
            logger=_SILENCE,
            access_log=_SILENCE,
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._live[handler] = transport
        if len(self.connections) > CONNECTIONS:
            transport.abort()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._live.pop(handler, None)
        if not self._live:
            self._none_live.set()

    async def gone(self, seconds: float) -> None:
        """Wait until every closing connection is closed; cut those that take longer. TLS says good-bye first."""
        self._none_live.clear()
        if self._live:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._none_live.wait()
        for transport in self._live.values():
            transport.abort()
        await asyncio.sleep(0)


def _silence() -> logging.Logger:
    """A logger that belongs to nobody: raw header lines and paths go nowhere (nrm1 9.18)."""
    logger = logging.Logger("gateway.federation.silence", level=logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


_SILENCE = _silence()


class RunningServer:
    """A listening node. ``port`` is the real port, also when 0 was requested."""

    def __init__(self, listener: _Listener, sockets: asyncio.Server) -> None:
        """Made by ``start_listener`` only."""
        self._listener = listener
        self._sockets = sockets
        self.port: int = sockets.sockets[0].getsockname()[1]

    async def close(self, grace: float = 5.0) -> None:
        """Stop listening, let running requests end for ``grace`` seconds, then close all connections."""
        self._sockets.close()
        self._listener.pre_shutdown()
        await self._listener.shutdown(grace)
        await self._listener.gone(LINGER_SECONDS)


async def start_listener(app: FederationApp, host: str, port: int, ssl_context: ssl.SSLContext) -> RunningServer:
    """Listen on ``host``:``port`` (0 picks a free port). ``ssl_context`` comes from ``tls.server_context``.

    Raises ``OSError`` when the address is not available.
    """
    if ssl_context.minimum_version is not ssl.TLSVersion.TLSv1_3:
        raise RuntimeError("the federation listener speaks TLS 1.3 only")
    listener = _Listener(app)
    sockets = await asyncio.get_running_loop().create_server(
        listener,
        host,
        port,
        ssl=ssl_context,
        ssl_handshake_timeout=HANDSHAKE_SECONDS,
        ssl_shutdown_timeout=LINGER_SECONDS,
    )
    return RunningServer(listener, sockets)
