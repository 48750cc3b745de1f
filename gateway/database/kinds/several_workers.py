"""What a server needs for the workers of a node: one row of counters, and a count of each change of what they have in
memory.

The server counts, and not the program, so that no query can forget it: a worker whose count is another one reads again
before it writes (`gateway.cluster.entry`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, Integer, bindparam, case, cast, func, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.functions import database_ms
from gateway.database.prepared import Prepared
from gateway.database.tables import cluster
from gateway.database.writing.leading import Lease
from gateway.errors import Code, TransientError

TABLES: Final = (
    "change",
    "erasure",
    "keystore_step",
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
_THERE = text("select count(*) from pg_trigger where tgname = 'count_change' and not tgisinternal and (tgtype & 1) = 1")
"""Those that run for each row: one that runs for each statement also runs where no row was met."""
_FUNCTION = """
    create or replace function trm_count_change() returns trigger language plpgsql as $$
    begin
        if coalesce(current_setting('trm.counted', true), '') = '' then
            update cluster set pictures = pictures + 1 where id = 1;
            perform set_config('trm.counted', 'yes', true);
        end if;
        return null;
    end $$
"""
"""Counts once in a transaction, whose setting it is: workers compare at the beginning of theirs."""
_EACH = """
    create or replace trigger count_change after insert or update or delete on {table}
    for each row execute function trm_count_change()
"""
_FACT = """
    create or replace trigger count_change after insert or update on meta
    for each row when (new.key in ({facts})) execute function trm_count_change()
"""


def prepare_for_workers(connection: Connection) -> None:
    """Make what is not there; the tables are locked for that moment only where a trigger is missing or an older one."""
    row = upsert(cluster).values(id=1, since=database_ms(), moves=0, pictures=0)
    connection.execute(row.on_conflict_do_nothing())
    if connection.scalar(_THERE) == len(TABLES) + 1:
        return
    connection.exec_driver_sql(_FUNCTION)
    for table in TABLES:
        connection.exec_driver_sql(_EACH.format(table=table))
    connection.exec_driver_sql(_FACT.format(facts=", ".join(f"'{key}'" for key in FACTS)))


LONGEST: Final = 30
"""Seconds after which the server ends the transaction of a worker that others wait for, whatever it is at: one that was
stopped while it sent a statement is at none, and idle neither. Servers before PostgreSQL 17 cannot bound it.
"""
_BOUND = case(
    (
        cast(func.current_setting("server_version_num"), Integer) >= 170_000,
        func.set_config("transaction_timeout", bindparam("longest"), True),
    )
)
"""For this transaction, from here on: waiting for others does not count. Elsewhere the name is not even looked up."""
_ENTER = Prepared(
    update(cluster).where(cluster.c.id == 1).values(moves=cluster.c.moves + 1).returning(cluster.c.pictures, _BOUND)
)


class OneAfterAnother:
    """Implements `Entry` for a process that does not lead anything yet: workers write one after another, since each
    transaction holds the row of the counters.
    """

    def begin(self, connection: Connection, leases: Collection[Lease]) -> None:
        """See `Entry`."""
        enter(connection)

    def catch_up(self) -> None:
        """See `Entry`: nothing is in memory yet."""


def enter(connection: Connection) -> int:
    """Wait until no other worker writes; the count of changes of what workers have in memory. Raises TransientError."""
    entered = _ENTER.first(connection, longest=f"{LONGEST}s")
    if entered is None:
        raise TransientError(Code.DISK, "the database has no row for its workers; nothing was changed")
    pictures: int = entered[0]
    return pictures
