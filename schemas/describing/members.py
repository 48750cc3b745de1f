"""Describe a message type in words: its members one by one; for pages and terminals (`describe_rules`: its rules).

The description is read from the published schema alone, so that a page never promises more than validation enforces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.catalogue import load_catalogue
from schemas.codelists import ENGLISH, code_list
from schemas.describing.rules import is_answer
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


def describe_members(name: str) -> tuple[Row, ...]:
    """Describe the members of the message type or schema hash `name`, in document order, without `unknown` itself."""
    root = load_catalogue().resolve(name).document
    halves: Mapping[str, Node] = root["properties"]
    return tuple(row for half, schema in halves.items() for row in _members(schema, root, f"/{half}"))


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
    answered = {rule["else"]["required"][0] for rule in schema.get("allOf", ()) if is_answer(rule) and "else" in rule}
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
