"""What stands in for a part of a node of `support.robbed_nodes`, and judges nothing: a clock that only goes on, a store
that makes its moves at once, a client that is away, workers that work at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, StaticPool, create_engine
from support import fresh
from support.nodes import NOW

from gateway.federation.address import PeerAddress
from gateway.peers.registry import Peer

T = TypeVar("T")


class Named(Protocol):
    """Who asks."""

    @property
    def node(self) -> str:
        """Its node id."""
        ...


def done(work: Coroutine[Any, Any, T]) -> T:
    """What comes of work that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it waits for something")


@dataclass
class Clock:
    """The time of all nodes; it only goes on."""

    at: int = NOW

    def now(self) -> int:
        """Unix seconds."""
        return self.at

    def monotonic(self) -> float:
        """The same, as the clock that only runs has it."""
        return float(self.at)


class Memory:
    """The database of a node, in memory; every move is made at once, and none outlasts a walk."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._numbers = itertools.count(1)

    @classmethod
    def empty(cls, name: str) -> Memory:
        """As it is before anything was written."""
        connection = _connection(name)
        connection.rollback()
        return cls(connection)

    def new_ref(self) -> int:
        """A number for something new."""
        return next(self._numbers)

    async def move(self, work: Callable[[Connection], T]) -> T:
        """Make a move."""
        return work(self.connection)

    read = move


@cache
def _connection(name: str) -> Connection:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    fresh.migrate(engine)
    return engine.connect()


class Away:
    """A client, workers, lists of what was taken away and a review of messages, as far as a walk needs them. `ask` has
    what a peer answers about a link: its status and its body.
    """

    def __init__(self, home: Named) -> None:
        self._home = home
        self.ask: Callable[[str, bytes, str], tuple[int, bytes]]

    async def post_link(self, to: PeerAddress, data: bytes) -> SimpleNamespace:
        """Ask a peer to begin the link anew."""
        status, body = self.ask(to.authority, data, self._home.node)
        return SimpleNamespace(status=status, body=body)

    async def take(self, peer: Peer, reset: str) -> None:
        """Nothing was taken away."""

    async def forget(self, node: str) -> None:
        """No connection is kept."""

    async def doubt(self, node: str, revocations: object) -> int:
        """The list for people; that what is doubtful counts no more is asked of the rules."""
        return 0

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Work at once."""
        return work()
