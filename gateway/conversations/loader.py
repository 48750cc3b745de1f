"""Conversations from the store: loaded with what is sealed opened at once, as the pure core takes them.

The database holds ids, states and sizes only; the rest is taken from the contents (ADR 0011). A conversation of which
one is gone goes on from the state in its row, by what came since, and refuses nothing.

Whoever shows a conversation or counts in it loads it whole. Whoever judges a message recalls it: what was loaded for
the last message is in memory (`gateway.conversations.memory`), and only what changed since is read and opened. There
are the facts that judgements go by, and no bodies; so where a correction is judged, which goes by the body that it
corrects, the conversation is loaded whole.

Who began the conversation is its host. The calendars are those of the countries in the two descriptors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

import schemas
from gateway.conversations.loaded import (
    LoadedConversation,
    ReadMessage,
    Words,
    created_of,
    has_ended,
    keep_read,
    make_loaded,
    place_of,
    read_message,
    remember,
    renew,
    side_of,
)
from gateway.conversations.memory import ConversationMemory
from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.fold import Conversation, followed
from gateway.conversations.rules.machines import Kind
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import began
from gateway.errors import RefusedError
from gateway.foundation.chores import MINUTE, Chore
from gateway.foundation.ids import ConversationId, NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec, probe
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import messages, receipts
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.store.receipts import Word
from gateway.peers.registry import PeerRegistry
from schemas.region_pack.regions import Region
from schemas.types import type_name

__all__ = ["ANY", "ConversationLoader", "LoadedConversation", "goes_by_bodies", "place_of", "quote"]

ANY = "any"
"""The kind of a type that may stand in each kind of conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is kept of a conversation: how often it had changed, its messages by number, and what they make together."""

    changes: int
    read: Mapping[int, ReadMessage]
    held: LoadedConversation

    @property
    def size(self) -> int:
        """How many messages that are."""
        return len(self.read)


@dataclass(frozen=True, slots=True, kw_only=True)
class _News:
    """What was read of conversations: rows, contents by number, which of the contents read before are there still, and
    what receipts and sealings say.
    """

    rows: Mapping[Key, Sequence[MessageRow]]
    contents: Mapping[int, MessageContent]
    there: Collection[int]
    words: Words


def goes_by_bodies(body_type: str) -> bool:
    """Whether a message of this type is judged by what others say, word for word: a correction (domain 3.19)."""
    return type_name(body_type) == "data.correction"


class ConversationLoader:
    """Loads conversations and opens what is sealed of them."""

    def __init__(self, *, sealer: ContentSealer, own: OwnIdentity, peers: PeerRegistry, region: Region) -> None:
        self._sealer = sealer
        self._own = own
        self._peers = peers
        self._region = region
        self._memory = ConversationMemory[Recalled]()
        self._settings: dict[tuple[str, str, Side], Setting] = {}

    def chores(self) -> Sequence[Chore]:
        """Forget what nobody asks for."""
        return (Chore("conversations unused", MINUTE, self._forget_unused, leader=False),)

    async def _forget_unused(self) -> None:
        self._memory.forget_unused()

    def forget(self) -> None:
        """Forget all that is in memory: something was erased, and that is on disk."""
        self._memory.forget()

    def key_of(self, conversation: ConversationId, peer: NodeId) -> Key:
        """By what a conversation is found."""
        return self._sealer.conversation_index(conversation), peer

    def load(
        self, connection: Connection, keys: Collection[Key]
    ) -> tuple[dict[Key, LoadedConversation], dict[int, MessageContent]]:
        """These conversations whole, and the contents of their messages by number, opened in one call to the key
        service.
        """
        rows, known = _rows(connection, keys), rows_of.get(connection, _indexes(keys))
        contents = self._open(connection, [row.ref for key in keys for row in rows[key]])
        words = _words(connection, [row for key in keys for row in rows[key]])
        quoted = _quoted(connection, [known[key] for key in keys if key in known])
        held: dict[Key, LoadedConversation] = {}
        for key in keys:
            ours = side_of(rows[key])
            read = [
                read_message(row, contents[row.ref], ours, words) if row.ref in contents else ReadMessage(row=row)
                for row in rows[key]
            ]
            held[key] = make_loaded(read, self._talk(key, read, known.get(key), quoted.get(key)), whole=True)
        return held, contents

    def recall(
        self,
        connection: Connection,
        keys: Collection[Key],
        *,
        unopened: Collection[Key] = (),
        whole: Collection[Key] = (),
        opened: Collection[int] = (),
        keep: bool = True,
    ) -> tuple[dict[Key, LoadedConversation], dict[int, MessageContent]]:
        """These conversations as judgements need them, and the contents of the messages in ``opened``, by number.

        Of those in ``unopened`` only the rows are wanted; those in ``whole`` are loaded whole. Without ``keep`` what is
        not in memory is not put there.
        """
        held, contents = self.load(connection, whole)
        facts = [key for key in keys if key not in held]
        known = rows_of.get(connection, _indexes(facts))
        found = {key: self._memory.get(key, known[key].changes) for key in facts if key in known}
        entries = {key: entry for key, entry in found.items() if entry is not None}
        news = self._read_news(connection, facts, known, entries, {*opened} - contents.keys())
        quoted = _quoted(connection, [known[key] for key in facts if key in known])
        since = began(connection)
        for key in facts:
            before, row = entries.get(key), known.get(key)
            now = self._recalled(key, row, before, news, quoted.get(key))
            held[key] = now.held
            if now is not before and row is not None and (keep or before is not None):
                self._memory.put(key, now, began=since)
        rows = _rows(connection, unopened)
        held |= {
            key: LoadedConversation(rows=tuple(rows[key]), ours=side_of(rows[key]), conversation=None)
            for key in unopened
        }
        return held, {ref: one for ref, one in {**contents, **news.contents}.items() if ref in opened}

    def _read_news(
        self,
        connection: Connection,
        keys: Sequence[Key],
        known: Mapping[Key, ConversationRow],
        entries: dict[Key, Recalled],
        opened: Collection[int],
    ) -> _News:
        """Read what is new or another one in conversations with an entry, and all of those without one; with it the
        contents of ``opened``. An entry goes where it turns out that another message began the conversation.
        """
        rows: dict[Key, list[MessageRow]] = {}
        for key, entry in list(entries.items()):
            if entry.changes < known[key].changes:
                rows[key] = messages.changed_since(connection, key, entry.changes)
                if any(row.ref < next(iter(entry.read)) for row in rows[key]):
                    del entries[key]
        rows |= _rows(connection, [key for key in keys if key not in entries])
        changed = [row for some in rows.values() for row in some]
        read = {row.ref for key, entry in entries.items() for row in rows.get(key, ()) if _is_read(entry, row)}
        return _News(
            rows=rows,
            contents=self._open(connection, {*opened, *(row.ref for row in changed)} - read | {*opened}),
            there=content.present(connection, sorted(read)),
            words=_words(connection, changed),
        )

    def _recalled(
        self, key: Key, row: ConversationRow | None, before: Recalled | None, news: _News, quoted: int | None
    ) -> Recalled:
        """A conversation as it was before, with what is new in it."""
        if before is not None and key not in news.rows:
            return replace(before, held=self._as_now(key, row, before, quoted))
        rows = news.rows.get(key, [])
        read = {} if before is None else {**before.read}
        ours = side_of(rows) if before is None else before.held.ours
        for new in rows:
            old = read.get(new.ref)
            if old is not None and new.ref in news.there:
                read[new.ref] = renew(old, new, news.words)
            elif new.ref in news.contents:
                read[new.ref] = keep_read(read_message(new, news.contents[new.ref], ours, news.words))
            else:
                read[new.ref] = ReadMessage(row=new)
        read = dict(sorted(read.items()))
        talk = self._talk(key, [*read.values()], row, quoted)
        if talk is not None:
            last = None if before is None or before.held.conversation is None else before.held.conversation.trail
            talk = followed(replace(talk, trail=last))
        held = make_loaded([*read.values()], talk, whole=False)
        return Recalled(changes=0 if row is None else row.changes, read=read, held=held)

    def _as_now(
        self, key: Key, row: ConversationRow | None, before: Recalled, quoted: int | None
    ) -> LoadedConversation:
        """The same messages with what else a conversation hangs on: the countries, what quotes it, what is remembered
        of it.
        """
        talk = before.held.conversation
        if talk is None:
            return before.held
        setting, remembered = self.setting(key[1], before.held.ours), talk.remembered
        if before.held.missing or remembered is not None:
            remembered = remember(row, talk.kind, before.held.rows)
        if (talk.setting, talk.quoted, talk.remembered) == (setting, quoted, remembered):
            return before.held
        return replace(before.held, conversation=replace(talk, setting=setting, quoted=quoted, remembered=remembered))

    def _talk(
        self, key: Key, read: Sequence[ReadMessage], row: ConversationRow | None, quoted: int | None
    ) -> Conversation | None:
        """The messages as the core takes them; None for a test message, and where there is none."""
        rows = [one.row for one in read]
        if not rows or rows[0].kind == probe.KIND:
            return None
        kind = Kind(next((row.kind for row in rows if row.kind != ANY), Kind.STANDING))
        partial = any(one.message is None for one in read)
        return Conversation(
            kind=kind,
            setting=self.setting(key[1], side_of(rows)),
            messages=tuple(one.message for one in read if one.counts and one.message is not None),
            quoted=quoted,
            remembered=remember(row, kind, rows) if partial else None,
        )

    def _open(self, connection: Connection, refs: Collection[int]) -> dict[int, MessageContent]:
        """The contents that are there and open, in one call to the key service."""
        sealed = content.get(connection, sorted(refs))
        opened = self._sealer.open_each(list(sealed.values())) if sealed else []
        return {
            ref: content_codec.read_content(plain)
            for ref, plain in zip(sealed, opened, strict=True)
            if not isinstance(plain, RefusedError)
        }

    def setting(self, peer: NodeId, ours: Side) -> Setting:
        """The calendars of the two sides; a country without one gets a stand-in by which no deadline is certain."""
        countries = self._own.descriptor.country, self._country(peer), ours
        if countries not in self._settings:  # one for all conversations: how they were folded hangs on it
            own, theirs = (self._region.calendar(country) for country in countries[:2])
            self._settings[countries] = Setting(calendars={ours: own, ours.other: theirs})
        return self._settings[countries]

    def unlisted(self, peer: NodeId) -> list[str]:
        """The countries of the two nodes that have no calendar here."""
        countries = {self._own.descriptor.country, self._country(peer)}
        return sorted(country for country in countries if country not in self._region.calendars)

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


def _words(connection: Connection, rows: Sequence[MessageRow]) -> Words:
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
    return Words(receipts=told, sealings=sealings)


def _quoted(connection: Connection, rows: Sequence[ConversationRow]) -> dict[Key, int]:
    """The signed time of the message that quotes each enquiry, while it counts."""
    by = {row.quoted: row.key for row in rows if row.quoted is not None}
    found = messages.get(connection, list(by))
    words = _words(connection, list(found.values()))
    return {by[ref]: created_of(row, words) for ref, row in found.items() if not has_ended(row)}


def _is_read(entry: Recalled, row: MessageRow) -> bool:
    """Whether the content of a message was read before."""
    read = entry.read.get(row.ref)
    return read is not None and read.message is not None


def _indexes(keys: Iterable[Key]) -> list[bytes]:
    return list({index for index, _ in keys})


def quote(connection: Connection, row: MessageRow, enquiry: str) -> list[bytes]:
    """Note beside an enquiry that the message `row` quotes it, if it is one of the same side to the same peer; the
    conversations of the enquiry.
    """
    found = messages.find(connection, enquiry, direction=row.direction, peer=row.peer)
    rows_of.quote(connection, [(one.conversation, one.peer, row.ref) for one in found])
    return [one.conversation for one in found]
