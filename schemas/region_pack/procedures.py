"""The procedure of a transnational referral as data: stages, and in each the ordered steps (`procedures/` of a region).

A stage file:

    {"format": "trm-procedure/1", "stage": "return", "title": {...}, "source": "...", "steps": [STEP, ...]}

and a step:

    id           its name within the region, `return.propose`
    title        what is done, in words for the person who does it
    side         whose part it is: host (the country where the person is), receiving, or either
    responsible  the role that answers for it; `with` lists the roles that take part
    states       the states of the conversation in which the step is due; empty in `any_time`, for any state
    messages     the types that perform it, without version; empty for what is done at the desk
    optional     true: it is possible, and nobody owes it
    repeated     true: one message does not settle it (monitoring; a joint assessment)
    only_if      facts that have to hold (domain 4.8 and the person's situation)
    stopped_by   facts that forbid it for now
    gates        the gates that the messages have to pass (domain 3.1 to 3.15)
    clock        the clock that runs while it is due, by its name in `clocks.json`
    safeguards, tell_person    sentences: what protects the person, what the person has to be told
    source       where the rule comes from

Which stage comes after which is the order of `STAGES`; what has no place in that order (a withdrawal, an alert) is in
the stage `any_time`. Whether the types named are held is asked separately (`schemas.region_pack.regions.unheld_types`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Code
from schemas.clocks import load_clocks
from schemas.codelists import code_list
from schemas.reading import Labels, Spot, Wording

FORMAT = "trm-procedure/1"
ANY_TIME = "any_time"
STAGES = ("identification", "referral", "assistance", "return", "monitoring", ANY_TIME)
"""The five stages of a transnational referral mechanism (TACT), and what may happen in each of them."""

GATES = tuple(code.removeprefix("gate_").upper() for code in Code if code.startswith("gate_"))

STATES = frozenset(
    {
        *("enquiry.asked", "enquiry.delivered", "enquiry.offered", "enquiry.refused", "enquiry.used"),
        *("enquiry.expired", "enquiry.cancelled"),
        *("DRAFT", "SENT", "DELIVERED", "UNDER_REVIEW", "INFO_REQUESTED", "ACCEPTED", "ACCEPTED_CONDITIONAL"),
        *("DECLINED", "EXPIRED", "WITHDRAWN", "PLANNING", "RETURN_PROPOSED", "RETURN_CONFIRMED", "IN_TRANSIT"),
        *("ARRIVED", "ACTIVE", "CLOSING", "CLOSED", "ERASED"),
    }
)
"""The states of an enquiry (domain 4.3) and of a referral (domain 4.5), as a step names them."""

_ID = re.compile(r"[a-z][a-z_]{0,31}\.[a-z][a-z0-9_]{0,31}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


class Side(StrEnum):
    """The country that performs a step."""

    HOST = "host"
    RECEIVING = "receiving"
    EITHER = "either"


class Fact(StrEnum):
    """What a step may depend on besides the state: the person's situation, and the overlays of domain 4.8."""

    CHILD = "child"
    RETURN_WANTED = "return_wanted"
    NO_DOCUMENT = "no_document"
    REFLECTION_PERIOD = "reflection_period"
    PROCEEDINGS = "proceedings"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    ALERT = "alert"
    ASYLUM_HOLD = "asylum_hold"
    LEGAL_HOLD = "legal_hold"
    CORRECTION_PENDING = "correction_pending"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureStep:
    """One step; the module describes each member."""

    id: str
    stage: str
    title: Labels
    side: Side
    responsible: str
    with_roles: tuple[str, ...]
    states: frozenset[str]
    messages: tuple[str, ...]
    optional: bool
    repeated: bool
    only_if: frozenset[Fact]
    stopped_by: frozenset[Fact]
    gates: tuple[str, ...]
    clock: str | None
    safeguards: tuple[Labels, ...]
    tell_person: tuple[Labels, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage with its steps in order."""

    name: str
    title: Labels
    source: str
    steps: tuple[ProcedureStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """The stages in the order of `STAGES`."""

    stages: tuple[Stage, ...]

    @property
    def steps(self) -> tuple[ProcedureStep, ...]:
        """All steps in order."""
        return tuple(step for stage in self.stages for step in stage.steps)


# --- the files ---------------------------------------------------------------------------------------------------


def stage_at(root: Spot, name: str, wording: Wording) -> Stage:
    """Read the stage `name` below `root`; faults are noted in its log."""
    members = root.members(("format", "stage", "title", "source", "steps"))
    members["format"].const(FORMAT)
    members["stage"].const(name)
    return Stage(
        name=name,
        title=members["title"].labels(wording),
        source=members["source"].text(600),
        steps=tuple(_step(spot, name, wording) for spot in members["steps"].items(1, 40)),
    )


_REQUIRED = ("id", "title", "side", "responsible", "states", "messages", "safeguards", "tell_person", "source")
_OPTIONAL = ("with", "optional", "repeated", "only_if", "stopped_by", "gates", "clock")


def _step(spot: Spot, stage: str, wording: Wording) -> ProcedureStep:
    members = spot.members(_REQUIRED, _OPTIONAL)
    roles = tuple(entry.code for entry in code_list("role").codes)
    id_ = members["id"].matching(_ID, "stage and name, such as return.propose")
    if id_ and id_.partition(".")[0] != stage:
        members["id"].fault("stage", "begins with the name of its stage")
    return ProcedureStep(
        id=id_,
        stage=stage,
        title=members["title"].labels(wording),
        side=Side(members["side"].one_of(tuple(Side), "unknown_side", "host, receiving or either") or Side.EITHER),
        responsible=members["responsible"].one_of(roles, "unknown_code", "a code of the list role"),
        with_roles=_several(members, "with", roles, "unknown_code", "a code of the list role"),
        states=_states(members["states"], stage),
        messages=tuple(item.matching(_TYPE, "a message type without version") for item in members["messages"].items()),
        optional=_flag(members, "optional"),
        repeated=_flag(members, "repeated"),
        only_if=_facts(members, "only_if"),
        stopped_by=_facts(members, "stopped_by"),
        gates=_several(members, "gates", GATES, "unknown_gate", "a gate, G1 to G15"),
        clock=_clock(members),
        safeguards=_sentences(members["safeguards"], wording),
        tell_person=_sentences(members["tell_person"], wording),
        source=members["source"].text(600),
    )


def _several(members: Mapping[str, Spot], name: str, known: Collection[str], rule: str, hint: str) -> tuple[str, ...]:
    return members[name].several(known, rule, hint) if name in members else ()


def _states(spot: Spot, stage: str) -> frozenset[str]:
    low = 0 if stage == ANY_TIME else 1
    return frozenset(spot.several(STATES, "unknown_state", "a state such as PLANNING or enquiry.offered", low=low))


def _facts(members: Mapping[str, Spot], name: str) -> frozenset[Fact]:
    found = _several(members, name, tuple(Fact), "unknown_fact", "a fact such as child or asylum_hold")
    return frozenset(Fact(word) for word in found if word)


def _flag(members: Mapping[str, Spot], name: str) -> bool:
    if name not in members:
        return False
    if not isinstance(members[name].value, bool):
        members[name].fault("flag", "true or false")
    return members[name].value is True


def _clock(members: Mapping[str, Spot]) -> str | None:
    if "clock" not in members:
        return None
    return members["clock"].one_of(load_clocks(), "unknown_clock", "a clock of schemas/clocks.json")


def _sentences(spot: Spot, wording: Wording) -> tuple[Labels, ...]:
    return tuple(item.labels(wording) for item in spot.items(0, 12))
