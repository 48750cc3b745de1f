"""The steps of one draft: which apply to what was answered so far, which are done, and what a step changes.

A question that does not apply is not asked, unless something is filled in there: then it is shown, since it has to be
taken out. What a step sends changes its own questions and nothing else, so steps one after the other make the document
that the form of one page makes (`fields.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.console.forms.fields import Fields
from gateway.console.forms.parts import Group, Part
from gateway.console.forms.step_table import Step
from gateway.console.forms.steps import PURPOSE, plan_steps
from gateway.errors import Finding
from gateway.messages.emergency import ASKED, INSTEAD, is_emergency
from gateway.ports import Json
from schemas.describing import rules as describe_rules
from schemas.describing.members import ALWAYS, ANSWERED
from schemas.describing.rules import EITHER_WAY, LEFT_OUT, NEEDED, Condition, When

Body = Mapping[str, Json]


class Progress(StrEnum):
    """How far a step is."""

    DONE = "done"
    """Something is answered there and nothing is missing or wrong."""
    OPEN = "open"
    """Something is missing or wrong in what was begun."""
    LATER = "later"
    """Nothing is answered there yet, and something has to be."""
    FREE = "free"
    """Nothing is answered there, and nothing has to be."""


PROGRESS = {
    (True, True): Progress.OPEN,
    (True, False): Progress.LATER,
    (False, True): Progress.DONE,
    (False, False): Progress.FREE,
}
"""By whether something is missing or wrong, and whether something is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftStep:
    """A step that applies to a draft, with those of its questions that apply; ``folded`` where it is passed over, since
    nothing is missing in it.
    """

    step: Step
    progress: Progress
    folded: bool
    findings: tuple[Finding, ...]


def list_steps(body_type: str, body: Body, fields: Fields, findings: Iterable[Finding]) -> tuple[DraftStep, ...]:
    """List the steps of a draft with ``fields`` as `fields.to_fields` gives them and `/purpose` beside them."""
    short = is_emergency(body_type, header) if isinstance(header := body.get("header"), dict) else False
    planned = map(shorten_step, plan_steps(body_type)) if short else plan_steps(body_type)
    applying = [narrow_step(body_type, step, body, fields) for step in planned]
    wrong = assign_findings(applying, findings)
    found = []
    for step in applying:
        mine, some = tuple(wrong.get(step.name, ())), any(is_answered(place, fields) for place in step.places)
        progress = PROGRESS[bool(mine), some]
        found.append(DraftStep(step=step, progress=progress, folded=step.folds and not mine, findings=mine))
    return tuple(one for one in found if one.step.places)


def shorten_step(step: Step) -> Step:
    """Return a step of a referral in danger to life: the ten questions are open, one without any is passed over."""
    asked = (*ASKED, INSTEAD)
    more = step.more | {place for place in step.places if place not in asked and place != PURPOSE}
    return replace(step, more=more, folds=not any(place in asked for place in step.places))


def narrow_step(body_type: str, step: Step, body: Body, fields: Fields) -> Step:
    """Return the step with those of its questions that apply."""
    return step.of(*(p for p in step.places if applies(body_type, p, body) or is_answered(p, fields)))


def applies(body_type: str, place: str, body: Body) -> bool:
    """Whether the question at ``place`` is to be asked, by the rules of the schema and what was answered so far."""
    mine = [one for one in describe_rules.list_conditions(body_type) if "/".join((one.place, *one.path)) == place]
    if any(one.wish == LEFT_OUT and is_met(one, body) for one in mine):
        return False
    either = [one for one in mine if one.wish == EITHER_WAY]
    return not either or any(one.wish == NEEDED for one in mine) or any(is_met(one, body) for one in either)


def find_need(body_type: str, place: str, body: Body) -> str:
    """Return how much a question is needed by the rules that hold now, in the words of `schemas.describing.members`."""
    wishes = {
        one.wish
        for one in describe_rules.list_conditions(body_type)
        if one.when and "/".join((one.place, *one.path)) == place and is_met(one, body)
    }
    return ALWAYS if NEEDED in wishes else ANSWERED if EITHER_WAY in wishes else ""


def is_met(condition: Condition, body: Body) -> bool:
    """Whether all that a rule asks before it demands something is there; for a rule outside of lists."""
    here: Json = dict(body)
    for name in condition.place.split("/")[1:]:
        here = here.get(name) if isinstance(here, dict) else None
    return all(_holds(one, here) for one in condition.when)


def _holds(when: When, value: Json) -> bool:
    for name in when.path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    items = value if isinstance(value, list) else []
    match when.how:
        case "given":
            return True
        case "is":
            return any(value == one and type(value) is type(one) for one in when.values)
        case "has":
            return any(one in items for one in when.values)
        case "some":
            return any(all(_holds(inner, item) for inner in when.inner) for item in items)
        case "every":
            return all(all(_holds(inner, item) for inner in when.inner) for item in items)
        case _:
            raise RuntimeError("a condition of no known form")


# --- what belongs to a question -------------------------------------------------------------------------------------


def belongs(name: str, place: str) -> bool:
    """Whether a field is part of the answer to the question at ``place``: its value, or why it is missing."""
    above, _, member = place.rpartition("/")
    return name in (place, f"{above}/unknown/{member}") or name.startswith((f"{place}/", f"{place}#"))


def is_answered(place: str, fields: Fields) -> bool:
    """Whether something is filled in at a question."""
    return any(belongs(name, place) and any(fields[name]) for name in fields)


def put_answers(fields: Fields, step: Step, sent: Fields) -> dict[str, Sequence[str]]:
    """Return the fields of the draft with what a step sent in the place of its own answers, and of no others."""

    def own(name: str) -> bool:
        return any(belongs(name, place) for place in step.places)

    kept = {name: values for name, values in fields.items() if not own(name)}
    return kept | {name: values for name, values in sent.items() if own(name)}


def assign_findings(steps: Iterable[Step], findings: Iterable[Finding]) -> Mapping[str, Sequence[Finding]]:
    """Group findings by the name of the step where they can be mended. One about several questions goes to the first of
    them; one that no step can mend is left out.
    """
    asked = {place: step.name for step in steps for place in step.places}
    found = defaultdict[str, list[Finding]](list)
    for one in findings:
        place = next((place for place in asked if belongs(one.place, place)), None)
        if place is None:
            below = [place for place in asked if place.startswith(f"{one.place}/")]
            place = next((place for place in below if place in _named(one)), next(iter(below), None))
        if place is not None:
            found[asked[place]].append(one)
    return dict(found)


def _named(finding: Finding) -> frozenset[str]:
    """Return the places of which a finding says that one of them is needed."""
    if finding.rule != "anyOf":
        return frozenset()
    names = finding.hint.removeprefix("at least one of ").split(", ")
    return frozenset(f"{finding.place}/{name}" for name in names)


# --- the form of a step ---------------------------------------------------------------------------------------------


def pick_parts(body_type: str, parts: Sequence[Part], step: Step, body: Body) -> tuple[Part, ...]:
    """Pick the questions of a step out of the form of the whole message, in the order of the step."""
    found = {part.place: part for part in _each(parts)}
    alone = len(step.places) == 1
    return tuple(_opened(body_type, found[place], body, alone=alone) for place in step.places if place in found)


def split_parts(
    parts: Iterable[Part], step: Step, fields: Fields, findings: Iterable[Finding]
) -> tuple[list[Part], list[Part]]:
    """Split the questions of a step into those that stand open, and those that are folded at its end. What is needed
    now, answered or wrong stands open.
    """
    wrong = [one.place for one in findings]
    open_, folded = list[Part](), list[Part]()
    for part in parts:
        needed = part.need in (ALWAYS, ANSWERED) or is_answered(part.place, fields)
        faulty = any(belongs(place, part.place) for place in wrong)
        (folded if part.place in step.more and not needed and not faulty else open_).append(part)
    return open_, folded


def _each(parts: Iterable[Part]) -> Iterable[Part]:
    for part in parts:
        yield part
        if isinstance(part, Group):
            yield from _each(part.parts)


def _opened(body_type: str, part: Part, body: Body, *, alone: bool) -> Part:
    """Say what is needed now, and unfold a list, what is needed, and what stands alone in its step. An object that may
    be left out stays folded, since its members would look needed.
    """
    part = replace(part, need=find_need(body_type, part.place, body) or part.need)
    if isinstance(part, Group) and (alone or part.look == "list" or part.need in (ALWAYS, ANSWERED)):
        return replace(part, filled=True)
    return part
