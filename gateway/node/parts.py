"""What every loop works with: the parts that `gateway.app` chose, and the signals by which loops wake each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gateway.access.api_tokens import ApiTokens
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.directory.rules import Directory
from gateway.errors import Code
from gateway.federation.client import FederationClient
from gateway.foundation.batcher import Batcher
from gateway.foundation.config import Config
from gateway.guidance.library import GuidanceLibrary
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.effects import Effects
from gateway.peers.registry import PeerRegistry
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Adapter, Clock, Files
from keys.documents.descriptor import Descriptor
from keys.keystore.service import KeyInfo, KeyService
from schemas.region_pack.regions import Region

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
WORKERS = 2
"""Threads for signing and sealing; these let others run meanwhile."""


class Keys(KeyService, Protocol):
    """The key service of a running node, which also follows its own descriptor and counts the writes of its file."""

    @property
    def gen(self) -> int:
        """Generation of the key store file."""
        ...

    def listing(self) -> tuple[KeyInfo, ...]:
        """Every key with its age."""
        ...

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """Sign from now on by the keys that the last of the own chain lists as valid."""
        ...


class Signals:
    """Wake-ups between loops. Setting one is always safe and never waits."""

    def __init__(self) -> None:
        self._outgoing: dict[str, asyncio.Event] = {}
        self.handover = asyncio.Event()
        self.trust = asyncio.Event()  # a trust record waits to be brought to a peer
        self.trusting: set[str] = set()  # peers that have just sent one: they take ours now
        self.events = asyncio.Condition()
        self.happenings = 0
        self.called: set[str] = set()

    def outgoing(self, peer: str) -> asyncio.Event:
        """Set when something waits for this peer: a message, a void, a receipt, or the peer called."""
        return self._outgoing.setdefault(peer, asyncio.Event())

    def peer_called(self, peer: str) -> None:
        """The peer is there: forget the backoff (DESIGN 3b.1)."""
        self.called.add(peer)
        self.outgoing(peer).set()

    async def happened(self) -> None:
        """Tell everybody who follows the event stream."""
        async with self.events:
            self.happenings += 1
            self.events.notify_all()

    async def wait_for_more(self, since: int, seconds: float) -> None:
        """Until something happened after `happenings` was `since`, and at most for so long."""
        async with self.events:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for of Python 3.11 can swallow a cancellation
                    await self.events.wait_for(lambda: self.happenings != since)


@dataclass(kw_only=True)
class LogState:
    """Where the last checkpoint is kept beside the database, and why nothing departs now: the log was rolled back, or
    no witness has confirmed yet that it was not. `confirmed` are the peers that cosigned since the start, `writing`
    guards what is signed and kept.
    """

    kept: Path
    halted: Code | None = None
    confirmed: set[str] = field(default_factory=set)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(kw_only=True)
class DirectoryCache:
    """The directory in memory, and of which entries and peers it was built (`gateway.directory.cache`)."""

    of: Sequence[object] = ()
    built: Directory = field(default_factory=lambda: Directory(()))


@dataclass(kw_only=True)
class Parts:
    """The concrete parts of one running node."""

    config: Config
    region: Region
    clock: Clock
    rand: Callable[[int], bytes]
    store: Store
    keys: Keys
    vault: ContentSealer
    book: PeerRegistry
    own: OwnIdentity
    policies: PoliciesInForce
    tokens: ApiTokens
    client: FederationClient
    adapter: Adapter | None
    files: Files
    log: LogState
    shelf: GuidanceLibrary
    effects: Effects = field(default_factory=dict)
    signals: Signals = field(default_factory=Signals)
    spooling: set[str] = field(default_factory=set)
    """Names of files that are being written and have no row yet: the sweep leaves them alone."""
    backing_up: asyncio.Lock = field(default_factory=asyncio.Lock)
    counting: asyncio.Lock = field(default_factory=asyncio.Lock)
    directory: DirectoryCache = field(default_factory=DirectoryCache)
    _gathering: dict[Any, Batcher[Any, Any]] = field(default_factory=dict)
    crypto: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WORKERS, thread_name_prefix="crypto"))

    def together(self, work: Callable[[Parts, Sequence[Any]], Awaitable[Sequence[Any]]]) -> Batcher[Any, Any]:
        """The one place where items for `work` gather, a function of a module: see `Batcher`."""
        return self._gathering.setdefault(work, Batcher(partial(work, self)))

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run work that computes for a while (signing, sealing) in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self.crypto, work)

    async def off_loop_each(self, work: Callable[[I], T], items: Sequence[I]) -> list[T]:
        """The same for each of `items`, in one piece of work per thread; results in order. Raises what the first
        failing one raised.
        """
        return await self.off_loop_pieces(partial(_each, work), items)

    async def off_loop_pieces(self, work: Callable[[Sequence[I]], Sequence[T]], items: Sequence[I]) -> list[T]:
        """The same for `work` that takes several and answers for each of them."""
        share = -(-len(items) // WORKERS)
        pieces = [items[start : start + share] for start in range(0, len(items), share)] if items else []
        done = await asyncio.gather(*(self.off_loop(partial(work, piece)) for piece in pieces))
        return [result for piece in done for result in piece]


def _each(work: Callable[[I], T], items: Sequence[I]) -> list[T]:
    return [work(item) for item in items]
