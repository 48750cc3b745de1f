"""What of a message would leave, and what stands in its way, seen before anybody releases it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from gateway.cases.register import name_of_case
from gateway.database.audit_entries import Actor
from gateway.database.sealed_content import Content
from gateway.delivery.operations.completing import SECOND, case_of, complete, first_of, header_of
from gateway.delivery.operations.draft_models import (
    ENQUIRY,
    JudgeDraft,
    Preview,
    ReleaseDraft,
)
from gateway.delivery.operations.waiting_drafts import drafted, find_draft
from gateway.delivery.outbound.preparation import Preparation
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, Caller
from gateway.policy import two_person_release
from gateway.policy.corridor import Leaves
from gateway.policy.gates.content import find_doubts
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock, Json, OperationResult
from schemas.codelists import ENGLISH
from schemas.groups import field_groups
from schemas.region_pack.policies import format_corridor


class PreviewOperations:
    """Operations that show what would leave."""

    def __init__(
        self,
        *,
        content: Content,
        preparation: Preparation,
        policies: PoliciesInForce,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._preparation = preparation
        self._policies = policies
        self._clock = clock
        self._actor = actor

    @operation(
        "message.preview",
        "what of it would leave",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Preview,
        units=Units.NARROWED,
        anew=True,
        example={"draft": dict(ENQUIRY)},
    )
    async def preview_message(self, asked: JudgeDraft, caller: Caller) -> OperationResult:
        """What of a message would leave now, what not and why, and what stands in its way; nothing is stored."""
        request = asked.draft.given()
        if isinstance(request.get("header"), dict):
            request["header"] = {**header_of(request), "author_ref": pseudonym(caller.actor, self._actor)}
        return await self._previewed(request)

    @operation(
        "draft.preview",
        "what of it would leave",
        roles=CASES,
        about=About.CASE,
        answer=Preview,
        units=Units.NARROWED,
        reads=Reading(what="draft"),
    )
    async def preview_draft(self, asked: ReleaseDraft, caller: Caller) -> OperationResult:
        """The same of a draft, as if the caller released it now with what they add to it."""
        row, sealed = await find_draft(self._content.store, asked.id)
        first = await self._content.store.read(lambda c: first_of(self._content.sealer, c, row))
        author = pseudonym(first or caller.actor, self._actor)
        request = complete(drafted(self._content.sealer, sealed.get(row.ref)), asked, author)
        return await self._previewed(request | await case_of(self._content, row.id))

    async def _previewed(self, request: dict[str, Json]) -> OperationResult:
        approver = None
        if two_person_release.needs_two(str(request.get("type")), header_of(request)):
            approver = SECOND
            request["header"] = two_person_release.approved(header_of(request), approver)
        found = await self._preparation.preview(request, approver=approver)
        held = self._policies.in_force(self._clock.now())
        leaves = found.left if isinstance(found.left, Leaves) else None
        refusal = found.refusal
        body: dict[str, Json] = {} if leaves is None else leaves.body
        value: dict[str, Json] = {
            "type": found.draft.body_type,
            "of_case": None if found.case is None else await name_of_case(self._content, found.case),
            "purpose": found.draft.purpose,
            "corridor": format_corridor(found.corridor),
            "step": str(found.step),
            "policy": None if held is None else {"name": held.name, "version": held.version, "digest": held.digest},
            "leaves": None if leaves is None else {"header": body.get("header"), "content": body.get("content")},
            "dropped": [] if leaves is None else [_dropped(place, group) for place, group in leaves.dropped.items()],
            "first": found.first,
            "warnings": [*found.warnings],
            "goes": refusal is None,
            "code": None if refusal is None else str(refusal.code),
            "findings": [] if refusal is None else [f.to_json() for f in refusal.findings],
            "doubts": [f.to_json() for f in find_doubts(found.draft.body_type, found.draft.content, self._today())],
        }
        return OperationResult(value=value)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()


def _dropped(place: str, group: str) -> Json:
    entry = field_groups().groups.get(group)
    return {"place": place, "group": group, "title": group if entry is None else entry.title[ENGLISH]}
