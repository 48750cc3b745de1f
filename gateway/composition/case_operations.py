"""What people and local systems may ask of messages and cases, with what each operation uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.cases.operations.cases import CaseOperations
from gateway.cases.operations.changes import CaseChangeOperations
from gateway.cases.operations.finding import CaseFinding
from gateway.cases.operations.history import CaseHistoryOperations
from gateway.cases.operations.marking import CaseMarking
from gateway.consent.operations.case_consents import CaseConsentOperations
from gateway.consent.operations.confirming import ConfirmingOperations
from gateway.consent.operations.consents import ConsentOperations
from gateway.consent.operations.withdrawing import Withdrawer
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
from gateway.evidence.operations import EvidenceOperations
from gateway.guidance.operations import GuidanceOperations
from gateway.policy.operations.asylum import AsylumOperations
from gateway.policy.operations.linked_holds import LinkedHoldOperations
from gateway.policy.operations.policies import PolicyOperations
from gateway.statistics.operations import StatisticsOperations

if TYPE_CHECKING:
    from gateway.composition.node import Node

MOST_ACTORS = 1_024
"""Pseudonyms of people and of users of case systems that are remembered."""


def message_operations(node: Node) -> Sequence[object]:
    """Operations on messages, drafts and conversations."""
    known_actors = lru_cache(maxsize=MOST_ACTORS)(node.keys.actor)  # of one key for good, and asked for each message
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
        actor=known_actors,
    )
    return [
        MessageOperations(
            content=node.content,
            own=node.own,
            peers=node.peers,
            local_receipts=node.local_receipts,
            workers=node.workers,
            wakeups=node.wakeups,
            events=node.events,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        release,
        BatchOperations(content=node.content, release=release, clock=node.clock),
        PreviewOperations(
            content=node.content,
            preparation=node.preparation,
            policies=node.policies,
            clock=node.clock,
            actor=node.keys.actor,
        ),
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
        WaitingDraftOperations(content=node.content, wakeups=node.wakeups, clock=node.clock, actor=node.keys.actor),
        ConversationOperations(
            content=node.content,
            peers=node.peers,
            loader=node.loader,
            status_updates=node.status_updates,
            region=node.region,
            workers=node.workers,
            clock=node.clock,
        ),
        ConversationListOperations(content=node.content, peers=node.peers, status_updates=node.status_updates),
        CourseOperations(
            content=node.content,
            peers=node.peers,
            loader=node.loader,
            status_updates=node.status_updates,
            region=node.region,
            clock=node.clock,
        ),
        WithdrawalOperations(content=node.content, peers=node.peers, loader=node.loader, clock=node.clock),
        ContactOperations(content=node.content, loader=node.loader, clock=node.clock),
        SchemaOperations(drafts=node.drafts),
    ]


def case_operations(node: Node) -> Sequence[object]:
    """Operations on cases: changes of them, consents, directory, guidance, statistics."""
    withdrawer = Withdrawer(
        content=node.content,
        own=node.own,
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
            linked_holds=node.linked_holds,
            peers=node.peers,
            status_updates=node.status_updates,
            config=node.config,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        CaseChangeOperations(
            content=node.content,
            cases=node.cases,
            linked_holds=node.linked_holds,
            clock=node.clock,
            rand=node.rand,
            actor=node.keys.actor,
        ),
        CaseFinding(
            content=node.content,
            own=node.own,
            peers=node.peers,
            loader=node.loader,
            status_updates=node.status_updates,
            case_words=node.case_words,
            region=node.region,
            clock=node.clock,
        ),
        CaseMarking(content=node.content, cases=node.cases, clock=node.clock, actor=node.keys.actor),
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
        AsylumOperations(
            content=node.content,
            linked_holds=node.linked_holds,
            workers=node.workers,
            clock=node.clock,
            actor=node.keys.actor,
        ),
        LinkedHoldOperations(
            content=node.content, linked_holds=node.linked_holds, clock=node.clock, actor=node.keys.actor
        ),
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
    ]
