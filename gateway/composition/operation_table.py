"""Everything that people and local systems may ask, with what each operation uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.access.operations.approvals import ApprovalOperations
from gateway.access.operations.logins import LoginOperations
from gateway.access.operations.people import PeopleOperations
from gateway.access.operations.tokens import TokenOperations
from gateway.administration.operations.alarms import AlarmOperations
from gateway.administration.operations.backup import BackupOperations
from gateway.administration.operations.clock import ClockOperations
from gateway.administration.operations.node import NodeViewOperations
from gateway.administration.operations.status import StatusOperations
from gateway.attachments.operations.files import AttachmentOperations
from gateway.audit.operations.access import AccessOperations
from gateway.audit.operations.log import AuditOperations
from gateway.audit.operations.protection import ProtectionOperations
from gateway.cases.operations.cases import CaseOperations
from gateway.cases.operations.changes import CaseChangeOperations
from gateway.cases.operations.history import CaseHistoryOperations
from gateway.consent.operations.case_consents import CaseConsentOperations
from gateway.consent.operations.confirming import ConfirmingOperations
from gateway.consent.operations.consents import ConsentOperations
from gateway.consent.operations.withdrawing import Withdrawer
from gateway.conversations.operations.contact import ContactOperations
from gateway.conversations.operations.conversations import ConversationOperations
from gateway.database.durability import DurabilityProbe
from gateway.delivery.operations.drafting import DraftOperations
from gateway.delivery.operations.inbox import InboxOperations
from gateway.delivery.operations.messages import MessageOperations
from gateway.delivery.operations.release import ReleaseOperations
from gateway.delivery.operations.resend import ResendOperations
from gateway.delivery.operations.schemas import SchemaOperations
from gateway.directory.operations.code_lists import CodeListOperations
from gateway.directory.operations.entries import DirectoryOperations
from gateway.erasure.operations.erasing import ErasureOperations
from gateway.erasure.operations.of_case import CaseErasureOperations
from gateway.erasure.peer_requests.operations import RequestOperations
from gateway.evidence.operations import EvidenceOperations
from gateway.guidance.operations import GuidanceOperations
from gateway.identity.operations.keys import KeyOperations
from gateway.node.blocks import BlockGuard
from gateway.node.dispatch import NodeOperations
from gateway.node.event_feed import EventFeed
from gateway.node.units import UnitGuard
from gateway.notifications.operations import AlertOperations
from gateway.operations.registry import joined
from gateway.policy.operations.asylum import AsylumOperations
from gateway.policy.operations.policies import PolicyOperations
from gateway.statistics.operations import StatisticsOperations
from gateway.trust.operations.changes import ChangeOperations
from gateway.trust.operations.peers import PeerOperations
from gateway.trust.operations.ping import PingOperations

if TYPE_CHECKING:
    from gateway.composition.node import Node


def tie_operations(node: Node) -> NodeOperations:
    """Everything that people and local systems may ask."""
    messages = MessageOperations(
        content=node.content,
        own=node.own,
        peers=node.peers,
        local_receipts=node.local_receipts,
        status_updates=node.status_updates,
        workers=node.workers,
        wakeups=node.wakeups,
        events=node.events,
        clock=node.clock,
        actor=node.keys.actor,
    )
    conversations = ConversationOperations(
        content=node.content,
        peers=node.peers,
        loader=node.loader,
        status_updates=node.status_updates,
        region=node.region,
        workers=node.workers,
        clock=node.clock,
    )
    release = ReleaseOperations(
        content=node.content,
        local_receipts=node.local_receipts,
        preparation=node.preparation,
        submission=node.submission,
        policies=node.policies,
        cases=node.cases,
        wakeups=node.wakeups,
        events=node.events,
        clock=node.clock,
        rand=node.rand,
        actor=node.keys.actor,
    )
    alerts = AlertOperations(
        content=node.content,
        peers=node.peers,
        local_receipts=node.local_receipts,
        loader=node.loader,
        status_updates=node.status_updates,
        submission=node.submission,
        config=node.config,
        clock=node.clock,
        actor=node.keys.actor,
    )
    people = PeopleOperations(
        store=node.store,
        tokens=node.tokens,
        logins=node.logins,
        trust_changes=node.trust_changes,
        config=node.config,
        clock=node.clock,
        rand=node.rand,
        actor=node.keys.actor,
    )
    access = AccessOperations(content=node.content, log=node.log)
    protection = ProtectionOperations(
        content=node.content, peers=node.peers, workers=node.workers, clock=node.clock, actor=node.keys.actor
    )
    erasure = ErasureOperations(
        content=node.content,
        eraser=node.eraser,
        retention=node.retention,
        status_updates=node.status_updates,
        backup=node.config.backup,
        clock=node.clock,
        actor=node.keys.actor,
    )
    case_erasure = CaseErasureOperations(
        content=node.content, erasing=erasure, clock=node.clock, rand=node.rand, actor=node.keys.actor
    )
    requests = RequestOperations(
        content=node.content,
        peers=node.peers,
        confirmer=node.confirmer,
        executor=node.executor,
        forwarder=node.forwarder,
        clock=node.clock,
        actor=node.keys.actor,
    )
    files = AttachmentOperations(content=node.content, peers=node.peers, attachments=node.attachments, files=node.files)
    offered: Sequence[object] = [
        *(messages, conversations, release, alerts, people, access, protection, erasure, case_erasure, requests, files),
        *_case_operations(node),
        *_node_operations(node),
    ]
    return NodeOperations(
        operations=joined(offered),
        files=files,
        units=UnitGuard(content=node.content),
        blocks=BlockGuard(content=node.content),
        reads=node.reads,
        feed=EventFeed(
            content=node.content, peers=node.peers, workers=node.workers, events=node.events, clock=node.clock
        ),
        epochs=node.epochs,
        erasure=node.erasure,
        content=node.content,
        clock=node.clock,
    )


def _case_operations(node: Node) -> Sequence[object]:
    """Operations on cases: changes of them, consents, drafts, directory, guidance, statistics."""
    withdrawer = Withdrawer(
        content=node.content,
        peers=node.peers,
        preparation=node.preparation,
        wakeups=node.wakeups,
        events=node.events,
        clock=node.clock,
        rand=node.rand,
    )
    return [
        CaseOperations(
            content=node.content,
            cases=node.cases,
            peers=node.peers,
            config=node.config,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        CaseChangeOperations(
            content=node.content, cases=node.cases, clock=node.clock, rand=node.rand, actor=node.keys.actor
        ),
        CaseHistoryOperations(content=node.content, config=node.config, clock=node.clock, actor=node.keys.actor),
        ConsentOperations(
            content=node.content,
            own=node.own,
            peers=node.peers,
            withdrawer=withdrawer,
            cases=node.cases,
            config=node.config,
            clock=node.clock,
            rand=node.rand,
            actor=node.keys.actor,
        ),
        ConfirmingOperations(content=node.content, clock=node.clock, actor=node.keys.actor),
        CaseConsentOperations(content=node.content, withdrawer=withdrawer, clock=node.clock, actor=node.keys.actor),
        DraftOperations(
            content=node.content,
            drafts=node.drafts,
            cases=node.cases,
            events=node.events,
            clock=node.clock,
            rand=node.rand,
        ),
        InboxOperations(
            content=node.content, peers=node.peers, workers=node.workers, events=node.events, clock=node.clock
        ),
        ResendOperations(
            content=node.content,
            peers=node.peers,
            attachments=node.attachments,
            submission=node.submission,
            wakeups=node.wakeups,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        ContactOperations(content=node.content, loader=node.loader, clock=node.clock),
        AsylumOperations(content=node.content, workers=node.workers, clock=node.clock, actor=node.keys.actor),
        PolicyOperations(store=node.store, own=node.own, peers=node.peers, policies=node.policies, clock=node.clock),
        DirectoryOperations(
            content=node.content,
            own=node.own,
            peers=node.peers,
            directory=node.directory,
            preparation=node.preparation,
            submission=node.submission,
            region=node.region,
            workers=node.workers,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        CodeListOperations(own=node.own, peers=node.peers, directory=node.directory, config=node.config),
        GuidanceOperations(
            own=node.own, library=node.library, region=node.region, workers=node.workers, clock=node.clock
        ),
        StatisticsOperations(
            content=node.content,
            own=node.own,
            releases=node.releases,
            drafts=node.drafts,
            region=node.region,
            events=node.events,
            clock=node.clock,
            rand=node.rand,
        ),
        EvidenceOperations(
            content=node.content,
            own=node.own,
            peers=node.peers,
            log=node.log,
            checkpointer=node.checkpointer,
            workers=node.workers,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        SchemaOperations(drafts=node.drafts),
    ]


def _node_operations(node: Node) -> Sequence[object]:
    """Operations on the node itself, its keys, its peers and its log."""
    return [
        KeyOperations(
            store=node.store,
            own=node.own,
            peers=node.peers,
            publication=node.publication,
            tombstones=node.tombstones,
            trust_effects=node.trust_effects,
            upkeep=node.upkeep,
            epochs=node.epochs,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        PeerOperations(
            store=node.store, own=node.own, link=node.link, config=node.config, clock=node.clock, actor=node.keys.actor
        ),
        ChangeOperations(
            store=node.store,
            own=node.own,
            link=node.link,
            link_reset=node.link_reset,
            trust_changes=node.trust_changes,
            policies=node.policies,
            time=node.time,
            config=node.config,
            wakeups=node.wakeups,
            clock=node.clock,
        ),
        PingOperations(
            store=node.store,
            peers=node.peers,
            pinger=node.pinger,
            submission=node.submission,
            config=node.config,
            wakeups=node.wakeups,
            events=node.events,
            clock=node.clock,
        ),
        AuditOperations(store=node.store, own=node.own, peers=node.peers, log=node.log, clock=node.clock),
        TokenOperations(
            store=node.store,
            tokens=node.tokens,
            config=node.config,
            clock=node.clock,
            rand=node.rand,
            actor=node.keys.actor,
        ),
        ApprovalOperations(
            store=node.store,
            tokens=node.tokens,
            trust_changes=node.trust_changes,
            config=node.config,
            clock=node.clock,
            rand=node.rand,
        ),
        LoginOperations(logins=node.logins, tokens=node.tokens, own=node.own, config=node.config, clock=node.clock),
        ClockOperations(store=node.store, peers=node.peers, time=node.time, clock=node.clock, actor=node.keys.actor),
        BackupOperations(backups=node.backups, config=node.config),
        StatusOperations(
            identity=node.identity,
            peers=node.peers,
            log=node.log,
            status_metrics=node.status_metrics,
            probe=DurabilityProbe(store=node.store, clock=node.clock),
            time=node.time,
            adapter=node.adapter,
            clock=node.clock,
        ),
        NodeViewOperations(
            store=node.store, own=node.own, keys=node.keys, peers=node.peers, config=node.config, adapter=node.adapter
        ),
        AlarmOperations(
            content=node.content, peers=node.peers, config=node.config, clock=node.clock, actor=node.keys.actor
        ),
    ]
