"""What a server needs for the workers of a node: one row of counters, and a count of each change of what they have in
memory.

The server counts, and not the program, so that no query can forget it: a worker whose count is another one reads again
before it writes (`gateway.cluster.entry`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.functions import database_ms
from gateway.database.tables import cluster

TABLES: Final = (
    "change",
    "erasure",
    "link_reset",
    "own_descriptor",
    "peer",
    "peer_descriptor",
    "person",
    "token",
    "trust_record",
)
"""Trust, peers, own descriptor, tokens and people; and erasures, after which no fact of before is kept in memory."""
FACTS: Final = ("clock_superseded", "descriptor_published", "keyset", "keyset_floor")
"""The keys of `meta` that are kept in memory."""
_THERE = text("select count(*) from pg_trigger where tgname = 'count_change' and not tgisinternal")
_FUNCTION = """
    create or replace function trm_count_change() returns trigger language plpgsql as $$
    begin
        update cluster set pictures = pictures + 1 where id = 1;
        return null;
    end $$
"""
_EACH = """
    create or replace trigger count_change after insert or update or delete on {table}
    for each statement execute function trm_count_change()
"""
_FACT = """
    create or replace trigger count_change after insert or update on meta
    for each row when (new.key in ({facts})) execute function trm_count_change()
"""


def prepare_for_workers(connection: Connection) -> None:
    """Make what is not there; the tables are locked for that moment only where a trigger is missing."""
    row = upsert(cluster).values(id=1, since=database_ms(), moves=0, pictures=0)
    connection.execute(row.on_conflict_do_nothing())
    if connection.scalar(_THERE) == len(TABLES) + 1:
        return
    connection.exec_driver_sql(_FUNCTION)
    for table in TABLES:
        connection.exec_driver_sql(_EACH.format(table=table))
    connection.exec_driver_sql(_FACT.format(facts=", ".join(f"'{key}'" for key in FACTS)))
