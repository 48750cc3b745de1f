"""A procedure as programs read it: stages and steps of a region pack as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.ports import Json

if TYPE_CHECKING:
    from schemas.region_pack.procedures import ProcedureStep, Stage
    from schemas.region_pack.regions import Region


def describe_region(region: Region) -> dict[str, Json]:
    """Name the region, and the languages of its texts that nobody has reviewed."""
    return {"region": region.name, "drafts": [*sorted(region.drafts)]}


def describe_stage(stage: Stage) -> dict[str, Json]:
    """Describe one stage with its steps in order."""
    return {
        "stage": stage.name,
        "title": dict(stage.title),
        "source": stage.source,
        "steps": [describe_step(step) for step in stage.steps],
    }


def describe_step(step: ProcedureStep) -> dict[str, Json]:
    """Describe one step in every language there is; `unheld` are its messages that this installation lacks."""
    return {
        "id": step.id,
        "stage": step.stage,
        "title": dict(step.title),
        "side": str(step.side),
        "responsible": step.responsible,
        "with": [*step.with_roles],
        "states": [*sorted(step.states)],
        "messages": [*step.messages],
        "unheld": find_unheld(step.messages),
        "optional": step.optional,
        "repeated": step.repeated,
        "only_if": [str(fact) for fact in sorted(step.only_if)],
        "stopped_by": [str(fact) for fact in sorted(step.stopped_by)],
        "gates": [*step.gates],
        "clock": describe_clock(step.clock),
        "safeguards": [dict(text) for text in step.safeguards],
        "tell_person": [dict(text) for text in step.tell_person],
        "source": step.source,
    }


def find_unheld(messages: Sequence[str]) -> list[Json]:
    """List the message types that this installation does not have."""
    import schemas

    held = {entry.body_type.partition("/")[0] for entry in schemas.load_catalogue().types}
    return [name for name in messages if name not in held]


def describe_clock(name: str | None) -> Json:
    """Describe a deadline: what it is about, how long it lasts in each case, its source; null for none."""
    from schemas.clocks import load_clocks

    if name is None:
        return None
    clock = load_clocks()[name]
    lasts: dict[str, Json] = {case: {str(long.unit): long.count} for case, long in clock.durations.items()}
    return {"name": name, "about": clock.about, "durations": lasts, "source": clock.source}
