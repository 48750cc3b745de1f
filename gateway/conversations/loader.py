"""Conversations from the store: loaded with what is sealed opened at once, as the pure core takes them.

What the core needs of a message is taken from its content each time, because some of it is content (ADR 0011): the
database holds ids, states and sizes only. A message whose content is gone or does not open is missing here, and a
conversation with one is `partial`: it goes on from the state in its row, by what came since, and refuses nothing.

Who began the conversation is its host. The calendars are those of the countries in the two descriptors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

import schemas
from gateway.conversations.history import History, Members, Opened, history_of
from gateway.conversations.history import Side as Whose
from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Message, Side, make_message
from gateway.conversations.rules.fold import Conversation, Remembered
from gateway.conversations.rules.machines import Enquiry, Kind, OpenQuestionState, Referral
from gateway.conversations.rules.order import place
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.errors import RefusedError
from gateway.foundation.ids import ConversationId, NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec, probe
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import messages, receipts
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.store.receipts import Word
from gateway.peers.registry import PeerRegistry
from keys.documents.envelope import Status
from schemas.region_pack.calendars import load_calendar, load_calendars
from schemas.region_pack.regions import Region

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
    messages whose content is gone, ``said`` by number what each message says that counts; ``begun`` are body type and
    schema of each message that counts, in the order in which this node met them, and ``spoken`` the schemas by which
    the peer wrote.
    """

    rows: tuple[MessageRow, ...]
    ours: Side
    conversation: Conversation | None
    missing: frozenset[int] = frozenset()
    said: Mapping[int, Opened] = field(default_factory=dict)
    begun: tuple[tuple[str, str], ...] = ()
    spoken: frozenset[str] = frozenset()

    def history(self, *, but: int | None = None, also: Iterable[Opened] = ()) -> History:
        """What was said so far, as the gates take it: without the message ``but``, which is being judged, and with
        ``also``, which is not stored yet.
        """
        return history_of([*(said for ref, said in self.said.items() if ref != but), *also])

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
class _Words:
    """Receipts and sealings of messages, by the number of the message."""

    receipts: Mapping[int, Sequence[Word]]
    sealings: Mapping[int, Sequence[StatementRow]]


_STATES: Mapping[Kind, type[Enquiry | Referral | OpenQuestionState]] = {
    Kind.ENQUIRY: Enquiry,
    Kind.REFERRAL: Referral,
    Kind.STANDING: OpenQuestionState,
}


class ConversationLoader:
    """Loads conversations and opens what is sealed of them."""

    def __init__(self, *, sealer: ContentSealer, own: OwnIdentity, peers: PeerRegistry, region: Region) -> None:
        self._sealer = sealer
        self._own = own
        self._peers = peers
        self._region = region

    def key_of(self, conversation: ConversationId, peer: NodeId) -> Key:
        """By what a conversation is found."""
        return self._sealer.conversation_index(conversation), peer

    def load(
        self, connection: Connection, keys: Collection[Key], *, unopened: Collection[Key] = ()
    ) -> tuple[dict[Key, LoadedConversation], dict[int, MessageContent]]:
        """These conversations, and the contents of their messages by number, opened in one call to the key service.

        Of those in ``unopened`` only the rows are wanted.
        """
        rows = _rows(connection, [*keys, *unopened])
        sealed = content.get(connection, [row.ref for key in keys for row in rows[key]])
        opened = self._sealer.open_each(list(sealed.values())) if sealed else []
        contents = {
            ref: content_codec.read_content(plain)
            for ref, plain in zip(sealed, opened, strict=True)
            if not isinstance(plain, RefusedError)
        }
        words = _words(connection, [row for key in keys for row in rows[key]])
        quoted = _quoted(connection, [key for key in keys if rows[key] and rows[key][0].kind == Kind.ENQUIRY])
        partial = {key for key in keys if any(row.ref not in contents for row in rows[key])}
        known = rows_of.get(connection, [index for index, _ in partial]) if partial else {}
        held = {key: self._held(key, rows[key], contents, words, quoted.get(key), known.get(key)) for key in keys}
        held |= {
            key: LoadedConversation(rows=tuple(rows[key]), ours=_ours(rows[key]), conversation=None) for key in unopened
        }
        return held, contents

    def _held(
        self,
        key: Key,
        rows: Sequence[MessageRow],
        contents: Mapping[int, MessageContent],
        words: _Words,
        quoted: int | None,
        known: ConversationRow | None,
    ) -> LoadedConversation:
        ours = _ours(rows)
        counted = [row for row in rows if not (_ended(row) and row.n is None)]  # the peer never heard of those
        there = [(row, contents[row.ref], *contents[row.ref].halves()) for row in counted if row.ref in contents]
        kind = next((row.kind for row in rows if row.kind != ANY), Kind.STANDING)
        return LoadedConversation(
            rows=tuple(rows),
            ours=ours,
            missing=frozenset(row.ref for row in counted if row.ref not in contents),
            conversation=Conversation(
                kind=Kind(kind),
                setting=self.setting(key[1], ours),
                messages=tuple(_message(*item, ours, words) for item in there),
                quoted=quoted,
                remembered=_remembered(known, Kind(kind), rows),
            )
            if rows and rows[0].kind != probe.KIND
            else None,
            said={item[0].ref: _said(*item, words) for item in there if not _ended(item[0])},
            begun=tuple(
                (item[1].facts.body_type, item[1].facts.schema)
                for item in sorted(there, key=lambda item: item[0].ref)
                if not _ended(item[0])
            ),
            spoken=frozenset(item[1].facts.schema for item in there if item[0].direction == messages.IN),
        )

    def setting(self, peer: NodeId, ours: Side) -> Setting:
        """The calendars of the two sides; a country without one gets a stand-in by which no deadline is certain."""
        region = self._region.name
        return Setting(
            calendars={
                ours: load_calendar(region, self._own.descriptor.country),
                ours.other: load_calendar(region, self._country(peer)),
            }
        )

    def unlisted(self, peer: NodeId) -> list[str]:
        """The countries of the two nodes that have no calendar here."""
        countries = {self._own.descriptor.country, self._country(peer)}
        return sorted(country for country in countries if country not in load_calendars(self._region.name))

    def _country(self, peer: NodeId) -> str:
        found = self._peers.get(peer)
        return "" if found is None else found.descriptor.country

    def to_send(
        self, held: LoadedConversation, key: Key, body_type: str, reply_to: str | None
    ) -> ConversationContext | None:
        """Where an own message is judged at submission; None for what belongs to no conversation."""
        return self._around(held, key, body_type, held.as_known(reply_to), by_us=True)

    def sent(self, held: LoadedConversation, key: Key, body_type: str) -> ConversationContext | None:
        """Where an own message is judged that waits to go: the core rebuilds what was known when it was written."""
        return self._around(held, key, body_type, held.conversation, by_us=True)

    def came(self, held: LoadedConversation, key: Key, body_type: str) -> ConversationContext | None:
        """Where a message of the peer is judged."""
        return self._around(held, key, body_type, held.conversation, by_us=False)

    def _around(
        self, held: LoadedConversation, key: Key, body_type: str, known: Conversation | None, *, by_us: bool
    ) -> ConversationContext | None:
        """In the conversation there is, or in one that the message begins."""
        kind = schemas.load_catalogue().get(body_type).kind
        if kind == probe.KIND:
            return None
        ours = held.ours if held.rows else Side.HOST if by_us else Side.RECEIVING
        if known is None:
            known = Conversation(kind=Kind.STANDING if kind == ANY else Kind(kind), setting=self.setting(key[1], ours))
        return ConversationContext(conversation=known, side=ours if by_us else ours.other, partial=bool(held.missing))


def _rows(connection: Connection, keys: Collection[Key]) -> defaultdict[Key, list[MessageRow]]:
    found: defaultdict[Key, list[MessageRow]] = defaultdict(list)
    for row in messages.of_conversations(connection, list({index for index, _ in keys})):
        found[row.conversation, row.peer].append(row)
    return found


def _words(connection: Connection, rows: Sequence[MessageRow]) -> _Words:
    links: defaultdict[tuple[str, NodeId], dict[str, int]] = defaultdict(dict)
    for row in rows:
        links[row.direction, row.peer][row.id] = row.ref
    told: defaultdict[int, list[Word]] = defaultdict(list)
    for (direction, peer), refs in links.items():
        way = receipts.ISSUED if direction == messages.IN else receipts.RECEIVED
        for word in receipts.words(connection, way, peer, list(refs)):
            told[refs[word.id]].append(word)
    sealings: defaultdict[int, list[StatementRow]] = defaultdict(list)
    for sealing in messages.sealings(connection, [row.ref for row in rows]):
        if sealing.evidence != sealing.message:  # the question of a void is no sealing
            sealings[sealing.message].append(sealing)
    return _Words(receipts=told, sealings=sealings)


def _quoted(connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """The signed time of the message that quotes each enquiry, while it counts."""
    by = {
        row.quoted: key
        for key, row in rows_of.get(connection, [index for index, _ in keys]).items()
        if row.quoted is not None and key in keys
    }
    rows = messages.get(connection, list(by))
    words = _words(connection, list(rows.values()))
    return {by[ref]: _created(row, words) for ref, row in rows.items() if not _ended(row)}


def _remembered(known: ConversationRow | None, kind: Kind, rows: Sequence[MessageRow]) -> Remembered | None:
    """What the row of a conversation says of it that some of its messages do not say any more."""
    if known is None or known.upto is None or known.state not in set(_STATES[kind]):
        return None
    counted = frozenset(row.id for row in rows if row.ref <= known.upto)
    return Remembered(state=_STATES[kind](known.state), since=known.since or 0, counted=counted)


def _ours(rows: Sequence[MessageRow]) -> Side:
    """The side of this node: the host is who began."""
    return Side.RECEIVING if rows and rows[0].direction == messages.IN else Side.HOST


def _ended(row: MessageRow) -> bool:
    return row.state in ENDED if row.direction == messages.OUT else row.state == Incoming.REFUSED


def _said(row: MessageRow, opened: MessageContent, header: Members, body: Members, words: _Words) -> Opened:
    """A message as the gates take it, with what a policy kept from the peer: what was refused or taken back said
    nothing.
    """
    return Opened(
        body_type=opened.facts.body_type,
        side=Whose.OURS if row.direction == messages.OUT else Whose.THEIRS,
        created=_created(row, words),
        header=header,
        content=body if opened.facts.written is None else opened.facts.written,
        crossed=None if opened.facts.written is None else body,
        id=row.id,
        schema=opened.facts.schema,
        arrived=row.direction == messages.IN or row.state in ARRIVED,
    )


def _message(
    row: MessageRow, opened: MessageContent, header: Members, body: Members, ours: Side, words: _Words
) -> Message:
    said = words.receipts.get(row.ref, ())
    return make_message(
        id=row.id,
        side=ours if row.direction == messages.OUT else ours.other,
        n=place_of(row),
        created=_created(row, words),
        body_type=opened.facts.body_type,
        reply_to=opened.facts.reply_to,
        header=header,
        content=body,
        received=_at(said, Status.RECEIVED),
        opened=_at(said, Status.OPENED),
        rejected=_ended(row),
    )


def _at(said: Sequence[Word], status: Status) -> int | None:
    return next((word.at for word in reversed(said) if word.status == status), None)


def _created(row: MessageRow, words: _Words) -> int:
    """The signed time of the sealing whose receipt exists, else of the last one; that of submission before."""
    sealings = words.sealings.get(row.ref, ())
    answered = {word.of for word in words.receipts.get(row.ref, ())}
    times = [sealing.created for sealing in sealings if sealing.hash in answered] or [s.created for s in sealings]
    return times[-1] if times else row.at


def quote(connection: Connection, row: MessageRow, enquiry: str) -> list[bytes]:
    """Note beside an enquiry that the message `row` quotes it, if it is one of the same side to the same peer; the
    conversations of the enquiry.
    """
    found = messages.find(connection, enquiry, direction=row.direction, peer=row.peer)
    rows_of.quote(connection, [(one.conversation, one.peer, row.ref) for one in found])
    return [one.conversation for one in found]
