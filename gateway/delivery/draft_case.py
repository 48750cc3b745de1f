"""Of which case a draft is that people write: the one it names, else that of its conversation or of its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from gateway.cases import register
from gateway.cases import store as case_rows
from gateway.cases.register import CaseRegister, Joining
from gateway.cases.rules import Card, Signs
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.delivery.outbound.draft import number_of
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ports import Json


def joining_of(content: Content, cases: CaseRegister, id: str, draft: Mapping[str, Json]) -> Joining | None:
    """What a draft says about its case; None where it says nothing yet: it is asked when a person releases it."""
    signs = _read_signs(content.sealer, {id: draft})[id]
    if signs.named is None and signs.number is None and signs.conversation is None:
        return None
    return cases.joining(signs, Card(number=number_of(draft)))


def _read_signs(sealer: ContentSealer, drafts: Mapping[str, Mapping[str, Json]]) -> dict[str, Signs]:
    """What drafts say of their cases, by their ids."""
    numbers = {id: number for id, draft in drafts.items() if (number := number_of(draft)) is not None}
    talks = {id: ConversationId(talk) for id, one in drafts.items() if isinstance(talk := one.get("conversation"), str)}
    indexes = register.number_signs(sealer, numbers.values()) if numbers else {}
    if talks:
        sealer.learn(conversations=talks.values())
    return {
        id: Signs(
            named=CaseId(named) if isinstance(named := draft.get("case"), str) else None,
            conversation=sealer.conversation_index(talks[id]) if id in talks else None,
            draft=register.draft_key(id),
            number=indexes[numbers[id]] if id in numbers else None,
        )
        for id, draft in drafts.items()
    }


def name_cases(
    sealer: ContentSealer, connection: Connection, drafts: Mapping[str, Mapping[str, Json]]
) -> dict[str, dict[str, Json]]:
    """These drafts by their ids, each naming the case that it is of now where what it says leads to another one or to
    none: people may have moved it since it was written, or it is of the case of its record.
    """
    signs = _read_signs(sealer, drafts)
    of = case_rows.cases_of(connection, {key for one in signs.values() for key in one.keys})
    return {id: {**draft, **_name_case(signs[id], of)} for id, draft in drafts.items()}


def _name_case(signs: Signs, of: Mapping[bytes, CaseId]) -> dict[str, Json]:
    said = {of.get(key) for key in (signs.conversation, signs.number) if key is not None}
    now = of.get(signs.draft or b"")
    return {} if now is None or now in (said if signs.named is None else {signs.named}) else {"case": now}


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
