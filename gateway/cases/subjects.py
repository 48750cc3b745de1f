"""Of which cases something is that a request names by an id of any kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import orjson
from sqlalchemy import Connection

from gateway.cases import questions, store
from gateway.cases.entries import cases_closed_to
from gateway.cases.register import draft_key
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import CaseId, ConversationId
from gateway.messages.store import local, messages
from gateway.operations.ids import Subject, alarm_number
from gateway.operations.roles import Caller
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


def keys_closed_to(sealer: ContentSealer, connection: Connection, caller: Caller) -> frozenset[bytes]:
    """Find the keys of all that is of a case which a caller must not see: of conversations, drafts and consents, and of
    what the node asks. Operations that choose by themselves what they act on, or count, leave it out.
    """
    closed = cases_closed_to(sealer, connection, caller)
    return frozenset(link.key for case in closed for link in store.links(connection, case))


def cases_behind(sealer: ContentSealer, connection: Connection, ids: Collection[str]) -> dict[str, frozenset[CaseId]]:
    """The cases that each id of an unsaid kind is of; conversations and consents stand there as their keyed index."""
    drafts = drafts_by_files(sealer, connection) if ids else {}
    keys = {id: [*_keys_of_files(connection, id, drafts), draft_key(id), *_indexes(id)] for id in ids}
    cases = store.cases_of(connection, [key for some in keys.values() for key in some])
    return {id: frozenset({CaseId(id)}).union(cases[key] for key in some if key in cases) for id, some in keys.items()}


def _indexes(id: str) -> list[bytes]:
    return [unb64u(id)] if is_id(id) else []


def _keys(sealer: ContentSealer, connection: Connection, subject: Subject, id: str) -> list[bytes]:
    match subject:
        case Subject.MESSAGE:
            return [row.conversation for row in messages.find(connection, id)]
        case Subject.FILES:
            return _keys_of_files(connection, id, drafts_by_files(sealer, connection))
        case Subject.ALARM:
            ref = store.ref_of_alarm(connection, alarm_number(id))
            return [] if ref is None else _keys_of_ref(connection, ref)
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


def _keys_of_ref(connection: Connection, ref: int) -> list[bytes]:
    """Under which keys what an alarm is about finds its case: a message, a consent, or what the node asks of a case."""
    talks = [row.conversation for row in messages.get(connection, [ref]).values()]
    return [*talks, *local.consents_by_ref(connection, [ref]).values(), questions.key_of(ref)]


def _keys_of_files(connection: Connection, id: str, drafts: Mapping[str, Sequence[str]]) -> list[bytes]:
    return [*(row.conversation for row in messages.find(connection, id)), *map(draft_key, drafts.get(id, ()))]


def drafts_by_files(sealer: ContentSealer, connection: Connection) -> dict[str, list[str]]:
    """The drafts that wait and name files, by the id under which the files wait."""
    rows = local.drafts(connection, state=local.WAITING, limit=MOST)
    sealed = content_rows.get(connection, [row.ref for row in rows])
    opened = dict(zip(sealed, sealer.open_each(list(sealed.values())), strict=True)) if sealed else {}
    named: dict[str, list[str]] = {}
    for row in rows:
        plain = opened.get(row.ref)
        files = orjson.loads(plain).get("message") if isinstance(plain, bytes) else None
        if isinstance(files, str):
            named.setdefault(files, []).append(row.id)
    return named
