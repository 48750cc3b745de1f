"""Out of the office's database: find the rows of the view that are due, and read them.

1. walk    the change column from the cursor on, the cursor's own stamp included: equal stamps are never told apart
2. read    all rows of the refs found, and how the last reading of each ref ended (the inbox table)
3. due     what was never read; what was refused and has changed; what a person put aside and the office has changed

The cursor saves work and decides nothing: it lies in memory only, stands still at the first row that is not settled,
and is forgotten at every `SWEEP`th pull. So a row that is committed late with an old stamp is found as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, or_, select
from sqlalchemy.types import NullType

from adapters.kit.fingerprint import fingerprint
from adapters.sql.cells import BAD_REF, BadCellError, ref_of, stamp_of, to_json, too_large
from adapters.sql.inbox import ATTEMPT
from adapters.sql.tables import NOTICE, SETTLED, View
from gateway.errors import Finding
from gateway.ports import Json, LocalRecord, NoticeKind

SWEEP = 60
CHUNK = 500
_REF, _STAMP = "trm_ref", "trm_stamp"
_CLOSING = frozenset({str(NoticeKind.DISCARDED), str(NoticeKind.CANCELLED)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The content of the view under one ref; `version` differs when it does."""

    ref: str
    version: str
    fields: dict[str, Json]
    faults: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A record to pull, and the version that `settle` records for it."""

    record: LocalRecord
    version: str


class Outbox:
    """The view of one database. Not to be used by two threads at once."""

    def __init__(self, engine: Engine, view: View, inbox: Table, *, batch: int) -> None:
        self._engine = engine
        self._view = view
        self._inbox = inbox
        self._batch = batch
        self._cursor: Any = None
        self._edition = ""
        self._pulls = 0

    def due(self, mapping: str, edition: str) -> list[Due]:
        """Return the rows that are due, the oldest change first; the same ones again until they are settled.

        `edition` differs when the mapping file does, so that rows that it refused are due again.
        """
        if edition != self._edition:
            self._cursor, self._edition = None, edition
        if self._pulls % SWEEP == 0:
            self._cursor = None
        self._pulls += 1
        found: dict[str, Due] = {}
        last = self._cursor
        # Two connections: a driver that streams one result cannot answer a second question beside it.
        with self._engine.connect() as walking, self._engine.connect() as reading, ExitStack() as closers:
            for each in (walking, reading):
                each.execution_options(trm_reading=True)
            for chunk in closers.enter_context(closing(self._walk(walking))):
                rows = self._rows(reading, [ref for ref, _ in chunk])
                settled = _settled(reading, self._inbox, list(rows))
                for raw, stamp in chunk:
                    row = rows.get(_name(raw))
                    due = None if row is None else self._due(row, settled, mapping)
                    if due is not None:
                        found[due.record.ref] = due
                        if len(found) == self._batch:
                            return [*found.values()]
                    elif not found and stamp is not None:
                        last = stamp
        self._cursor = last
        return [*found.values()]

    def _walk(self, connection: Connection) -> Generator[Sequence[tuple[Any, Any]]]:
        """Step 1: ref and stamp of every row from the cursor on, and of those without a stamp."""
        view = self._view
        asked = select(view.ref, view.changed).select_from(view.source).order_by(view.changed, view.ref)
        if self._cursor is not None:
            cursor = bindparam("cursor", self._cursor, type_=NullType())
            asked = asked.where(or_(view.changed >= cursor, view.changed.is_(None)))
        with connection.execution_options(stream_results=True, max_row_buffer=CHUNK).execute(asked) as result:
            for chunk in result.partitions(CHUNK):
                yield [(row[0], row[1]) for row in chunk]

    def _rows(self, connection: Connection, refs: Sequence[Any]) -> dict[str, Row]:
        """Step 2: read the rows of these refs. A ref that names no single row is itself the fault."""
        view = self._view
        known = {ref for ref in refs if ref_of(ref) is not None}
        asked = select(view.ref.label(_REF), view.changed.label(_STAMP), view.all).select_from(view.source)
        by_ref: defaultdict[str, list[Row]] = defaultdict(list)
        if known:
            for found in connection.execute(asked.where(view.ref.in_(known))).mappings():
                cells = dict(found)
                ref = _name(cells.pop(_REF))
                by_ref[ref].append(self._row(ref, cells.pop(_STAMP), cells))
        rows = {ref: self._only(ref, each) for ref, each in by_ref.items()}
        bad = {_name(ref) for ref in refs if ref not in known}
        fault = Finding(place=f"view {view.name}, column {view.ref.key}", rule="bad_ref", hint=BAD_REF)
        return rows | {ref: Row(ref=ref, version="bad", fields={}, faults=(fault,)) for ref in bad}

    def _only(self, ref: str, rows: Sequence[Row]) -> Row:
        if len(rows) == 1:
            return rows[0]
        fault = self._fault(ref, "", "ref_twice", "the view must have one row for each ref; a join may multiply rows")
        return Row(ref=ref, version=fingerprint(sorted(row.version for row in rows)), fields={}, faults=(fault,))

    def _row(self, ref: str, stamp: Any, cells: Mapping[str, Any]) -> Row:
        changed = self._view.stamp
        fields: dict[str, Json] = {}
        faults: list[Finding] = []
        for name, cell in cells.items():
            if name.casefold() == changed.casefold():
                continue
            try:
                fields[name] = to_json(cell)
            except BadCellError as fault:
                faults.append(self._fault(ref, name, fault.rule, fault.hint))
        if stamp is None:
            faults.append(
                self._fault(ref, changed, "no_stamp", "every row needs the time or number of its last change")
            )
        if too_large(fields):
            faults.append(self._fault(ref, "", "too_large", "more than a draft may hold"))
        version = fingerprint(fields, [[fault.place, fault.rule] for fault in faults], stamp_of(stamp))
        return Row(ref=ref, version=version, fields={} if faults else fields, faults=tuple(faults))

    def _due(self, row: Row, settled: _Settled, mapping: str) -> Due | None:
        """Step 3. A row that became a draft stays one, whatever is changed in it; when a person has put that draft
        aside and the row has changed since, it is due again under a new ref, for the node knows the old one.
        """
        version = f"{row.version}/{self._edition}"
        attempt = 1
        while (before := settled.ended.get((row.ref, attempt))) is not None:
            kind, then = before
            if kind != NoticeKind.DRAFTED:
                if then == version:
                    return None
                break
            if (row.ref, attempt) not in settled.closed or then.partition("/")[0] == row.version:
                return None
            attempt += 1
        ref = row.ref if attempt == 1 else f"{row.ref}{ATTEMPT}{attempt}"
        places = {"": f"view {self._view.name}, row {row.ref}"} | {
            name: f"view {self._view.name}, row {row.ref}, column {name}" for name in row.fields
        }
        record = LocalRecord(ref=ref, fields=row.fields, mapping=mapping, places=places, faults=row.faults)
        return Due(record=record, version=version)

    def _fault(self, ref: str, column: str, rule: str, hint: str) -> Finding:
        place = f"view {self._view.name}, row {ref}" + (f", column {column}" if column else "")
        return Finding(place=place, rule=rule, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """The outcomes by ref and attempt: how the reading ended and at which version, and whether a person put the draft
    aside.
    """

    ended: dict[tuple[str, int], tuple[str, str]]
    closed: set[tuple[str, int]]


def _settled(connection: Connection, inbox: Table, refs: Sequence[str]) -> _Settled:
    asked = select(inbox.c.record, inbox.c.attempt, inbox.c.kind, inbox.c.type, inbox.c.version)
    asked = asked.where(inbox.c.record.in_(refs), inbox.c.kind.in_([SETTLED, NOTICE]))
    ended: dict[tuple[str, int], tuple[str, str]] = {}
    closed: set[tuple[str, int]] = set()
    for row in connection.execute(asked):
        if row.kind == SETTLED:
            ended[row.record, row.attempt] = (row.type, row.version)
        elif row.type in _CLOSING:
            closed.add((row.record, row.attempt))
    return _Settled(ended=ended, closed=closed)


def _name(raw: object) -> str:
    """Return the ref of a row for the node; one that is not plain is replaced by a name that reveals nothing."""
    return ref_of(raw) or f"{ATTEMPT}{fingerprint(raw)}"
