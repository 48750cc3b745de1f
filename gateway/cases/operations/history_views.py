"""How notes about a case are shown: all that there are, and which of them hold now."""

from __future__ import annotations

from collections.abc import Sequence, Set

from sqlalchemy import Connection

from gateway.access import people_store
from gateway.cases import entries, questions, store
from gateway.cases.history import (
    BlockEntry,
    BlockOf,
    Entry,
    QuestionEntry,
    RoleEntry,
    StatusEntry,
    blocked_now,
    roles_now,
    said_apart,
    status_now,
)
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import CaseId
from gateway.messages.store import messages
from gateway.ports import Json


def show_history(sealer: ContentSealer, connection: Connection, id: CaseId) -> dict[str, Json]:
    """The members `statuses`, `roles`, `blocks` and `linked_questions` of `case.show`, newest note first."""
    noted = entries.of_case(sealer, connection, id)
    statuses, roles = status_now(noted), roles_now(noted)
    talks = frozenset(store.conversations_of(connection, id))
    return {
        "statuses": [
            {
                "status": one.status,
                "country": one.country,
                "body": one.body,
                "on": one.on,
                "message": one.message if _is_among(connection, one.message, talks) else None,
                "at": one.at,
                "now": statuses[one.country] is one,
            }
            for one in reversed(noted)
            if isinstance(one, StatusEntry)
        ],
        "roles": [
            {"role": one.role, "on": one.on, "ended": one.ended, "at": one.at, "now": roles.get(one.role) is one}
            for one in reversed(noted)
            if isinstance(one, RoleEntry)
        ],
        "blocks": [_block(connection, one) for one in blocked_now(noted).values()],
        "linked_questions": [
            _question(connection, one, noted) for one in reversed(noted) if isinstance(one, QuestionEntry)
        ],
    }


def _is_among(connection: Connection, message: str | None, talks: Set[bytes]) -> bool:
    """Whether a message is still of one of these conversations: with its own it may have gone to another case."""
    return message is not None and any(row.conversation in talks for row in messages.find(connection, message))


def _question(connection: Connection, entry: QuestionEntry, noted: Sequence[Entry]) -> Json:
    said = said_apart(noted, questions.list_same(connection, entry.about))
    people = frozenset[str]().union(*(said.get(state, frozenset()) for state in entry.states))
    return {"about": entry.about, "at": entry.at, "said": len(people), "states": [*entry.states]}


def _block(connection: Connection, entry: BlockEntry) -> Json:
    is_person = entry.who == BlockOf.PERSON
    person = people_store.find(connection, entry.id) if is_person else None
    return {
        "person": entry.id if is_person else None,
        "name": None if person is None else person.name,
        "unit": None if is_person else entry.id,
        "reason": entry.reason,
        "at": entry.at,
    }
