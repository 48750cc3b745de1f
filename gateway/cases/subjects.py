"""Of which cases something is that a request names by an id of any kind."""

from __future__ import annotations

import orjson
from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.register import draft_key
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import CaseId, ConversationId
from gateway.messages.store import local, messages
from gateway.operations.ids import Subject, alarm_number
from keys.primitives.encoding import is_id, unb64u

MOST = 100_000
"""Drafts that are looked through for files: more than ever wait."""


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


def cases_behind(sealer: ContentSealer, connection: Connection, id: str) -> frozenset[CaseId]:
    """The cases that an id of an unsaid kind is of; conversations and consents stand there as their keyed index."""
    kinds = (Subject.CASE, Subject.FILES, Subject.DRAFT)
    found = frozenset[CaseId]().union(*(cases_named(sealer, connection, kind, id) for kind in kinds))
    return found | (frozenset(store.cases_of(connection, [unb64u(id)]).values()) if is_id(id) else frozenset())


def _keys(sealer: ContentSealer, connection: Connection, subject: Subject, id: str) -> list[bytes]:
    match subject:
        case Subject.MESSAGE:
            return [row.conversation for row in messages.find(connection, id)]
        case Subject.FILES:
            drafts = [draft_key(draft) for draft in drafts_with(sealer, connection, id)]
            return [*(row.conversation for row in messages.find(connection, id)), *drafts]
        case Subject.ALARM:
            ref = store.message_of_alarm(connection, alarm_number(id))
            return [] if ref is None else [row.conversation for row in messages.get(connection, [ref]).values()]
        case Subject.DRAFT:
            return [draft_key(id)]
        case Subject.CONVERSATION:
            return [sealer.conversation_index(ConversationId(id))]
        case Subject.CONSENT:
            return [sealer.consent_index(id)]
        case Subject.CASE_NUMBER:
            return sealer.case_indexes([id])
        case _:
            return []


def drafts_with(sealer: ContentSealer, connection: Connection, files: str) -> list[str]:
    """The drafts that wait and name these files, by the id under which the files wait."""
    rows = local.drafts(connection, state=local.WAITING, limit=MOST)
    sealed = content_rows.get(connection, [row.ref for row in rows])
    opened = zip(sealed, sealer.open_each(list(sealed.values())), strict=True) if sealed else ()
    named = {ref for ref, plain in opened if isinstance(plain, bytes) and orjson.loads(plain).get("message") == files}
    return [row.id for row in rows if row.ref in named]
