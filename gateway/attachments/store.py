"""Rows about attachments: which file of the folder is which part of which message, and how far it has come.

What opens a part is never here: it lies in the sealed content of its message, or, while no message has taken it, in a
sealed row under the attachment's own number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from gateway.database import content
from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import alarm, attachment, message, upload
from gateway.foundation.ids import NodeId
from gateway.messages.store.messages import IN, OUT

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRow:
    """One part. `message` is the local number of its message, None while there is none. `held` counts the segments that
    the receiving side has: this node for what comes in, as far as it told us the peer for what goes out.
    """

    ref: int
    file: str
    direction: str
    peer: NodeId | None
    id: str
    n: int
    message: int | None
    length: int
    held: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """An envelope that was judged and waits for its parts, as it came. `at` is when the last of them came."""

    peer: NodeId
    id: str
    envelope: bytes
    began: int
    at: int
    expires: int


_OF_MESSAGES = Prepared(
    select(attachment)
    .where(attachment.c.message.in_(bindparam("refs", expanding=True)))
    .order_by(attachment.c.message, attachment.c.n)
)
_UNSENT = Prepared(
    select(attachment)
    .where(attachment.c.id.in_(bindparam("ids", expanding=True)), attachment.c.direction == OUT)
    .where(attachment.c.message.is_(None))
    .order_by(attachment.c.id, attachment.c.n)
)


def add(connection: Connection, rows: Iterable[AttachmentRow]) -> None:
    """New parts."""
    for row in rows:
        connection.execute(insert(attachment).values(**values_of(row)))


def of_messages(connection: Connection, refs: Sequence[int]) -> dict[int, list[AttachmentRow]]:
    """The parts of these messages in their order."""
    found: dict[int, list[AttachmentRow]] = {}
    for start in range(0, len(refs), AT_ONCE):
        for row in _OF_MESSAGES.made(AttachmentRow, connection, refs=refs[start : start + AT_ONCE]):
            if row.message is not None:
                found.setdefault(row.message, []).append(row)
    return found


# --- going out ----------------------------------------------------------------------------------------------------


def unsent(connection: Connection, ids: Sequence[str]) -> dict[str, list[AttachmentRow]]:
    """The parts that wait for the messages with these ids, by id."""
    found: dict[str, list[AttachmentRow]] = {}
    for row in _UNSENT.made(AttachmentRow, connection, ids=ids):
        found.setdefault(row.id, []).append(row)
    return found


def take(connection: Connection, id: str, *, message: int, peer: NodeId) -> int:
    """The parts that wait for `id` are of this message now, and their sealed facts go: it holds them. How many."""
    rows = unsent(connection, [id]).get(id, [])
    for row in rows:
        content.erase(connection, row.ref)
        connection.execute(update(attachment).where(attachment.c.ref == row.ref).values(message=message, peer=peer))
    return len(rows)


def sent(connection: Connection, ref: int, held: int) -> None:
    """The peer has said that it holds so many segments."""
    connection.execute(update(attachment).where(attachment.c.ref == ref).values(held=held))


# --- coming in ----------------------------------------------------------------------------------------------------


def begin(connection: Connection, row: UploadRow, parts: Iterable[AttachmentRow]) -> None:
    """An envelope waits for its parts from now on. What came of them before under other lengths is given up."""
    end(connection, row.peer, row.id, message=None)
    connection.execute(insert(upload).values(**values_of(row)))
    add(connection, parts)


def replace_envelope(connection: Connection, row: UploadRow) -> None:
    """The same message came again, perhaps sealed anew; what came of its parts stays."""
    where = (upload.c.peer == row.peer, upload.c.id == row.id)
    connection.execute(update(upload).where(*where).values(envelope=row.envelope, expires=row.expires))


def find_upload(connection: Connection, peer: NodeId, id: str) -> UploadRow | None:
    """The envelope of this peer that waits for its parts."""
    query = select(upload).where(upload.c.peer == peer, upload.c.id == id)
    row = connection.execute(query).first()
    return UploadRow(**row._mapping) if row else None


def uploads(connection: Connection, peer: NodeId | None = None) -> list[UploadRow]:
    """All of them, or those of one peer, the oldest first."""
    query = select(upload).order_by(upload.c.began, upload.c.id)
    if peer is not None:
        query = query.where(upload.c.peer == peer)
    return [UploadRow(**row._mapping) for row in connection.execute(query)]


def coming(connection: Connection, peer: NodeId, id: str) -> list[AttachmentRow]:
    """The parts of an envelope that waits, in their order."""
    query = (
        select(attachment)
        .where(attachment.c.peer == peer, attachment.c.id == id, attachment.c.direction == IN)
        .where(attachment.c.message.is_(None))
        .order_by(attachment.c.n)
    )
    return [AttachmentRow(**row._mapping) for row in connection.execute(query)]


def came(connection: Connection, row: AttachmentRow, held: int, *, at: int) -> None:
    """So many segments of a part are on disk."""
    connection.execute(update(attachment).where(attachment.c.ref == row.ref).values(held=held))
    where = (upload.c.peer == row.peer, upload.c.id == row.id)
    connection.execute(update(upload).where(*where).values(at=at))


def end(connection: Connection, peer: NodeId, id: str, *, message: int | None) -> None:
    """The id has its final answer: its parts are of `message`, or of nothing and go."""
    connection.execute(delete(upload).where(upload.c.peer == peer, upload.c.id == id))
    parts = (attachment.c.peer == peer, attachment.c.id == id, attachment.c.direction == IN)
    waiting = (*parts, attachment.c.message.is_(None))
    if message is None:
        connection.execute(delete(attachment).where(*waiting))
    else:
        connection.execute(update(attachment).where(*waiting).values(message=message))


# --- going --------------------------------------------------------------------------------------------------------


def drop(connection: Connection, messages: Sequence[int]) -> None:
    """The parts of these messages are of nothing: their files go with the next sweep."""
    for start in range(0, len(messages), AT_ONCE):
        some = messages[start : start + AT_ONCE]
        connection.execute(delete(attachment).where(attachment.c.message.in_(some)))


def drop_unsent(connection: Connection, id: str) -> None:
    """The parts that wait for this message, with their keys."""
    for row in unsent(connection, [id]).get(id, []):
        content.erase(connection, row.ref)
        connection.execute(delete(attachment).where(attachment.c.ref == row.ref))


def drop_old(connection: Connection, *, before: int, states: Iterable[str], again: str, taken_back: str) -> None:
    """What nobody waits for: parts that no message took since `before`, and parts of messages that went in none of the
    `states` in which they may have to go once more. While an alarm of the kind `again` is open about a message, a
    person may send it anew, unless its reason is `taken_back`.
    """
    query = select(attachment.c.id).where(
        attachment.c.direction == OUT, attachment.c.message.is_(None), attachment.c.at < before
    )
    for id in set(connection.scalars(query)):
        drop_unsent(connection, id)
    alarmed = select(alarm.c.ref).where(alarm.c.kind == again, alarm.c.dismissed.is_(None), alarm.c.ref.is_not(None))
    over = select(message.c.ref).where(
        message.c.direction == OUT,
        message.c.state.not_in(list(states)),
        or_(message.c.reason == taken_back, message.c.ref.not_in(alarmed)),
    )
    connection.execute(delete(attachment).where(attachment.c.direction == OUT, attachment.c.message.in_(over)))


def drop_expired(connection: Connection, now: int) -> None:
    """Envelopes that can not be completed any more, with what came of their parts."""
    for row in list(connection.execute(select(upload.c.peer, upload.c.id).where(upload.c.expires < now))):
        end(connection, row.peer, row.id, message=None)


def moving(connection: Connection, *, states: Sequence[str]) -> list[AttachmentRow]:
    """Parts whose message is not here or gone yet: it is in one of `states`, or there is none."""
    under_way = select(message.c.ref).where(message.c.direction == OUT, message.c.state.in_(states))
    query = (
        select(attachment)
        .where(or_(attachment.c.message.is_(None), attachment.c.message.in_(under_way)))
        .order_by(attachment.c.ref)
    )
    return [AttachmentRow(**row._mapping) for row in connection.execute(query)]


def every(connection: Connection) -> list[AttachmentRow]:
    """All parts, in the order in which they came."""
    return [AttachmentRow(**row._mapping) for row in connection.execute(select(attachment).order_by(attachment.c.ref))]


def files(connection: Connection) -> set[str]:
    """The names of all files that are of something."""
    return set(connection.scalars(select(attachment.c.file)))
