"""All rows of one database into another, empty one, of whichever kind: for `trm database move`, and for the backup of a
node on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, Connection, Table, func, insert, select, text

from gateway.database.table_fingerprint import STORED
from gateway.database.tables import cluster, lease, meta, metadata, nonce, worker

ROWS = 1_000
"""Rows that are read and written at a time."""
OF_PROCESSES = (cluster, worker, lease, nonce)
"""Tables about the processes that have a database open: none has the copy open yet."""
_PATIENT = text(
    "select set_config('idle_in_transaction_session_timeout', '0', true), set_config('statement_timeout', '0', true)"
)
"""Each side stands still while the other one sorts or writes, which takes long where there is much."""
COPIED = [table for table in metadata.sorted_tables if table not in OF_PROCESSES]


def copy_rows(source: Connection, target: Connection, tell: Callable[[str, int], None]) -> Mapping[str, int]:
    """Copy what the node keeps; returns how many rows of each. `tell` is told table and count after each piece.

    Both are in a transaction of the caller: `source` in a snapshot, `target` with the tables of this version, empty.
    """
    copied: dict[str, int] = {}
    for side in (source, target):
        if side.dialect.name == "postgresql":
            side.execute(_PATIENT)
    for table in COPIED:
        copied[table.name] = 0
        rows_of = select(table).where(*_kept(table)).order_by(*table.primary_key.columns)
        found = source.execute(rows_of.execution_options(yield_per=ROWS))
        for rows in found.mappings().partitions(ROWS):
            target.execute(insert(table), [dict(row) for row in rows])
            copied[table.name] += len(rows)
            tell(table.name, copied[table.name])
    if target.dialect.name == "postgresql":
        for table in COPIED:
            _go_on(target, table.name)
    return copied


def count_rows(connection: Connection) -> Mapping[str, int]:
    """Count the rows of each table."""
    return {
        table.name: connection.scalar(select(func.count()).select_from(table).where(*_kept(table))) or 0
        for table in COPIED
    }


def _kept(table: Table) -> list[ColumnElement[bool]]:
    """All rows but the fingerprint of the tables, which each file has of its own."""
    return [table.c.key != STORED] if table is meta else []


def _go_on(connection: Connection, name: str) -> None:
    """Let the numbers that the server gives go on behind the highest one of a table."""
    for column in metadata.tables[name].primary_key.columns:
        sequence = connection.scalar(
            text("select pg_get_serial_sequence(:name, :column)"), {"name": name, "column": column.name}
        )
        if sequence is not None:
            highest = connection.scalar(select(func.max(column)))
            connection.execute(
                text("select setval(cast(:sequence as regclass), :n, :used)"),
                {"sequence": sequence, "n": highest or 1, "used": highest is not None},
            )
