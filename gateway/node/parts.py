"""What every loop works with: the parts that `gateway.app` chose, and the signals by which loops wake each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from gateway.access.api_tokens import ApiTokens
from gateway.administration.backup import BackupMaker
from gateway.administration.status_metrics import StatusMetrics
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.receiver import IncomingFiles
from gateway.attachments.sender import Uploader
from gateway.audit.access_log import Reads
from gateway.audit.checkpointer import Checkpointer
from gateway.audit.log import AuditLog
from gateway.audit.witness import LogWitness
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.outbound.departure import Departure
from gateway.delivery.outbound.draft import DraftReader
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.submission import Submission
from gateway.directory.cache import DirectoryCache
from gateway.erasure.erase import Eraser
from gateway.erasure.peer_requests.confirm import RequestConfirmer
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.forward import RequestForwarder
from gateway.erasure.retention import Retention
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
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Adapter, Clock, Files
from gateway.statistics.releases import StatisticsReleases
from gateway.trust.changes import TrustChanges
from gateway.trust.compromise_review import CompromiseReview
from gateway.trust.effects import TrustEffects
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.peer_sync import PeerSync
from gateway.trust.ping import Pinger
from gateway.trust.record_exchange import RecordExchange
from schemas.region_pack.regions import Region


class Signals(Wakeups, EventStream):
    """Both, for whoever still takes the context object."""

    def __init__(self) -> None:
        Wakeups.__init__(self)
        EventStream.__init__(self)


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
    kept: Path
    shelf: GuidanceLibrary
    effects: Effects = field(default_factory=dict)
    signals: Signals = field(default_factory=Signals)
    backing_up: asyncio.Lock = field(default_factory=asyncio.Lock)
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

    @cached_property
    def log(self) -> AuditLog:
        """Built once."""
        return AuditLog(store=self.store, identity=self.identity, peers=self.book, clock=self.clock, kept=self.kept)

    @cached_property
    def releases(self) -> StatisticsReleases:
        """Built once."""
        return StatisticsReleases(
            content=self.content,
            own=self.own,
            peers=self.book,
            loader=self.loader,
            region=self.region,
            workers=self.workers,
            clock=self.clock,
            actor=self.keys.actor,
        )

    @cached_property
    def checkpointer(self) -> Checkpointer:
        """Built once."""
        return Checkpointer(store=self.store, link=self.link, log=self.log, wakeups=self.signals, clock=self.clock)

    @cached_property
    def witness(self) -> LogWitness:
        """Built once."""
        return LogWitness(store=self.store, identity=self.identity, peers=self.book, clock=self.clock)

    @cached_property
    def reads(self) -> Reads:
        """Built once."""
        return Reads(store=self.store, clock=self.clock, actor=self.keys.actor)

    @cached_property
    def directory(self) -> DirectoryCache:
        """Built once."""
        return DirectoryCache(
            content=self.content,
            own=self.own,
            peers=self.book,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
        )

    @cached_property
    def consent_contexts(self) -> ConsentContextLoader:
        """Built once."""
        return ConsentContextLoader(
            sealer=self.vault, own=self.own, peers=self.book, config=self.config, clock=self.clock
        )

    @cached_property
    def attachments(self) -> AttachmentLibrary:
        """Built once."""
        return AttachmentLibrary(
            content=self.content,
            peers=self.book,
            files=self.files,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )

    @cached_property
    def incoming_files(self) -> IncomingFiles:
        """Built once."""
        return IncomingFiles(
            store=self.store, attachments=self.attachments, files=self.files, clock=self.clock, rand=self.rand
        )

    @cached_property
    def uploader(self) -> Uploader:
        """Built once."""
        return Uploader(store=self.store, client=self.client, files=self.files, clock=self.clock)

    @cached_property
    def review(self) -> CompromiseReview:
        """Built once."""
        return CompromiseReview(content=self.content, peers=self.book, workers=self.workers, clock=self.clock)

    @cached_property
    def sync(self) -> PeerSync:
        """Built once."""
        return PeerSync(store=self.store, link=self.link, review=self.review, clock=self.clock)

    @cached_property
    def trust_effects(self) -> TrustEffects:
        """Built once."""
        return TrustEffects(
            store=self.store,
            identity=self.identity,
            peers=self.book,
            policies=self.policies,
            wakeups=self.signals,
            clock=self.clock,
        )

    @cached_property
    def trust_changes(self) -> TrustChanges:
        """Built once."""
        return TrustChanges(own=self.own, trust_effects=self.trust_effects, config=self.config, actor=self.keys.actor)

    @cached_property
    def link_reset(self) -> LinkReset:
        """Built once."""
        return LinkReset(
            store=self.store,
            identity=self.identity,
            link=self.link,
            workers=self.workers,
            wakeups=self.signals,
            events=self.signals,
            clock=self.clock,
        )

    @cached_property
    def record_exchange(self) -> RecordExchange:
        """Built once."""
        return RecordExchange(
            store=self.store,
            identity=self.identity,
            link=self.link,
            sync=self.sync,
            wakeups=self.signals,
            clock=self.clock,
        )

    @cached_property
    def pinger(self) -> Pinger:
        """Built once."""
        return Pinger(identity=self.identity, link=self.link, sync=self.sync, clock=self.clock)

    @cached_property
    def drafts(self) -> DraftReader:
        """Built once."""
        return DraftReader(sealer=self.vault, peers=self.book, config=self.config, rand=self.rand)

    @cached_property
    def preparation(self) -> Preparation:
        """Built once."""
        return Preparation(
            content=self.content,
            loader=self.loader,
            consent_contexts=self.consent_contexts,
            drafts=self.drafts,
            policies=self.policies,
            clock=self.clock,
            rand=self.rand,
        )

    @cached_property
    def submission(self) -> Submission:
        """Built once."""
        return Submission(
            content=self.content,
            drafts=self.drafts,
            preparation=self.preparation,
            wakeups=self.signals,
            events=self.signals,
        )

    @cached_property
    def departure(self) -> Departure:
        """Built once."""
        return Departure(
            content=self.content,
            identity=self.identity,
            loader=self.loader,
            consent_contexts=self.consent_contexts,
            policies=self.policies,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )

    @cached_property
    def local_receipts(self) -> LocalReceipts:
        """Built once."""
        return LocalReceipts(
            content=self.content,
            identity=self.identity,
            workers=self.workers,
            wakeups=self.signals,
            events=self.signals,
            clock=self.clock,
        )

    @cached_property
    def eraser(self) -> Eraser:
        """Built once."""
        return Eraser(
            content=self.content,
            identity=self.identity,
            attachments=self.attachments,
            status_updates=self.status_updates,
            adapter=self.adapter,
            workers=self.workers,
            wakeups=self.signals,
            events=self.signals,
            clock=self.clock,
        )

    @cached_property
    def retention(self) -> Retention:
        """Built once."""
        return Retention(
            content=self.content,
            eraser=self.eraser,
            releases=self.releases,
            status_updates=self.status_updates,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
            actor=self.keys.actor,
        )

    @cached_property
    def forwarder(self) -> RequestForwarder:
        """Built once."""
        return RequestForwarder(
            content=self.content,
            peers=self.book,
            preparation=self.preparation,
            wakeups=self.signals,
            events=self.signals,
            clock=self.clock,
            rand=self.rand,
            actor=self.keys.actor,
        )

    @cached_property
    def executor(self) -> RequestExecutor:
        """Built once."""
        return RequestExecutor(content=self.content, eraser=self.eraser, clock=self.clock)

    @cached_property
    def confirmer(self) -> RequestConfirmer:
        """Built once."""
        return RequestConfirmer(
            content=self.content,
            keys=self.keys,
            peers=self.book,
            preparation=self.preparation,
            config=self.config,
            wakeups=self.signals,
            events=self.signals,
            clock=self.clock,
            rand=self.rand,
        )

    @cached_property
    def backups(self) -> BackupMaker:
        """Built once."""
        return BackupMaker(
            store=self.store,
            identity=self.identity,
            log=self.log,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )

    @cached_property
    def status_metrics(self) -> StatusMetrics:
        """Built once."""
        return StatusMetrics(
            store=self.store, keys=self.keys, peers=self.book, log=self.log, config=self.config, clock=self.clock
        )
