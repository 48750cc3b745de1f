"""The sockets under the front door: TLS 1.3, bounded connections, and no word about what strangers send (nrm1 9.18).

A connection counts from the moment it is accepted, before TLS: who never says a word must not use up what is there for
others. One address has a share, so that it alone cannot use up the whole. Behind a front (``networks.fronts``) it is
the caller's address that counts; until the front has named it, a connection holds no place of those who are served.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Coroutine, Sequence

from aiohttp import web

from gateway.errors import RemoteError
from gateway.federation.connections import LINGER_SECONDS, Connection
from gateway.federation.networks.fronts import Fronts, read_caller
from gateway.federation.rates import network_of
from gateway.federation.server import FederationApp

HANDSHAKE_SECONDS = 10.0
CONNECTIONS = 512
CONNECTIONS_PER_ADDRESS = 64
"""One node opens 4 to another (`gateway.federation.wire`); this is for those behind one address."""
UNNAMED = 64
"""Connections of fronts whose header has not come; a right front sends it at once."""
RETRY_SECONDS = 0.5
"""Until the next try where the process has no file left for a connection."""

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_BACKLOG = 128
_BEGUN = 3
"""Turns of the loop after which each greeting has begun and its transport closes its socket: before, nobody would."""


class _Listener(web.Server):
    """Accepts connections, as many as there may be, and holds those that live."""

    def __init__(
        self, app: FederationApp, sockets: Sequence[socket.socket], ssl_context: ssl.SSLContext, fronts: Fronts
    ) -> None:
        super().__init__(app)
        self._sockets = sockets
        self._fronts = fronts
        self._unnamed = 0
        self._ssl_context = ssl_context
        self._held: Counter[str] = Counter()
        self._network: dict[web.RequestHandler, str] = {}
        self._live: dict[web.RequestHandler, asyncio.Transport] = {}
        self._none_live = asyncio.Event()
        self._greeting: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        for one in sockets:
            self._listen(one)

    def _listen(self, listening: socket.socket) -> None:
        """Take what comes from now on: by a callback, for a task that is cancelled could lose what it has accepted."""
        self._pauses.pop(listening, None)
        self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, address = listening.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._loop.remove_reader(listening)
                self._pauses[listening] = self._loop.call_later(RETRY_SECONDS, self._listen, listening)
            return
        accepted.setblocking(False)
        if not self._fronts.include(address[0]):
            if self._take_place(network_of(address[0])):
                self._begin(self._greet(accepted, address[0]))
            else:
                accepted.close()
        elif self._unnamed < UNNAMED:
            self._unnamed += 1
            self._begin(self._greet_behind(accepted, address[0]))
        else:
            accepted.close()

    def _begin(self, greeting: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(greeting)
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    def _take_place(self, network: str) -> bool:
        """Take one of the places, if there is one for this network."""
        if self._held.total() >= CONNECTIONS or self._held[network] >= CONNECTIONS_PER_ADDRESS:
            return False
        self._held[network] += 1
        return True

    async def _greet_behind(self, accepted: socket.socket, front: str) -> None:
        """Let the front name its caller, and go on as with one who came directly."""
        try:
            caller = await read_caller(accepted) or front
        except BaseException as error:
            accepted.close()
            if isinstance(error, RemoteError):
                self._fronts.report(error.code)
            if isinstance(error, (RemoteError, OSError)):
                return
            raise
        finally:
            self._unnamed -= 1
        if self._take_place(network_of(caller)):
            await self._greet(accepted, caller)
        else:
            accepted.close()

    async def _greet(self, accepted: socket.socket, caller: str) -> None:
        """Begin TLS. The place is given back with the connection, or here where none comes about."""
        connection = Connection(self, auto_decompress=False, caller=caller)
        self._network[connection] = network_of(caller)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._ssl_context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=LINGER_SECONDS,
            )
        except OSError:  # also of TLS: a stranger that is none of ours
            accepted.close()
        finally:
            if connection not in self._live:
                self._give_back(connection)

    def _give_back(self, connection: web.RequestHandler) -> None:
        network = self._network.pop(connection, None)
        if network is not None:
            self._held[network] -= 1
            if not self._held[network]:
                del self._held[network]

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._live[handler] = transport

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._live.pop(handler, None)
        self._give_back(handler)
        if not self._live:
            self._none_live.set()

    async def stop(self) -> None:
        """Accept no more; who is still shaking hands is let go."""
        for pause in self._pauses.values():
            pause.cancel()
        for listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()
        for _ in range(_BEGUN):
            await asyncio.sleep(0)
        greeting = [*self._greeting]
        for task in greeting:
            task.cancel()
        await asyncio.gather(*greeting, return_exceptions=True)

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


class RunningServer:
    """A listening node. ``port`` is the real port, also when 0 was requested."""

    def __init__(self, app: FederationApp, listener: _Listener, port: int) -> None:
        """Made by ``start_listener`` only."""
        self._app = app
        self._listener = listener
        self.port = port

    async def close(self, grace: float = 5.0) -> None:
        """Stop listening, let running requests end for ``grace`` seconds, then close all connections."""
        await self._listener.stop()
        self._listener.pre_shutdown()
        await self._listener.shutdown(grace)
        await self._listener.gone(LINGER_SECONDS)
        await self._app.close()


async def start_listener(
    app: FederationApp, host: str, port: int, ssl_context: ssl.SSLContext, fronts: Fronts | None = None
) -> RunningServer:
    """Listen on ``host``:``port`` (0 picks a free port). ``ssl_context`` comes from ``tls.server_context``; ``fronts``
    name their callers.

    Raises ``OSError`` when the address is not available.
    """
    if ssl_context.minimum_version is not ssl.TLSVersion.TLSv1_3:
        raise RuntimeError("the federation listener speaks TLS 1.3 only")
    sockets = await _open_sockets(host, port)
    return RunningServer(app, _Listener(app, sockets, ssl_context, fronts or Fronts()), sockets[0].getsockname()[1])


async def _open_sockets(host: str, port: int) -> Sequence[socket.socket]:
    """Open one socket for each address of the host."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((item[0], item[4]) for item in found):
            sockets.append(socket.create_server(address[:2], family=family, backlog=_BACKLOG))
            sockets[-1].setblocking(False)
    except OSError:
        for opened in sockets:
            opened.close()
        raise
    return sockets
