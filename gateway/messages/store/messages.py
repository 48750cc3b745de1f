"""Message rows and the two narrow lists beside them: outbox (what must go) and inbox (what must be handed over)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields

from sqlalchemy import ColumnElement, Connection, bindparam, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import attachment, envelope, inbox, message, notice, outbox, sealed, statement
from gateway.database.tables import conversation as conversation_table
from gateway.database.tables import peer as peer_table
from gateway.errors import Code, TransientError
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages.probe import KIND as PROBE
from gateway.messages.store.conversations import NOW, Key

IN = "in"
OUT = "out"
AT_ONCE = 500
"""Values of one list in a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message. `conversation` and `consent` are keyed indexes, not the ids themselves; `at` is submission or
    arrival; `changed` is at which change of its conversation it changed last.
    """

    ref: int
    direction: str
    peer: NodeId
    id: MessageId
    conversation: bytes
    consent: bytes | None
    kind: str
    state: str
    reason: str | None
    epoch: int | None
    n: int | None
    prev: str | None
    size: int
    at: int
    expires: int
    out_of_order: bool
    origin: int | None
    changed: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One sealing of a message: the hash receipts name, and the ref of the sealed statement kept as evidence."""

    hash: str
    message: int
    evidence: int
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One accepted message that is not handed over yet."""

    ref: int
    peer: NodeId
    n: int
    urgent: bool
    attempts: int
    next_try: int


def _count(index: ColumnElement[bytes], peer: ColumnElement[str]) -> ColumnElement[int]:
    """Count how often a conversation has changed, with the change that is being written: it is counted first."""
    mine = conversation_table.c.conversation == index, conversation_table.c.peer == peer
    return func.coalesce(select(conversation_table.c.changes).where(*mine).scalar_subquery(), 0)


_COUNT = _count(message.c.conversation, message.c.peer)

# Asked for every message or batch, so they are built once.
_BY_REF = Prepared(select(message).where(message.c.ref.in_(bindparam("refs", expanding=True))))
_BY_HASH = Prepared(select(statement).where(statement.c.hash.in_(bindparam("hashes", expanding=True))))
_ENVELOPES = Prepared(select(envelope).where(envelope.c.ref.in_(bindparam("refs", expanding=True))))
_OF_CONVERSATIONS = Prepared(
    select(message)
    .where(message.c.conversation.in_(bindparam("indexes", expanding=True)))
    .order_by(message.c.conversation, message.c.ref)
)
_SEALINGS = Prepared(
    select(statement)
    .where(statement.c.message.in_(bindparam("refs", expanding=True)))
    .order_by(statement.c.message, statement.c.evidence)
)
_CONSENTS_OF = Prepared(
    select(message.c.conversation, message.c.consent)
    .where(message.c.conversation.in_(bindparam("conversations", expanding=True)), message.c.consent.is_not(None))
    .distinct()
)
_CONSENTS_TOWARDS = Prepared(
    select(message.c.consent, message.c.peer)
    .where(message.c.conversation.in_(bindparam("conversations", expanding=True)), message.c.consent.is_not(None))
    .distinct()
)
_DUE = Prepared(
    select(outbox.c.ref)
    .where(outbox.c.peer == bindparam("peer"), outbox.c.files == bindparam("files"), outbox.c.ref > bindparam("after"))
    .order_by(outbox.c.ref)
    .limit(bindparam("most"))
)
_HASHES_OF = Prepared(
    select(statement.c.message, statement.c.hash).where(statement.c.message.in_(bindparam("refs", expanding=True)))
)
_WAITING = Prepared(
    select(inbox)
    .where(inbox.c.peer == bindparam("peer"))
    .order_by(inbox.c.urgent.desc(), inbox.c.n)
    .limit(bindparam("most"))
)
_STILL_WAITING = Prepared(select(inbox.c.ref).where(inbox.c.ref.in_(bindparam("refs", expanding=True))))
_SENDERS_WAITING = Prepared(
    select(peer_table.c.node).where(select(inbox.c.ref).where(inbox.c.peer == peer_table.c.node).exists())
)
_NEWS_WAITS = Prepared(select(notice.c.seq).limit(1))
_CHANGED_SINCE = Prepared(
    select(message).where(
        message.c.conversation == bindparam("conversation"),
        message.c.peer == bindparam("peer"),
        message.c.changed > bindparam("count"),
    )
)
_ADD = Prepared(
    insert(message).values(changed=_count(bindparam("talk"), bindparam("whose"))),
    columns=[one.name for one in fields(MessageRow) if one.name != "changed"],
)
_ADD_STATEMENT = Prepared(upsert(statement).on_conflict_do_nothing(index_elements=["hash"]))
_ENQUEUE = Prepared(
    insert(outbox).values(
        ref=bindparam("which"),
        peer=bindparam("to"),
        files=select(attachment.c.ref).where(attachment.c.message == bindparam("which")).exists(),
        expires=bindparam("until"),
    )
)
_ARRIVE = Prepared(insert(inbox))
_HANDED = Prepared(delete(inbox).where(inbox.c.ref.in_(bindparam("refs", expanding=True))))
_OFF_OUTBOX = Prepared(delete(outbox).where(outbox.c.ref.in_(bindparam("refs", expanding=True))))
_PUT_ENVELOPE = Prepared(insert(envelope))
_NO_ENVELOPE = Prepared(delete(envelope).where(envelope.c.ref.in_(bindparam("refs", expanding=True))))
_NUMBER = Prepared(
    update(message)
    .where(message.c.ref == bindparam("which"), message.c.state == bindparam("was"))
    .values(epoch=bindparam("e"), n=bindparam("num"), prev=bindparam("before"), state=bindparam("to"), changed=_COUNT)
)
_SET_STATE = Prepared(
    update(message)
    .where(message.c.ref == bindparam("which"), message.c.state == bindparam("was"))
    .values(state=bindparam("to"), reason=bindparam("why"), changed=_COUNT)
)


def add(connection: Connection, rows: Iterable[MessageRow]) -> None:
    """Insert new messages, of whose conversations the change is counted already."""
    _ADD.run(connection, [{**values_of(row), "talk": row.conversation, "whose": row.peer} for row in rows])


def mark_changed(connection: Connection, refs: Collection[int]) -> None:
    """Count a change of the conversations of these messages: something else than their state is another one."""
    for start in range(0, len(refs), AT_ONCE):
        some = list(refs)[start : start + AT_ONCE]
        mine = conversation_table.c.conversation, conversation_table.c.peer
        of = select(message.c.conversation, message.c.peer).where(message.c.ref.in_(some))
        counted = update(conversation_table).where(tuple_(*mine).in_(of))
        connection.execute(counted.values(changes=conversation_table.c.changes + 1, fold=NOW))
        connection.execute(update(message).where(message.c.ref.in_(some)).values(changed=_COUNT))


def get(connection: Connection, refs: Sequence[int]) -> dict[int, MessageRow]:
    """Messages by ref."""
    return {row.ref: row for row in _BY_REF.made(MessageRow, connection, refs=refs)}


def get_all(connection: Connection, refs: Sequence[int]) -> list[MessageRow]:
    """However many messages, in the order of their refs."""
    found = [get(connection, refs[start : start + AT_ONCE]) for start in range(0, len(refs), AT_ONCE)]
    return [row for rows in found for _, row in sorted(rows.items())]


def find(
    connection: Connection, id: str, *, direction: str | None = None, peer: NodeId | None = None
) -> list[MessageRow]:
    """Messages with this id: at most one per direction and peer."""
    query = select(message).where(message.c.id == id).order_by(message.c.ref)
    if direction is not None:
        query = query.where(message.c.direction == direction)
    if peer is not None:
        query = query.where(message.c.peer == peer)
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


def find_many(connection: Connection, direction: str, peer: NodeId, ids: Sequence[str]) -> dict[str, MessageRow]:
    """Messages of one link by id."""
    query = select(message).where(message.c.direction == direction, message.c.peer == peer, message.c.id.in_(ids))
    return {row.id: MessageRow(**row._mapping) for row in connection.execute(query)}


def page(
    connection: Connection,
    *,
    before: int | None = None,
    limit: int = 50,
    direction: str | None = None,
    peer: NodeId | None = None,
    state: str | None = None,
    conversation: bytes | None = None,
) -> list[MessageRow]:
    """Newest first, by filters; `before` is the ref of the last row of the page before. Test messages are left out."""
    query = select(message).where(message.c.kind != PROBE).order_by(message.c.ref.desc()).limit(limit)
    if before is not None:
        query = query.where(message.c.ref < before)
    for column, value in (
        (message.c.direction, direction),
        (message.c.peer, peer),
        (message.c.state, state),
        (message.c.conversation, conversation),
    ):
        if value is not None:
            query = query.where(column == value)
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


def talks_after(connection: Connection, after: bytes, limit: int) -> list[bytes]:
    """The next conversations behind one, in the order of their keys."""
    talk = message.c.conversation
    return [*connection.scalars(select(talk).where(talk > after).distinct().order_by(talk).limit(limit))]


def of_conversation(connection: Connection, conversation: bytes) -> list[MessageRow]:
    """All messages of one conversation in local order."""
    return of_conversations(connection, [conversation])


def consents_of_conversation(connection: Connection, conversation: bytes) -> list[bytes]:
    """Indexes of the consents on which messages of this conversation rely."""
    return consents_of_conversations(connection, [conversation])[conversation]


def consents_of_conversations(connection: Connection, conversations: Collection[bytes]) -> dict[bytes, list[bytes]]:
    """By conversation the indexes of the consents on which its messages rely."""
    found: dict[bytes, list[bytes]] = {conversation: [] for conversation in conversations}
    for conversation, index in _CONSENTS_OF.rows(connection, conversations=[*conversations]):
        found[conversation].append(index)
    return found


def consents_towards(connection: Connection, conversations: Collection[bytes]) -> set[tuple[bytes, str]]:
    """(index, peer) of the consents on which messages of these conversations rely, whoever wrote them."""
    rows = _CONSENTS_TOWARDS.rows(connection, conversations=[*conversations])
    return {(index, peer) for index, peer in rows}


def of_conversations(connection: Connection, conversations: Sequence[bytes]) -> list[MessageRow]:
    """All messages of several conversations, those of each in local order."""
    found: list[MessageRow] = []
    for start in range(0, len(conversations), AT_ONCE):
        found += _OF_CONVERSATIONS.made(MessageRow, connection, indexes=conversations[start : start + AT_ONCE])
    return found


def changed_since(connection: Connection, key: Key, count: int) -> list[MessageRow]:
    """Find what is new or another one in a conversation since it was changed `count` times."""
    return _CHANGED_SINCE.made(MessageRow, connection, conversation=key[0], peer=key[1], count=count)


def first_of_each(connection: Connection) -> dict[int, bytes]:
    """By the number of its first message whose content is here the index of each conversation."""
    here = exists().where(sealed.c.ref == message.c.ref)
    query = select(func.min(message.c.ref), message.c.conversation).where(here).group_by(message.c.conversation)
    return {row[0]: row[1] for row in connection.execute(query)}


def newest_of(connection: Connection, conversations: Collection[bytes]) -> dict[bytes, int]:
    """By the index of each of these conversations the number of its newest message whose content is here."""
    some = message.c.conversation.in_(list(conversations))
    here = exists().where(sealed.c.ref == message.c.ref)
    query = select(message.c.conversation, func.max(message.c.ref)).where(some, here).group_by(message.c.conversation)
    return {row[0]: row[1] for row in connection.execute(query)}


def conversations(
    connection: Connection, *, limit: int, before: int | None = None, **standing: str | None
) -> list[tuple[bytes, int, int, int]]:
    """(conversation index, first ref, last ref, number of messages), most recently active first. With `standing` those
    that stand so with some peer: its columns `peer`, `kind` and `state`, by name.

    The last messages of conversations are met from the newest on, so that a page reads no more than it shows.
    """
    later, every = message.alias("later"), message.alias("every")
    newest = select(later.c.ref).where(
        later.c.conversation == message.c.conversation, later.c.ref > message.c.ref, later.c.kind != PROBE
    )
    query = select(message.c.conversation, message.c.ref).where(message.c.kind != PROBE, ~newest.exists())
    wanted = [conversation_table.c[name] == value for name, value in standing.items() if value is not None]
    if wanted:
        of_it = conversation_table.c.conversation == message.c.conversation
        stands = select(conversation_table.c.peer).where(of_it, *wanted)
        query = query.where(stands.exists())
    if before is not None:
        query = query.where(message.c.ref < before)
    page = query.order_by(message.c.ref.desc()).limit(limit).subquery()
    counted = (
        select(page.c.conversation, func.min(every.c.ref), page.c.ref, func.count())
        .join(every, every.c.conversation == page.c.conversation)
        .where(every.c.kind != PROBE)
        .group_by(page.c.conversation, page.c.ref)
        .order_by(page.c.ref.desc())
    )
    return [(r[0], r[1], r[2], r[3]) for r in connection.execute(counted)]


def set_states(connection: Connection, rows: Sequence[tuple[int, str, str, str | None]]) -> None:
    """Change the states of several messages: (ref, state that was read, new state, reason).

    Raises:
        TransientError: changed_meanwhile; one of them is in another state by now, and the move must not be kept.
    """
    values = [{"which": ref, "was": was, "to": state, "why": reason} for ref, was, state, reason in rows]
    _require_all(_SET_STATE.run(connection, values), len(rows))


def number(connection: Connection, rows: Sequence[tuple[MessageRow, str]]) -> None:
    """Give outgoing messages their place on the link: rows with that place and the state that was read, and the new
    state.

    Raises:
        TransientError: changed_meanwhile, as in `set_states`.
    """
    values = [
        {"which": row.ref, "was": row.state, "e": row.epoch, "num": row.n, "before": row.prev, "to": state}
        for row, state in rows
    ]
    _require_all(_NUMBER.run(connection, values), len(rows))


def _require_all(met: int, wanted: int) -> None:
    if met != wanted:
        raise TransientError(
            Code.CHANGED_MEANWHILE, "a message was changed meanwhile; nothing was written", hint="repeat it"
        )


# --- statements ---------------------------------------------------------------------------------------------------


def add_statements(connection: Connection, rows: Iterable[StatementRow]) -> None:
    """Record sealings; every one of them stays, since a receipt may name any.

    Sealing anew for the same keys within one second makes the same statement again: it is kept once.
    """
    _ADD_STATEMENT.add(connection, rows)


def statements(connection: Connection, hashes: Sequence[str]) -> dict[str, StatementRow]:
    """Sealings by hash."""
    return {row.hash: row for row in _BY_HASH.made(StatementRow, connection, hashes=hashes)}


def statements_of(connection: Connection, ref: int) -> list[StatementRow]:
    """All sealings of one message, oldest first."""
    return sealings(connection, [ref])


def sealings(connection: Connection, refs: Sequence[int]) -> list[StatementRow]:
    """All sealings of several messages, those of each oldest first."""
    found: list[StatementRow] = []
    for start in range(0, len(refs), AT_ONCE):
        found += _SEALINGS.made(StatementRow, connection, refs=refs[start : start + AT_ONCE])
    return found


def statement_hashes(connection: Connection, refs: Sequence[int]) -> dict[int, str]:
    """The statement hash of each incoming message."""
    return dict(_HASHES_OF.rows(connection, refs=refs))


# --- outbox -------------------------------------------------------------------------------------------------------


def enqueue(connection: Connection, rows: Iterable[tuple[int, str, int]]) -> None:
    """Put messages on the outbox: (ref, peer, expires). Whether one has files is known by its attachments."""
    _ENQUEUE.run(connection, [{"which": ref, "to": peer, "until": expires} for ref, peer, expires in rows])


def due(connection: Connection, peer: NodeId, after: int, limit: int, *, files: bool = False) -> list[int]:
    """Refs of the next messages for `peer` behind `after`, in order: of those with files, or of the others."""
    return _DUE.scalars(connection, peer=peer, files=files, after=after, most=limit)


def expired(connection: Connection, now: int, limit: int, *, but: str) -> list[int]:
    """Refs of messages on the outbox whose life is over, without those in the state `but`."""
    query = (
        select(outbox.c.ref)
        .join(message, message.c.ref == outbox.c.ref)
        .where(outbox.c.expires <= now, message.c.state != but)
        .order_by(outbox.c.expires)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def redate(connection: Connection, now: int, later_than: int) -> int:
    """Give what waits without a number and was written by a clock that ran ahead the time of now, and the life that it
    had; returns how many. Peers would refuse it as made in the future.
    """
    waiting = select(outbox.c.ref).join(message, message.c.ref == outbox.c.ref)
    refs = list(connection.scalars(waiting.where(message.c.n.is_(None), message.c.at > later_than)))
    life = message.c.expires - message.c.at + now
    same = select(message.c.expires).where(message.c.ref == outbox.c.ref).scalar_subquery()
    for start in range(0, len(refs), AT_ONCE):
        part = refs[start : start + AT_ONCE]
        connection.execute(update(message).where(message.c.ref.in_(part)).values(expires=life, at=now))
        connection.execute(update(outbox).where(outbox.c.ref.in_(part)).values(expires=same))
    mark_changed(connection, refs)
    return len(refs)


def never_sealed(connection: Connection, peers: Sequence[str], state: str, limit: int) -> list[int]:
    """Refs of messages on the outbox for these peers that are in a state and never had bytes."""
    sealed_before = select(statement.c.hash).where(statement.c.message == outbox.c.ref).exists()
    query = (
        select(outbox.c.ref)
        .join(message, message.c.ref == outbox.c.ref)
        .where(outbox.c.peer.in_(peers), message.c.state == state, ~sealed_before)
        .order_by(outbox.c.ref)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def queued_for(connection: Connection, peer: NodeId) -> bool:
    """Whether anything waits for this peer."""
    return any(_DUE.first(connection, peer=peer, files=files, after=0, most=1) for files in (False, True))


def dequeue(connection: Connection, refs: Sequence[int]) -> None:
    """Take messages off the outbox and drop their stored envelopes."""
    _OFF_OUTBOX.run_listed(connection, refs=refs)
    _NO_ENVELOPE.run_listed(connection, refs=refs)


def put_envelopes(connection: Connection, rows: Iterable[tuple[int, bytes]]) -> None:
    """Store the sealed bytes that are repeated until answered, replacing an older sealing."""
    rows = list(rows)
    _NO_ENVELOPE.run_listed(connection, refs=[ref for ref, _ in rows])
    _PUT_ENVELOPE.run(connection, [{"ref": ref, "data": data} for ref, data in rows])


def drop_envelopes(connection: Connection, refs: Sequence[int]) -> None:
    """Give up stored bytes: the message is sealed anew, or asked about by a void."""
    _NO_ENVELOPE.run_listed(connection, refs=refs)


def drop_all_envelopes(connection: Connection) -> None:
    """Give up every stored byte: what waits is sealed and signed anew at its place."""
    connection.execute(delete(envelope))


def envelopes(connection: Connection, refs: Sequence[int]) -> dict[int, bytes]:
    """Stored envelopes by ref."""
    return dict(_ENVELOPES.rows(connection, refs=refs))


def received_under(connection: Connection, consent: bytes, *, but: str) -> list[int]:
    """Refs of the messages that rely on this consent, from every peer but one."""
    query = select(message.c.ref).where(message.c.consent == consent, message.c.direction == IN, message.c.peer != but)
    return list(connection.scalars(query))


def under(connection: Connection, consent: bytes) -> list[int]:
    """Refs of all messages that rely on this consent, or tell of it."""
    return list(connection.scalars(select(message.c.ref).where(message.c.consent == consent)))


def came_under(connection: Connection, consent: bytes, conversation: bytes) -> bool:
    """Whether a message that came in this conversation relies on this consent."""
    query = select(message.c.ref).where(
        message.c.consent == consent, message.c.conversation == conversation, message.c.direction == IN
    )
    return connection.execute(query.limit(1)).first() is not None


def unsent_consenting(connection: Connection, consent: bytes) -> list[MessageRow]:
    """Outgoing messages that rely on this consent and are still on the outbox."""
    query = (
        select(message)
        .join(outbox, outbox.c.ref == message.c.ref)
        .where(message.c.consent == consent, message.c.direction == OUT)
        .order_by(message.c.ref)
    )
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


# --- inbox --------------------------------------------------------------------------------------------------------


def arrive(connection: Connection, rows: Iterable[InboxRow]) -> None:
    """Put accepted messages on the list of what must be handed over."""
    _ARRIVE.add(connection, rows)


def waiting(connection: Connection, peer: NodeId, limit: int) -> list[InboxRow]:
    """Find what waits from one peer: urgent first, then by number."""
    return _WAITING.made(InboxRow, connection, peer=peer, most=limit)


def still_waiting(connection: Connection, refs: Sequence[int]) -> set[int]:
    """Choose those of these that are not handed over, taken at the desk or erased by now."""
    return set(_STILL_WAITING.scalars(connection, refs=refs))


def senders_waiting(connection: Connection) -> list[NodeId]:
    """Peers from which something waits."""
    return _SENDERS_WAITING.scalars(connection)


def news_waits(connection: Connection) -> bool:
    """Whether any news is owed to the case system, due or not: the cheap question before the dear one."""
    return _NEWS_WAITS.first(connection) is not None


def owes_news_of(connection: Connection, conversation: bytes) -> bool:
    """Whether the case system was not told yet what became of its own message in this conversation, and refused no news
    of it.
    """
    owed = select(notice.c.seq).join(message, message.c.id == notice.c.message)
    of_it = owed.where(message.c.conversation == conversation, notice.c.refusals == 0).limit(1)
    return connection.execute(of_it).first() is not None


def postpone(connection: Connection, ref: int, *, attempts: int, next_try: int) -> None:
    """Try to hand over again later."""
    connection.execute(update(inbox).where(inbox.c.ref == ref).values(attempts=attempts, next_try=next_try))


def handed(connection: Connection, refs: Sequence[int]) -> None:
    """Take messages off the inbox."""
    _HANDED.run_listed(connection, refs=refs)


def to_take(connection: Connection, *, but: str, after: int, limit: int) -> list[MessageRow]:
    """Messages that wait to be taken, in the order in which they came; `after` is a ref. Without test messages, and
    without what is in the state `but`.
    """
    query = (
        select(message)
        .join(inbox, inbox.c.ref == message.c.ref)
        .where(inbox.c.ref > after, message.c.kind != PROBE, message.c.state != but)
        .order_by(inbox.c.ref)  # what was taken long since is not gone through
        .limit(limit)
    )
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


def flag_out_of_order(connection: Connection, refs: Sequence[int]) -> None:
    """Mark messages that were handed over before a gap was filled."""
    for start in range(0, len(refs), AT_ONCE):
        part = message.c.ref.in_(refs[start : start + AT_ONCE])
        connection.execute(update(message).where(part).values(out_of_order=True))
    mark_changed(connection, refs)


def count_queued(connection: Connection, peer: NodeId | None = None) -> int:
    """Count the messages on the outbox; for a person's question, not for polling."""
    query = select(func.count()).select_from(outbox)
    return connection.scalar(query if peer is None else query.where(outbox.c.peer == peer)) or 0


def count_waiting(connection: Connection) -> int:
    """Count the accepted messages that are not handed over; for a person's question, not for polling."""
    return connection.scalar(select(func.count()).select_from(inbox)) or 0
