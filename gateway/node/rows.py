"""Every operation of a node: the classes that offer them, and their rows by name.

This is the one row of operations above all slices. What stands in no row can not be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from gateway.cases.operations.cases import CaseOperations
from gateway.cases.operations.changes import CaseChangeOperations
from gateway.cases.operations.finding import CaseFinding
from gateway.cases.operations.history import CaseHistoryOperations
from gateway.cases.operations.marking import CaseMarking
from gateway.cluster.operations import WorkerOperations
from gateway.consent.operations.case_consents import CaseConsentOperations
from gateway.consent.operations.confirming import ConfirmingOperations
from gateway.consent.operations.consents import ConsentOperations
from gateway.conversations.operations.contact import ContactOperations
from gateway.conversations.operations.conversations import ConversationOperations
from gateway.conversations.operations.course import CourseOperations
from gateway.conversations.operations.listing import ConversationListOperations
from gateway.conversations.operations.withdrawals import WithdrawalOperations
from gateway.delivery.operations.batch import BatchOperations
from gateway.delivery.operations.drafting import DraftOperations
from gateway.delivery.operations.inbox import InboxOperations
from gateway.delivery.operations.messages import MessageOperations
from gateway.delivery.operations.preview import PreviewOperations
from gateway.delivery.operations.release import ReleaseOperations
from gateway.delivery.operations.resend import ResendOperations
from gateway.delivery.operations.schemas import SchemaOperations
from gateway.delivery.operations.waiting_drafts import WaitingDraftOperations
from gateway.directory.operations.code_lists import CodeListOperations
from gateway.directory.operations.entries import DirectoryOperations
from gateway.erasure.operations.erasing import ErasureOperations
from gateway.erasure.operations.of_case import CaseErasureOperations
from gateway.erasure.peer_requests.operations import RequestOperations
from gateway.evidence.operations import EvidenceOperations
from gateway.guidance.operations import GuidanceOperations
from gateway.identity.operations.keys import KeyOperations
from gateway.identity.operations.machines import MachineOperations
from gateway.maintenance.operations import MaintenanceOperations
from gateway.notifications.operations import AlertOperations
from gateway.operations import roles
from gateway.operations.registry import About, Row, Units, rows_of
from gateway.policy.operations.asylum import AsylumOperations
from gateway.policy.operations.linked_holds import LinkedHoldOperations
from gateway.policy.operations.policies import PolicyOperations
from gateway.statistics.operations import StatisticsOperations
from gateway.trust.operations.changes import ChangeOperations
from gateway.trust.operations.peers import PeerOperations
from gateway.trust.operations.ping import PingOperations

CLASSES: tuple[type, ...] = (
    MessageOperations,
    ReleaseOperations,
    BatchOperations,
    PreviewOperations,
    ResendOperations,
    AttachmentOperations,
    DraftOperations,
    WaitingDraftOperations,
    InboxOperations,
    ConversationOperations,
    ConversationListOperations,
    CourseOperations,
    WithdrawalOperations,
    ContactOperations,
    ErasureOperations,
    RequestOperations,
    AlertOperations,
    AsylumOperations,
    LinkedHoldOperations,
    CaseOperations,
    CaseFinding,
    CaseMarking,
    CaseChangeOperations,
    CaseHistoryOperations,
    CaseErasureOperations,
    ConsentOperations,
    ConfirmingOperations,
    CaseConsentOperations,
    StatisticsOperations,
    NodeViewOperations,
    StatusOperations,
    DeliveryOperations,
    WorkerOperations,
    ClockOperations,
    MaintenanceOperations,
    KeyOperations,
    MachineOperations,
    PeerOperations,
    ChangeOperations,
    PingOperations,
    PolicyOperations,
    SchemaOperations,
    CodeListOperations,
    DirectoryOperations,
    GuidanceOperations,
    EvidenceOperations,
    AlarmOperations,
    AuditOperations,
    AccessOperations,
    ProtectionOperations,
    CaseHistoryForAudit,
    OwnCopyOperations,
    BackupOperations,
    DiagnosticsOperations,
    TokenOperations,
    LoginOperations,
    PeopleOperations,
    ApprovalOperations,
)

EVENTS = Row(
    name="event.stream",
    summary="what happens, as it happens",
    roles=roles.MOVES,
    about=About.CASE,
    answer=Any,
    units=Units.NARROWED,
)
DESCRIPTION = Row(
    name="api.describe",
    summary="the document of this API",
    roles=roles.EVERYBODY,
    about=About.NODE,
    answer=Any,
    units=Units.FREE,
)
METRICS = Row(
    name="metrics.read",
    summary="the status for Prometheus",
    roles=roles.LOOKS,
    about=About.NODE,
    answer=Any,
)
APART = (EVENTS, DESCRIPTION, METRICS)
"""These are no question with one answer in JSON, so no class offers them."""

ROWS: Mapping[str, Row] = rows_of(CLASSES) | {row.name: row for row in APART}
