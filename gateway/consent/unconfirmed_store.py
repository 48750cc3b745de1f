"""Consents that a restore without a ledger may have brought back: nothing goes on one before a worker of its case has
confirmed it (domain 7.19).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, exists, insert, select

from gateway.database import journal
from gateway.database.prepared import Prepared
from gateway.database.tables import consent, consent_unconfirmed
from gateway.messages.store.local import WITHDRAWN

_UNCONFIRMED = Prepared(select(consent_unconfirmed.c.consent))  # asked for every message; there are few, or none


def doubt_all(connection: Connection, *, at: int) -> int:
    """Doubt every consent that is held here, but for what was taken back whole; how many wait for a worker. A person
    is told.
    """
    doubted = unconfirmed(connection)
    held = connection.scalars(select(consent.c.consent).where(consent.c.state != WITHDRAWN).distinct())
    new = [index for index in held if index not in doubted]
    if new:
        connection.execute(insert(consent_unconfirmed), [{"consent": index, "at": at} for index in new])
        journal.raise_alarm(connection, at=at, kind="consent.unconfirmed")
    return len(waiting(connection))


def unconfirmed(connection: Connection) -> frozenset[bytes]:
    """The keyed indexes of the consents that nobody has confirmed yet."""
    return frozenset(_UNCONFIRMED.scalars(connection))


def waiting(connection: Connection) -> frozenset[bytes]:
    """Those of them that a worker has to look at: where the record was erased meanwhile, nothing is left to confirm."""
    left = exists().where(consent.c.consent == consent_unconfirmed.c.consent, consent.c.state != WITHDRAWN)
    return frozenset(connection.scalars(select(consent_unconfirmed.c.consent).where(left)))


def end_doubt(connection: Connection, indexes: Collection[bytes] = (), *, at: int) -> int:
    """End the doubt about these, which a worker of their case has confirmed, or which were taken back whole; how many
    of them waited. The alarm ends where none waits any more, as when the record of the last one was erased.
    """
    if not unconfirmed(connection):
        return 0
    waited = waiting(connection).intersection(indexes)
    for index in indexes:
        connection.execute(delete(consent_unconfirmed).where(consent_unconfirmed.c.consent == index))
    if not waiting(connection):
        journal.close_alarms(connection, "consent.unconfirmed", at=at)
    return len(waited)
