"""Compose the rules of an object from the compact source notation (`schemas.publishing.compose`).

    {when: CONDITION, need | any_of | forbid | true | null | not_null: [paths], only: {path: [values]}}

A condition maps dotted paths to a list of values, ``contains``, ``every``, or ``present``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]
Spec: TypeAlias = Mapping[str, Any]

NEVER: Schema = {"not": {}}
"""What a member that must not be there has to satisfy; `false` says the same, but jsonschema loses its place."""


class SourceError(ValueError):
    """A source file does not follow the notation; this is for the author of the file and never reaches a node."""


def compose_rule(rule: Spec, unknowable: frozenset[str]) -> Schema:
    """Compose one rule of an object; `unknowable` are its members that may be said to be unknown."""
    wanted = [_wish(path, unknowable) for path in rule.get("need", ())]
    wanted += [_at(path, {"const": True}, required=True) for path in rule.get("true", ())]
    wanted += [_at(path, {"type": "null"}) for path in rule.get("null", ())]
    wanted += [_at(path, {"not": {"type": "null"}}) for path in rule.get("not_null", ())]
    wanted += [_at(path, NEVER) for path in rule.get("forbid", ())]
    wanted += [_at(path, {"enum": list(values)}) for path, values in rule.get("only", {}).items()]
    if "any_of" in rule:
        wanted.append({"anyOf": [{"required": [name]} for name in rule["any_of"]]})
    then = wanted[0] if len(wanted) == 1 else {"allOf": wanted}
    return {"if": _condition(rule["when"]), "then": then} if "when" in rule else then


def _wish(path: str, unknowable: frozenset[str]) -> Schema:
    return {"if": _says(path), "else": {"required": [path]}} if path in unknowable else {"required": [path]}


def forbid_both(name: str, *, needed: bool) -> Schema:
    """Refuse a value that is both given and said to be unknown; when it is needed, require one of the two."""
    rule: Schema = {"if": _says(name), "then": {"properties": {name: NEVER}}}
    return rule | ({"else": {"required": [name]}} if needed else {})


def _says(name: str) -> Schema:
    return _at(f"unknown.{name}", True, required=True)


def _condition(when: Spec) -> Schema:
    parts = [_at(path, _meets(value), required=True) for path, value in when.items()]
    return parts[0] if len(parts) == 1 else {"allOf": parts}


def _meets(value: object) -> Schema | bool:
    match value:
        case "present":
            return True
        case {"contains": dict() as condition}:
            return {"contains": _condition(condition)}
        case {"contains": code}:
            return {"contains": {"const": code}}
        case {"every": dict() as condition}:
            return {"minItems": 1, "items": _condition(condition)}
        case list():
            return {"const": value[0]} if len(value) == 1 else {"enum": value}
        case _:
            raise SourceError("a condition is a list of values, contains, every, or present")


def _at(path: str, schema: Schema | bool, *, required: bool = False) -> Schema:
    """Apply `schema` at the dotted `path`."""
    name, _, rest = path.partition(".")
    inner = _at(rest, schema, required=required) if rest else schema
    return ({"required": [name]} if required else {}) | ({} if inner is True else {"properties": {name: inner}})


def all_of(rules: Iterable[Schema]) -> Schema:
    """Join rules to the keyword that holds them; nothing for none."""
    listed = list(rules)
    return {"allOf": listed} if listed else {}
