"""Bodies with one change that aims at one kind of rule, the same ones for the same random numbers.

    body, aim = changed("referral.request/1", random.Random(7))

`support.generate.mutated` changes blindly; this knows which schema judges each place, and so finds the rules that a
blind change seldom hits: limits from both sides, letters of a pattern, members that only stand together. Most changes
break a rule, some stay just inside it. The first aim that a body has a place for is taken, in random order.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.generate import Schema, bodies, holds, made

from schemas import load_catalogue
from schemas.publishing.compose_rules import NEVER
from schemas.walk import resolve_reference

ATTEMPTS = 12
"""Changes to try on the members that a conditional rule names, before another rule is tried."""

STRANGERS = ("stranger", "content", "", "unknown ", "é", "constructor", "toString", "__proto__")
"""Names of members that no object has; the last three are those of every object of JavaScript."""

TAILS = ("\n", "\r\n", " ", "x", "é", "\u0660", "\u2028", "\u212a", "\x00")
"""Appended to a text with a pattern: ends of lines, letters and digits that some engines count among their own."""

DAYS = ("2024-02-29", "2023-02-29", "2000-02-29", "1900-02-29", "2026-02-30", "2026-04-31", "2026-13-01", "2026-1-01")
"""Days that exist (first, third), that do not, and that are no date by their form (the last two)."""

NUMBERS = (-(2**63), -(2**53), -1, 0, 1, 2**31, 2**53 - 1, 2**53, 2**64, 10**30)
LETTER = "𝔘"
"""One character, two units of UTF-16, four bytes of UTF-8: a limit counts characters."""

OTHERS = (None, True, False, 0, 1, "", "1", "null", [], {}, [[]], [{}])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`holder[key]`, a value of the body, and the schema that judges it, references followed."""

    holder: Any
    key: Any
    schema: Schema
    root: Schema

    @property
    def value(self) -> Any:
        """What stands there."""
        return self.holder[self.key]

    def put(self, value: Any) -> bool:
        """Have `value` stand there; true, as a change that was made."""
        self.holder[self.key] = value
        return True


Change = Callable[[Place, random.Random], bool]
"""Changes the value of a place; false where it has nothing that this aims at, and then nothing is changed."""


def changed(body_type: str, rng: random.Random, optional_probability: float = 0.5) -> tuple[Any, str]:
    """A body of `body_type` with one change, and the name of what the change aims at (a key of AIMS)."""
    root = load_catalogue().find(body_type).document
    box = {"": bodies(body_type, rng, optional_probability)}
    found = list(_places(box, "", root, root))
    for aim in rng.sample(list(AIMS), len(AIMS)):
        for place in rng.sample(found, len(found)):
            if AIMS[aim](place, rng):
                return box[""], aim
    raise AssertionError("every body has a member to take away")


def _places(holder: Any, key: Any, schema: Schema, root: Schema) -> Iterator[Place]:
    schema, value = resolve_reference(schema, root), holder[key]
    yield Place(holder=holder, key=key, schema=schema, root=root)
    match value:
        case dict():
            for name in value:
                yield from _places(value, name, schema["properties"][name], root)
        case list():
            for index in range(len(value)):
                yield from _places(value, index, schema["items"], root)


# --- what a change aims at ----------------------------------------------------------------------------------------


def _required(place: Place, rng: random.Random) -> bool:
    """Takes away a member that is always needed."""
    needed = [name for name in place.schema.get("required", ()) if name in place.value]
    if needed:
        del place.value[rng.choice(needed)]
    return bool(needed)


def _closed(place: Place, rng: random.Random) -> bool:
    """Adds a member that the object does not have."""
    if not isinstance(place.value, dict):
        return False
    place.value[rng.choice(STRANGERS)] = rng.choice(OTHERS)
    return True


def _type(place: Place, rng: random.Random) -> bool:
    """Puts a value of another type, or an empty one."""
    return place.put(copy.deepcopy(rng.choice(OTHERS)))


def _code(place: Place, rng: random.Random) -> bool:
    """Puts another code of the list, or what looks like one."""
    if "enum" not in place.schema:
        return False
    code = str(rng.choice(place.schema["enum"]))
    return place.put(rng.choice([code, code.upper(), code.title(), f"{code} ", f"{code}\n", code[:-1], "", "other_"]))


def _const(place: Place, rng: random.Random) -> bool:
    """Puts what some languages take for the same."""
    return "const" in place.schema and place.put(rng.choice([False, 1, "true", "True", None]))


def _pattern(place: Place, rng: random.Random) -> bool:
    """Adds, takes away or exchanges a character of a text with a pattern."""
    if "pattern" not in place.schema:
        return False
    text, at = place.value, rng.randrange(len(place.value))
    tail, other = rng.choice(TAILS), chr(rng.randrange(0x20, 0x7F))
    return place.put(
        rng.choice([text + tail, tail + text, text[:-1], text[1:], text[:at] + other + text[at + 1 :], text.upper()])
    )


def _date(place: Place, rng: random.Random) -> bool:
    """Puts a day that may not exist."""
    return place.schema.get("format") == "date" and place.put(rng.choice(DAYS))


def _limit(place: Place, rng: random.Random) -> bool:
    """Goes to a limit, or one beyond it."""
    schema, beyond = place.schema, rng.randrange(2)
    match place.value:
        case str() if "maxLength" in schema:
            return place.put(rng.choice(["", LETTER, LETTER * (schema["maxLength"] + beyond)]))
        case int() if "maximum" in schema:
            low, high = schema["minimum"], schema["maximum"]
            return place.put(rng.choice([low, low - 1, high, high + 1, rng.choice(NUMBERS)]))
        case [first, *_] if "maxItems" in schema:
            wanted = rng.choice([schema["minItems"] - beyond, schema["maxItems"] + beyond])
            items = place.value + [made(schema["items"], place.root, rng) for _ in range(wanted - len(place.value))]
            return place.put(items[: max(0, wanted)] if schema.get("uniqueItems") else [first] * wanted)
        case dict() if "maxProperties" in schema:
            names = list(schema["properties"])[: schema["maxProperties"] + beyond]
            return place.put({name: made(schema["properties"][name], place.root, rng) for name in names})
    return False


def _repeat(place: Place, rng: random.Random) -> bool:
    """Has an item of a list twice; of an object with its members in another order. Where each has to be there once, it
    takes the place of another.
    """
    if isinstance(place.value, list) and "x-each" in place.schema:
        one, other = rng.sample(range(len(place.value)), 2)
        place.value[one] = copy.deepcopy(place.value[other])
        return True
    if not (isinstance(place.value, list) and place.schema.get("uniqueItems")):
        return False
    item = copy.deepcopy(rng.choice(place.value)) if place.value else made(place.schema["items"], place.root, rng)
    again = dict(reversed(item.items())) if isinstance(item, dict) else item
    return place.put([*place.value, again] if place.value else [item, again])


def _condition(place: Place, rng: random.Random) -> bool:
    """Changes a member that a rule of this object names until the rule does not hold."""
    rules = place.schema.get("allOf", ()) if isinstance(place.value, dict) else ()
    for rule in rng.sample(rules, len(rules)):
        for _ in range(ATTEMPTS):
            other = copy.deepcopy(place.value)
            _stir(other, rule, place.schema, place.root, rng)
            if not holds(rule, other, place.root):
                return place.put(other)
    return False


def _stir(value: Any, rule: Schema, schema: Schema, root: Schema, rng: random.Random) -> None:
    """Take away, add or make anew one member that `rule` names, here or in a member."""
    name, inner = rng.choice(list(_named(rule)))
    below, member = list(_named(inner)), resolve_reference(schema["properties"][name], root)
    if below and isinstance(value.get(name, {}), dict):
        _stir(value.setdefault(name, {}), inner, member, root, rng)
    elif name in value and rng.random() < 0.5:
        del value[name]
    else:
        value[name] = True if member == NEVER else made(member, root, rng)


def _named(rule: Schema) -> Iterator[tuple[str, Schema]]:
    """The members that a rule names, each with what the rule says of it."""
    members = rule.get("properties", {})
    yield from members.items()
    yield from ((name, {}) for name in rule.get("required", ()) if name not in members)
    branches = [rule[keyword] for keyword in ("if", "then", "else") if keyword in rule]
    for part in [*branches, *rule.get("allOf", ()), *rule.get("anyOf", ())]:
        yield from _named(part)


AIMS: Mapping[str, Change] = {
    "required": _required,
    "additionalProperties": _closed,
    "type": _type,
    "enum": _code,
    "const": _const,
    "pattern": _pattern,
    "format": _date,
    "limits": _limit,
    "uniqueItems": _repeat,
    "conditions": _condition,
}
