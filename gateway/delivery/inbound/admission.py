"""Receive steps 13 to 17 with what this node holds: agreements, consents, conversations.

The gates ask for the consent that a message names. The consents of all messages of a request are looked up at once;
what came before in the same request and is not stored yet counts too, since a record, its withdrawal and what relies on
it may travel together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from sqlalchemy import Connection

from gateway.consent.register import Known
from gateway.conversations.history import NOTHING_SAID, History
from gateway.conversations.loader import LoadedConversation, goes_by_bodies
from gateway.conversations.rules.context import ConversationContext
from gateway.database.content_sealer import ContentSealer
from gateway.delivery.inbound import steps
from gateway.delivery.inbound.results import Refusal
from gateway.delivery.inbound.steps import ReceiverContext
from gateway.errors import Code, RemoteError
from gateway.foundation.ids import ConversationId, MessageId, NodeId, UnitId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store.conversations import Key
from gateway.messages.types import AcceptedMessage, AuthenticStatement, ExaminedMessage
from gateway.peers.registry import Peer
from gateway.peers.scope import PeerScope
from gateway.policy.descriptor_units import recipient_in, roles_in, sender_kind_in
from gateway.policy.gates.gate_table import UnitKind
from gateway.ports import Clock
from gateway.statistics import submissions
from gateway.statistics.submitted import Submitted, find_clash
from keys.primitives.encoding import maybe_text
from schemas.region_pack.statistics import SUBMISSION as SUBMISSION_TYPE
from schemas.types import never_blocked, type_name

SUBMISSION = type_name(SUBMISSION_TYPE)

LoadConversations: TypeAlias = Callable[
    [Connection, Collection[Key], Collection[Key]], Mapping[Key, LoadedConversation]
]
"""Those of the keys, and those of them that have to be whole (`goes_by_bodies`)."""
ContextOf: TypeAlias = Callable[[LoadedConversation, Key, str], ConversationContext | None]
"""(conversation, its key, body type) -> where a message of the peer is judged; None for one of no conversation."""
FindConsent: TypeAlias = Callable[[Connection, str], Known]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A message that passed steps 13 to 15, what is known of the consent that it names, if any, and for a table
    of statistics what its sender submitted before.
    """

    message: ExaminedMessage
    consent: Known | None
    submitted: tuple[Submitted, ...] = ()


class Admission:
    """Judges messages of a peer by what is agreed with it and by what is known here of consents and conversations."""

    def __init__(
        self,
        *,
        sealer: ContentSealer,
        own: OwnIdentity,
        units: Mapping[str, UnitKind],
        load_conversations: LoadConversations,
        context_of: ContextOf,
        find_consent: FindConsent,
        clock: Clock,
    ) -> None:
        self._sealer = sealer
        self._own = own
        self._units = units
        self._load_conversations = load_conversations
        self._context_of = context_of
        self._find_consent = find_consent
        self._clock = clock

    def load_conversations(
        self, connection: Connection, node: NodeId, messages: Iterable[AuthenticStatement]
    ) -> Mapping[Key, LoadedConversation]:
        """Load the conversations of these messages, but not of those that nothing may stop: none is asked."""
        said = [message.statement for message in messages if not never_blocked(message.statement.body_type)]
        keys = {self._key(node, statement.conv) for statement in said}
        whole = {self._key(node, statement.conv) for statement in said if goes_by_bodies(statement.body_type)}
        return self._load_conversations(connection, keys, whole)

    def examine_messages(
        self, connection: Connection, peer: Peer, messages: Iterable[AuthenticStatement]
    ) -> Mapping[MessageId, Examined | Refusal]:
        """Take steps 13 to 15 for each message, by its id.

        This comes before any of them is numbered, so that the consents which their headers name are looked up in the
        read that loads the link. What is found here is told only if step 12 lets the number pass.
        """
        scope = peer.standing(self._clock.now())
        examined = {message.statement.id: _examine_one(message, scope) for message in messages}
        named = {name for item in examined.values() if (name := _consent_named(item)) is not None}
        known = {name: self._find_consent(connection, name) for name in named}
        tables: tuple[Submitted, ...] = ()
        if any(isinstance(item, ExaminedMessage) and _is_table(item) for item in examined.values()):
            tables = submissions.received_from(connection, peer.node)
        return {
            id: item
            if isinstance(item, Refusal)
            else Examined(message=item, consent=known.get(_consent_named(item) or ""), submitted=tables)
            for id, item in examined.items()
        }

    def accept_message(
        self,
        peer: Peer,
        examined: Examined,
        *,
        conversations: Mapping[Key, LoadedConversation],
        before: Sequence[AcceptedMessage],
        behind_gap: bool,
    ) -> AcceptedMessage | Refusal:
        """Take steps 16 and 17. ``before`` are the messages of the same request that were accepted already.

        Behind a gap the conversation is known in part only, so it refuses nothing.
        """
        message = examined.message
        context = self._find_context(peer.node, message, conversations, before)
        if context is not None and behind_gap:
            context = replace(context, partial=True)
        known = self._build_facts(peer, examined, conversations, before)
        known = replace(known, history=replace(known.history, partial=behind_gap))
        try:
            accepted = steps.accept_message(message, known=known, conversation=context, own_node=self._own.node)
        except RemoteError as error:
            return Refusal.of(error.code)
        return Refusal.of(Code.GATE_G12) if _is_table(message) and _clashes(examined, before) else accepted

    def _build_facts(
        self,
        peer: Peer,
        examined: Examined,
        conversations: Mapping[Key, LoadedConversation],
        before: Sequence[AcceptedMessage],
    ) -> ReceiverContext:
        now, header = self._clock.now(), examined.message.header
        consent = _add_news(examined, peer.node, before, now)
        to, unit = (UnitId(maybe_text(header.get(name)) or "") for name in ("recipient_unit", "sender_unit"))
        return ReceiverContext(
            sender_kind=sender_kind_in(peer.descriptor, unit, maybe_text(header.get("sender_role"))),
            sender_roles=roles_in(peer.descriptor, unit),
            recipient=recipient_in(self._own.descriptor, to, now=now, kind=self._units.get(to)),
            consent=None if consent is None else consent.consent,
            recorded_by=frozenset() if consent is None else consent.recorded_by(self._own.node),
            withdrawn=consent is not None and consent.withdrawn,
            history=self._find_history(peer.node, examined.message, conversations, before),
        )

    def _find_context(
        self,
        node: NodeId,
        message: ExaminedMessage,
        conversations: Mapping[Key, LoadedConversation],
        before: Sequence[AcceptedMessage],
    ) -> ConversationContext | None:
        """Find the conversation of a message, with what this request has added to it."""
        key = self._key(node, message.conversation)
        if key not in conversations:
            return None
        context: ConversationContext | None = None
        for earlier in _of_conversation(before, message.conversation):
            context = context or self._context_of(conversations[key], key, earlier.body_type)
            context = context and context.joined(steps.to_conversation_message(earlier, context))
        return context or self._context_of(conversations[key], key, message.body_type)

    def _find_history(
        self,
        node: NodeId,
        message: ExaminedMessage,
        conversations: Mapping[Key, LoadedConversation],
        before: Sequence[AcceptedMessage],
    ) -> History:
        """Find what was said in the conversation of a message, with what this request has added to it."""
        held = conversations.get(self._key(node, message.conversation))
        if held is None:
            return NOTHING_SAID
        return held.history(also=map(steps.to_gate_message, _of_conversation(before, message.conversation)))

    def _key(self, node: NodeId, conversation: ConversationId) -> Key:
        return self._sealer.conversation_index(conversation), node


def _examine_one(message: AuthenticStatement, scope: PeerScope) -> ExaminedMessage | Refusal:
    try:
        return steps.examine_message(message, scope=scope)
    except RemoteError as error:
        return Refusal.of(error.code)


def _is_table(message: ExaminedMessage) -> bool:
    return type_name(message.body_type) == SUBMISSION


def _clashes(examined: Examined, before: Sequence[AcceptedMessage]) -> bool:
    """Whether a table can be subtracted from one that its sender submitted before, also in the same request."""
    new = submissions.read(examined.message.content)
    same = (submissions.read(message.content) for message in before if _is_table(message))
    earlier = [*examined.submitted, *(table for table in same if table is not None)]
    return new is not None and find_clash(new, earlier) is not None


def _of_conversation(messages: Iterable[AcceptedMessage], conversation: ConversationId) -> list[AcceptedMessage]:
    return [message for message in messages if message.conversation == conversation]


def _consent_named(item: ExaminedMessage | Refusal) -> str | None:
    """Return the consent that a message relies on, where its gates will ask for it."""
    if isinstance(item, Refusal) or never_blocked(item.body_type):
        return None
    return maybe_text(item.header.get("consent_ref"))


def _add_news(examined: Examined, node: NodeId, before: Sequence[AcceptedMessage], now: int) -> Known | None:
    """Return what is known of the consent after the records and withdrawals that came before in the same request."""
    if examined.consent is None:
        return None
    named = _consent_named(examined.message)
    about = [message for message in before if message.content.get("consent_id") == named]
    recorded, withdrawn = (
        [message.content for message in about if type_name(message.body_type) == name]
        for name in ("consent.record", "consent.withdrawal")
    )
    return examined.consent.with_news(node, recorded, withdrawn, now)
