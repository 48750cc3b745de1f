"""A node and all that works on it, tied bottom up: the one place that picks concrete parts.

Node.desk        the operations of people and local systems, also without listening
serving.serve    its doors open and every loop at work, until told to stop
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.access.api_tokens import ApiTokens
from gateway.access.attempts import SignInAttempts
from gateway.access.enrolment import check_two_people
from gateway.access.logins import Logins
from gateway.administration.backup import BackupMaker
from gateway.administration.cases_again import CasesAgain
from gateway.administration.position import PositionKeeper
from gateway.administration.status_metrics import StatusMetrics
from gateway.administration.taken_again import TakenAgain
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.pace import Pace
from gateway.attachments.part_checks import PartChecks
from gateway.attachments.places import open_files
from gateway.attachments.receiver import IncomingFiles
from gateway.attachments.sender import Uploader
from gateway.attachments.uploads import Uploads
from gateway.audit.access_log import Reads
from gateway.audit.checkpointer import Checkpointer
from gateway.audit.log import AuditLog
from gateway.audit.witness import LogWitness
from gateway.cases.changes import CaseChanges
from gateway.cases.news import read_news
from gateway.cases.register import CaseRegister
from gateway.cluster.leadership import Duties, OnlyWorker
from gateway.composition.effects import tie_effects
from gateway.composition.operation_table import tie_operations
from gateway.consent import register
from gateway.conversations.case_words import CaseWords
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.answering import Answering
from gateway.delivery.handover import Handover
from gateway.delivery.inbound.admission import Admission
from gateway.delivery.inbound.answer_signing import AnswerSigner
from gateway.delivery.inbound.opening import Opening
from gateway.delivery.inbound.receiver import Receiver
from gateway.delivery.inbound.recording import Recorder
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.outbound.departure import Departure
from gateway.delivery.outbound.draft import DraftReader
from gateway.delivery.outbound.expiry import Expiry
from gateway.delivery.outbound.inputs import InputLoader
from gateway.delivery.outbound.kept import KeptJudgements
from gateway.delivery.outbound.lookout import Lookout
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.receipts import ReceivedReceipts
from gateway.delivery.outbound.sealing import Sealing
from gateway.delivery.outbound.submission import Submission
from gateway.directory.cache import DirectoryCache
from gateway.erasure import store as erasures
from gateway.erasure.case_system import CaseSystemEraser
from gateway.erasure.chores import ErasureChores
from gateway.erasure.erase import Eraser
from gateway.erasure.erased_receipts import ErasureReceipts
from gateway.erasure.peer_requests.confirm import RequestConfirmer
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.forward import RequestForwarder
from gateway.erasure.retention import Retention
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.errors import GatewayError
from gateway.federation.client import FederationClient
from gateway.federation.listener import RunningServer
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.federation.signed_times import SignedTimes
from gateway.foundation.chores import HOUR, Chore
from gateway.foundation.config import Config
from gateway.foundation.ids import UnitId
from gateway.foundation.node_folder import (
    CHECKPOINT,
    GUIDANCE,
    LEDGER,
    POSITION,
)
from gateway.foundation.telemetry.durations import Durations
from gateway.foundation.workers import Workers
from gateway.guidance.library import GuidanceLibrary
from gateway.identity.identity import Identity
from gateway.identity.key_pace import KeyPaceWatch
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.publication import Publication
from gateway.identity.unlock import Keyholder
from gateway.ledger.files import LedgerWriter
from gateway.maintenance.mode import MaintenanceMode
from gateway.mapping.types import RecordMapping
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.node.federation_handlers import FederationHandlers
from gateway.notifications.second_look import SecondLook
from gateway.notifications.webhooks import WebhookReceiver
from gateway.peers import expiry_warnings
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.overwork import Overwork
from gateway.peers.registry import PeerRegistry
from gateway.peers.signatures import PeerSignatures
from gateway.peers.split_view import SplitViewCheck
from gateway.peers.tombstones import Tombstones
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Adapter, Clock
from gateway.statistics.releases import StatisticsReleases
from gateway.trust.changes import TrustChanges
from gateway.trust.compromise_review import CompromiseReview
from gateway.trust.effects import TrustEffects
from gateway.trust.key_upkeep import KeyUpkeep
from gateway.trust.link_reset.comparison import LinkComparison
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.link_reset.taken_lists import TakenLists
from gateway.trust.peer_sync import PeerSync
from gateway.trust.ping import Pinger
from gateway.trust.record_exchange import RecordExchange
from keys.primitives.tls import spki_hash
from schemas.region_pack.regions import load_region

if TYPE_CHECKING:
    from gateway.cluster.member import Member


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


class Node:
    """One opened node folder: everything that works on it, each with what it uses."""

    def __init__(
        self,
        folder: Path,
        *,
        config: Config,
        store: Store,
        keys: Keyholder,
        own: OwnIdentity,
        outside: Outside,
    ) -> None:
        self.folder = folder
        self.config = config
        self.store = store
        self.keys = keys
        self.own = own
        self.clock = clock = outside.clock
        self.rand = rand = outside.rand
        self.adapter = outside.adapter
        self.outside = outside
        self.region = load_region(config.node.region)
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
        self.maintenance = MaintenanceMode(store=store, wakeups=self.wakeups, clock=clock)
        self.time = ConfirmedTime(
            store=store, own=own, link=self.link, times=self.times, wakeups=self.wakeups, clock=clock
        )
        self._tie_ground()
        self._tie_trust()
        self._tie_delivery()
        self._tie_rest()
        self.handlers = FederationHandlers(
            own=self.own,
            peers=self.peers,
            receiver=self.receiver,
            uploads=self.uploads,
            receipts=self.receipts,
            sync=self.sync,
            tombstones=self.tombstones,
            witness=self.witness,
            record_exchange=self.record_exchange,
            link_reset=self.link_reset,
            comparison=self.comparison,
            taken_lists=self.taken_lists,
            wakeups=self.wakeups,
            clock=self.clock,
        )
        self.desk = tie_operations(self)
        self.member: Member | None = None
        """This process among the workers of the node, where its rows are on a server."""
        self.found: Mapping[str, int] = {}
        self.federation: RunningServer | None = None
        """The public door, while it is open."""

    def _tie_ground(self) -> None:
        """What several slices need."""
        self.log = AuditLog(
            store=self.store, identity=self.identity, peers=self.peers, clock=self.clock, kept=self.folder / CHECKPOINT
        )
        self.tombstones = Tombstones(store=self.store, own=self.own, link=self.link, clock=self.clock)
        self.split_view = SplitViewCheck(store=self.store, own=self.own, link=self.link, clock=self.clock)
        self.loader = ConversationLoader(sealer=self.sealer, own=self.own, peers=self.peers, region=self.region)
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
            sealer=self.sealer, own=self.own, peers=self.peers, config=self.config, clock=self.clock
        )
        self.attachments = AttachmentLibrary(
            content=self.content,
            peers=self.peers,
            files=self.files,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )
        self.file_pace = Pace(self.clock)
        self.uploader = Uploader(
            store=self.store, client=self.client, files=self.files, pace=self.file_pace, clock=self.clock
        )

    def _tie_trust(self) -> None:
        """Identity, audit and trust."""
        self.publication = Publication(
            store=self.store,
            identity=self.identity,
            clock=self.clock,
            kinds={unit.id: unit.kind for unit in self.config.units},
        )
        self.upkeep = KeyUpkeep(
            store=self.store, identity=self.identity, link=self.link, time=self.time, clock=self.clock
        )
        self.key_pace = KeyPaceWatch(store=self.store, keys=self.keys, workers=self.workers, clock=self.clock)
        self.checkpointer = Checkpointer(
            store=self.store, link=self.link, log=self.log, wakeups=self.wakeups, clock=self.clock
        )
        self.witness = LogWitness(store=self.store, identity=self.identity, peers=self.peers, clock=self.clock)
        self.reads = Reads(store=self.store, clock=self.clock, actor=self.keys.actor)
        self.review = CompromiseReview(content=self.content, peers=self.peers, workers=self.workers, clock=self.clock)
        self.sync = PeerSync(store=self.store, link=self.link, review=self.review, clock=self.clock)
        self.trust_effects = TrustEffects(
            store=self.store,
            identity=self.identity,
            peers=self.peers,
            policies=self.policies,
            time=self.time,
            wakeups=self.wakeups,
            clock=self.clock,
        )
        self.trust_changes = TrustChanges(
            own=self.own,
            trust_effects=self.trust_effects,
            time=self.time,
            config=self.config,
            lowest=self.region.nodes,
            actor=self.keys.actor,
        )
        self.taken_lists = TakenLists(
            content=self.content,
            identity=self.identity,
            link=self.link,
            workers=self.workers,
            clock=self.clock,
            take_away=lambda: self.taken_again.run_whole(),
        )
        self.link_reset = LinkReset(
            store=self.store,
            identity=self.identity,
            link=self.link,
            taken_lists=self.taken_lists,
            workers=self.workers,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.comparison = LinkComparison(
            store=self.store, link=self.link, wakeups=self.wakeups, events=self.events, clock=self.clock
        )
        self.record_exchange = RecordExchange(
            store=self.store,
            identity=self.identity,
            link=self.link,
            sync=self.sync,
            wakeups=self.wakeups,
            clock=self.clock,
        )
        self.pinger = Pinger(identity=self.identity, link=self.link, sync=self.sync, clock=self.clock)

    def _tie_delivery(self) -> None:
        """Messages on their way out and in."""
        self.drafts = DraftReader(sealer=self.sealer, peers=self.peers, config=self.config, rand=self.rand)
        inputs = InputLoader(content=self.content, loader=self.loader, consent_contexts=self.consent_contexts)
        self.preparation = Preparation(
            content=self.content,
            loader=self.loader,
            inputs=inputs,
            drafts=self.drafts,
            policies=self.policies,
            clock=self.clock,
            rand=self.rand,
        )
        kept = KeptJudgements()
        self.submission = Submission(
            content=self.content,
            drafts=self.drafts,
            inputs=inputs,
            preparation=self.preparation,
            kept=kept,
            wakeups=self.wakeups,
            events=self.events,
        )
        self.lookout = Lookout(
            content=self.content,
            loader=self.loader,
            consent_contexts=self.consent_contexts,
            policies=self.policies,
            clock=self.clock,
        )
        self.departure = Departure(
            content=self.content,
            sealing=Sealing(content=self.content, identity=self.identity, clock=self.clock, rand=self.rand),
            lookout=self.lookout,
            kept=kept,
            policies=self.policies,
            workers=self.workers,
            clock=self.clock,
        )
        self.expiry = Expiry(
            store=self.store,
            peers=self.peers,
            time=self.time,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.answering = Answering()
        self.local_receipts = LocalReceipts(
            content=self.content,
            identity=self.identity,
            answering=self.answering,
            workers=self.workers,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.receipts = ReceivedReceipts(
            store=self.store,
            own=self.own,
            workers=self.workers,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        checks = PartChecks(files=self.files, workers=self.workers)
        self.incoming_files = IncomingFiles(
            store=self.store,
            attachments=self.attachments,
            files=self.files,
            checks=checks,
            clock=self.clock,
            rand=self.rand,
        )
        self.effects = tie_effects(self)
        self.receiver = self._tie_receiver()
        self.uploads = Uploads(
            store=self.store,
            files=self.files,
            checks=checks,
            pace=self.file_pace,
            clock=self.clock,
            judge=self.receiver.answer_messages,
        )
        self.handover = Handover(
            content=self.content,
            keys=self.keys,
            peers=self.peers,
            attachments=self.attachments,
            local_receipts=self.local_receipts,
            answering=self.answering,
            adapter=self.adapter,
            workers=self.workers,
            wakeups=self.wakeups,
            durations=self.durations,
            clock=self.clock,
            mappings=self.outside.inward,
        )

    def _tie_receiver(self) -> Receiver:
        """The receive order (docs/spec/receiving.md)."""
        return Receiver(
            own=self.own,
            store=self.store,
            peers=self.peers,
            opening=Opening(
                identity=self.identity,
                sealer=self.sealer,
                workers=self.workers,
                fetch_chain=self.sync.fetch_chain,
                clock=self.clock,
            ),
            admission=Admission(
                sealer=self.sealer,
                own=self.own,
                units={unit.id: unit.kind for unit in self.config.units},
                load_conversations=lambda c, keys, whole: self.loader.recall(c, keys, whole=whole)[0],
                context_of=self.loader.came,
                find_consent=partial(register.known_in, self.sealer),
                clock=self.clock,
            ),
            files=self.incoming_files,
            recorder=Recorder(
                content=self.content,
                identity=self.identity,
                link=self.link,
                effects=self.effects,
                cases=self.cases,
                read_news=partial(read_news, self.store, self.peers),
                take_away=lambda connection, rows: self.taken_again.take_new(connection, rows),
                tell_again=erasures.tell_again,
                answering=self.answering,
                workers=self.workers,
                wakeups=self.wakeups,
                events=self.events,
                clock=self.clock,
            ),
            signer=AnswerSigner(
                store=self.store,
                identity=self.identity,
                answering=self.answering,
                workers=self.workers,
                clock=self.clock,
            ),
            workers=self.workers,
            clock=self.clock,
        )

    def _tie_rest(self) -> None:
        """What ends, what is counted, what is kept safe."""
        self.releases = StatisticsReleases(
            content=self.content,
            own=self.own,
            peers=self.peers,
            loader=self.loader,
            region=self.region,
            workers=self.workers,
            clock=self.clock,
            actor=self.keys.actor,
        )
        self.case_system_eraser = CaseSystemEraser(content=self.content, adapter=self.adapter, clock=self.clock)
        self.erased_receipts = ErasureReceipts(
            content=self.content, identity=self.identity, workers=self.workers, wakeups=self.wakeups, clock=self.clock
        )
        self.eraser = Eraser(
            content=self.content,
            case_register=self.cases,
            identity=self.identity,
            attachments=self.attachments,
            loader=self.loader,
            status_updates=self.status_updates,
            time=self.time,
            case_system=self.case_system_eraser,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.retention = Retention(
            content=self.content,
            eraser=self.eraser,
            releases=self.releases,
            status_updates=self.status_updates,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
            actor=self.keys.actor,
        )
        self.forwarder = RequestForwarder(
            content=self.content,
            own=self.own,
            peers=self.peers,
            preparation=self.preparation,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
            rand=self.rand,
            actor=self.keys.actor,
        )
        self.executor = RequestExecutor(content=self.content, eraser=self.eraser, clock=self.clock)
        self.confirmer = RequestConfirmer(
            content=self.content,
            keys=self.keys,
            peers=self.peers,
            preparation=self.preparation,
            config=self.config,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
            rand=self.rand,
        )
        self.overwork = Overwork(store=self.store, clock=self.clock)
        self.second_look = SecondLook(store=self.store, clock=self.clock)
        self.epochs = StorageEpochs(
            store=self.store,
            keys=self.keys,
            receipts=self.erased_receipts,
            loader=self.loader,
            time=self.time,
            epoch_days=self.config.storage.epoch_days,
            clock=self.clock,
        )
        self.erasure = ErasureChores(
            store=self.store,
            eraser=self.eraser,
            case_system=self.case_system_eraser,
            receipts=self.erased_receipts,
            retention=self.retention,
            forwarder=self.forwarder,
            executor=self.executor,
            confirmer=self.confirmer,
            epochs=self.epochs,
            time=self.time,
            clock=self.clock,
        )
        self.ledger = LedgerWriter(store=self.store, keys=self.keys, paths=self.ledger_paths, clock=self.clock)
        self.backups = BackupMaker(
            store=self.store,
            identity=self.identity,
            log=self.log,
            ledger=self.ledger,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )
        self.taken_again = TakenAgain(
            content=self.content,
            cases=CasesAgain(
                content=self.content,
                cases=self.cases,
                changes=CaseChanges(self.content, self.cases, check_two=check_two_people),
                units=[UnitId(unit.id) for unit in self.config.units],
            ),
            eraser=self.eraser,
            keys=self.keys,
            clock=self.clock,
        )
        self.position = PositionKeeper(store=self.store, path=self.folder / POSITION)
        self.status_metrics = StatusMetrics(
            store=self.store,
            keys=self.keys,
            key_pace=self.key_pace,
            peers=self.peers,
            log=self.log,
            config=self.config,
            clock=self.clock,
        )

    @property
    def ledger_paths(self) -> tuple[Path, ...]:
        """The ledger on another disk, where node.toml names one, and its copy in this folder."""
        section = self.config.backup
        elsewhere = () if section is None or section.ledger is None else (section.ledger,)
        return (*elsewhere, self.folder / LEDGER)

    @property
    def duties(self) -> Duties:
        """Who does what one worker does for all."""
        return OnlyWorker() if self.member is None else self.member.leadership

    def chores(self) -> Sequence[Chore]:
        """What is done again and again, in the order in which it begins."""
        keys, push = self.upkeep.chores()
        requests, erase = self.erasure.chores()
        return [
            *self.maintenance.chores(),
            *self.ledger.chores(),
            *self.position.chores(),
            *self.time.chores(),
            *self.key_pace.chores(),
            keys,
            *self.expiry.chores(),
            *self.trust_effects.chores(),
            *self.status_updates.chores(),
            *self.case_words.chores(),
            *self.loader.chores(),
            requests,
            push,
            *self.link_reset.chores(),
            *self.comparison.chores(),
            *self.sync.chores(),
            *self.epochs.chores(),
            *self.overwork.chores(),
            *self.second_look.chores(),
            erase,
            *self.taken_again.chores(),
            *self.review.chores(),
            *self.split_view.chores(),
            *([] if self.member is None else self.member.nonces.chores()),
            Chore("expiry warnings", HOUR, partial(expiry_warnings.tell, self.store, self.own, self.peers, self.clock)),
            Chore("database checkpoint", 1, self.store.checkpoint, leader=False),
        ]

    async def close(self) -> None:
        """Finish what was begun and let the folder go."""
        with suppress(GatewayError):  # what a disk does not take now is written at the next start
            await self.ledger.write()
            await self.position.keep()
        await self.client.close()
        if self.member is not None:
            await self.member.leave()
        self.store.close()
        self.workers.shutdown()
