"""A draft with what the person who releases it adds, the case that it is of now, and who released it first."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.access.enrolment import check_two_people
from gateway.access.first_words import still_counts
from gateway.cases import store as case_rows
from gateway.cases.register import draft_key
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.delivery.operations.draft_models import ReleaseDraft
from gateway.errors import Code, RefusedError
from gateway.messages.store.local import DraftRow
from gateway.operations.actors import person_of
from gateway.operations.ids import Subject
from gateway.operations.roles import Caller, person_in
from gateway.ports import Json

SECOND = "second"
"""Stands for the second person while nobody is."""


def first_of(sealer: ContentSealer, connection: Connection, row: DraftRow) -> str | None:
    """Who released a draft first, if that counts: of a person of this node only while they might release it now."""
    first = None if row.first is None else row.first.decode()
    person = None if first is None else person_in(first)
    return first if person is None or still_counts(sealer, connection, person, Subject.DRAFT, row.id) else None


def check_two(sealer: ContentSealer, connection: Connection, row: DraftRow, caller: Caller) -> None:
    """Return if the first release counts, and the two are two by the word of administrators, where both are people of
    this node. Raises RefusedError(conflict).
    """
    first = first_of(sealer, connection, row)
    if first is None:
        raise RefusedError(
            Code.CONFLICT,
            "whoever released it first might not do that any more; nothing was sent",
            hint="release it again, and a second person after you",
        )
    if (person := person_in(first)) is not None:
        check_two_people(connection, person, person_of(caller))


def complete(draft: Mapping[str, Json], asked: ReleaseDraft, author: str) -> dict[str, Json]:
    """A draft with what the person who releases it adds."""
    request = dict(draft)
    header = {**header_of(request), "author_ref": author}
    if asked.consent is not None:
        header["consent_ref"] = asked.consent
    request["header"] = header
    if asked.reply_to is not None:
        request["in_reply_to"] = asked.reply_to
    if asked.conversation is not None:
        request["conversation"] = asked.conversation
    return request


async def case_of(content: Content, id: str) -> dict[str, Json]:
    """The case that a draft is of now: people may have moved it since it was written."""
    return await content.store.read(lambda c: case_now(c, id))


def case_now(connection: Connection, id: str) -> dict[str, Json]:
    """Find the case that a draft is of now, in the caller's transaction."""
    key = draft_key(id)
    case = case_rows.cases_of(connection, [key]).get(key)
    return {} if case is None else {"case": case}


def header_of(request: Mapping[str, Json]) -> dict[str, Json]:
    """The header of what was asked, empty where it has none."""
    header = request.get("header")
    return dict(header) if isinstance(header, dict) else {}
