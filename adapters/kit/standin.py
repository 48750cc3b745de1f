"""A server for stand-ins of case systems with an API: several offices on one port, each with its own content."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Self, TypeVar

from aiohttp import web

Office = TypeVar("Office")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OfficeServer(ABC, Generic[Office]):
    """The offices that `make` makes, on one port of this machine while `async with` lasts; port 0 picks a free one.

    A kind of system says which `routes` there are, below `/{office}`, and passes each request through `answer`. A
    request that is read as a whole has at most `largest_body` bytes.
    """

    largest_body = 1 << 20

    def __init__(self, make: Callable[[], Office], port: int = 0) -> None:
        self._make = make
        self._offices: dict[str, Office] = {}
        self._runner: web.AppRunner | None = None
        self._port = port

    def new(self) -> tuple[str, Office]:
        """Make one more office, empty; return its address and its content."""
        name = f"office{len(self._offices) + 1}"
        self._offices[name] = self._make()
        return f"http://127.0.0.1:{self._port}/{name}", self._offices[name]

    @abstractmethod
    def routes(self) -> Sequence[web.RouteDef]:
        """List the routes of this kind of system."""

    @abstractmethod
    async def answer(self, office: Office | None, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request to an office, None for one that is not there, with its faults."""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._middle], client_max_size=self.largest_body)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _middle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await self.answer(self._offices.get(request.match_info.get("office", "")), request, handler)
        except ConnectionResetError:
            return web.Response(status=400)  # whoever sent a body is gone in the middle of it

    def office(self, request: web.Request) -> Office:
        """Return the office of a request that was routed to a handler."""
        return self._offices[request.match_info["office"]]
