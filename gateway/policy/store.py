"""Asylum holds: over which conversations and consents one lies (gate G5).

Known by a keyed index of their own, so that the database does not tell whose message is held. `ref` is the sealed row
that names the conversation and the consents.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cases import store as cases
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.database import content
from gateway.database.prepared import Prepared
from gateway.database.tables import asylum_hold, erasure, message


@dataclass(frozen=True, slots=True, kw_only=True)
class AsylumHold:
    """One hold; ``lift`` is the id of the first person who wants it lifted, None while nobody does."""

    ref: int
    at: int
    lift: bytes | None


_LABELS = Prepared(select(asylum_hold.c.label).distinct())  # asked for every message; there are few, or none
_REFS = Prepared(select(asylum_hold.c.ref).distinct())
_COLUMNS = (asylum_hold.c.ref, asylum_hold.c.at, asylum_hold.c.lift)


def labels(connection: Connection) -> frozenset[bytes]:
    """Everything over which a hold lies."""
    return frozenset(_LABELS.scalars(connection))


def refs(connection: Connection) -> frozenset[int]:
    """The numbers of all holds. Where one is placed, or names a further State, a number comes that was not there."""
    return frozenset(_REFS.scalars(connection))


def held_among(connection: Connection, conversations: Mapping[bytes, Collection[bytes]]) -> frozenset[bytes]:
    """Those of these conversations that a hold lies over, or over their case; each with the labels under which one may
    lie over it: its own, and those of the consents that it relies on.
    """
    held = labels(connection)
    of = cases.cases_of(connection, {*conversations, *held}) if held else {}
    closed = {of[label] for label in held if label in of}
    return frozenset(
        conversation
        for conversation, own in conversations.items()
        if not held.isdisjoint(own) or of.get(conversation) in closed
    )


def over(connection: Connection, labels: Collection[bytes]) -> list[int]:
    """The sealed rows of the holds that lie over any of these."""
    query = select(asylum_hold.c.ref).distinct().where(asylum_hold.c.label.in_(list(labels)))
    return list(connection.scalars(query))


def labels_of(connection: Connection, ref: int) -> list[bytes]:
    """Everything over which one hold lies."""
    return list(connection.scalars(select(asylum_hold.c.label).where(asylum_hold.c.ref == ref)))


def get(connection: Connection, label: bytes) -> AsylumHold | None:
    """The hold that was placed over the conversation with this label."""
    row = connection.execute(select(*_COLUMNS).where(asylum_hold.c.label == label)).first()
    return AsylumHold(**row._mapping) if row else None


def listed(connection: Connection) -> list[AsylumHold]:
    """All holds, oldest first."""
    query = select(*_COLUMNS).distinct().order_by(asylum_hold.c.ref)
    return [AsylumHold(**row._mapping) for row in connection.execute(query)]


def concerned(connection: Connection, conversation: bytes, consents: Collection[bytes]) -> list[int]:
    """The messages that are left of this conversation, and of those in which one of these consents was relied on."""
    relied = select(message.c.conversation).where(message.c.consent.in_(list(consents)))
    left = select(message.c.ref).where(
        or_(message.c.conversation == conversation, message.c.conversation.in_(relied)),
        ~exists().where(erasure.c.message == message.c.ref),
    )
    return list(connection.scalars(left))


def replace(connection: Connection, old: int, new: int) -> None:
    """Another sealed row says from now on what a hold lies over."""
    connection.execute(update(asylum_hold).where(asylum_hold.c.ref == old).values(ref=new))
    content.erase(connection, old)


def place(connection: Connection, hold: AsylumHold, names: Collection[bytes]) -> None:
    """Lay a hold over these labels, besides those it lies over already; nobody wants it lifted any more."""
    rows = [{"label": label, "ref": hold.ref, "at": hold.at} for label in dict.fromkeys(names)]
    connection.execute(upsert(asylum_hold).on_conflict_do_nothing(), rows)
    connection.execute(update(asylum_hold).where(asylum_hold.c.ref == hold.ref).values(lift=None))


def want_lift(connection: Connection, ref: int, person: bytes) -> None:
    """A first person wants it lifted."""
    connection.execute(update(asylum_hold).where(asylum_hold.c.ref == ref).values(lift=person))


def forget_lifts(connection: Connection, person: bytes) -> None:
    """Forget that this person wants holds lifted."""
    connection.execute(update(asylum_hold).where(asylum_hold.c.lift == person).values(lift=None))


def lay_on_case(connection: Connection, label: bytes, conversation: bytes) -> None:
    """The hold with this label is of the case of its conversation, and lies over all of that case."""
    case = cases.cases_of(connection, [conversation]).get(conversation)
    if case is not None:
        cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=case)])


def lift(connection: Connection, ref: int) -> None:
    """It lies over nothing any more."""
    cases.unlink(connection, labels_of(connection, ref))
    connection.execute(delete(asylum_hold).where(asylum_hold.c.ref == ref))
    content.erase(connection, ref)
