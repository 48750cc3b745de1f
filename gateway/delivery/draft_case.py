"""Of which case a draft is that people write: the one it names, else that of its conversation or of its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from gateway.cases import register
from gateway.cases import store as case_rows
from gateway.cases.register import CaseRegister, Joining
from gateway.cases.rules import Card, Signs
from gateway.database.sealed_content import Content
from gateway.delivery.outbound.draft import number_of
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ports import Json


def joining_of(content: Content, cases: CaseRegister, id: str, draft: Mapping[str, Json]) -> Joining | None:
    """What a draft says about its case; None where it says nothing yet: it is asked when a person releases it."""
    number, named, conversation = number_of(draft), draft.get("case"), draft.get("conversation")
    signs = Signs(
        named=CaseId(named) if isinstance(named, str) else None,
        conversation=content.sealer.conversation_index(ConversationId(conversation))
        if isinstance(conversation, str)
        else None,
        draft=register.draft_key(id),
        number=None if number is None else register.number_signs(content.sealer, [number])[number],
    )
    if signs.named is None and signs.number is None and signs.conversation is None:
        return None
    return cases.joining(signs, Card(number=number))


def rejoin(connection: Connection, id: str, joining: Joining | None, now: int) -> None:
    """The draft is of the case that it names now, whatever it named before. Raises RefusedError: of none, or of two."""
    case_rows.unlink(connection, [register.draft_key(id)])
    if joining is None:
        return
    signs = joining.signs
    if signs.named is not None:
        register.find_row(connection, signs.named, place="/draft/case")
    if signs.named is None and signs.number is None and register.find(connection, signs) is None:
        return  # a conversation that is about no person
    known = case_rows.cases_of(connection, [signs.conversation] if signs.conversation is not None else [])
    register.join(connection, replace(joining, signs=signs if known else replace(signs, conversation=None)), now)
