"""What a node stands on: its folder and rows, its identity and peers, the way to them, what several slices share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.access.api_tokens import ApiTokens
from gateway.access.attempts import SignInAttempts
from gateway.access.logins import Logins
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.places import open_files
from gateway.audit.log import AuditLog
from gateway.cases.register import CaseRegister
from gateway.conversations.case_words import CaseWords
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.directory.cache import DirectoryCache
from gateway.federation.client import FederationClient
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.federation.signed_times import SignedTimes
from gateway.foundation.config import Config
from gateway.foundation.node_folder import CHECKPOINT, GUIDANCE
from gateway.foundation.telemetry.durations import Durations
from gateway.foundation.workers import Workers
from gateway.guidance.library import GuidanceLibrary
from gateway.identity.identity import Identity
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.unlock import Keyholder
from gateway.maintenance.mode import MaintenanceMode
from gateway.mapping.types import RecordMapping
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.node.event_feed import EventFeed
from gateway.notifications.webhooks import WebhookReceiver
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.registry import PeerRegistry
from gateway.peers.signatures import PeerSignatures
from gateway.peers.split_view import SplitViewCheck
from gateway.peers.tombstones import Tombstones
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.in_force import PoliciesInForce
from gateway.policy.linked_holds import LinkedHolds
from gateway.policy.told_asylum import ToldAsylum
from gateway.ports import Adapter, Clock
from gateway.regions.installed import load_node_region
from keys.primitives.tls import spki_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a node does not make itself: time, randomness, the case system with its mappings by type, who is told by
    webhook, and the way out of its network.
    """

    clock: Clock
    rand: Callable[[int], bytes]
    adapter: Adapter | None
    inward: Mapping[str, RecordMapping]
    outward: Mapping[str, RecordMapping]
    receivers: Mapping[str, WebhookReceiver]
    proxy: OutboundProxy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFolder:
    """A node folder whose rows can be read and whose keys can be used, and what comes from outside of it."""

    folder: Path
    config: Config
    store: Store
    keys: Keyholder
    own: OwnIdentity
    outside: Outside


class Ground:
    """What stands below every slice of one opened node folder."""

    def __init__(self, opened: OpenedFolder) -> None:
        self.folder = folder = opened.folder
        self.config = config = opened.config
        self.store = store = opened.store
        self.keys = keys = opened.keys
        self.own = own = opened.own
        self.outside = outside = opened.outside
        self.clock = clock = outside.clock
        self.rand = rand = outside.rand
        self.adapter = outside.adapter
        self.region = load_node_region(folder, config.node.region)
        self.sealer = ContentSealer(keys, rand)
        self.content = Content(store, self.sealer)
        self.identity = Identity(own, keys)
        self.peers = PeerRegistry(store, own)
        self.signatures = PeerSignatures(self.peers, clock)
        self.times = SignedTimes(clock)
        self.client = FederationClient(
            node=own.node,
            keys=keys,
            verify=self.signatures.signed_by,
            verify_listed=self.signatures.listed_by,
            times=self.times,
            spki_hash=spki_hash,
            clock=clock,
            rand=rand,
            proxy=outside.proxy,
        )
        self.link = PeerLink(self.peers, self.client)
        self.policies = PoliciesInForce(store)
        self.tokens = ApiTokens(store, clock)
        self.attempts = SignInAttempts(store, clock)
        self.logins = Logins(store=store, tokens=self.tokens, attempts=self.attempts, clock=clock, rand=rand)
        self.files = open_files(folder, config.attachments, node=own.node)
        self.library = GuidanceLibrary(folder / GUIDANCE, self.region)
        self.workers = Workers()
        self.wakeups = Wakeups()
        self.durations = Durations()
        self.events = EventStream()
        self.feed = EventFeed(content=self.content, peers=self.peers, events=self.events, clock=clock)
        self.maintenance = MaintenanceMode(store=store, wakeups=self.wakeups, clock=clock)
        self.time = ConfirmedTime(
            store=store, own=own, link=self.link, times=self.times, wakeups=self.wakeups, clock=clock
        )
        self.log = AuditLog(
            store=self.store, identity=self.identity, peers=self.peers, clock=self.clock, kept=self.folder / CHECKPOINT
        )
        self.tombstones = Tombstones(store=self.store, own=self.own, link=self.link, clock=self.clock)
        self.split_view = SplitViewCheck(store=self.store, own=self.own, link=self.link, clock=self.clock)
        self.loader = ConversationLoader(sealer=self.sealer, own=self.own, peers=self.peers, region=self.region)
        self.linked_holds = LinkedHolds(
            content=self.content, told=ToldAsylum(loader=self.loader, peers=self.peers), clock=clock
        )
        self.status_updates = StatusUpdates(
            content=self.content,
            loader=self.loader,
            time=self.time,
            config=self.config,
            workers=self.workers,
            events=self.events,
            clock=self.clock,
        )
        self.case_words = CaseWords(
            content=self.content, loader=self.loader, region=self.region, workers=self.workers, clock=self.clock
        )
        self.directory = DirectoryCache(
            content=self.content,
            own=self.own,
            peers=self.peers,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
        )
        self.cases = CaseRegister(self.content, self.rand)
        self.consent_contexts = ConsentContextLoader(
            sealer=self.sealer,
            own=self.own,
            peers=self.peers,
            loader=self.loader,
            config=self.config,
            clock=self.clock,
        )
        self.attachments = AttachmentLibrary(
            content=self.content,
            peers=self.peers,
            files=self.files,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )

    def forget_content(self) -> None:
        """Forget what is kept in memory of messages: some of it was erased."""
        self.loader.forget()
        self.feed.forget()
