"""Correct one value of a content: the field that a place is, what the new value counts as, what the content becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.walk import Node, find_borrowed_category, resolve_content


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
        corrected, categories = _corrected(resolve_content(name), content, steps, value)
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
        return others if value is None else others | {step: value}, _categories(schema, leaf, judged, held)
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
        return [*held[:index], *new, *held[index + 1 :]], _categories(leaf, leaf, judged, {})
    raise _NoSuchFieldError


def _categories(schema: Node, leaf: Node, value: object, siblings: Mapping[str, Any]) -> frozenset[str]:
    if "x-category-as" in leaf:
        return frozenset(filter(None, [find_borrowed_category(schema, leaf["x-category-as"], siblings)]))
    by_code: Mapping[str, str | None] = leaf.get("x-category-codes", {})
    whole = leaf.get("x-category")
    own = by_code.get(value, whole) if isinstance(value, str) else whole
    return frozenset(filter(None, [own] if own else [whole, *by_code.values()]))
