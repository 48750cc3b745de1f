"""The steps in which a message type is asked for, from its schema: `plan_steps(type)`. What of them applies to one
draft is in `guided.py`.

1. Questions   the members of header and content. A large object that every message of the type has is asked member by
               member; all other objects and lists are one question.
2. Groups      as `step_table.py` orders them for the types that people write most; else in the order of the schema, a
               few at a time. What depends on an answer never stands in the step of that answer, since a page without
               a script cannot show it there.
3. Header      what for and how urgent; the consent; then what is set between two countries: basis, retention, units.

Every field of the schema is in exactly one question of exactly one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from gateway.console.forms.fields import Kind, kind_of, list_asked
from gateway.console.forms.step_table import CONSENT as CONSENT_STEP
from gateway.console.forms.step_table import FILES, MORE, ORDERED, ROUTING, SAYS, TERMS, Step
from gateway.console.forms.step_table import PURPOSE as PURPOSE_STEP
from schemas.catalogue import load_catalogue
from schemas.describing import rules as describe_rules
from schemas.describing.rules import EITHER_WAY, LEFT_OUT
from schemas.walk import Node, resolve_reference

PURPOSE = "/purpose"
"""The one question whose answer is a member of the draft and not of its body."""
WIDE = 6
"""Members from which on an object that is always there is asked member by member."""
MOST = 5
"""Questions of one step, a list or an object counted twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: its place, how much room it takes, and whether it is about files of the message."""

    place: str
    weight: int
    files: bool


@cache
def plan_steps(body_type: str) -> tuple[Step, ...]:
    """Plan the steps of a message type, in order, each with a name of its own."""
    entry, ordered = load_catalogue().get(body_type), ORDERED.get(body_type, ())
    rests = entry.personal and not entry.never_blocked
    urgent = PURPOSE_STEP if rests else PURPOSE_STEP.of(*(place for place in PURPOSE_STEP.places if place != PURPOSE))
    head = [] if any(step.name == urgent.name for step in ordered) else [urgent]
    consent = [CONSENT_STEP] if rests and all(step.name != CONSENT_STEP.name for step in ordered) else []
    terms = TERMS if rests else TERMS.of(*TERMS.places, PURPOSE, *CONSENT_STEP.places)
    taken = {place for step in (*ordered, *head, *consent, terms, ROUTING) for place in step.places}
    left = [one for half in ("content", "header") for one in _questions(body_type, half) if one.place not in taken]
    files = [FILES.of(*places)] if (places := [one.place for one in left if one.files]) else []
    content = [*ordered, *_groups(body_type, [one for one in left if not one.files])]
    said = [*content, *head] if entry.reply_to else [*head, *content]
    return (*said, *consent, *files, terms, ROUTING)


def _questions(body_type: str, half: str) -> Iterator[Question]:
    root = load_catalogue().resolve(body_type).document
    node = resolve_reference(root["properties"][half], root)
    for name, said in list_asked(node, f"/{half}"):
        place, inner, kind = f"/{half}/{name}", resolve_reference(said, root), kind_of(said, root)
        if kind is Kind.OBJECT and half == "content" and name in node["required"]:
            members = list(list_asked(inner, place))
            if len(members) > WIDE:
                yield from (_question(f"{place}/{below}", member, root) for below, member in members)
                continue
        yield _question(place, said, root)


def _question(place: str, said: Node, root: Node) -> Question:
    node, kind = resolve_reference(said, root), kind_of(said, root)
    inner = resolve_reference(node["items"], root) if kind is Kind.ROWS else node
    unseen = kind is Kind.FIXED and node["const"] is not True  # a form only carries it along
    return Question(
        place=place,
        weight=0 if unseen else 2 if kind in (Kind.OBJECT, Kind.ROWS) else 1,
        files=kind in (Kind.OBJECT, Kind.ROWS) and "part" in inner["properties"],
    )


def _groups(body_type: str, questions: Sequence[Question]) -> Iterator[Step]:
    """Yield steps of a few questions each; one that hangs on an answer of the step begins the next."""
    depends, group, n = _dependencies(body_type), list[Question](), 0
    for one in questions:
        most = MOST + 1 if one is questions[-1] else MOST  # none is left alone at the end
        full = sum(other.weight for other in group) + one.weight > most
        if group and (full or any(other.place in depends.get(one.place, ()) for other in group)):
            n += 1
            yield _said(n, group)
            group = []
        group.append(one)
    if group:
        yield _said(n + 1, group)


def _said(n: int, group: Iterable[Question]) -> Step:
    step = SAYS if n == 1 else MORE
    return step.of(*(one.place for one in group), name=SAYS.name if n == 1 else f"{SAYS.name}-{n}")


@cache
def _dependencies(body_type: str) -> dict[str, frozenset[str]]:
    """Map each place to the places on whose answers it depends whether it is asked."""
    found: dict[str, frozenset[str]] = {}
    for one in describe_rules.list_conditions(body_type):
        if one.wish in (LEFT_OUT, EITHER_WAY):
            place = "/".join((one.place, *one.path))
            on = frozenset("/".join((one.place, *when.path)) for when in one.when)
            found[place] = found.get(place, frozenset()) | on
    return found
