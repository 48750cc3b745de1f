"""Consents that a restore without a ledger may have brought back: nothing goes on one before a worker of its case has
confirmed it (domain 7.19).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from gateway.database import journal
from gateway.database.prepared import Prepared
from gateway.database.tables import consent, consent_unconfirmed

_UNCONFIRMED = Prepared(select(consent_unconfirmed.c.consent))  # asked for every message; there are few, or none


def doubt_all(connection: Connection, *, at: int) -> int:
    """Doubt every consent that is held here; how many there are. A person is told."""
    doubted = unconfirmed(connection)
    new = [index for index in connection.scalars(select(consent.c.consent).distinct()) if index not in doubted]
    if new:
        connection.execute(insert(consent_unconfirmed), [{"consent": index, "at": at} for index in new])
        journal.raise_alarm(connection, at=at, kind="consent.unconfirmed")
    return len(new) + len(doubted)


def unconfirmed(connection: Connection) -> frozenset[bytes]:
    """The keyed indexes of the consents that nobody has confirmed yet."""
    return frozenset(_UNCONFIRMED.scalars(connection))


def confirm(connection: Connection, indexes: Collection[bytes], *, at: int) -> int:
    """A worker of their case has confirmed these; how many of them were in doubt. The last one ends the alarm."""
    gone = sum(
        connection.execute(delete(consent_unconfirmed).where(consent_unconfirmed.c.consent == index)).rowcount
        for index in indexes
    )
    if not unconfirmed(connection):
        journal.close_alarms(connection, "consent.unconfirmed", at=at)
    return gone
