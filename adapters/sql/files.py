"""Files in the office's database, as rows of pieces: those of messages in a table, those of records in a view.

Neither side ever holds a file as a whole; a blob cannot be read in parts without that in every database. The pieces of
a message are there before its row in
the inbox is; what has no such row belongs to nothing yet. Nobody may delete rows, so erasing empties the pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Executable,
    FromClause,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    table,
    update,
)

from adapters.sql.database import name_of

LARGEST = 8 * 1024 * 1024
"""Bytes of one piece of a view at most; a server need not let more through in one row."""


def piece_table(name: str) -> Table:
    """Define the table of pieces: one row for each piece of each file of a message."""
    schema, short = name_of(name, "file_inbox")
    return Table(
        short,
        MetaData(),
        Column("item_key", String(160), primary_key=True),
        Column("part", Integer, primary_key=True),
        Column("piece", Integer, primary_key=True),
        Column("data", LargeBinary),
        schema=schema,
    )


def file_view(name: str) -> FromClause:
    """Define the view of the files of records: `ref` and `part` name one, `doc_kind` is the code of its kind, and it is
    the `data` of each `piece` from 0 on.
    """
    schema, short = name_of(name, "file_view")
    numbers = (column("part", Integer), column("piece", Integer))
    return table(
        short, column("ref"), *numbers, column("doc_kind", String), column("data", LargeBinary), schema=schema
    ).alias("f")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file of a record: its number, the code of its kind, and of how many pieces it is. `size` and `largest` are the
    bytes of all and of the largest piece; `whole`: each piece from 0 on is there once.
    """

    part: int
    kind: str | None
    pieces: int
    size: int
    largest: int
    whole: bool


def put_piece(connection: Connection, pieces: Table, key: str, part: int, piece: int, data: bytes) -> None:
    """Write one piece, in place of what a kill left of it."""
    where = (pieces.c.item_key == key, pieces.c.part == part, pieces.c.piece == piece)
    if connection.execute(select(pieces.c.piece).where(*where)).first() is None:
        connection.execute(insert(pieces).values(item_key=key, part=part, piece=piece, data=data))
    else:
        connection.execute(update(pieces).where(*where).values(data=data))


def empty_pieces(connection: Connection, pieces: Table, key: str) -> bool:
    """Empty the pieces of an item; whether any had content."""
    full = (pieces.c.item_key == key, pieces.c.data.is_not(None))
    return bool(connection.execute(update(pieces).where(*full).values(data=None)).rowcount)


def list_files(connection: Connection, view: FromClause, refs: Sequence[str]) -> Mapping[str, Sequence[FileRow]]:
    """List the files of these records by the ref, in the order of their numbers.

    Grouped here: to group or sort them, a database would carry the data along.
    """
    ref = cast(view.c.ref, String(100))
    asked = select(ref, view.c.part, view.c.piece, view.c.doc_kind, func.length(view.c.data)).where(ref.in_(refs))
    pieces: dict[tuple[str, int], list[tuple[int, str | None, int]]] = {}
    for of, part, piece, kind, length in connection.execute(asked):
        pieces.setdefault((str(of), part), []).append((piece, kind, length or 0))
    found: dict[str, list[FileRow]] = {}
    for of, part in sorted(pieces):
        numbers, kinds, lengths = zip(*sorted(pieces[of, part], key=lambda one: one[0]), strict=True)
        file = FileRow(
            part=part,
            kind=kinds[0],
            pieces=len(numbers),
            size=sum(lengths),
            largest=max(lengths),
            whole=numbers == tuple(range(len(numbers))),
        )
        found.setdefault(of, []).append(file)
    return found


def read_piece(connection: Connection, view: FromClause, ref: str, part: int, piece: int) -> bytes | None:
    """Read a piece of a file; None where there is none."""
    which = (cast(view.c.ref, String(100)) == ref, view.c.part == part, view.c.piece == piece)
    data = connection.scalar(select(view.c.data).where(*which))
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else None  # a text is no file


def uses_of_pieces(pieces: Table) -> Sequence[Executable]:
    """Return what the account has to be permitted; each statement touches no row."""
    never = literal(1) == 0
    nothing: Any = select(*pieces.columns).where(never)
    return (
        nothing,
        insert(pieces).from_select(list(pieces.columns), nothing),
        update(pieces).where(never).values(data=None),
    )


def use_of_view(view: FromClause) -> Executable:
    """Return what the account has to be permitted of the view."""
    return select(view.c.ref, view.c.part, view.c.piece, view.c.doc_kind, view.c.data).where(literal(1) == 0)
