"""The completed changes of a subject, from the store, as the folds of `gateway.changes.rules` take them."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.changes import store as rows
from gateway.changes.rules import Action, Completed
from keys.documents.change import Change


def completed(connection: Connection, subject: str) -> list[Completed]:
    """The completed changes of a subject in their order."""
    found = []
    for row in rows.changes_of(connection, subject):
        change = Change.parse(row.payload)
        if row.effective is None:
            raise RuntimeError("a completed change has its time")
        found.append(Completed(hash=row.hash, action=Action(change.action), body=change.body, effective=row.effective))
    return found
