"""Entries of the ledger in the database: each is written in the transaction of what it names, so that what a file lacks
is written there later.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select, update

from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import ledger, message
from gateway.foundation.ids import NodeId
from gateway.ledger.rules import Entry, Taken
from keys.primitives.encoding import b64u

_LAST = Prepared(select(ledger).order_by(ledger.c.n.desc()).limit(1))
_HIGHEST = Prepared(select(func.max(ledger.c.n)))
_WAITS = Prepared(select(ledger.c.n).where(ledger.c.due).limit(1))
_AFTER = Prepared(
    select(ledger, message.c.direction, message.c.peer, message.c.id)
    .outerjoin(message, message.c.ref == ledger.c.message)
    .where(ledger.c.n > bindparam("n"))
    .order_by(ledger.c.n)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One entry. `subject` is a keyed hash, and None where `message` is the local number of what was taken away.

    `due`: it was read from a file, and what it names was not found here yet.
    """

    n: int
    at: int
    kind: str
    subject: bytes | None = None
    message: int | None = None
    grants: str | None = None
    why: str | None = None
    detail: str | None = None
    due: bool = False

    def entry(self, subject: bytes | None) -> Entry:
        """The line of this row, which names `subject`."""
        grants = None if self.grants is None else tuple(json.loads(self.grants))
        return Entry(
            n=self.n,
            at=self.at,
            kind=Taken(self.kind),
            of=subject,
            grants=grants,
            why=self.why,
            detail=self.detail,
        )


Named = tuple[LedgerRow, tuple[str, NodeId, str] | None]
"""An entry, and of its message the direction, the peer and the id."""


def last(connection: Connection) -> LedgerRow | None:
    """The newest entry."""
    return next(iter(_LAST.made(LedgerRow, connection)), None)


def add_withdrawn(connection: Connection, consent: bytes, grants: Iterable[int] | None, *, at: int) -> None:
    """A consent was taken back, or these grants of it."""
    places = None if grants is None else json.dumps(sorted(grants))
    _add(connection, [LedgerRow(n=0, at=at, kind=Taken.WITHDRAWN, subject=consent, grants=places)])


def add_erased(connection: Connection, reasons: Iterable[tuple[int, str]], *, at: int) -> None:
    """Messages were erased, each for a reason."""
    _add(connection, [LedgerRow(n=0, at=at, kind=Taken.ERASED, message=ref, why=why) for ref, why in reasons])


def add_voided(connection: Connection, refs: Iterable[int], *, at: int) -> None:
    """Messages of ours that will never arrive: their peers have said so."""
    _add(connection, [LedgerRow(n=0, at=at, kind=Taken.VOIDED, message=ref) for ref in refs])


def add_held(connection: Connection, hold: bytes, labels: Iterable[bytes], *, at: int) -> None:
    """An asylum hold was laid over these; `hold` is the label of the conversation that it was placed over."""
    _add_all(connection, Taken.HELD, labels, at=at, detail=b64u(hold))


def add_over(connection: Connection, hold: bytes, names: Iterable[bytes], *, at: int) -> None:
    """That hold lies over the case with these names."""
    _add_all(connection, Taken.OVER, names, at=at, detail=b64u(hold))


def add_lifted(connection: Connection, hold: bytes, labels: Iterable[bytes], *, at: int) -> None:
    """That hold does not lie over these any more; another one may."""
    _add_all(connection, Taken.LIFTED, labels, at=at, detail=b64u(hold))


def add_kept(connection: Connection, names: Iterable[bytes], ground: str, until: str, *, at: int) -> None:
    """A legal hold was laid over what has these names: a conversation, or a case by its id and its conversations."""
    _add_all(connection, Taken.KEPT, names, at=at, why=ground, detail=until)


def add_released(connection: Connection, names: Iterable[bytes], *, at: int) -> None:
    """It was lifted."""
    _add_all(connection, Taken.RELEASED, names, at=at)


def add_block(connection: Connection, names: Iterable[bytes], whom: bytes, *, ended: bool, at: int) -> None:
    """Somebody was kept out of the case with these names, or is not any more."""
    _add_all(connection, Taken.UNBLOCKED if ended else Taken.BLOCKED, names, at=at, detail=b64u(whom))


def add_moved(connection: Connection, names: Iterable[bytes], case: str | None, *, at: int) -> None:
    """Write that what has these names is of this case from now on, None for none; a case that is named itself was
    merged into it, or is open again where it is that case.
    """
    _add_all(connection, Taken.MOVED, names, at=at, detail=case)


def add_mark(connection: Connection, *, at: int) -> None:
    """The ledger is kept at this time."""
    _add(connection, [LedgerRow(n=0, at=at, kind=Taken.MARK)])


def _add_all(
    connection: Connection,
    kind: Taken,
    names: Iterable[bytes],
    *,
    at: int,
    why: str | None = None,
    detail: str | None = None,
) -> None:
    rows = [LedgerRow(n=0, at=at, kind=kind, subject=name, why=why, detail=detail) for name in names]
    _add(connection, rows)


def _add(connection: Connection, rows: Sequence[LedgerRow]) -> None:
    if rows:
        first = 1 + (_HIGHEST.scalars(connection)[0] or 0)
        values = [values_of(row) | {"n": n, "kind": str(row.kind)} for n, row in enumerate(rows, first)]
        connection.execute(insert(ledger), values)


def add_read(connection: Connection, entries: Sequence[Entry]) -> None:
    """Keep what a file knows and this database does not."""
    rows = [
        LedgerRow(
            n=entry.n,
            at=entry.at,
            kind=str(entry.kind),
            subject=entry.of,
            grants=None if entry.grants is None else json.dumps(entry.grants),
            why=entry.why,
            detail=entry.detail,
            due=entry.kind is not Taken.MARK,
        )
        for entry in entries
    ]
    if rows:
        connection.execute(insert(ledger), [values_of(row) for row in rows])


def after(connection: Connection, n: int, limit: int) -> list[Named]:
    """The next entries behind number `n`."""
    found: list[Named] = []
    for *values, direction, peer, id in _AFTER.rows(connection, n=n, most=limit):
        row = LedgerRow(**dict(zip(ledger.c.keys(), values, strict=True)))
        found.append((row, None if id is None else (direction, peer, id)))
    return found


def due(connection: Connection, kinds: Iterable[Taken]) -> list[LedgerRow]:
    """Entries of a file that name nothing that was found here yet."""
    wanted = select(ledger).where(ledger.c.due, ledger.c.kind.in_([str(kind) for kind in kinds]))
    return [LedgerRow(**row._mapping) for row in connection.execute(wanted.order_by(ledger.c.n))]


def due_of(connection: Connection, kind: Taken, subjects: Sequence[bytes]) -> list[LedgerRow]:
    """Find the same of one kind, that name one of these few subjects."""
    wanted = select(ledger).where(ledger.c.due, ledger.c.kind == str(kind), ledger.c.subject.in_(subjects))
    return [LedgerRow(**row._mapping) for row in connection.execute(wanted.order_by(ledger.c.n))]


def over(connection: Connection, holds: Collection[bytes]) -> list[LedgerRow]:
    """Find the entries by which these holds lie over a case; none where nobody said that they do."""
    wanted = select(ledger).where(ledger.c.kind == str(Taken.OVER), ledger.c.detail.in_([*map(b64u, holds)]))
    return [LedgerRow(**row._mapping) for row in connection.execute(wanted.order_by(ledger.c.n))]


def settle(connection: Connection, numbers: Sequence[int]) -> None:
    """Note that what these entries name is taken away again."""
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        connection.execute(update(ledger).where(ledger.c.n.in_(some)).values(due=False))


def waits(connection: Connection) -> bool:
    """Whether an entry of a file names something that was not found here."""
    return _WAITS.first(connection) is not None
