"""Valid message bodies made from the published schemas, the same ones for the same seed.

    body = bodies("referral.request/1", random.Random(7))

Each optional member is there with `optional_probability`. Free text is drawn from five scripts, long ones (`summary`)
with 0 to `longest_text` characters (0: the member is left out), notes shorter; arrays are short. What a schema asks for
by rules (if, then, else, anyOf) is repaired until the reference validator is content.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from support.patterns import parse, sample

from schemas import load_catalogue
from schemas.publishing.compose_rules import NEVER
from schemas.walk import each_leaf, resolve_reference

Schema = Mapping[str, Any]

SCRIPTS = (
    "abcdefghijklmnopqrstuvwxyzéèçàùëïABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
)

ATTEMPTS = 60
"""Rounds of repair: where several rules narrow one member by chance, some rounds undo what another has done."""

LONG_TEXT = 500
"""Free text that may be longer than this is a summary; shorter ones are notes and names."""


def bodies(
    body_type: str,
    rng: random.Random,
    optional_probability: float = 0.5,
    *,
    longest_text: int = 2000,
    longest_array: int = 3,
) -> dict[str, Any]:
    """One valid body of `body_type` (or of the schema with that hash)."""
    root = load_catalogue().find(body_type).document
    maker = _Maker(rng=rng, root=root, share=optional_probability, text=longest_text, array=longest_array)
    body: dict[str, Any] = maker.value(root)
    return body


def made(schema: Schema, root: Schema, rng: random.Random) -> Any:
    """A valid value of `schema`, a part of `root`."""
    return _Maker(rng=rng, root=root, share=0.5, text=LONG_TEXT, array=3).value(schema)


def holds(rule: Schema, value: Any, root: Schema) -> bool:
    """Whether `value` satisfies `rule`, a part of `root`, by the reference validator."""
    return bool(Draft202012Validator({**rule, "$defs": root["$defs"]}).is_valid(value))


@dataclass(slots=True, kw_only=True)
class _Maker:
    rng: random.Random
    root: Schema
    share: float
    text: int
    array: int

    def value(self, schema: Schema) -> Any:
        schema = resolve_reference(schema, self.root)
        if "const" in schema:
            return _copied(schema["const"])
        if "enum" in schema:
            return _copied(self.rng.choice(schema["enum"]))
        if "anyOf" in schema and "properties" not in schema:
            return self.value(self.rng.choice(schema["anyOf"]))
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "string":
                return self._string(schema)
            case "integer":
                return self._integer(schema)
            case "boolean":
                return self.rng.random() < 0.5
            case "null":
                return None
            case [*kinds]:
                return self.value({**schema, "type": self.rng.choice(kinds)})
            case other:
                raise NotImplementedError(f"a schema of type {other}")

    def _object(self, schema: Schema) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, member in schema["properties"].items():
            wanted = name in schema.get("required", ()) or self.rng.random() < self.share
            if name != "unknown" and member != NEVER and wanted and not self._left_out(name, member, schema):
                made[name] = self.value(member)
        while len(made) > schema.get("maxProperties", len(made)):
            del made[self.rng.choice(list(made))]
        if "unknown" in schema["properties"]:
            self._say_unknown(made, schema)
        for _ in range(ATTEMPTS):
            if not any(self._repair(made, rule, schema) for rule in schema.get("allOf", ())):
                return made
        raise AssertionError("the rules of this schema cannot be satisfied by repairing")

    def _left_out(self, name: str, member: Schema, schema: Schema) -> bool:
        """A long text of length 0 is a member that is not there."""
        longest = member.get("maxLength", 0) if member.get("x-text") else 0
        return longest > LONG_TEXT and name not in schema.get("required", ()) and self.rng.randint(0, self.text) == 0

    def _say_unknown(self, made: dict[str, Any], schema: Schema) -> None:
        reasons = {
            name: self.value(reason)
            for name, reason in schema["properties"]["unknown"]["properties"].items()
            if name not in made and self.rng.random() < self.share
        }
        if reasons:
            made["unknown"] = reasons

    def _repair(self, made: dict[str, Any], rule: Schema, schema: Schema) -> bool:
        """Make `made` satisfy `rule`; true when something was changed."""
        if self._holds(rule, made):
            return False
        if "if" in rule:
            wanted = rule.get("then" if self._holds(rule["if"], made) else "else", {})
            return self._repair(made, wanted, schema)
        if "allOf" in rule:
            return sum(self._repair(made, part, schema) for part in rule["allOf"]) > 0
        if "anyOf" in rule:
            return self._repair(made, self.rng.choice(rule["anyOf"]), schema)
        for name in rule.get("required", ()):
            if name not in made:
                made[name] = self.value(schema["properties"][name])
            if made.get("unknown", {}).pop(name, None) and not made["unknown"]:
                del made["unknown"]
        for name, member in rule.get("properties", {}).items():
            self._repair_member(made, name, member, schema)
        return True

    def _repair_member(self, made: dict[str, Any], name: str, member: Schema, schema: Schema) -> None:
        if name not in made or self._holds(member, made[name]):
            return
        if member == NEVER:
            del made[name]
        elif "const" in member:
            made[name] = _copied(member["const"])
        elif "enum" in member:
            made[name] = _copied(self.rng.choice(member["enum"]))
        elif member.get("type") == "null":
            made[name] = None
        elif isinstance(made[name], dict):
            self._repair(made[name], member, resolve_reference(schema["properties"][name], self.root))
        else:
            while not self._holds(member, made[name]):
                made[name] = self.value(schema["properties"][name])

    def _holds(self, rule: Schema, made: Any) -> bool:
        return holds(rule, made, self.root)

    def _array(self, schema: Schema) -> list[Any]:
        if "x-each" in schema:
            listed = each_leaf(schema, self.root)["enum"]
            codes = self.rng.sample(listed, len(listed))
            return [self.value(schema["items"]) | {schema["x-each"]: code} for code in codes]
        low = schema.get("minItems", 0)
        wanted = self.rng.randint(low, max(low, min(schema["maxItems"], self.array)))
        items: list[Any] = []
        for _ in range(50):
            if len(items) >= wanted:
                break
            item = self.value(schema["items"])
            if not (schema.get("uniqueItems") and item in items):
                items.append(item)
        return items

    def _string(self, schema: Schema) -> str:
        if schema.get("format") == "date":
            return (datetime.date(1980, 1, 1) + datetime.timedelta(days=self.rng.randrange(25_000))).isoformat()
        if "pattern" in schema:
            return sample(parse(schema["pattern"]), self.rng)[: schema["maxLength"]]
        longest = schema["maxLength"]
        return self._text(self.rng.randint(1, min(longest, self.text)) if longest > LONG_TEXT else self._short(longest))

    def _short(self, longest: int) -> int:
        """Notes and names are mostly short and now and then as long as allowed."""
        return longest if self.rng.random() < 0.02 else min(longest, 1 + int(self.rng.expovariate(1 / 25)))

    def _text(self, length: int) -> str:
        letters = self.rng.choice(SCRIPTS)
        words = "".join(self.rng.choice(letters) if self.rng.random() > 0.15 else " " for _ in range(length))
        return words.strip().ljust(length, letters[0])

    def _integer(self, schema: Schema) -> int:
        return self.rng.randint(schema["minimum"], min(schema["maximum"], schema["minimum"] + 2_000_000_000))


def mutated(body: Any, rng: random.Random) -> Any:
    """A copy of `body` with one thing changed at a random place: usually a fault, not always."""
    copy = _copied(body)
    holders = [holder for holder in _holders(copy) if holder]
    holder = rng.choice(holders)
    key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match rng.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder["stranger"] = True
        case 2 if isinstance(holder[key], str):
            holder[key] += rng.choice(["\n", "x", " ", "é", "x" * 3000])
        case 3 if isinstance(holder, list):
            holder.extend([_copied(holder[key])] * rng.randint(1, 40))
        case _:
            holder[key] = rng.choice(
                [None, True, False, 0, 1, -1, 2**53, "", "x", "2026-02-30", [], {}, [None], "y" * 60_000]
            )
    return copy


def _holders(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(found for member in value.values() for found in _holders(member))]
    if isinstance(value, list):
        return [value, *(found for member in value for found in _holders(member))]
    return []


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    return [_copied(member) for member in value] if isinstance(value, list) else value
