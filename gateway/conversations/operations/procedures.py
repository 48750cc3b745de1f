"""Where a conversation stands in the procedure of the region of this node, for `conversation.show`.

What is shown is worked out from what both sides have said and from what this node alone knows; none of it is sent.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from gateway.conversations.loader import LoadedConversation
from gateway.conversations.procedure import Known, StepView, owed_for, position
from gateway.conversations.procedure_facts import facts_of
from gateway.conversations.rules.duty import Duty
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.fold import Fold
from gateway.conversations.rules.situation import Outcome
from gateway.conversations.status_updates import THEM, US
from gateway.ports import Clock, Json
from schemas.region_pack.procedures import Fact
from schemas.region_pack.regions import Region

EITHER = "either"


def standing_in(
    region: Region,
    clock: Clock,
    held: LoadedConversation,
    found: Fold,
    duties: Collection[Duty],
    local: frozenset[Fact],
) -> dict[str, Json] | None:
    """Stage and steps; None for a conversation that no procedure is about. ``local`` are the facts of this node."""
    if held.conversation is None:
        raise RuntimeError("a fold has its conversation")
    opened = [
        held.said[row.ref]
        for row in held.rows
        if row.ref in held.said and found.outcomes.get(row.id) is Outcome.APPLIED
    ]
    today = datetime.fromtimestamp(clock.now(), UTC).date()
    overlays = frozenset(Fact(overlay) for overlay in found.overlays)
    known = Known(
        kind=str(held.conversation.kind),
        state=str(found.state),
        facts=facts_of(opened, today) | overlays | local,
        seen=frozenset(message.body_type for message in opened),
    )
    procedure = region.procedure
    place = position(procedure, known)
    if not place.steps:
        return None
    title = next((stage.title for stage in procedure.stages if stage.name == place.stage), None)
    steps: list[Json] = [_step(view, owed_for(view, duties), held.ours) for view in place.steps]
    return {
        "region": region.name,
        "drafts": [*sorted(region.drafts)],
        "stage": place.stage,
        "title": None if title is None else dict(title),
        "steps": steps,
    }


def _step(view: StepView, owed: Duty | None, ours: Side) -> dict[str, Json]:
    """One step: how it stands, whose it is, and until when where its clock runs."""
    step = view.step
    by = str(step.side) if owed is None else str(owed.by)
    return {
        "id": step.id,
        "stage": step.stage,
        "title": dict(step.title),
        "standing": str(view.standing),
        "seen": view.seen,
        "stopped_by": [str(fact) for fact in sorted(view.stopped_by)],
        "by": EITHER if by not in set(Side) else US if by == ours else THEM,
        "responsible": step.responsible,
        "with": [*step.with_roles],
        "messages": [*step.messages],
        "gates": [*step.gates],
        "safeguards": [dict(sentence) for sentence in step.safeguards],
        "tell_person": [dict(sentence) for sentence in step.tell_person],
        "clock": step.clock,
        "until": None if owed is None else owed.until.at,
    }
