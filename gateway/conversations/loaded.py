"""A conversation as this node holds it, put together from its messages: values only.

What the core needs of a message is taken from its content, because some of it is content (ADR 0011). A message whose
content is gone or does not open is missing here, and a conversation with one is partial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.conversations.history import History, Opened, history_of
from gateway.conversations.history import Side as Whose
from gateway.conversations.history_facts import keep_facts
from gateway.conversations.rules.facts import Message, Side, make_message
from gateway.conversations.rules.fold import Conversation, Remembered
from gateway.conversations.rules.machines import Enquiry, Kind, OpenQuestionState, Referral
from gateway.conversations.rules.order import Order, place
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import messages
from gateway.messages.store.conversations import ConversationRow
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.store.receipts import HAS_IT, Word
from keys.documents.envelope import Status
from schemas.types import type_name

APPLIED = frozenset({Incoming.AWAITING_HANDOVER, Incoming.HANDED_OVER, Incoming.OPENED})
"""Incoming messages that `seen` counts: taken, in order, and neither held nor refused (nrm1 12.5)."""

ARRIVED = frozenset({Outgoing.AWAITING_HANDOVER, Outgoing.AWAITING_OPENING, Outgoing.OPENED})
"""States of what the peer has confirmed that it has."""

ENDED = frozenset({Outgoing.REJECTED, Outgoing.FAILED, Outgoing.CANCELLED})
"""Own messages that count as never written: refused by the peer, or taken back before it had them."""

UNNUMBERED = 1 << 60
"""Before the local number of an own message that has none of the link yet: behind all that have one, in order."""

ANY = "any"
"""The kind of a type that may stand in each kind of conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConversation:
    """One conversation as this node holds it. ``ours`` is the side of this node; ``missing`` are the numbers of
    messages whose content is gone, ``said`` by number what each message says that counts: all of it, or if it is not
    ``whole`` the facts of those that have one (`history_facts`); ``begun`` are body type and schema of each message
    that counts, in the order in which this node met them, and ``spoken`` the schemas by which the peer wrote.
    """

    rows: tuple[MessageRow, ...]
    ours: Side
    conversation: Conversation | None
    missing: frozenset[int] = frozenset()
    said: Mapping[int, Opened] = field(default_factory=dict)
    begun: tuple[tuple[str, str], ...] = ()
    spoken: frozenset[str] = frozenset()
    whole: bool = True

    def history(self, *, but: int | None = None, also: Iterable[Opened] = ()) -> History:
        """What was said so far, as the gates take it: without the message ``but``, which is being judged, and with
        ``also``, which is not stored yet.
        """
        before = (said for ref, said in self.said.items() if ref != but)
        return history_of([*before, *also], whole=self.whole)

    @property
    def on_forms(self) -> list[str]:
        """The consents of which a record tells that is on a signed form."""
        told = (one.content for one in self.said.values() if type_name(one.body_type) == "consent.record")
        return [str(content.get("consent_id")) for content in told if content.get("signed_form_sha256")]

    @property
    def seen(self) -> int:
        """What the header of the next own message says (nrm1 12.5)."""
        return max((place_of(row) for row in self.rows if _applied(row)), default=0)

    def as_known(self, reply_to: str | None) -> Conversation | None:
        """What the writer of an own message that quotes ``reply_to`` may claim to know: what its ``seen`` will say, so
        that the peer judges it by the same messages.
        """
        if self.conversation is None:
            return None
        theirs = [message for message in self.conversation.messages if message.side is not self.ours]
        high = max([self.seen, *(message.n for message in theirs if message.id == reply_to)])
        known = (m for m in self.conversation.messages if m.side is self.ours or m.n <= high)
        return replace(self.conversation, messages=tuple(known))


def place_of(row: MessageRow) -> int:
    """The place of a message among those of its side, over all epochs of the link."""
    if row.n is None or row.epoch is None:
        return UNNUMBERED + row.ref
    return place(row.epoch, row.n)


def _applied(row: MessageRow) -> bool:
    return row.direction == messages.IN and row.state in APPLIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Receipts and sealings of messages, by the number of the message."""

    receipts: Mapping[int, Sequence[Word]]
    sealings: Mapping[int, Sequence[StatementRow]]


_STATES: Mapping[Kind, type[Enquiry | Referral | OpenQuestionState]] = {
    Kind.ENQUIRY: Enquiry,
    Kind.REFERRAL: Referral,
    Kind.STANDING: OpenQuestionState,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMessage:
    """A row with what its content says: to the fold, to the gates (None for nothing that they read), and by which type
    and schema. Nothing of it where the content is gone.
    """

    row: MessageRow
    message: Message | None = None
    said: Opened | None = None
    begun: tuple[str, str] = ("", "")
    counts: bool = field(init=False)
    """Whether the peer ever heard of it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", not (has_ended(self.row) and self.row.n is None))


def read_message(row: MessageRow, opened: MessageContent, ours: Side, words: Words) -> ReadMessage:
    """Read the content of a message; what a policy kept from the peer was said all the same."""
    header, body = opened.halves()
    created, facts = created_of(row, words), opened.facts
    return ReadMessage(
        row=row,
        message=_received(
            make_message(
                id=row.id,
                side=ours if row.direction == messages.OUT else ours.other,
                n=place_of(row),
                created=created,
                body_type=facts.body_type,
                reply_to=facts.reply_to,
                header=header,
                content=body,
            ),
            row,
            words,
        ),
        said=Opened(
            body_type=facts.body_type,
            side=Whose.OURS if row.direction == messages.OUT else Whose.THEIRS,
            created=created,
            header=header,
            content=body if facts.written is None else facts.written,
            crossed=None if facts.written is None else body,
            id=row.id,
            schema=facts.schema,
            arrived=_has_arrived(row),
        ),
        begun=(facts.body_type, facts.schema),
    )


def keep_read(read: ReadMessage) -> ReadMessage:
    """Keep of what a message says to the gates no more than they read."""
    return read if read.said is None else replace(read, said=keep_facts(read.said))


def renew(read: ReadMessage, row: MessageRow, words: Words) -> ReadMessage:
    """Read the same content with another row, and with the receipts and sealings of now."""
    if read.message is None:
        return replace(read, row=row)
    created = created_of(row, words)
    return replace(
        read,
        row=row,
        message=_received(replace(read.message, n=place_of(row), created=created), row, words),
        said=None if read.said is None else replace(read.said, created=created, arrived=_has_arrived(row)),
    )


def make_loaded(read: Sequence[ReadMessage], conversation: Conversation | None, *, whole: bool) -> LoadedConversation:
    """Put a conversation together from its messages, in local order."""
    counted = [one for one in read if one.counts]
    there = [one for one in counted if one.message is not None]
    said = [one for one in there if one.message is not None and not one.message.rejected]
    return LoadedConversation(
        rows=tuple(one.row for one in read),
        ours=side_of([one.row for one in read[:1]]),
        conversation=conversation,
        missing=frozenset(one.row.ref for one in counted if one.message is None),
        said=_say_in_order(said, conversation),
        begun=tuple(one.begun for one in said),
        spoken=frozenset(one.begun[1] for one in there if one.row.direction == messages.IN),
        whole=whole,
    )


def _say_in_order(read: Iterable[ReadMessage], conversation: Conversation | None) -> dict[int, Opened]:
    """What each message says, by number, in the order that both sides have."""
    found = {one.message.id: one for one in read if one.message is not None}
    trail = None if conversation is None else conversation.trail
    order = Order(one.message for one in found.values() if one.message is not None) if trail is None else trail.order
    said: dict[int, Opened] = {}
    for message, at in order.counted():
        one = found.get(message.id)
        if one is not None and one.said is not None:
            said[one.row.ref] = one.said if one.said.created == at else replace(one.said, created=at)
    return said


def _received(message: Message, row: MessageRow, words: Words) -> Message:
    told = words.receipts.get(row.ref, ())
    return replace(message, received=_first_at(told), opened=_at(told, Status.OPENED), rejected=has_ended(row))


def _has_arrived(row: MessageRow) -> bool:
    return row.direction == messages.IN or row.state in ARRIVED


def remember(known: ConversationRow | None, kind: Kind, rows: Sequence[MessageRow]) -> Remembered | None:
    """What the row of a conversation says of it that some of its messages do not say any more."""
    if known is None or known.upto is None or known.state not in set(_STATES[kind]):
        return None
    counted = frozenset(row.id for row in rows if row.ref <= known.upto)
    return Remembered(state=_STATES[kind](known.state), since=known.since or 0, counted=counted)


def side_of(rows: Sequence[MessageRow]) -> Side:
    """The side of this node: the host is who began."""
    return Side.RECEIVING if rows and rows[0].direction == messages.IN else Side.HOST


def has_ended(row: MessageRow) -> bool:
    """Whether a message counts as never said: refused, or taken back."""
    return row.state in ENDED if row.direction == messages.OUT else row.state == Incoming.REFUSED


def _at(said: Sequence[Word], status: Status) -> int | None:
    return next((word.at for word in reversed(said) if word.status == status), None)


def _first_at(said: Sequence[Word]) -> int | None:
    """When the receiver had it, by the first status that there is: a later one includes the earlier ones (nrm1 6.2). An
    answer may be lost, and what goes by itself may come before the request is repeated. Then it is later than the time
    by which the receiver counts, and nobody has signed that one for us (domain 5.9).
    """
    return next((at for status in HAS_IT if (at := _at(said, status)) is not None), None)


def created_of(row: MessageRow, words: Words) -> int:
    """The signed time of the sealing whose receipt exists, else of the last one; that of submission before."""
    sealings = words.sealings.get(row.ref, ())
    answered = {word.of for word in words.receipts.get(row.ref, ())}
    times = [sealing.created for sealing in sealings if sealing.hash in answered] or [s.created for s in sealings]
    return times[-1] if times else row.at
