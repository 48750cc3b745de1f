"""The fingerprint of a database's tables: what they really are, not what its revision says they should be.

A revision number says which steps ran. It does not say what those steps were on the day on which they ran, nor what a
hand has changed since; the tables themselves do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, create_engine

from gateway.database.tables import metadata
from gateway.foundation.json import Json
from keys.primitives.encoding import canon, sha256_hex

BOOKKEEPING = "alembic_version"
STORED = "tables"
"""The fact of the database that holds the fingerprint of its tables as the program wrote it last."""

Tables = Mapping[str, str]
"""The hash of each table and index, by its name."""


def describe_tables(connection: Connection) -> Tables:
    """Hash each table (columns, keys, references) and each index, in a form that the order of steps does not change."""
    found: dict[str, str] = {}
    statements = connection.exec_driver_sql(
        "select type, name, sql from sqlite_master where type in ('table', 'index') and sql is not null"
    )
    for kind, name, sql in statements.all():
        if name == BOOKKEEPING or name.startswith("sqlite_"):
            continue
        described: Json = re.sub(r"[\s\"]+", " ", sql).lower()
        if kind == "table":
            described = _table(connection, name, sql)
        found[f"{kind} {name}"] = sha256_hex(canon(described))
    return found


def compute_fingerprint(tables: Tables) -> str:
    """Compute the one hash over all of them."""
    return sha256_hex(canon({**tables}))


@cache
def expected_tables() -> Tables:
    """Describe the tables that this program's queries are written for (`gateway.database.tables`)."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            return describe_tables(connection)
    finally:
        engine.dispose()


def differences(found: Tables, expected: Tables) -> list[tuple[str, str]]:
    """List what differs, as (table or index, rule); the names are those of the program or of whoever changed it."""
    rules = {
        name: "missing" if name not in found else "unknown" if name not in expected else "different"
        for name in {*found, *expected}
        if found.get(name) != expected.get(name)
    }
    return sorted(rules.items())


def _table(connection: Connection, name: str, sql: str) -> Json:
    """Columns by name, since a later revision appends what `tables` lists in its place; then what refers and is
    unique.
    """
    columns = connection.exec_driver_sql(
        'select name, type, "notnull", dflt_value, pk from pragma_table_info(?)', (name,)
    )
    foreign = connection.exec_driver_sql(
        'select "from", "table", "to", on_delete from pragma_foreign_key_list(?)', (name,)
    )
    unique = connection.exec_driver_sql(
        "select group_concat(c.name) from pragma_index_list(?) as i join pragma_index_info(i.name) as c"
        " where i.origin = 'u' group by i.name",
        (name,),
    )
    parts = [sorted([str(cell) for cell in row] for row in rows) for rows in (columns, foreign, unique)]
    return {
        "columns": [[*row] for row in parts[0]],
        "foreign": [[*row] for row in parts[1]],
        "unique": [[*row] for row in parts[2]],
        "autoincrement": "autoincrement" in sql.lower(),
    }
