"""What peers have asked this node to erase, or to stop using, and how far that has come.

A row is written in the transaction that accepts the message that asks. What is asked is sealed under its number, with
what the answer needs: of the message that asks nothing may be left by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from gateway.consent.known_by import find_exchanged
from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import erasure, message, request, request_onward
from gateway.foundation.ids import NodeId
from gateway.messages.store import messages


class State(StrEnum):
    """How far a request has come."""

    NEW = "new"
    """Whoever had the data from this node was not told yet."""
    WAITING = "waiting"
    """It is followed at its time, or by a person where it has none."""
    FOLLOWED = "followed"
    """What is to be erased here is erased; what others say of it is awaited."""
    KEPT = "kept"
    """Something is under a legal hold, and the asking side was told so."""
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request. `message` is what asks, of `peer`; Unix seconds: `follow` when the node follows it by itself, None
    where a person has to, `due` when it must be answered, `done` when the last of it was erased here, `answered` when
    the peer was told last.
    """

    ref: int
    message: int
    peer: NodeId
    state: str
    at: int
    follow: int | None
    due: int
    done: int | None = None
    answered: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnwardRow:
    """By the own `message` a peer that had the data from here was told; `answer` is its confirmation."""

    message: int
    request: int
    answer: int | None = None


_UNSETTLED = Prepared(select(request).where(request.c.state != State.OVER).order_by(request.c.ref))


def add(connection: Connection, row: RequestRow) -> None:
    """A new request."""
    connection.execute(insert(request).values(**values_of(row)))


def unsettled(connection: Connection) -> list[RequestRow]:
    """All that are not over, in the order in which they came."""
    return _UNSETTLED.made(RequestRow, connection)


def of_message(connection: Connection, ref: int) -> RequestRow | None:
    """The request that a message made."""
    row = connection.execute(select(request).where(request.c.message == ref)).first()
    return RequestRow(**row._mapping) if row else None


def change(connection: Connection, ref: int, **values: str | int | None) -> None:
    """It has come further."""
    connection.execute(update(request).where(request.c.ref == ref).values(**values))


def reopen(connection: Connection, *, at: int) -> None:
    """A legal hold ended: what was kept is looked at again."""
    query = update(request).where(request.c.state == State.KEPT)
    connection.execute(query.values(state=State.WAITING, follow=at))


# --- who had the data from this node ------------------------------------------------------------------------------


def add_onward(connection: Connection, rows: Iterable[OnwardRow]) -> None:
    """These were told."""
    values = [values_of(row) for row in rows]
    if values:
        connection.execute(insert(request_onward), values)


def onward(connection: Connection, ref: int) -> list[OnwardRow]:
    """Who was told because of a request."""
    query = select(request_onward).where(request_onward.c.request == ref).order_by(request_onward.c.message)
    return [OnwardRow(**row._mapping) for row in connection.execute(query)]


def answer(connection: Connection, asked: int, by: int) -> None:
    """The message `by` confirms what the own message `asked` wanted of an onward recipient, if it wanted anything."""
    connection.execute(update(request_onward).where(request_onward.c.message == asked).values(answer=by))


# --- what a request erased ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """One message that a request erased: when, in which storage epoch, what the case system said, and where at the node
    something was.
    """

    message: int
    at: int
    epoch: int
    place: str
    found: str | None


def erased(connection: Connection, ref: int) -> list[Erased]:
    """Everything that a request erased."""
    columns = (erasure.c.message, erasure.c.at, erasure.c.epoch, erasure.c.place, erasure.c.found)
    query = select(*columns).where(erasure.c.request == ref).order_by(erasure.c.ref)
    return [Erased(**row._mapping) for row in connection.execute(query)]


def claim(connection: Connection, row: RequestRow, gone: Iterable[int]) -> None:
    """Messages in the scope of a request that went since it was made, by whatever hand, went because of it too."""
    for one in gone:
        query = update(erasure).where(erasure.c.message == one, erasure.c.request.is_(None), erasure.c.at >= row.at)
        connection.execute(query.values(request=row.ref))


def passed_on(connection: Connection, consents: Sequence[bytes], *, but: Iterable[str]) -> list[int]:
    """Refs of the messages that may have carried data on under these consents, to every peer but these: also of what
    lost its number with a restore.
    """
    query = select(message.c.ref).where(
        message.c.consent.in_(consents), message.c.direction == "out", message.c.peer.not_in(sorted(but))
    )
    return sorted(find_exchanged(connection, messages.get_all(connection, list(connection.scalars(query)))))


def relying(connection: Connection, consent: bytes) -> list[bytes]:
    """Indexes of the conversations in which a consent was relied on."""
    return list(connection.scalars(select(message.c.conversation).where(message.c.consent == consent).distinct()))
