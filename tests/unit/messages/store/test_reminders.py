"""gateway.messages.store.reminders: which reminders were given."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.messages.store import reminders
from gateway.messages.store.reminders import ReminderRow


def test_reminders_are_remembered_and_forgotten(connection: Connection):
    """The last percentage by label, of the conversations asked about."""
    reminders.tell(connection, [ReminderRow(label=b"a", conversation=b"one", percent=50)])
    reminders.tell(connection, [ReminderRow(label=b"a", conversation=b"one", percent=100)])
    reminders.tell(connection, [ReminderRow(label=b"b", conversation=b"two", percent=50)])
    assert reminders.told(connection, [b"one"]) == {b"a": 100}
    reminders.forget(connection, [b"a"])
    assert reminders.told(connection, [b"one", b"two"]) == {b"b": 50}
