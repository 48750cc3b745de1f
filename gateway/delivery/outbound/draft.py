"""What a person or an adapter asks to be sent, read as a `Draft`: its form, whom it is for, and under which reference.

A peer knows a case of ours under a reference of its own (opaque case references, one for each corridor); it takes the
place of our number here, before anything else looks at the draft.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

import schemas
from gateway.cases import store
from gateway.cases.references import Pair, reference_of_case, references_in
from gateway.cases.register import cards_in
from gateway.database.content_sealer import ContentSealer
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import CaseId, ConversationId
from gateway.messages.draft_form import IDS, form_faults, schema_faults
from gateway.messages.emergency import leave_for_later
from gateway.messages.types import Draft
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Json
from keys.primitives.encoding import b64u
from schemas.types import type_name

ID = 16
ACCEPTANCE, TOLD = "referral.accept", "case_ref_recipient"
CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
"""What a reference of a case looks like (`schemas/fragments/types.json`, ref)."""


class DraftReader:
    """Reads requests as drafts."""

    def __init__(
        self, *, sealer: ContentSealer, peers: PeerRegistry, config: Config, rand: Callable[[int], bytes]
    ) -> None:
        self._sealer = sealer
        self._peers = peers
        self._config = config
        self._rand = rand

    def read(self, request: Mapping[str, Json]) -> tuple[Draft, Peer]:
        """The request as a draft. Identity and place in a conversation are filled in, and in an emergency what is told
        later is said to be (`gateway.messages.emergency`); nothing else is.
        """
        faults = form_faults(request)
        header, body, body_type, to = (request.get(name) for name in ("header", "content", "type", "to"))
        purpose = request.get("purpose")
        if faults or not isinstance(header, dict) or not isinstance(body, dict):
            raise RefusedError(
                Code.INVALID, f"the draft has {len(faults)} fault(s); nothing was stored", findings=faults
            )
        peer = self._addressee(to if isinstance(to, str) else "")
        id, conversation, reply_to, case = (request.get(name) for name in IDS)
        return (
            Draft(
                id=id if isinstance(id, str) else b64u(self._rand(ID)),
                body_type=str(body_type),
                to=peer.node,
                conversation=ConversationId(conversation if isinstance(conversation, str) else b64u(self._rand(ID))),
                reply_to=reply_to if isinstance(reply_to, str) else None,
                purpose=purpose if isinstance(purpose, str) else None,
                header=header,
                content=leave_for_later(str(body_type), header, body),
                case=number_of(request),
                of_case=CaseId(case) if isinstance(case, str) else None,
            ),
            peer,
        )

    def under_references(
        self, connection: Connection, drafts: Sequence[tuple[Draft, Peer]]
    ) -> list[tuple[Draft, Peer]]:
        """These with the references under which their peers know our cases, in the place of our numbers of them.

        What is no reference by its form is left to the schema. An acceptance that does not say how we call the case is
        given the number that the case has here, or the reference of one that has none.
        """
        drafts, given = self._call_cases(connection, drafts)
        places = [_numbers(draft) for draft, _ in drafts]
        pairs: list[Pair] = [
            (peer.node, number)
            for (_, peer), halves in zip(drafts, places, strict=True)
            for half in halves
            for number in half.values()
        ]
        references = references_in(self._sealer, connection, pairs)
        told = []
        for (draft, peer), (header, body) in zip(drafts, places, strict=True):
            in_header, in_body = (
                {name: references[peer.node, number] for name, number in half.items()} for half in (header, body)
            )
            in_body |= given.get(draft.id, {})
            told.append(
                (replace(draft, header={**draft.header, **in_header}, content={**draft.content, **in_body}), peer)
            )
        return told

    def _call_cases(
        self, connection: Connection, drafts: Sequence[tuple[Draft, Peer]]
    ) -> tuple[list[tuple[Draft, Peer]], dict[str, dict[str, str]]]:
        """Acceptances that do not name our case with its number, and by id of the draft the references of cases without
        one.
        """
        silent = [
            draft for draft, _ in drafts if type_name(draft.body_type) == ACCEPTANCE and TOLD not in draft.content
        ]
        if not silent:
            return [*drafts], {}
        keys = {draft.id: self._sealer.conversation_index(draft.conversation) for draft in silent}
        of = store.cases_of(connection, set(keys.values()))
        cards = cards_in(self._sealer, connection, store.get(connection, set(of.values())).values())
        called, given = list[tuple[Draft, Peer]](), dict[str, dict[str, str]]()
        for draft, peer in drafts:
            case = of.get(keys.get(draft.id, b""))
            number = draft.case or (None if case is None else cards[case].number)
            if draft.id in keys and number is not None:
                named = replace(draft, content={**draft.content, TOLD: number}, case=number)
                called.append((named, peer))
                continue
            called.append((draft, peer))
            if case is not None:
                given[draft.id] = {TOLD: reference_of_case(self._sealer, connection, peer.node, case, cards[case])}
        return called, given

    def _addressee(self, to: str) -> Peer:
        try:
            return self._peers.find(to)
        except RefusedError as exc:
            finding = Finding(place="/to", rule="unknown_peer", hint=exc.hint)
            raise RefusedError(exc.code, exc.what, hint=exc.hint, findings=[finding]) from exc

    def check_form(self, request: Mapping[str, Json]) -> None:
        """Judge a draft before a person releases it: its form and its schema, but not who takes it and why.

        Raises:
            RefusedError: invalid for its form, schema for what it holds; each with its findings.
        """
        draft, _ = self.read(request)
        faults = schema_faults(draft.body_type, draft.header, draft.content)
        if faults:
            raise RefusedError(Code.SCHEMA, f"the draft has {len(faults)} fault(s)", findings=faults)

    def check_units(self, draft: Draft, peer: Peer) -> None:
        """A message names a unit of this node and one that the peer's signed descriptor lists."""
        faults = []
        if draft.header.get("sender_unit") not in [unit.id for unit in self._config.units]:  # may be no text at all
            faults.append(
                Finding(place="/header/sender_unit", rule="unknown_unit", hint="a unit of this node's node.toml")
            )
        if draft.header.get("recipient_unit") not in [unit.id for unit in peer.descriptor.units]:
            faults.append(
                Finding(place="/header/recipient_unit", rule="unknown_unit", hint="trm peer show lists the units")
            )
        if faults:
            raise RefusedError(Code.OUT_OF_SCOPE, "a unit is not known; nothing was stored", findings=faults)


def number_of(request: Mapping[str, Json]) -> str | None:
    """Our number of the case in a request; an acceptance tells it in its content too."""
    header, body, body_type = (request.get(name) for name in ("header", "content", "type"))
    if not isinstance(body_type, str) or not isinstance(header, Mapping) or not isinstance(body, Mapping):
        return None
    told = body.get("case_ref_recipient") if type_name(body_type) == ACCEPTANCE else None
    case = told if isinstance(told, str) else header.get("case_ref_sender")
    return case if isinstance(case, str) else None


def kind_of(request: Mapping[str, Json]) -> str | None:
    """The kind of conversation that a request is for; None for a type that is not known."""
    body_type, catalogue = request.get("type"), schemas.load_catalogue()
    return catalogue.get(body_type).kind if isinstance(body_type, str) and body_type in catalogue else None


def _numbers(draft: Draft) -> tuple[dict[str, str], dict[str, str]]:
    """Where header and content name a case by our number, and the number."""
    told = draft.content.get("case_ref_recipient") if type_name(draft.body_type) == ACCEPTANCE else None
    return _number("case_ref_sender", draft.header.get("case_ref_sender")), _number("case_ref_recipient", told)


def _number(name: str, value: Json) -> dict[str, str]:
    return {name: value} if isinstance(value, str) and CASE.fullmatch(value) else {}
