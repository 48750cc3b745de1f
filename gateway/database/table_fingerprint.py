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

COLUMNS = """
    select m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk
    from sqlite_master as m join pragma_table_info(m.name) as c where m.type = 'table'
"""
FOREIGN = """
    select m.name, k."from", k."table", k."to", k.on_delete
    from sqlite_master as m join pragma_foreign_key_list(m.name) as k where m.type = 'table'
"""
UNIQUE = """
    select name, group_concat(part) from (
        select m.name, i.name as key, c.name as part
        from sqlite_master as m join pragma_index_list(m.name) as i join pragma_index_info(i.name) as c
        where m.type = 'table' and i.origin = 'u' order by m.name, i.name, c.seqno
    ) group by name, key
"""
"""One question each about all tables: a node asks them at every start."""

Tables = Mapping[str, str]
"""The hash of each table and index, by its name."""


def describe_tables(connection: Connection) -> Tables:
    """Hash each table (columns, keys, references) and each index, in a form that the order of steps does not change."""
    found: dict[str, str] = {}
    parts = [_by_table(connection, query) for query in (COLUMNS, FOREIGN, UNIQUE)]
    statements = connection.exec_driver_sql(
        "select type, name, sql from sqlite_master where type in ('table', 'index') and sql is not null"
    )
    for kind, name, sql in statements.all():
        if name == BOOKKEEPING or name.startswith("sqlite_"):
            continue
        described: Json = re.sub(r"[\s\"]+", " ", sql).lower()
        if kind == "table":
            columns, foreign, unique = (part.get(name, []) for part in parts)
            described = {
                "columns": columns,
                "foreign": foreign,
                "unique": unique,
                "autoincrement": "autoincrement" in sql.lower(),
            }
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


def _by_table(connection: Connection, query: str) -> Mapping[str, list[Json]]:
    """What a query tells of each table, as words in one order: a later revision appends what `tables` lists in its
    place.
    """
    found: dict[str, list[list[str]]] = {}
    for name, *row in connection.exec_driver_sql(query):
        found.setdefault(name, []).append([str(cell) for cell in row])
    return {name: [[*row] for row in sorted(rows)] for name, rows in found.items()}
