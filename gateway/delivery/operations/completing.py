"""A draft with what the person who releases it adds, and the case that it is of now."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.cases import store as case_rows
from gateway.cases.register import draft_key
from gateway.database.audit_entries import Actor
from gateway.database.sealed_content import Content
from gateway.delivery.operations.draft_models import (
    ReleaseDraft,
)
from gateway.messages.store.local import DraftRow
from gateway.operations.actors import pseudonym
from gateway.operations.roles import Caller
from gateway.ports import Json

SECOND = "second"
"""Stands for the second person while nobody is."""


def author_of(row: DraftRow, caller: Caller, keyed: Actor) -> str:
    """The pseudonym of the author: who released it first, else the caller."""
    return pseudonym(caller.actor if row.first is None else row.first.decode(), keyed)


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
