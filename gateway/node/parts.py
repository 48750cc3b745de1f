"""What every loop works with: the parts that `gateway.app` chose, and the signals by which loops wake each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from gateway.access.api_tokens import ApiTokens
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.directory.rules import Directory
from gateway.errors import Code
from gateway.federation.client import FederationClient
from gateway.foundation.batcher import Batcher
from gateway.foundation.config import Config
from gateway.foundation.wakeups import EventStream, Wakeups
from gateway.foundation.workers import Workers
from gateway.guidance.library import GuidanceLibrary
from gateway.identity.identity import Identity, NodeKeys
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.publication import Publication
from gateway.messages.effects import Effects
from gateway.peers.link import PeerLink
from gateway.peers.registry import PeerRegistry
from gateway.peers.split_view import SplitViewCheck
from gateway.peers.tombstones import Tombstones
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Adapter, Clock, Files
from schemas.region_pack.regions import Region


class Signals(Wakeups, EventStream):
    """Both, for whoever still takes the context object."""

    def __init__(self) -> None:
        Wakeups.__init__(self)
        EventStream.__init__(self)


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
    keys: NodeKeys
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
    workers: Workers = field(default_factory=Workers)

    @property
    def content(self) -> Content:
        """For whoever takes the group."""
        return Content(self.store, self.vault)

    @property
    def identity(self) -> Identity:
        """For whoever takes the group."""
        return Identity(self.own, self.keys)

    @property
    def link(self) -> PeerLink:
        """For whoever takes the group."""
        return PeerLink(self.book, self.client)

    async def off_loop(self, work: Callable[[], Any]) -> Any:
        """In a worker thread."""
        return await self.workers.off_loop(work)

    async def off_loop_pieces(self, work: Callable[[Sequence[Any]], Sequence[Any]], items: Sequence[Any]) -> list[Any]:
        """In a worker thread."""
        return await self.workers.off_loop_pieces(work, items)

    def together(self, work: Callable[[Parts, Sequence[Any]], Awaitable[Sequence[Any]]]) -> Batcher[Any, Any]:
        """The one place where items for `work` gather, a function of a module: see `Batcher`."""
        return self._gathering.setdefault(work, Batcher(partial(work, self)))

    @cached_property
    def publication(self) -> Publication:
        """Built once."""
        return Publication(store=self.store, identity=self.identity, clock=self.clock)

    @cached_property
    def tombstones(self) -> Tombstones:
        """Built once."""
        return Tombstones(store=self.store, own=self.own, link=self.link, clock=self.clock)

    @cached_property
    def split_view(self) -> SplitViewCheck:
        """Built once."""
        return SplitViewCheck(store=self.store, own=self.own, link=self.link, clock=self.clock)

    @cached_property
    def loader(self) -> ConversationLoader:
        """Built once."""
        return ConversationLoader(sealer=self.vault, own=self.own, peers=self.book, region=self.region)

    @cached_property
    def status_updates(self) -> StatusUpdates:
        """Built once."""
        return StatusUpdates(
            content=self.content,
            loader=self.loader,
            config=self.config,
            workers=self.workers,
            events=self.signals,
            clock=self.clock,
        )
