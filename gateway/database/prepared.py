"""Hot statements: written in SQLAlchemy Core, compiled once for each database and run by the driver itself.

A statement is hot when every message, every batch or every round of a loop runs it; it is a `Prepared` constant of its
store and runs on the caller's connection, in the caller's transaction. Every other statement is given to
``connection.execute``, because what it costs does not count. No statement is written in both ways.

CPU of both nodes for one message, measured with the statements of a real exchange, in turns in one process:

    one at a time (73 reads, 61 writes, 22 ms in all)    Prepared 0.7 ms, Core 5.0 ms, ``exec_driver_sql`` 2.3 ms
    eight senders (5.5 reads, 3 writes, 6 ms in all)     Prepared 0.2 ms, Core 0.6 ms, ``exec_driver_sql`` 0.3 ms

Rows that are only inserted go to PostgreSQL several in one statement: there each statement is a way to the server and
back, and a row that comes with others costs half of one that comes alone, here and there.

See `docs/adr/0014-one-way-to-write-a-hot-statement.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Boolean, ClauseElement, Connection, Dialect, Insert, Select
from sqlalchemy.sql.compiler import SQLCompiler

T = TypeVar("T")

_STYLES: Final = {"sqlite": "qmark", "postgresql": "format"}
"""How each driver writes a value by its position; names would have to be looked up for every row."""
_NOWHERE = ""
MOST_LISTED: Final = 1 << 14
"""Members of one list in a statement that writes: PostgreSQL takes 65 535 values in all."""
_KEPT: Final = 50
"""Values up to which psycopg keeps how a statement is read; above, it reads it anew each time."""


@dataclass(frozen=True, slots=True)
class _Text:
    """Text for the driver; where each of its values comes from: a name, and the place in a list or None. `several` has
    the same for two rows, for four and so on, as far as they go in one statement.
    """

    text: str
    slots: tuple[tuple[str, int | None], ...]
    several: tuple[str, ...] = ()


class _Compiled:
    """One statement for one kind of database, with a text for each size of its list."""

    def __init__(self, statement: ClauseElement, given: Sequence[str] | None, dialect: Dialect, *, apart: bool) -> None:
        kind: Callable[..., Dialect] = type(dialect)
        positional = kind(paramstyle=_STYLES[dialect.name])
        compiled = statement.compile(dialect=positional, column_keys=None if given is None else [*given])
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("not a statement")
        self._compiled = compiled
        wanted = [bind for bind in compiled.bind_names if bind.required]
        self._names = [bind.key for bind in wanted]
        self.listed = next((bind.key for bind in wanted if bind.expanding), _NOWHERE)
        self.fixed: dict[str, Any] = {}
        self.members: Callable[[object], Any] | None = None
        insert = dialect.name == "postgresql" and isinstance(statement, Insert)
        self._rows_go_together = insert and (apart or "DO UPDATE" not in compiled.string)
        self._of_size: dict[int, _Text] = {}

    def of_size(self, size: int) -> _Text:
        """The text for a list of this size."""
        found = self._of_size.get(size)
        if found is None:
            example: dict[str, Any] = dict.fromkeys(self._names, 0) | ({self.listed: [0] * size} if size else {})
            state = self._compiled.construct_expanded_state(example)
            places = {name: i for i, name in enumerate(state.parameter_expansion.get(self.listed, ()))}
            self.fixed |= {n: v for n, v in state.parameters.items() if n not in example and n not in places}
            slots = [
                (self.listed, places[name]) if name in places else (name, None) for name in state.positiontup or ()
            ]
            several = tuple(_repeat_values(state.statement, len(slots))) if self._rows_go_together else ()
            found = self._of_size[size] = _Text(state.statement, tuple(slots), several)
        return found


class Prepared:
    """One statement. Values are given by name and must be what the driver stores: no type of SQLAlchemy is applied.

    At most one value may be a list for `in`: a `bindparam(..., expanding=True)`. An empty list finds nothing.
    """

    def __init__(self, statement: ClauseElement, *, columns: Sequence[str] | None = None, apart: bool = False) -> None:
        """`columns` are those that an insert gives; all of the table when None. An insert that replaces says by `apart`
        that no two of the rows which come together replace the same one: PostgreSQL refuses that in one statement.
        """
        self._statement, self._given, self._apart = statement, columns, apart
        self._compiled: dict[str, _Compiled] = {}
        chosen = statement.selected_columns if isinstance(statement, Select) else None
        self.columns: tuple[str, ...] = () if chosen is None else tuple(chosen.keys())
        self._flags = () if chosen is None else tuple(i for i, c in enumerate(chosen) if isinstance(c.type, Boolean))

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Every row found, in the order of `columns`."""
        ready = self._ready(connection.dialect, values)
        if ready is None:
            return []
        cursor = connection.connection.cursor()
        cursor.execute(*ready)
        found = cast(list[tuple[Any, ...]], cursor.fetchall())
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

    def run(self, connection: Connection, many: Iterable[Mapping[str, Any]]) -> int:
        """Write once for each of `many`, in order; returns how many rows of the table that met."""
        compiled = self._for(connection.dialect)
        text, fixed = compiled.of_size(0), compiled.fixed
        rows = [tuple([one[name] if name in one else fixed[name] for name, _ in text.slots]) for one in many]
        return _write(connection, text, rows)

    def run_listed(self, connection: Connection, **values: Any) -> int:
        """Write for all members of the list, `MOST_LISTED` at a time; returns how many rows of the table that met."""
        name = self._for(connection.dialect).listed
        listed: Sequence[Any] = values[name]
        cursor, met = connection.connection.cursor(), 0
        for start in range(0, len(listed), MOST_LISTED):
            ready = self._ready(connection.dialect, values | {name: listed[start : start + MOST_LISTED]})
            if ready is not None:
                cursor.execute(*ready)
                met += cursor.rowcount
        return met

    def add(self, connection: Connection, many: Iterable[object]) -> int:
        """The same for rows of a class, whose members are named like the values."""
        compiled = self._for(connection.dialect)
        text = compiled.of_size(0)
        if compiled.members is None:
            compiled.members = attrgetter(*(name for name, _ in text.slots))
        return _write(connection, text, [*map(compiled.members, many)])

    def _ready(self, dialect: Dialect, values: dict[str, Any]) -> tuple[str, tuple[Any, ...]] | None:
        """Text and values; None when a list is empty. A list is filled up to a power of two by repeating its last item,
        so that there are few texts.
        """
        compiled = self._for(dialect)
        listed: Sequence[Any] = values.get(compiled.listed, ())
        if compiled.listed and not listed:
            return None
        text = compiled.of_size(1 << (len(listed) - 1).bit_length() if listed else 0)
        given = compiled.fixed | values
        last = len(listed) - 1
        chosen = [given[name] if place is None else listed[min(place, last)] for name, place in text.slots]
        return text.text, tuple(chosen)

    def _for(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self._statement, self._given, dialect, apart=self._apart)
        return found

    def _typed(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """SQLite has no booleans."""
        typed = [*row]
        for place in self._flags:
            typed[place] = bool(typed[place])
        return tuple(typed)


def _repeat_values(text: str, count: int) -> Iterator[str]:
    """Yield an insert of one row with `count` values as one of two rows, of four and so on; nothing where some of its
    values are not of the row.
    """
    head, values, rest = text.partition(" VALUES ")
    depths = accumulate((sign == "(") - (sign == ")") for sign in rest)
    end = next((place for place, depth in enumerate(depths, 1) if depth == 0), 0)
    rows = 2
    while values and "%s" not in rest[end:] and rows * count <= _KEPT:
        yield f"{head}{values}{', '.join([rest[:end]] * rows)}{rest[end:]}"
        rows *= 2


def _write(connection: Connection, text: _Text, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write rows in their order, and return how many rows of the table that met."""
    cursor, met, begun = connection.connection.cursor(), 0, 0
    for power in range(len(text.several), 0, -1):
        while len(rows) - begun >= 1 << power:
            cursor.execute(text.several[power - 1], tuple(chain.from_iterable(rows[begun : begun + (1 << power)])))
            met, begun = met + cursor.rowcount, begun + (1 << power)
    if begun + 1 == len(rows):  # for one, the driver need not get ready for many
        cursor.execute(text.text, rows[begun])
        met += cursor.rowcount
    elif begun < len(rows):
        cursor.executemany(text.text, rows[begun:])
        met += cursor.rowcount
    return met
