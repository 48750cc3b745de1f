"""Which reminders were given, by a keyed index of what is owed: nothing else in the database tells what that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import reminder

_TOLD = Prepared(
    select(reminder.c.label, reminder.c.percent).where(
        reminder.c.conversation.in_(bindparam("indexes", expanding=True))
    )
)
_TELL_NEW = upsert(reminder)
_TELL = Prepared(
    _TELL_NEW.on_conflict_do_update(index_elements=["label"], set_={"percent": _TELL_NEW.excluded.percent})
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderRow:
    """A reminder that was given: a keyed index of what is owed in which conversation, and the percentage."""

    label: bytes
    conversation: bytes
    percent: int


def told(connection: Connection, indexes: Sequence[bytes]) -> dict[bytes, int]:
    """The last percentage told, by label, of everything in these conversations."""
    return dict(_TOLD.rows(connection, indexes=indexes))


def tell(connection: Connection, rows: Iterable[ReminderRow]) -> None:
    """Remember what was told."""
    _TELL.add(connection, rows)


def forget(connection: Connection, labels: Sequence[bytes]) -> None:
    """What is no longer owed has no reminder."""
    if labels:
        connection.execute(delete(reminder).where(reminder.c.label.in_(labels)))
