"""Where a conversation stands in the procedure of its region, what comes next and who is responsible for it.

The procedure is data (`schemas.region_pack.procedures`); this lays it over what is known of a conversation: its state,
the facts that steps depend on, and the message types seen and applied. It decides nothing: gates and the conversation
machine say what may be sent, this says to a person what the procedure expects, with its source (`trm conversation
show`).

Each step that applies to the case has one standing:

    done      a message that performs it was seen; a repeated step is never done
    due       its state is reached and it waits to be done
    stopped   as due, but a fact forbids it for now
    possible  as due, but nobody owes it
    ahead     its state may still come, and it stands after what is to be done now
    behind    its state is over, and no message shows that it was done: done at the desk, or not done

A step of `any_time` is due or possible as long as a referral is; an enquiry is about nobody, and a standing
conversation has no procedure. Steps that depend on a fact which does not hold are left out: a procedure for a child is
not shown for an adult.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from gateway.conversations.rules.duty import Duty
from gateway.conversations.rules.machines import ENQUIRY, REFERRAL
from gateway.foundation.state_machine import reachable
from schemas.region_pack.procedures import ANY_TIME, Fact, Procedure, ProcedureStep, Side
from schemas.types import type_name

#: After these nothing else of the procedure follows (domain 4.3, 4.5).
_ENDED = frozenset(
    {
        *("DECLINED", "EXPIRED", "WITHDRAWN", "CLOSED", "ERASED"),
        *("enquiry.refused", "enquiry.used", "enquiry.expired", "enquiry.cancelled"),
    }
)

#: Here nothing at all is left to do: the content is gone.
_GONE = frozenset({"ERASED"})


class ProcedureStatus(StrEnum):
    """How one step stands; the module says what each word means."""

    DONE = "done"
    DUE = "due"
    STOPPED = "stopped"
    POSSIBLE = "possible"
    AHEAD = "ahead"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a conversation. ``kind`` is enquiry, referral or standing, ``state`` its state in any letter
    case; ``seen`` are the body types that were applied, of both sides, with or without version.
    """

    kind: str
    state: str
    facts: frozenset[Fact]
    seen: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step and how it stands. ``seen``: a message that performs it was seen, so a repeated step is due again;
    ``stopped_by`` are the facts that hold it.
    """

    step: ProcedureStep
    standing: ProcedureStatus
    seen: bool
    stopped_by: frozenset[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The procedure as it stands for one conversation: ``stage`` is None where no step has its state."""

    stage: str | None
    steps: tuple[StepView, ...]

    def of(self, *standings: ProcedureStatus) -> tuple[ProcedureStep, ...]:
        """The steps with one of these standings, in the order of the procedure."""
        return tuple(view.step for view in self.steps if view.standing in standings)

    @property
    def due(self) -> tuple[ProcedureStep, ...]:
        """What is to be done now."""
        return self.of(ProcedureStatus.DUE)

    @property
    def following(self) -> tuple[ProcedureStep, ...]:
        """What comes after that."""
        return self.of(ProcedureStatus.AHEAD)


def position(procedure: Procedure, known: Known) -> Position:
    """Where a conversation stands in `procedure`."""
    state = spelled(known.kind, known.state)
    types = frozenset(type_name(body_type) for body_type in known.seen)
    applying = tuple(step for step in procedure.steps if _applies(step, known))
    first = [_now(step, state, known.facts, types) for step in applying]
    now = [
        i for i, standing in enumerate(first) if standing not in (None, ProcedureStatus.DONE) and _in_order(applying[i])
    ]
    coming = _coming(known.kind, state)
    views = tuple(
        StepView(
            step=step,
            standing=standing
            or (ProcedureStatus.AHEAD if i > min(now, default=-1) and step.states & coming else ProcedureStatus.BEHIND),
            seen=bool(types & set(step.messages)),
            stopped_by=step.stopped_by & known.facts if standing is ProcedureStatus.STOPPED else frozenset(),
        )
        for i, (step, standing) in enumerate(zip(applying, first, strict=True))
        if standing or _in_order(step)
    )
    return Position(stage=_stage(views, state), steps=views)


def owed_for(view: StepView, duties: Iterable[Duty]) -> Duty | None:
    """What is owed of this step now: the earliest duty of its clock on its side, None where nobody owes it yet.

    A step that is merely possible is owed by nobody, whatever else runs by the same clock.
    """
    if view.standing not in (ProcedureStatus.DUE, ProcedureStatus.STOPPED) or view.step.clock is None:
        return None
    sides = {str(side) for side in Side} if view.step.side is Side.EITHER else {str(view.step.side)}
    found = (duty for duty in duties if duty.clock == view.step.clock and duty.by in sides)
    return min(found, key=lambda duty: duty.until.at, default=None)


def spelled(kind: str, state: str) -> str:
    """How steps name a state: `enquiry.offered`, `PLANNING`."""
    return f"enquiry.{state.lower()}" if kind == "enquiry" else state.upper()


@cache
def _coming(kind: str, state: str) -> frozenset[str]:
    """The states that may still follow, none after an end; a referral may follow an enquiry."""
    if state in _ENDED:
        return frozenset()
    here = {spelled("referral", word): word for word in REFERRAL.states}.get(state)
    referral = REFERRAL.states if kind == "enquiry" else reachable([here] if here else [], REFERRAL.table)
    asked = {spelled("enquiry", word): word for word in ENQUIRY.states}.get(state)
    enquiry = reachable([asked] if asked else [], ENQUIRY.table)
    return frozenset({spelled("referral", word) for word in referral} | {spelled("enquiry", word) for word in enquiry})


def _applies(step: ProcedureStep, known: Known) -> bool:
    kinds = ("referral",) if step.stage == ANY_TIME else ("enquiry", "referral")
    return known.kind in kinds and step.only_if <= known.facts


def _now(step: ProcedureStep, state: str, facts: frozenset[Fact], seen: frozenset[str]) -> ProcedureStatus | None:
    """The standing that state, facts and messages give; None for what the order of the steps has to say."""
    here = state in step.states if step.states else state not in _GONE
    if not step.repeated and seen & set(step.messages):
        return ProcedureStatus.DONE
    if not here:
        return None
    if step.stopped_by & facts:
        return ProcedureStatus.STOPPED
    return ProcedureStatus.POSSIBLE if step.optional else ProcedureStatus.DUE


def _in_order(step: ProcedureStep) -> bool:
    return step.stage != ANY_TIME


def _stage(views: Collection[StepView], state: str) -> str | None:
    """The stage of the first step that is due for the first time, else due again, else of this state at all."""
    ordered = [view for view in views if _in_order(view.step)]
    due = [view for view in ordered if view.standing is ProcedureStatus.DUE]
    first = [view for view in due if not view.seen]
    here = [view for view in ordered if state in view.step.states]
    return next((view.step.stage for view in (*first, *due, *here)), None)
