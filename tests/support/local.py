"""The local API behind its real listeners, over a desk that a test plays, and a client for both doors."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from support.ports import free_port

from gateway.api.app import LocalServer, local_app
from gateway.errors import Code, RefusedError
from gateway.foundation.telemetry.durations import Durations
from gateway.operations import roles
from gateway.operations.ports import File, Happening
from gateway.operations.roles import OWNER, Role
from gateway.ports import Json, OperationResult

TOKEN = "the-token-of-this-node"
PERSONAL = "the-token-of-a-person"


@dataclass
class FakeDesk:
    """Implements `gateway.operations.ports.Operations`: `answer` is what it says or raises, `calls` what it was
    asked, `begins` when its stream begins to flow.
    """

    answer: OperationResult | Exception = field(default_factory=lambda: OperationResult(value={"ok": True}))
    calls: list[tuple[str, Mapping[str, Json], str | None]] = field(default_factory=list)
    stream: list[tuple[int, Mapping[str, Json]]] = field(default_factory=list)
    taken: bytes = b""
    breaks: Exception | None = None
    begins: asyncio.Event | None = None

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: roles.Caller = OWNER
    ) -> OperationResult:
        """Note the question and answer it."""
        self.calls.append((operation, arguments, key))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: roles.Caller = OWNER
    ) -> OperationResult:
        """Take the file, note how long it was said to be."""
        self.taken = b"".join([chunk async for chunk in chunks])
        return await self.call("attachment.add", {**arguments, "size": size}, caller=caller)

    async def attached(self, arguments: Mapping[str, Json], *, caller: roles.Caller = OWNER) -> File:
        """The file that is kept here, or the failure on the way."""
        await self.call("attachment.read", arguments, caller=caller)

        async def chunks() -> AsyncIterator[bytes]:
            yield self.taken[:10]
            if self.breaks is not None:
                raise self.breaks
            yield self.taken[10:]

        return File(name="0.pdf", media="application/pdf", size=len(self.taken), sha256=bytes(32), chunks=chunks())

    async def events(self, after: int | None, *, caller: roles.Caller = OWNER) -> AsyncIterator[Sequence[Happening]]:
        """What lies behind `after`, the first one alone and the others together, then silence."""
        if self.begins is not None:
            await self.begins.wait()
        behind = [(seq, value) for seq, value in self.stream if after is None or seq > after]
        for together in (behind[:1], behind[1:]):
            if together:
                yield together
        await asyncio.Event().wait()


@dataclass
class Answer:
    """What came back."""

    status: int
    kind: str
    value: Any
    text: str
    headers: Mapping[str, str]


@dataclass
class Caller:
    """A local system that comes in by one door."""

    session: aiohttp.ClientSession
    base: str
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Answer:
        """One request; `data` is bytes as they are, or a value to be sent as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None and not isinstance(data, bytes):
            data, named = json.dumps(data).encode(), {"Content-Type": "application/json"} | named
        body = None if data is None else io.BytesIO(data)
        async with self.session.request(method, self.base + path, data=body, headers=self.headers | named) as response:
            text = await response.text()
            value = await response.json(content_type=None) if "json" in response.content_type else None
            return Answer(
                status=response.status, kind=response.content_type, value=value, text=text, headers=response.headers
            )


@asynccontextmanager
async def socket_caller(path: Path) -> AsyncIterator[Caller]:
    """A caller on the socket of a node."""
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        yield Caller(session=session, base="http://node")


@dataclass
class LocalApi:
    """Both doors of one running API."""

    desk: FakeDesk
    path: Path
    socket: Caller
    loopback: Caller
    person: Caller
    """A person who is signed in at the shell of the node's owner."""


def admit(token: str) -> roles.Caller:
    """The two tokens of this API: one has the role of a case system, one is a person's."""
    if token == PERSONAL:
        return roles.Caller(roles=frozenset({Role.FOCAL_POINT, Role.DATA_PROTECTION_OFFICER}), person="eva", token="t2")
    if token != TOKEN:
        raise RefusedError(Code.UNAUTHORISED, "no such token")
    return roles.Caller(roles=frozenset({Role.ADAPTER}), token="t1")


@asynccontextmanager
async def running_api(folder: Path, desk: FakeDesk) -> AsyncIterator[LocalApi]:
    """The real server on a socket and a loopback port."""
    port = free_port()
    server = LocalServer(local_app(desk, admit=admit, durations=Durations()))
    path = folder / "api.sock"
    await server.start(path, f"127.0.0.1:{port}")
    try:
        async with socket_caller(path) as inside, aiohttp.ClientSession() as session:
            outside = Caller(session=session, base=f"http://127.0.0.1:{port}")
            person = Caller(session=inside.session, base=inside.base, headers={"Authorization": f"Bearer {PERSONAL}"})
            yield LocalApi(desk=desk, path=path, socket=inside, loopback=outside, person=person)
    finally:
        await server.close()
