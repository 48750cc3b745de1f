"""What was erased and what is left of it elsewhere, local ids of what was handed over, and legal holds.

An erasure is written in the transaction that destroys the data key. It names the storage epoch in force then: as soon
as that epoch is gone too, nobody can open a copy of the key (nrm1 6.2, 13.3), and the sender is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cases import kept, register
from gateway.cases import store as cases
from gateway.database import content, meta
from gateway.database.rows import values_of
from gateway.database.tables import (
    consent,
    datakey,
    draft,
    erasure,
    hold,
    link_number,
    local_item,
    message,
    notice,
    origin,
)
from gateway.erasure.rules import DAY, Backups
from gateway.foundation.config import BackupSection
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages.store import links, local, messages
from gateway.messages.store.handed_over import DUE, items
from gateway.messages.store.messages import IN, MessageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRow:
    """One erased message. `reason` is a code of the list erasure_ground or the name of a retention rule; `place` what
    the case system said; `told` when the sender's receipt was signed; `request` which request of a peer it followed;
    `found` the places of the node where something of it was, in words of `gateway.erasure.places`, None of one before
    0.2.0.
    """

    ref: int
    message: int
    at: int
    reason: str
    epoch: int
    place: str
    told: int | None
    request: int | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """A legal hold: nothing of the conversation is erased before a person lifts it. `ground` is a code of the list
    kept_ground, `until` the day by which somebody has to look again.
    """

    conversation: bytes
    ground: str
    until: str
    at: int


_SLICE = 500


def add(connection: Connection, rows: Iterable[ErasureRow]) -> None:
    """Note what is erased in this transaction."""
    values = [values_of(row) for row in rows]
    if values:
        connection.execute(insert(erasure), values)


def of(connection: Connection, refs: Sequence[int]) -> dict[int, ErasureRow]:
    """The erasures of these messages, by message."""
    found: dict[int, ErasureRow] = {}
    for start in range(0, len(refs), _SLICE):
        query = select(erasure).where(erasure.c.message.in_(refs[start : start + _SLICE]))
        found |= {row.message: ErasureRow(**row._mapping) for row in connection.execute(query)}
    return found


_STORED = select(message).where(~exists().where(erasure.c.message == message.c.ref)).order_by(message.c.ref)


def stored(connection: Connection, after: int, limit: int) -> list[MessageRow]:
    """The next messages behind `after` whose content was not erased, in local order."""
    query = _STORED.where(message.c.ref > after).limit(limit)
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


def stored_of(connection: Connection, talks: Collection[bytes]) -> list[MessageRow]:
    """Those of these conversations."""
    query = _STORED.where(message.c.conversation.in_(talks))
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


# --- the case system ----------------------------------------------------------------------------------------------


def due(connection: Connection, after: int, limit: int) -> list[ErasureRow]:
    """Erasures behind `after` that the case system has not answered."""
    query = select(erasure).where(erasure.c.place == DUE, erasure.c.ref > after).order_by(erasure.c.ref).limit(limit)
    return [ErasureRow(**row._mapping) for row in connection.execute(query)]


def answered(connection: Connection, row: ErasureRow, place: str) -> None:
    """Keep what the case system said; its local id is needed no longer."""
    connection.execute(update(erasure).where(erasure.c.ref == row.ref).values(place=place))
    for ref in items(connection, [row.message]).values():
        content.erase(connection, ref)
    connection.execute(delete(local_item).where(local_item.c.message == row.message))


# --- the sender ---------------------------------------------------------------------------------------------------


def untold(connection: Connection, below: int, limit: int) -> list[ErasureRow]:
    """Erased incoming messages whose epoch is lower than `below` and whose senders do not know yet."""
    query = (
        select(erasure)
        .join(message, message.c.ref == erasure.c.message)
        .where(erasure.c.told.is_(None), erasure.c.epoch < below, message.c.direction == IN, message.c.n.is_not(None))
        .order_by(erasure.c.ref)
        .limit(limit)
    )
    return [ErasureRow(**row._mapping) for row in connection.execute(query)]


def tell(connection: Connection, refs: Sequence[int], *, at: int) -> None:
    """The receipts of these erasures are signed."""
    connection.execute(update(erasure).where(erasure.c.ref.in_(refs)).values(told=at))


def tell_again(connection: Connection, peer: NodeId, ids: Sequence[MessageId]) -> None:
    """Owe a sender the receipts anew for those of its messages that are erased here: they came once more."""
    if ids:
        here = select(message.c.ref).where(message.c.direction == IN, message.c.peer == peer, message.c.id.in_(ids))
        connection.execute(update(erasure).where(erasure.c.message.in_(here)).values(told=None))


def came_again(connection: Connection, refs: Sequence[int]) -> bool:
    """Whether one of these incoming messages used a number in a later epoch of its link too (nrm1 5.13)."""
    later = (
        select(message.c.ref)
        .join(link_number, and_(link_number.c.peer == message.c.peer, link_number.c.id == message.c.id))
        .where(message.c.ref.in_(refs), link_number.c.direction == links.IN, link_number.c.epoch > message.c.epoch)
    )
    return connection.execute(later.limit(1)).first() is not None


# --- what goes with a message -------------------------------------------------------------------------------------


def erase_drafts(connection: Connection, origins: Sequence[int], *, but: str) -> None:
    """The content of every draft of these local records, except those in the state `but`, and their places in cases."""
    _erase_drafts(connection, draft.c.origin.in_(origins), draft.c.state != but)


def erase_replaced(connection: Connection) -> int:
    """Erase some drafts whose record changed likewise: before 0.2.0 they were kept. How many; none at the end. The
    last one of a record that is refused keeps its place in the case.
    """
    newer = draft.alias()
    followed = exists().where(newer.c.origin == draft.c.origin, newer.c.ref > draft.c.ref)
    kept = select(draft.c.ref).where(draft.c.ref.in_(select(datakey.c.ref)), draft.c.state == local.REPLACED)
    some = list(connection.scalars(kept.order_by(draft.c.ref).limit(_SLICE)))
    _erase_drafts(connection, draft.c.ref.in_(some), followed)
    for ref in some:
        content.erase(connection, ref)
    return len(some)


def _erase_drafts(connection: Connection, *chosen: ColumnElement[bool]) -> None:
    ids = {row.ref: row.id for row in connection.execute(select(draft.c.ref, draft.c.id).where(*chosen))}
    for ref in ids:
        content.erase(connection, ref)
    linked = cases.cases_of(connection, [register.draft_key(id) for id in ids.values()])
    for id in ids.values():
        case = linked.get(register.draft_key(id))
        if case is not None and cases.is_kept(connection, case):
            cases.unlink(connection, [register.draft_key(id)])
        elif case is not None:
            register.forget_draft(connection, id)


def discard_drafts(connection: Connection, origins: Sequence[int], *, waiting: str, to: str) -> None:
    """Drafts of these local records that are `waiting` get the state `to`, so that they go with the others."""
    chosen = update(draft).where(draft.c.origin.in_(origins), draft.c.state == waiting)
    connection.execute(chosen.values(state=to))


def erase_released(connection: Connection, released: str) -> None:
    """The content of every `released` draft that came from no record: the message has it, and is erased alone."""
    there = select(draft.c.ref).join(datakey, datakey.c.ref == draft.c.ref)
    for ref in list(connection.scalars(there.where(draft.c.state == released, draft.c.origin.is_(None)))):
        content.erase(connection, ref)


def find_backups(
    connection: Connection, settings: BackupSection | None, since: int, *, archive_days: int | None
) -> Backups:
    """What is known of backups that open what was erased, of which none is made after ``since``. What a server keeps
    besides is one, unless the office has said that it keeps nothing (``archive_days`` is 0).
    """
    days: list[int | None] = []
    if settings is not None or meta.get_meta(connection, meta.BACKUP_MADE) is not None:
        days.append(None if settings is None else settings.keystore_days)
    if connection.dialect.name == "postgresql" and archive_days != 0:
        days.append(archive_days)
    said = [number for number in days if number is not None]
    known = bool(said) and len(said) == len(days)
    return Backups(made=bool(days), until=since + max(said) * DAY if known else None)


def still_used(connection: Connection, origin: int, waiting: str) -> bool:
    """Whether a message of this local record was not erased, or a draft of it is `waiting`."""
    left = select(message.c.ref).where(message.c.origin == origin, ~exists().where(erasure.c.message == message.c.ref))
    drafted = select(draft.c.ref).where(draft.c.origin == origin, draft.c.state == waiting)
    return any(connection.execute(query.limit(1)).first() is not None for query in (left, drafted))


def erase_origins(connection: Connection) -> int:
    """Forget local records nothing is left of: every message erased, the case system asked, no draft with content, no
    news owed; how many.
    """
    asked = select(message.c.origin).join(erasure, erasure.c.message == message.c.ref)
    erased = exists().where(erasure.c.message == message.c.ref)
    named = select(message.c.origin).where(message.c.origin.is_not(None))
    there = select(draft.c.origin).join(datakey, datakey.c.ref == draft.c.ref)
    query = select(origin.c.ref).where(
        origin.c.ref.in_(named),
        origin.c.ref.not_in(named.where(~erased)),
        origin.c.ref.not_in(asked.where(message.c.origin.is_not(None), erasure.c.place == DUE)),
        origin.c.ref.not_in(there.where(draft.c.origin.is_not(None))),
        origin.c.ref.not_in(select(notice.c.origin)),
    )
    gone = list(connection.scalars(query.limit(_SLICE)))
    if not gone:
        return 0
    messages.mark_changed(connection, list(connection.scalars(select(message.c.ref).where(message.c.origin.in_(gone)))))
    connection.execute(update(message).where(message.c.origin.in_(gone)).values(origin=None))
    connection.execute(update(draft).where(draft.c.origin.in_(gone)).values(origin=None))
    for ref in gone:
        content.erase(connection, ref)
    connection.execute(delete(origin).where(origin.c.ref.in_(gone)))
    return len(gone)


def erase_consents(connection: Connection, indexes: Iterable[bytes], *, but: Collection[int] = ()) -> list[bytes]:
    """Records of these consents, unless a conversation in which one was relied on still has a message; those in `but`,
    which prove an erasure, do not count. What was taken back of a consent stays, so that it binds for ever. Returns
    those of which there was a record.
    """
    gone = []
    for index in set(indexes):
        relied = select(message.c.conversation).where(message.c.consent == index)
        left = select(message.c.ref).where(
            message.c.conversation.in_(relied), ~exists().where(erasure.c.message == message.c.ref)
        )
        if all(ref in but for ref in connection.scalars(left)):
            for ref in list(connection.scalars(select(consent.c.ref).where(consent.c.consent == index))):
                content.erase(connection, ref)
            if connection.execute(delete(consent).where(consent.c.consent == index)).rowcount:
                gone.append(index)
    return gone


# --- legal holds --------------------------------------------------------------------------------------------------


def set_hold(connection: Connection, row: HoldRow) -> None:
    """Place a legal hold, or change it."""
    statement = upsert(hold).values(**values_of(row))
    changed = {"ground": row.ground, "until": row.until, "at": row.at}
    connection.execute(statement.on_conflict_do_update(index_elements=["conversation"], set_=changed))


def lift_hold(connection: Connection, conversation: bytes) -> bool:
    """End it; False when there was none."""
    return bool(connection.execute(delete(hold).where(hold.c.conversation == conversation)).rowcount)


def holds(connection: Connection) -> dict[bytes, HoldRow]:
    """The legal hold of each conversation that has one: its own, else that on its whole case."""
    rows = every_hold(connection)
    under = kept.conversations_under(connection, list(rows))
    return {conversation: replace(rows[key], conversation=conversation) for conversation, key in under} | rows


def every_hold(connection: Connection) -> dict[bytes, HoldRow]:
    """All legal holds as they were placed, by conversation or by the key of one on a case."""
    return {row.conversation: HoldRow(**row._mapping) for row in connection.execute(select(hold))}
