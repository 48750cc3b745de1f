"""The batches that statements were signed in, each kept once (nrm1 1.18). Sealed rows with statements name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import statement_batch
from keys.primitives.batch import Batch

AT_ONCE = 500
"""Values of one list in a statement."""

_ADD = Prepared(upsert(statement_batch).on_conflict_do_nothing(index_elements=["name"]))
_NAMED = Prepared(select(statement_batch).where(statement_batch.c.name.in_(bindparam("names", expanding=True))))


def add(connection: Connection, batches: Iterable[Batch]) -> None:
    """Keep batches; one that is kept already, because others of its statements came before, stays as it was."""
    _ADD.run(connection, [{"name": one.name, "document": one.pack()} for one in dict.fromkeys(batches)])


def named(connection: Connection, names: Sequence[bytes]) -> Mapping[bytes, bytes]:
    """Load the batches of these names as they are stored, by name; a batch is believed when it has its name."""
    found: dict[bytes, bytes] = {}
    for start in range(0, len(names), AT_ONCE):
        found.update(_NAMED.rows(connection, names=names[start : start + AT_ONCE]))
    return found
