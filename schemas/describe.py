"""Describe a message type in words: its members one by one and its rules as sentences; for pages and terminals.

The description is read from the published schema alone, so that a page never promises more than validation enforces.
The sentences invert what `compose` makes of the rules of a source; a rule in another form is a bug of this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.catalogue import load_catalogue
from schemas.codelists import ENGLISH, code_list
from schemas.compose import NEVER
from schemas.walk import Node, list_members, resolve_reference

ALWAYS, ANSWERED, SAYABLE, FREE = "yes", "yes, or why not", "no, or why not", "no"
"""Whether a member has to be there: always; by a value or a reason in `unknown`; if at all, either way; not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One member. `place` is a JSON pointer with `*` for "each item".

    `need` is one of the four words above and speaks of the object that the member stands in. An object, or a list of
    objects, has no sensitivity class of its own: its members follow. `codes` names the code list; its title is the
    meaning where the source gives none.
    """

    place: str
    need: str
    kind: str
    codes: str | None
    sensitivity: str | None
    category: str | None
    meaning: str


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


def describe_members(name: str) -> tuple[Row, ...]:
    """Describe the members of the message type or schema hash `name`, in document order, without `unknown` itself."""
    root = load_catalogue().resolve(name).document
    halves: Mapping[str, Node] = root["properties"]
    return tuple(row for half, schema in halves.items() for row in _members(schema, root, f"/{half}"))


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


# --- members ------------------------------------------------------------------------------------------------------


def _members(schema: Node, root: Node, place: str) -> Iterator[Row]:
    schema = resolve_reference(schema, root)
    needs = _needs(schema)
    for name, member in list_members(schema):
        if name in needs:
            yield from _member(member, root, f"{place}/{name}", needs[name])


def _member(member: Node, root: Node, place: str, need: str) -> Iterator[Row]:
    node = resolve_reference(member, root)
    meaning = member.get("description", "")
    one, many, inner, below = member, "", node, place
    if "items" in node:
        one, many, inner, below = (
            node["items"],
            f"; {_many(node)}",
            resolve_reference(node["items"], root),
            f"{place}/*",
        )
    if "properties" in inner:
        most = f", at most {inner['maxProperties']} members" if "maxProperties" in inner else ""
        yield _row(place, need, f"object{most}{many}", meaning, {})
        yield from _members(inner, root, below)
    else:
        yield _row(below, need, f"{_kind(one, inner)}{many}", meaning, inner)


def _row(place: str, need: str, kind: str, meaning: str, leaf: Node) -> Row:
    category = leaf.get("x-category")
    codes = leaf.get("x-codes")
    return Row(
        place=place,
        need=need,
        kind=kind,
        codes=codes,
        sensitivity=leaf.get("x-class"),
        category=f"that of {leaf['x-category-as']}" if "x-category-as" in leaf else category,
        meaning=meaning or (code_list(codes).title[ENGLISH] if codes else ""),
    )


def _needs(schema: Node) -> Mapping[str, str]:
    """Find the need of each member except `unknown`."""
    sayable = schema["properties"].get("unknown", {}).get("properties", {})
    answered = {rule["else"]["required"][0] for rule in schema.get("allOf", ()) if _is_answer(rule) and "else" in rule}
    needs = {}
    for name, _ in list_members(schema):
        if name in schema["required"]:
            needs[name] = ALWAYS
        elif name in answered:
            needs[name] = ANSWERED
        elif name != "unknown" or "properties" not in schema["properties"][name]:
            needs[name] = SAYABLE if name in sayable else FREE
    return needs


def _many(node: Node) -> str:
    low, high = node["minItems"], node["maxItems"]
    if "x-each" in node:
        return f"{low} of them, one for each `{node['x-each']}`"
    different = ", all different" if node.get("uniqueItems") else ""
    return f"{low if low == high else f'{low} to {high}'} of them{different}"


def _kind(said: Node, node: Node) -> str:
    """Return the kind of a leaf. `said` still has its reference: the name of a type of fragments/types.json."""
    match node:
        case {"x-codes": listed}:
            return f"code of {listed}"
        case {"type": [*_], "maxLength": longest}:
            return f"text of at most {longest} characters, whole number, true or false"
        case {"x-text": True, "maxLength": longest}:
            return f"text of at most {longest} characters"
        case {"const": value}:
            return f"always {json.dumps(value)}"
        case {"type": "boolean"}:
            return "true or false"
        case _ if "$ref" in said:
            return str(said["$ref"]).removeprefix("#/$defs/")
        case {"type": "integer", "minimum": low, "maximum": high}:
            return f"whole number from {low} to {high}"
        case _:
            raise RuntimeError("a leaf of no known kind")


# --- rules --------------------------------------------------------------------------------------------------------


def _ruled(schema: Node, root: Node, place: str) -> Iterator[tuple[str, Node]]:
    """Yield each rule with the place of its object, outer objects first."""
    node = resolve_reference(schema, root)
    if "items" in node:
        yield from _ruled(node["items"], root, f"{place}/*")
        return
    for rule in node.get("allOf", ()):
        if not _is_answer(rule):
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


def _is_answer(rule: Node) -> bool:
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
    if "if" in rule and "then" in rule:
        return f"If {_condition(rule['if'])}, {_wishes(rule['then'])}."
    wishes = _wishes(rule)
    return f"{wishes[0].upper()}{wishes[1:]}."


def _condition(condition: Node) -> str:
    parts = condition.get("allOf", [condition])
    return " and ".join(_meets(_name(path), value) for part in parts for path, value in _paths(part))


def _meets(name: str, value: Node | bool) -> str:
    match value:
        case True:
            return f"{name} is given"
        case {"contains": {"const": code}}:
            return f"{name} has {_value(code)}"
        case {"contains": inner}:
            return f"{name} has an item where {_condition(inner)}"
        case {"items": inner}:
            return f"each item of {name} is one where {_condition(inner)}"
        case {"const": only}:
            return f"{name} is {_value(only)}"
        case {"enum": several}:
            return f"{name} is {_or(several)}"
        case _:
            raise RuntimeError("a condition of no known form")


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
