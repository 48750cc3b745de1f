"""Everything that people and local systems may ask, with what each operation uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from gateway.access.operations.approvals import ApprovalOperations
from gateway.access.operations.logins import LoginOperations
from gateway.access.operations.people import PeopleOperations
from gateway.access.operations.tokens import TokenOperations
from gateway.administration.operations.alarms import AlarmOperations
from gateway.administration.operations.backup import BackupOperations
from gateway.administration.operations.clock import ClockOperations
from gateway.administration.operations.delivery import DeliveryOperations
from gateway.administration.operations.diagnostics import DiagnosticsOperations
from gateway.administration.operations.node import NodeViewOperations
from gateway.administration.operations.status import StatusOperations
from gateway.attachments.operations.files import AttachmentOperations
from gateway.audit.operations.access import AccessOperations
from gateway.audit.operations.case_history import CaseHistoryForAudit
from gateway.audit.operations.log import AuditOperations
from gateway.audit.operations.own_copy import OwnCopyOperations
from gateway.audit.operations.protection import ProtectionOperations
from gateway.cases import questions
from gateway.cases import store as cases
from gateway.cluster.operations import WorkerOperations
from gateway.composition.case_operations import case_operations, message_operations
from gateway.database.durability import DurabilityProbe
from gateway.database.sealed_content import Content
from gateway.erasure.operations.erasing import ErasureOperations
from gateway.erasure.operations.of_case import CaseErasureOperations
from gateway.erasure.peer_requests.operations import RequestOperations
from gateway.identity.operations.keys import KeyOperations
from gateway.identity.operations.machines import MachineOperations
from gateway.maintenance.operations import MaintenanceOperations
from gateway.messages.store import local as drafts
from gateway.node.blocks import BlockGuard
from gateway.node.dispatch import NodeOperations
from gateway.node.units import UnitGuard
from gateway.notifications.operations import AlertOperations
from gateway.operations.registry import joined
from gateway.operations.roles import person_text
from gateway.policy import store as holds
from gateway.trust.operations.changes import ChangeOperations
from gateway.trust.operations.peers import PeerOperations
from gateway.trust.operations.ping import PingOperations

if TYPE_CHECKING:
    from gateway.composition.node import Node


def tie_operations(node: Node) -> NodeOperations:
    """Everything that people and local systems may ask."""
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
        trust_changes=node.trust_changes,
        config=node.config,
        clock=node.clock,
        rand=node.rand,
        actor=node.keys.actor,
        forget_words=partial(forget_words, node.content),
    )
    access = AccessOperations(content=node.content, log=node.log)
    protection = ProtectionOperations(
        content=node.content, peers=node.peers, workers=node.workers, clock=node.clock, actor=node.keys.actor
    )
    erasure = ErasureOperations(
        content=node.content,
        keys=node.keys,
        eraser=node.eraser,
        retention=node.retention,
        status_updates=node.status_updates,
        backup=node.config.backup,
        archive_days=node.config.database.archive_days,
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
    files = AttachmentOperations(
        content=node.content, peers=node.peers, attachments=node.attachments, files=node.files, pace=node.file_pace
    )
    offered: Sequence[object] = [
        *(alerts, people, access, protection, erasure, case_erasure, requests, files),
        *message_operations(node),
        *case_operations(node),
        *_node_operations(node),
    ]
    return NodeOperations(
        operations=joined(offered),
        own=node.own,
        maintenance=node.maintenance,
        durations=node.durations,
        files=files,
        units=UnitGuard(content=node.content),
        blocks=BlockGuard(content=node.content),
        reads=node.reads,
        feed=node.feed,
        epochs=node.epochs,
        erasure=node.erasure,
        content=node.content,
        clock=node.clock,
    )


def _node_operations(node: Node) -> Sequence[object]:
    """Operations on the node itself, its keys, its peers and its log."""
    return [
        KeyOperations(
            content=node.content,
            own=node.own,
            peers=node.peers,
            publication=node.publication,
            tombstones=node.tombstones,
            trust_effects=node.trust_effects,
            upkeep=node.upkeep,
            epochs=node.epochs,
            time=node.time,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        MachineOperations(store=node.store, keys=node.keys, clock=node.clock, actor=node.keys.actor),
        PeerOperations(
            store=node.store,
            own=node.own,
            link=node.link,
            config=node.config,
            lowest=node.region.nodes,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        ChangeOperations(
            store=node.store,
            own=node.own,
            link=node.link,
            link_reset=node.link_reset,
            trust_changes=node.trust_changes,
            sync=node.sync,
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
        CaseHistoryForAudit(
            content=node.content,
            own=node.own,
            peers=node.peers,
            log=node.log,
            config=node.config,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        OwnCopyOperations(content=node.content, peers=node.peers, clock=node.clock, actor=node.keys.actor),
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
        LoginOperations(logins=node.logins, tokens=node.tokens, own=node.own, config=node.config),
        ClockOperations(store=node.store, peers=node.peers, time=node.time, clock=node.clock, actor=node.keys.actor),
        MaintenanceOperations(mode=node.maintenance, upkeep=node.upkeep, clock=node.clock, actor=node.keys.actor),
        DiagnosticsOperations(store=node.store),
        BackupOperations(backups=node.backups, config=node.config),
        StatusOperations(
            identity=node.identity,
            maintenance=node.maintenance,
            peers=node.peers,
            log=node.log,
            status_metrics=node.status_metrics,
            probe=DurabilityProbe(store=node.store, clock=node.clock),
            time=node.time,
            client=node.client,
            adapter=node.adapter,
            clock=node.clock,
        ),
        DeliveryOperations(store=node.store, peers=node.peers, clock=node.clock),
        NodeViewOperations(
            store=node.store, own=node.own, keys=node.keys, peers=node.peers, config=node.config, adapter=node.adapter
        ),
        WorkerOperations(
            rows=node.store, peers=node.peers, here=lambda: None if node.member is None else node.member.id
        ),
        AlarmOperations(
            content=node.content, peers=node.peers, config=node.config, clock=node.clock, actor=node.keys.actor
        ),
    ]


def forget_words(content: Content, connection: Connection, person: str) -> None:
    """Forget what a person said as the first of two and no second one has confirmed: drafts wait for two people again,
    asylum holds lie, what a linked person fears is asked about, and cases stay as they are.
    """
    drafts.forget_first(connection, person_text(person).encode())
    holds.forget_lifts(connection, person.encode())
    cases.forget_asked(connection, person.encode())
    questions.forget_answers(content, connection, person)
