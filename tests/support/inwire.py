"""Lines between nodes of one process: a request of one node's client is answered by the app of the other, no socket
between them. Signatures of requests and answers, times, nonces and limits are the real ones; what is left out is TLS
and the parsing of HTTP.

A `Switchboard` knows who listens, asks at each moment whether something happens now (`Moments`), and keeps what a node
let go: what left is asked of the wire, never of the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from aiohttp import web
from multidict import CIMultiDict

from gateway.composition.node import Node
from gateway.database.engine import Store
from gateway.errors import Code, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.endpoints import POST_MESSAGES, POST_RECEIPTS, PUT_PART, Endpoint, find_endpoint
from gateway.federation.handlers import Refusal, Report
from gateway.federation.server import FederationApp
from gateway.federation.wire import NO_HEADERS, Raw, Wire
from gateway.messages.answers import read_next
from gateway.ports import Clock
from keys.documents.envelope import parse_envelope, split_envelopes

T = TypeVar("T")
Act = Callable[[], Awaitable[None]]
"""Something that happens at a moment."""
Left = Callable[[str, str, bytes], None]
"""Told of a request with messages: the names of its sender and its receiver, and its body."""
Answered = Callable[[str, str, Sequence[str], bytes], None]
"""Told of an answer to messages: the names, the ids of the messages, and the body."""


class KilledError(BaseException):
    """The process of this node ends here, as by `kill -9`: no handler of the product sees it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Moments:
    """The moments of a step at which another thing can happen: before and after each write, before each read, and
    on both ways of a request. `act` is awaited once, at the moment with this number.
    """

    left: int = 0
    act: Act | None = None
    writes: bool = False
    """Whether only those before writes count: what was read before is old then."""
    dead: set[str] = field(default_factory=set)
    """Nodes that ended in this step; what of them is under way elsewhere ends at its next moment."""

    def set(self, moment: int, act: Act | None, *, writes: bool = False) -> None:
        """Let this happen when so many moments have passed."""
        self.left, self.act, self.writes = moment, act, writes

    async def come(self, name: str, *, write: bool = False) -> None:
        """A moment of the node `name`, which is about to `write`. Raises KilledError where it is its last."""
        if name in self.dead:
            raise KilledError(name)
        if self.act is None or (self.writes and not write):
            return
        self.left -= 1
        if self.left < 0:
            act, self.act = self.act, None
            await act()
            if name in self.dead:
                raise KilledError(name)

    def watch(self, store: Store, name: str) -> None:
        """From now on the reads and writes of this store are moments of the node `name`."""
        move, read, together = store.move, store.read, store.move_together

        async def moved(work: Any) -> Any:
            await self.come(name, write=True)
            done = await move(work)
            await self.come(name)
            return done

        async def moved_together(batch: Any, item: Any) -> Any:
            await self.come(name, write=True)
            done = await together(batch, item)
            await self.come(name)
            return done

        async def was_read(query: Any) -> Any:
            await self.come(name)
            return await read(query)

        store.move, store.read, store.move_together = moved, was_read, moved_together  # type: ignore[method-assign]


@dataclass
class Switchboard:
    """Who listens at which address. `cut` are pairs of names between which no request goes; `deaf` pairs, in the
    direction of the request, whose answers are lost.
    """

    moments: Moments = field(default_factory=Moments)
    left: Left = lambda sender, receiver, body: None
    left_part: Callable[[str], None] = lambda id: None
    """Told of a piece of a file that goes: the id of its message."""
    came: Answered = lambda sender, receiver, ids, answer: None
    told: Left = lambda sender, receiver, body: None
    """Told of receipts that were taken: who sent them, to whom, and the document."""
    cut: set[frozenset[str]] = field(default_factory=set)
    deaf: set[tuple[str, str]] = field(default_factory=set)
    apps: dict[str, tuple[str, FederationApp]] = field(default_factory=dict)
    fault: Exception | None = None
    """What a node answered 500 for: an error that it does not know."""

    def join(self, name: str, node: Node) -> None:
        """The node answers at its address from now on, and what it asks goes through here."""
        self.apps[node.own.descriptor.authority] = (name, _app_of(node, self._hear))
        self.moments.watch(node.store, name)
        lines: dict[str, Line] = {}

        async def line_to(peer: PeerAddress) -> Line:
            return lines.setdefault(peer.authority, Line(self, name, peer.authority, node.clock))

        node.client._wire = cast("Callable[[PeerAddress], Awaitable[Wire]]", line_to)  # type: ignore[method-assign]

    def _hear(self, refusal: Refusal) -> None:
        self.fault = self.fault or refusal.error

    def mend(self) -> None:
        """Every request and answer comes through again."""
        self.cut.clear()
        self.deaf.clear()

    def leave(self, name: str) -> None:
        """Nobody answers there any more."""
        self.apps = {at: found for at, found in self.apps.items() if found[0] != name}


@dataclass
class Line:
    """In the place of `gateway.federation.wire.Wire`: from the node `sender` to one address."""

    board: Switchboard
    sender: str
    authority: str
    clock: Clock
    warm: bool = True

    async def close(self) -> None:
        """Nothing is open."""

    async def send(
        self,
        row: Endpoint,
        *,
        path: str | None = None,
        query: str = "?",
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes = b"",
    ) -> Raw:
        """Let the other node answer. Raises TransientError where it does not, or the answer is lost."""
        receiver, _ = self._listening()
        if row is POST_MESSAGES:
            self.board.left(self.sender, receiver, body)
        elif row is PUT_PART and path is not None:
            self.board.left_part(_message_of(path))
        await self.board.moments.come(self.sender)
        receiver, app = self._listening()  # it may have ended meanwhile
        try:
            answer = await app(_request(row, path or row.path, query, headers, body))
        except KilledError as killed:
            if killed.name == self.sender:
                raise
            raise TransientError(Code.UNREACHABLE, "the peer ended before it answered") from killed
        if self.board.fault is not None:
            raise AssertionError(f"{receiver} met an error that it does not know") from self.board.fault
        assert isinstance(answer, web.Response)
        told = bytes(cast("bytes", answer.body or b""))
        if answer.status == 200 and (ids := _answered(row, path, body, told)):
            self.board.came(self.sender, receiver, ids, told)
        if answer.status == 200 and row is POST_RECEIPTS:
            self.board.told(self.sender, receiver, body)
        await self.board.moments.come(self.sender)
        if (self.sender, receiver) in self.board.deaf:
            raise TransientError(Code.UNREACHABLE, "the answer was lost")
        return Raw(
            status=answer.status,
            fields=tuple((name.encode(), value.encode()) for name, value in answer.headers.items()),
            content_type=answer.headers.get("Content-Type", ""),
            body=told,
            at=self.clock.now(),
        )

    def _listening(self) -> tuple[str, FederationApp]:
        found = self.board.apps.get(self.authority)
        if found is None or frozenset((self.sender, found[0])) in self.board.cut:
            raise TransientError(Code.UNREACHABLE, "nobody listens there")
        return found


def _answered(row: Endpoint, path: str | None, body: bytes, answer: bytes) -> list[str]:
    """The messages to which this is the answer: those of a request, or the one whose last part came."""
    if row is POST_MESSAGES:
        return [parse_envelope(data).id for data in split_envelopes(body)]
    if row is PUT_PART and path is not None and read_next(answer) is None:
        return [_message_of(path)]
    return []


def _message_of(path: str) -> str:
    """The message whose part this path names."""
    found = find_endpoint(PUT_PART.method, path)
    assert found is not None and found[1] is not None
    return found[1].id


def _app_of(node: Node, report: Report) -> FederationApp:
    """The public door of a node, as the node itself makes it."""
    descriptor = node.own.descriptor
    return FederationApp(
        node.handlers,
        node=descriptor.node,
        authority=descriptor.authority,
        keys=node.keys,
        verify=node.signatures.admits,
        verify_paired=node.signatures.admits_paired,
        verify_known=node.signatures.admits_known,
        verify_listed=node.signatures.listed_by,
        clock=node.clock,
        rand=node.rand,
        report=report,
    )


@dataclass
class _Asked:
    """What `FederationApp` reads of a request of aiohttp."""

    method: str
    raw_path: str
    headers: CIMultiDict[str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: asyncio.StreamReader
    version: tuple[int, int] = (1, 1)
    protocol: None = None  # it comes over no connection, so from no address


def _request(row: Endpoint, path: str, query: str, headers: Mapping[str, str], body: bytes) -> web.BaseRequest:
    fields = CIMultiDict(headers)
    if row.method != "GET":
        fields["Content-Length"] = str(len(body))
    content = asyncio.StreamReader()
    content.feed_data(body)
    content.feed_eof()
    asked = _Asked(
        method=row.method,
        raw_path=path + (query if query != "?" else ""),
        headers=fields,
        raw_headers=tuple((name.encode(), value.encode()) for name, value in fields.items()),
        content=content,
    )
    return cast("web.BaseRequest", asked)
