"""Walk a schema and a value side by side: list the fields, find those present and what they disclose, correct one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.catalogue import load_catalogue
from schemas.publishing.compose_rules import NEVER

SENSITIVITY = ("public", "operational", "pseudonymous", "identifying", "special", "locating")
"""The classes in rising order; a message has the highest of its fields."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One leaf of a message type. `path` is a JSON pointer with `*` for "each item".

    `category` is None for a field without personal data of a category, and for one whose category is that of a sibling
    (`category_as`). `text` marks free text, `required` a member that its own object always needs.
    """

    path: str
    sensitivity: str
    category: str | None
    category_as: str | None
    codes: str | None
    text: bool
    required: bool
    schema: Node


@cache
def list_fields(name: str) -> tuple[Field, ...]:
    """List every leaf of the message type or schema hash `name`, in document order."""
    root = load_catalogue().resolve(name).document
    return tuple(_fields(root, root, "", required=True))


def find_categories(name: str, content: object) -> frozenset[str]:
    """The categories of personal data that are present in `content`; what a consent must cover (gate G2).

    A value said to be unknown or refused discloses nothing and has no category. What `name` does not know is left to
    `validate`; nothing of an invalid content is ever part of the answer.
    """
    return find_disclosed(name, content)[1]


def find_classes(name: str, content: object) -> frozenset[str]:
    """Find the sensitivity classes that are present in `content`; members that `name` lacks are left to `validate`."""
    return find_disclosed(name, content)[0]


def find_disclosed(name: str, content: object) -> tuple[frozenset[str], frozenset[str]]:
    """Find the sensitivity classes and the data categories in `content` in one walk."""
    found: set[tuple[str, str | None]] = set()
    _disclosed(_resolved_content(name), content, found)
    return (
        frozenset(sensitivity for sensitivity, _ in found),
        frozenset(category for _, category in found if category is not None),
    )


def categories_at(place: str) -> frozenset[str]:
    """Return the categories of the field at ``place``, a JSON pointer into a body, in the types that have it.

    Empty where one of these types gives it no category, or a varying one (that of a sibling, or of its code).
    """
    path = "".join("/*" if step.isdigit() or step == "-" else f"/{step}" for step in place.split("/")[1:])
    return _categories().get(path, frozenset())


@cache
def _categories() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str | None]] = {}
    for entry in load_catalogue().types:
        for field in list_fields(entry.schema):
            # Only a category that holds for every value: a correction that names another one is refused by it.
            varies = "x-category-codes" in field.schema
            found.setdefault(field.path, set()).add(None if varies else field.category)
    return {path: frozenset(filter(None, named)) for path, named in found.items() if None not in named}


def list_parts(name: str, content: object) -> tuple[int, ...]:
    """List the attachments that `content` names, by number, in document order; for a valid content."""
    return tuple(value for leaf, value in _leaves(_resolved_content(name), content) if leaf.get("x-part"))


def highest_class(present: frozenset[str]) -> str:
    """Return the most sensitive of the classes; `public` when there is none."""
    return max(present, key=SENSITIVITY.index, default=SENSITIVITY[0])


# ------------------------------------------------------------------------------------------------------------------


def resolve_reference(schema: Node, root: Node) -> Node:
    """Follow the local reference of `schema` and merge it with the keywords beside it."""
    while "$ref" in schema:
        target: Node = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        own = {key: value for key, value in schema.items() if key != "$ref"}
        if "properties" in target:
            own["properties"] = {**target["properties"], **own.get("properties", {})}
            own["required"] = [*target["required"], *own.get("required", ())]
        schema = {**target, **own}
    return schema


def each_leaf(schema: Node, root: Node) -> Node:
    """Return the schema of the code in a list with one item for each code: its `enum` has all required codes."""
    return resolve_reference(resolve_reference(schema["items"], root)["properties"][schema["x-each"]], root)


def list_members(schema: Node) -> Iterator[tuple[str, Node]]:
    """Yield the members that an object may have; members that are always refused are left out."""
    for name, member in schema.get("properties", {}).items():
        if member != NEVER:
            yield name, member


def _fields(schema: Node, root: Node, path: str, *, required: bool) -> Iterator[Field]:
    schema = resolve_reference(schema, root)
    if "properties" in schema:
        for name, member in list_members(schema):
            yield from _fields(member, root, f"{path}/{name}", required=name in schema.get("required", ()))
    elif "items" in schema:
        yield from _fields(schema["items"], root, f"{path}/*", required=required)
    else:
        yield Field(
            path=path,
            sensitivity=schema["x-class"],
            category=schema.get("x-category"),
            category_as=schema.get("x-category-as"),
            codes=schema.get("x-codes"),
            text=schema.get("x-text", False),
            required=required,
            schema=schema,
        )


@cache
def _resolved_content(name: str) -> Node:
    """Return the schema of the content of `name`, with every reference below it followed."""
    root = load_catalogue().resolve(name).document
    return _resolved(root["properties"]["content"], root)


def _resolved(schema: Node, root: Node) -> Node:
    """`schema` with every reference below it followed; schemas are finite, so this ends."""
    schema = dict(resolve_reference(schema, root))
    if "properties" in schema:
        schema["properties"] = {name: _resolved(member, root) for name, member in list_members(schema)}
    if "items" in schema:
        schema["items"] = _resolved(schema["items"], root)
    return schema


def _disclosed(schema: Node, value: object, found: set[tuple[str, str | None]]) -> None:
    """Add (class, category) of each leaf of `value`; members the schema lacks are left to the validator."""
    if isinstance(value, dict):
        for name, leaf in schema.get("properties", {}).items():
            if name in value:
                if "x-category-as" in leaf:
                    found.add((leaf["x-class"], _borrowed(schema, leaf["x-category-as"], value)))
                else:
                    _disclosed(leaf, value[name], found)
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            _disclosed(schema["items"], item, found)
    elif "x-class" in schema:
        found.add((schema["x-class"], _category(schema, value)))


def _leaves(schema: Node, value: object) -> Iterator[tuple[Node, Any]]:
    """Yield each leaf of `value` with its value; members the schema lacks are left out."""
    if isinstance(value, dict):
        for name, leaf in schema.get("properties", {}).items():
            if name in value:
                yield from _leaves(leaf, value[name])
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            yield from _leaves(schema["items"], item)
    else:
        yield schema, value


def _category(schema: Node, value: object) -> str | None:
    own: Node = schema.get("x-category-codes", {})
    category: str | None = schema.get("x-category")
    return own.get(value, category) if isinstance(value, str) else category


def _borrowed(schema: Node, sibling: str, value: Mapping[str, Any]) -> str | None:
    """Find the category of a sibling: its code when the sibling names a data category, else its own category."""
    leaf = schema["properties"][sibling]
    if leaf.get("x-codes") == "data_category":
        named = value.get(sibling)
        return named if isinstance(named, str) and named in leaf["enum"] else None
    return _category(leaf, value.get(sibling))


# --- one value corrected -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A content with its new value. ``categories`` are those that the value may count under: its own one, or all of the
    field where the value itself discloses nothing; empty for a field without personal data of a category.
    """

    content: Mapping[str, Any]
    categories: frozenset[str]


class _NoSuchFieldError(Exception):
    """The place is no field of the schema, or the content has nothing there that could be corrected."""


def correct_content(name: str, content: Mapping[str, Any], place: str, value: object = None) -> Corrected | None:
    """Set the field at ``place`` of a ``content`` of the message type or schema hash ``name``; None takes it away.

    ``place`` is a JSON pointer into the body. An item of a list may be added behind the last one. Returns None where
    the schema has no such field, or the content nothing to hold it or to take away. The result is not validated.
    """
    step, *steps = place.split("/")[1:] or [""]
    if step != "content" or not steps:
        return None
    try:
        corrected, categories = _corrected(_resolved_content(name), content, steps, value)
    except _NoSuchFieldError:
        return None
    return Corrected(content=corrected, categories=categories)


def _corrected(schema: Node, held: object, steps: Sequence[str], value: object) -> tuple[Any, frozenset[str]]:
    """The part of a content below ``schema`` with its new value, and the categories of that."""
    step, rest = steps[0], steps[1:]
    held = [] if held is None and "items" in schema else held
    if isinstance(held, dict) and step in schema.get("properties", {}):
        leaf = schema["properties"][step]
        if rest:
            part, categories = _corrected(leaf, held.get(step), rest, value)
            return {**held, step: part}, categories
        others = {name: member for name, member in held.items() if name != step}
        judged = held.get(step) if value is None else value
        if "x-class" not in leaf or judged is None:
            raise _NoSuchFieldError
        return others if value is None else others | {step: value}, _categories_of_value(schema, leaf, judged, held)
    if isinstance(held, list) and "items" in schema:
        index = len(held) if step == "-" else int(step) if step.isdigit() and len(step) <= 4 else -1
        leaf, there = schema["items"], 0 <= index < len(held)
        if rest and there:
            part, categories = _corrected(leaf, held[index], rest, value)
            return [*held[:index], part, *held[index + 1 :]], categories
        if rest or "x-class" not in leaf or not (there or (index == len(held) and value is not None)):
            raise _NoSuchFieldError
        new = [] if value is None else [value]
        judged = held[index] if value is None else value
        return [*held[:index], *new, *held[index + 1 :]], _categories_of_value(leaf, leaf, judged, {})
    raise _NoSuchFieldError


def _categories_of_value(schema: Node, leaf: Node, value: object, siblings: Mapping[str, Any]) -> frozenset[str]:
    if "x-category-as" in leaf:
        return frozenset(filter(None, [_borrowed(schema, leaf["x-category-as"], siblings)]))
    by_code: Mapping[str, str | None] = leaf.get("x-category-codes", {})
    whole = leaf.get("x-category")
    own = by_code.get(value, whole) if isinstance(value, str) else whole
    return frozenset(filter(None, [own] if own else [whole, *by_code.values()]))
