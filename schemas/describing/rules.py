"""Describe the rules of a message type: as sentences for pages and terminals, and as data for forms.

The sentences invert what `compose_rules` makes of the rules of a source; a rule in another form is a bug here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.catalogue import load_catalogue
from schemas.publishing.compose_rules import NEVER
from schemas.walk import Node, list_members, resolve_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One sentence about the object at `place` (as in `Row`; empty for the whole body)."""

    place: str
    text: str


NEEDED, EITHER_WAY, ONE_OF, LEFT_OUT = "needed", "answered", "one of", "left out"
"""What a rule asks of a member: a value; a value or a reason in `unknown`; one of several; that it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A condition. ``path`` is dotted as names from the object of the rule, ``how`` the test of the value there: given,
    is (one of ``values``), has (a code of ``values``), some or every (its items meet ``inner``).
    """

    path: tuple[str, ...]
    how: str
    values: tuple[object, ...] = ()
    inner: tuple[When, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The demand of a rule on the member at ``path`` below the object at ``place``, when all of ``when`` are met."""

    place: str
    path: tuple[str, ...]
    wish: str
    when: tuple[When, ...]


def describe_rules(name: str) -> tuple[Rule, ...]:
    """Describe the conditional rules of `name`, outer objects first.

    A demand that `Row.need` states is no rule here.
    """
    root = load_catalogue().resolve(name).document
    return tuple(Rule(place=place, text=_sentence(rule)) for place, rule in _ruled(root, root, ""))


@cache
def list_conditions(name: str) -> tuple[Condition, ...]:
    """List the demands of the rules of `name` on single members, as data, so that other modules can word them.

    Demands on the value itself are left out; `describe_rules` has them.
    """
    root = load_catalogue().resolve(name).document
    return tuple(
        Condition(place=place, path=path, wish=wish, when=when)
        for place, rule in _ruled(root, root, "")
        for when, then in (_parted(rule),)
        for part in then.get("allOf", [then])
        for path, wish in _asked(part)
    )


def _ruled(schema: Node, root: Node, place: str) -> Iterator[tuple[str, Node]]:
    """Yield each rule with the place of its object, outer objects first."""
    node = resolve_reference(schema, root)
    if "items" in node:
        yield from _ruled(node["items"], root, f"{place}/*")
        return
    for rule in node.get("allOf", ()):
        if not is_answer(rule):
            yield place, rule
    for name, member in list_members(node) if "properties" in node else ():
        if name != "unknown":
            yield from _ruled(member, root, f"{place}/{name}")


def _parted(rule: Node) -> tuple[tuple[When, ...], Node]:
    """Split a rule into its condition and its demands; a rule without a condition always holds."""
    if "if" in rule and "then" in rule:
        return _whens(rule["if"]), rule["then"]
    return (), rule


def _whens(condition: Node) -> tuple[When, ...]:
    parts = condition.get("allOf", [condition])
    return tuple(_when(path, value) for part in parts for path, value in _paths(part))


def _when(path: tuple[str, ...], value: Any) -> When:
    match value:
        case True:
            return When(path=path, how="given")
        case {"contains": {"const": code}}:
            return When(path=path, how="has", values=(code,))
        case {"contains": inner}:
            return When(path=path, how="some", inner=_whens(inner))
        case {"items": inner}:
            return When(path=path, how="every", inner=_whens(inner))
        case {"const": only}:
            return When(path=path, how="is", values=(only,))
        case {"enum": several}:
            return When(path=path, how="is", values=tuple(several))
        case _:
            raise RuntimeError("a condition of no known form")


def _asked(part: Node) -> Iterator[tuple[tuple[str, ...], str]]:
    if "anyOf" in part:
        yield from (((branch["required"][0],), ONE_OF) for branch in part["anyOf"])
    elif "if" in part:
        yield (part["else"]["required"][0],), EITHER_WAY
    else:
        for path, value in _paths(part):
            if value is True or value == NEVER:
                yield path, NEEDED if value is True else LEFT_OUT


def is_answer(rule: Node) -> bool:
    """Whether the rule only says that a value and its absence exclude each other; `need` states that already."""
    said, then = _said(rule.get("if", {})), rule.get("then", {})
    return said is not None and then == {"properties": {said: NEVER}}


def _said(condition: Node) -> str | None:
    """Return the member that `condition` finds in `unknown`, if that is all it looks for."""
    match list(_paths(condition)):
        case [(("unknown", name), True)]:
            return name
        case _:
            return None


def _sentence(rule: Node) -> str:
    whens, then = _parted(rule)
    wishes = _wishes(then)
    return f"If {_condition(whens)}, {wishes}." if whens else f"{wishes[0].upper()}{wishes[1:]}."


def _condition(whens: Sequence[When]) -> str:
    return " and ".join(map(_met, whens))


def _met(when: When) -> str:
    name = _name(when.path)
    match when.how:
        case "given":
            return f"{name} is given"
        case "has":
            return f"{name} has {_or(when.values)}"
        case "some":
            return f"{name} has an item where {_condition(when.inner)}"
        case "every":
            return f"each item of {name} is one where {_condition(when.inner)}"
        case _:
            return f"{name} is {_or(when.values)}"


def _wishes(then: Node) -> str:
    """Word the demands of a rule; demands of one kind share a sentence."""
    told: dict[str, list[str]] = {}
    for part in then.get("allOf", [then]):
        for name, wish in _wish(part):
            told.setdefault(wish, []).append(name)
    return "; ".join(f"{_and(names)} {wish}" for wish, names in told.items())


def _wish(part: Node) -> Iterator[tuple[str, str]]:
    if "anyOf" in part:
        yield f"at least one of {_and([_name((b['required'][0],)) for b in part['anyOf']])}", "must be given"
    elif "if" in part:
        yield _name((part["else"]["required"][0],)), "must be given, or `unknown` says why not"
    else:
        for path, value in _paths(part):
            yield _name(path), _wanted(value)


def _wanted(value: Node | bool) -> str:
    match value:
        case True:
            return "must be given"
        case _ if value == NEVER:
            return "must not be given"
        case {"const": only}:
            return f"must be {_value(only)}"
        case {"enum": several}:
            return f"can only be {_or(several)}"
        case _:
            raise RuntimeError("a rule of no known form")


def _paths(schema: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each place that `schema` constrains, with the constraint; True for "is there"."""
    inner = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in inner:
            yield (name,), True
    for name, value in inner.items():
        if "properties" in value or "required" in value:
            yield from (((name, *path), found) for path, found in _paths(value))
        else:
            yield (name,), value


def _name(path: Sequence[str]) -> str:
    return f"`{'.'.join(path)}`"


def _value(value: object) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _or(values: Sequence[object]) -> str:
    return _joined([_value(value) for value in values], "or")


def _and(names: Sequence[str]) -> str:
    return _joined(names, "and")


def _joined(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
