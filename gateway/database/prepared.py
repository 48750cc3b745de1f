"""Statements of every message, written in SQLAlchemy Core, compiled once and run by the driver itself.

Running a statement through SQLAlchemy costs many times what SQLite needs for it. What is asked for every message or
batch is therefore `Prepared`; it runs on the caller's connection and so in the caller's transaction. Everything else
goes through SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Boolean, ClauseElement, Connection, Select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.sql.compiler import SQLCompiler

T = TypeVar("T")

_DIALECT = dialect()
_NOWHERE = ""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Text for the driver; where each of its values comes from: a name, and the place in a list or None."""

    text: str
    slots: tuple[tuple[str, int | None], ...]


class Prepared:
    """One statement. Values are given by name and must be what the driver stores: no type of SQLAlchemy is applied.

    At most one value may be a list for `in`: a `bindparam(..., expanding=True)`. An empty list finds nothing.
    """

    def __init__(self, statement: ClauseElement, *, columns: Sequence[str] | None = None) -> None:
        """`columns` are those that an insert gives; all of the table when None."""
        compiled = statement.compile(dialect=_DIALECT, column_keys=None if columns is None else [*columns])
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("not a statement")
        self._compiled = compiled
        wanted = [bind for bind in compiled.bind_names if bind.required]
        self._names = [bind.key for bind in wanted]
        self._listed = next((bind.key for bind in wanted if bind.expanding), _NOWHERE)
        self._fixed: dict[str, Any] = {}
        self._of_size: dict[int, _Compiled] = {}
        chosen = statement.selected_columns if isinstance(statement, Select) else None
        self.columns: tuple[str, ...] = () if chosen is None else tuple(chosen.keys())
        self._flags = () if chosen is None else tuple(i for i, c in enumerate(chosen) if isinstance(c.type, Boolean))

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Every row found, in the order of `columns`."""
        ready = self._ready(values)
        if ready is None:
            return []
        found = driver_of(connection).execute(*ready).fetchall()
        return [self._typed(row) for row in found] if self._flags else found

    def first(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The first row found; the statement should have a limit."""
        found = self.rows(connection, **values)
        return found[0] if found else None

    def scalars(self, connection: Connection, **values: Any) -> list[Any]:
        """The first column of every row found."""
        return [row[0] for row in self.rows(connection, **values)]

    def made(self, kind: type[T], connection: Connection, **values: Any) -> list[T]:
        """Every row found as a `kind`, whose members are named like the columns."""
        return [kind(**dict(zip(self.columns, row, strict=True))) for row in self.rows(connection, **values)]

    def run(self, connection: Connection, many: Iterable[Mapping[str, Any]]) -> None:
        """Write once for each of `many`, in order."""
        compiled = self._for(0)
        fixed = self._fixed
        rows = [tuple([one[name] if name in one else fixed[name] for name, _ in compiled.slots]) for one in many]
        if rows:
            driver_of(connection).executemany(compiled.text, rows)

    def _ready(self, values: dict[str, Any]) -> tuple[str, tuple[Any, ...]] | None:
        """Text and values; None when a list is empty. A list is filled up to a power of two by repeating its last item,
        so that there are few texts.
        """
        listed: Sequence[Any] = values.get(self._listed, ())
        if self._listed and not listed:
            return None
        size = 1 << (len(listed) - 1).bit_length() if listed else 0
        compiled = self._for(size)
        given = self._fixed | values
        last = len(listed) - 1
        chosen = [given[name] if place is None else listed[min(place, last)] for name, place in compiled.slots]
        return compiled.text, tuple(chosen)

    def _for(self, size: int) -> _Compiled:
        """The statement for a list of this size."""
        found = self._of_size.get(size)
        if found is None:
            example: dict[str, Any] = dict.fromkeys(self._names, 0) | ({self._listed: [0] * size} if size else {})
            state = self._compiled.construct_expanded_state(example)
            places = {name: i for i, name in enumerate(state.parameter_expansion.get(self._listed, ()))}
            self._fixed |= {n: v for n, v in state.parameters.items() if n not in example and n not in places}
            slots = [
                (self._listed, places[name]) if name in places else (name, None) for name in state.positiontup or ()
            ]
            found = self._of_size[size] = _Compiled(state.statement, tuple(slots))
        return found

    def _typed(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """SQLite has no booleans."""
        typed = [*row]
        for place in self._flags:
            typed[place] = bool(typed[place])
        return tuple(typed)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, on which the transaction of `connection` is open."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("the store is SQLite")
    return driver
