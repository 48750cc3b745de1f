"""Of which cases something is that a request names by an id of any kind."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.register import draft_key
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import CaseId
from gateway.messages.store import messages
from gateway.operations.ids import Subject, alarm_number


def cases_named(sealer: ContentSealer, connection: Connection, subject: Subject, id: str) -> frozenset[CaseId]:
    """The cases that an id is of: none for what is of no case, or is not there; two for a change of two."""
    match subject:
        case Subject.CASE:
            return frozenset({CaseId(id)})
        case Subject.CASE_CHANGE:
            change = store.get_change(connection, id)
            return frozenset() if change is None else frozenset({change.source, change.target})
        case _:
            return frozenset(store.cases_of(connection, _keys(sealer, connection, subject, id)).values())


def _keys(sealer: ContentSealer, connection: Connection, subject: Subject, id: str) -> list[bytes]:
    match subject:
        case Subject.MESSAGE | Subject.FILES:
            return [row.conversation for row in messages.find(connection, id)]
        case Subject.ALARM:
            ref = store.message_of_alarm(connection, alarm_number(id))
            return [] if ref is None else [row.conversation for row in messages.get(connection, [ref]).values()]
        case Subject.DRAFT:
            return [draft_key(id)]
        case Subject.CONVERSATION:
            return [sealer.conversation_index(id)]
        case Subject.CONSENT:
            return [sealer.consent_index(id)]
        case Subject.CASE_NUMBER:
            return sealer.case_indexes([id])
        case _:
            return []
