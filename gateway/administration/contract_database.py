"""Finishing the upgrade of a node with several workers: what only the version before needs is taken away from its
tables (`gateway.database.revisions`), once no worker of that version is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.cluster import store as cluster_store
from gateway.cluster.store import Worker
from gateway.database.kinds.several_workers import enter
from gateway.database.migrating import OURS, contract, find_waiting
from gateway.database.opening import database_of
from gateway.database.revisions import Revisions, Step, revision
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.foundation import config
from gateway.foundation.config import DatabaseSection

RECENT: Final = 10 * 60 * 1_000
"""Milliseconds for which a worker that is not seen any more may come back as it was: its machine stood still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contraction:
    """The steps that wait or were taken, and the workers of other versions for which they wait; the revision is None
    where the rows are in a file, which has nothing that waits.
    """

    revision: str | None = None
    steps: Sequence[Step] = ()
    others: Sequence[Worker] = ()


def find_contraction(folder: Path, *, revisions: Revisions = OURS) -> Contraction:
    """Find out what waits; nothing is changed. Raises RefusedError, TransientError disk."""
    section = config.load(folder).database
    if section.url is None:
        return Contraction()
    with _on_server(folder, section) as connection:
        return _find(connection, revisions)


def contract_database(folder: Path, *, revisions: Revisions = OURS) -> Contraction:
    """Take away what waits. Workers of this version go on meanwhile; what they write waits for it.

    Raises:
        RefusedError: conflict, where a worker of another version is there or was a moment ago; nothing was changed.
        TransientError: disk; nothing was changed.
    """
    section = config.load(folder).database
    if section.url is None:
        return Contraction()
    with _on_server(folder, section) as connection:
        enter(connection)  # workers write one after another, and this is one that writes
        found = _find(connection, revisions)
        if found.others and found.steps:
            raise RefusedError(
                Code.CONFLICT,
                "workers of another version are there, or were in the last ten minutes; nothing was changed",
                hint="upgrade or stop them, and look at trm node workers; then repeat it",
                findings=[Finding(place=f"worker {one.host}", rule=f"version {one.version}") for one in found.others],
            )
        contract(connection, revisions=revisions)
        return found


def _find(connection: Connection, revisions: Revisions) -> Contraction:
    ours = version("trm-gateway")
    others = [one for one in cluster_store.workers(connection) if one.version != ours and one.away < RECENT]
    return Contraction(
        revision=revision(connection), steps=find_waiting(connection, revisions=revisions), others=others
    )


@contextmanager
def _on_server(folder: Path, section: DatabaseSection) -> Iterator[Connection]:
    """A transaction beside those of the workers. Raises TransientError disk."""
    database = database_of(folder, section, shared=True)
    engine = database.open_engine(writes=True)
    try:
        with engine.begin() as connection:
            yield connection
    except database.faults as exc:
        raise TransientError(
            Code.DISK, "the database cannot be used now; nothing was changed", hint=database.hint
        ) from exc
    finally:
        engine.dispose()
