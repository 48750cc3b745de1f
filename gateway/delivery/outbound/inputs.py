"""What the store says about drafts before they are judged: conversations, cases, consents, files that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy import Connection

import schemas
from gateway.attachments import library as files
from gateway.cases import register
from gateway.cases import store as case_rows
from gateway.cases.references import reference_of_case
from gateway.cases.rules import ABOUT_A_PERSON, Signs, find_case
from gateway.conversations.loader import ConversationLoader, LoadedConversation, goes_by_bodies
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages.store import conversations as conversation_rows
from gateway.messages.store.conversations import Key
from gateway.messages.types import Draft
from gateway.peers.registry import Peer
from gateway.policy import consent_context
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.two_person_release import VITAL
from gateway.ports import Json
from keys.documents.statement import SecretPart
from schemas.types import never_blocked

RECORD = "consent.record/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCase:
    """What a draft says about its case, and which that is: None for one that begins or for none at all, the refusal
    where it names none or two. `all_linked`: nothing of what it says is new.
    """

    signs: Signs
    case: CaseId | RefusedError | None
    all_linked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the store says about a draft: its conversation as it is known here, with its `changes` so far, the case it
    is of, and consents.
    """

    key: Key
    changes: Mapping[Key, int]
    held: LoadedConversation
    around: consent_context.ConsentContext
    case: FoundCase
    files: tuple[SecretPart, ...] | None = ()
    """The files that wait for it; None where it says that some do and none does."""
    reference: str | None = None
    """Under which the peer knows the case, where the draft does not name it by a number."""


class InputLoader:
    """Loads what drafts are judged by."""

    def __init__(self, *, content: Content, loader: ConversationLoader, consent_contexts: ConsentContextLoader) -> None:
        self._content = content
        self._loader = loader
        self._consent_contexts = consent_contexts

    def load_inputs(
        self, connection: Connection, drafts: Sequence[tuple[Draft, Peer]], named: Set[Json] = frozenset()
    ) -> list[Found]:
        """For several drafts at once: the messages of all their conversations are opened in one call. `named` are the
        ids that callers gave, as the files of their messages have them.
        """
        cases = self._find_cases(connection, [draft for draft, _ in drafts])
        keys = [self._loader.key_of(draft.conversation, peer.node) for draft, peer in drafts]
        judged = {key for key, (draft, _) in zip(keys, drafts, strict=True) if not never_blocked(draft.body_type)}
        whole = {key for key, (draft, _) in zip(keys, drafts, strict=True) if goes_by_bodies(draft.body_type)} & judged
        held, _ = self._loader.recall(connection, judged, unopened=set(keys) - judged, whole=whole)
        told = [str(draft.content.get("consent_id")) for draft, _ in drafts if draft.body_type == RECORD]
        around = self._consent_contexts.load_consent_context(
            connection,
            [
                _question(draft, found.case, [*held[key].on_forms, *told])
                for key, (draft, _), found in zip(keys, drafts, cases, strict=True)
            ],
        )
        changes = conversation_rows.changes_of(connection, {conversation for conversation, _ in keys})
        waiting = {
            draft.id: files.waiting_in(self._content.sealer, connection, draft.id) or None
            for draft, _ in drafts
            if draft.id in named
        }
        references = self._references(connection, drafts, cases)
        return [
            Found(
                key=key,
                changes={one: count for one, count in changes.items() if one[0] == key[0]},
                held=held[key],
                around=about,
                case=case,
                files=waiting.get(draft.id, ()),
                reference=references.get(draft.id),
            )
            for key, about, case, (draft, _) in zip(keys, around, cases, drafts, strict=True)
        ]

    def _references(
        self, connection: Connection, drafts: Sequence[tuple[Draft, Peer]], cases: Sequence[FoundCase]
    ) -> dict[str, str]:
        """By draft the reference of its case, for those about a person that name it by no number."""
        of = {
            draft.id: (peer.node, found.case)
            for (draft, peer), found in zip(drafts, cases, strict=True)
            if draft.case is None and isinstance(found.case, str) and refers(draft)
        }
        rows = case_rows.get(connection, {case for _, case in of.values()}) if of else {}
        cards = register.cards_in(self._content.sealer, connection, rows.values())
        return {
            id: reference_of_case(self._content.sealer, connection, peer, case, cards[case])
            for id, (peer, case) in of.items()
            if case in cards
        }

    def _find_cases(self, connection: Connection, drafts: Sequence[Draft]) -> list[FoundCase]:
        """Of which case each draft is."""
        sealer = self._content.sealer
        sealer.learn(conversations=[draft.conversation for draft in drafts])
        numbers = register.number_signs(sealer, (draft.case for draft in drafts if draft.case is not None))
        said = [
            Signs(
                named=draft.of_case,
                conversation=sealer.conversation_index(draft.conversation),
                number=None if draft.case is None else numbers[draft.case],
            )
            for draft in drafts
        ]
        links = case_rows.cases_of(connection, {key for signs in said for key in signs.keys})
        return [
            FoundCase(
                signs=signs,
                case=_case_of(connection, draft, signs, links),
                all_linked=all(key in links for key in signs.keys),
            )
            for draft, signs in zip(drafts, said, strict=True)
        ]


def _case_of(
    connection: Connection, draft: Draft, signs: Signs, links: Mapping[bytes, CaseId]
) -> CaseId | RefusedError | None:
    """Of which case a draft is. What nothing may block is of the case of its conversation, whatever else it says."""
    if never_blocked(draft.body_type):
        signs = replace(signs, named=None, number=None) if signs.conversation in links else signs
    try:
        if signs.named is not None:
            register.find_row(connection, signs.named)
        return find_case(signs, links)
    except RefusedError as error:
        return error


def refers(draft: Draft) -> bool:
    """Whether it tells a peer of a person: then the peer learns how the case is called between the two."""
    about_a_person = schemas.load_catalogue().get(draft.body_type).kind == ABOUT_A_PERSON
    return about_a_person and not never_blocked(draft.body_type) and "case_ref_sender" not in draft.header


def _question(draft: Draft, case: CaseId | RefusedError | None, on_forms: Sequence[str]) -> consent_context.Question:
    relied_on = draft.header.get("consent_ref")
    return consent_context.Question(
        conversation=draft.conversation,
        consent_ref=relied_on if isinstance(relied_on, str) else None,
        to=draft.to,
        sender_unit=draft.header.get("sender_unit"),
        recipient_unit=draft.header.get("recipient_unit"),
        case=None if isinstance(case, RefusedError) else case,
        records=str(draft.content.get("consent_id")) if draft.body_type == RECORD else None,
        vital=VITAL in draft.header,
        on_forms=on_forms,
    )
