"""A document as the fields of a form, and back: `posted` and `body` are each other's way back for every valid document.

The name of a field is its place in the document (JSON pointer, rows of a list counted). Beside it there may be

    PLACE#          the object or list is there though it is empty
    PLACE#at        the exact time that a day and hour in the field stood for, which knows no seconds
    PLACE#kind      of a value that may be a text, a number, yes or no: which it is

What was not filled in is not there; nothing is ever put in its place. What can not be read (letters for a number) stays
as the text it is, so that it is shown again and the one validator refuses it. Names that the schema does not have are
passed over. What the node fills in itself (`FILLED`) is no field.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gateway.foundation.json import Json
from schemas.catalogue import load_catalogue
from schemas.walk import Node, list_members, resolve_reference

Fields = Mapping[str, Sequence[str]]
Offset = Callable[[int], int]
"""The seconds by which the time of the country is ahead of UTC at a moment."""

HALVES = ("header", "content")
FILLED = frozenset({"/header/author_ref", "/header/seen", "/header/vital_interest/approver_ref"})
GIVEN = frozenset({("referral.accept/1", "/content/case_ref_recipient")})
"""What the node fills in where a person leaves it empty, by type."""
THERE, AT, KIND = "#", "#at", "#kind"
YES, NO, NUMBER, TEXT = "true", "false", "number", "text"
BOXES = 40
"""The longest code list that is shown as boxes to be ticked; of a longer one the codes are chosen in rows."""

DEEPEST_ROW = 1_000
_DIGITS = re.compile(r"-?\d{1,16}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?")


class Kind(StrEnum):
    """The form control that a member gets."""

    OBJECT = "object"
    ROWS = "rows"
    """A list of objects."""
    LINES = "lines"
    """A list of single values."""
    BOXES = "boxes"
    """Different codes of a short list."""
    CODE = "code"
    FLAG = "flag"
    FIXED = "fixed"
    """It can only be one value, if it is there."""
    DATE = "date"
    TIME = "time"
    NUMBER = "number"
    TEXT = "text"
    SCALAR = "scalar"
    """A text, a number, yes or no."""


def kind_of(said: Node, root: Node) -> Kind:
    """Return the control for the member with this schema; ``said`` is the schema before its reference is resolved."""
    node = resolve_reference(said, root)
    match node:
        case {"properties": _}:
            return Kind.OBJECT
        case {"items": items}:
            item = resolve_reference(items, root)
            if "properties" in item:
                return Kind.ROWS
            short = node.get("uniqueItems") and "x-codes" in item and len(item["enum"]) <= BOXES
            return Kind.BOXES if short else Kind.LINES
        case {"x-codes": _}:
            return Kind.CODE
        case {"const": _}:
            return Kind.FIXED
        case {"type": [*_]}:
            return Kind.SCALAR
        case {"type": "boolean"}:
            return Kind.FLAG
        case {"type": "integer"}:
            return Kind.TIME if type_of(said) == "timestamp" else Kind.NUMBER
        case {"format": "date"}:
            return Kind.DATE
        case {"type": "string"}:
            return Kind.TEXT
        case _:
            raise RuntimeError("a member of no known kind")


def type_of(said: Node) -> str:
    """Return the name of the leaf type in `schemas/fragments/types.json`, or "" if the member has none."""
    return str(said.get("$ref", "")).removeprefix("#/$defs/")


def list_asked(node: Node, place: str) -> Iterator[tuple[str, Node]]:
    """List the members of an object that a form asks for, without the reasons for missing ones."""
    for name, member in list_members(node):
        if f"{place}/{name}" not in FILLED and not (name == "unknown" and "properties" in member):
            yield name, member


def list_reasons(node: Node) -> Mapping[str, Node]:
    """Map each member that can be missing to the schema of its reason."""
    found: Mapping[str, Node] = node["properties"].get("unknown", {}).get("properties", {})
    return found


# --- to fields ----------------------------------------------------------------------------------------------------


def to_fields(body_type: str, document: Mapping[str, Json], offset: Offset) -> dict[str, tuple[str, ...]]:
    """Convert a document to the fields that a browser would send for it, without the empty ones."""
    root = load_catalogue().resolve(body_type).document
    found: dict[str, tuple[str, ...]] = {}
    for half in HALVES:
        _put(root["properties"][half], root, document.get(half), f"/{half}", found, offset)
    return found


def _put(said: Node, root: Node, value: Json, place: str, found: dict[str, tuple[str, ...]], offset: Offset) -> None:
    node, kind = resolve_reference(said, root), kind_of(said, root)
    match kind, value:
        case Kind.OBJECT, dict():
            if not value:
                found[place + THERE] = (YES,)
            for name, member in list_asked(node, place):
                if name in value:
                    _put(member, root, value[name], f"{place}/{name}", found, offset)
            absent = value.get("unknown")
            if isinstance(absent, dict) and list_reasons(node):
                found.update(
                    {f"{place}/unknown/{name}": (str(absent[name]),) for name in list_reasons(node) if name in absent}
                )
        case ((Kind.ROWS | Kind.LINES | Kind.BOXES), []):
            found[place + THERE] = (YES,)
        case ((Kind.ROWS | Kind.LINES), list()):
            for i, item in enumerate(value):
                _put(node["items"], root, item, f"{place}/{i}", found, offset)
        case Kind.BOXES, list():
            found[place] = tuple(str(item) for item in value)
        case Kind.TIME, int():
            found[place], found[place + AT] = (_local(value, offset),), (str(value),)
        case Kind.SCALAR, bool():
            found[place + KIND] = (_word(value),)
        case Kind.SCALAR, (int() | str()):
            found[place], found[place + KIND] = (str(value),), (TEXT if isinstance(value, str) else NUMBER,)
        case _, bool():
            found[place] = (_word(value),)
        case _, (str() | int()):
            found[place] = (str(value),)


def _word(value: bool) -> str:
    return YES if value else NO


def _local(at: int, offset: Offset) -> str:
    try:
        moment = datetime.fromtimestamp(at + offset(at), UTC)
    except (ValueError, OverflowError, OSError):
        return str(at)
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


# --- to a document ------------------------------------------------------------------------------------------------


def to_document(body_type: str, fields: Fields, offset: Offset) -> dict[str, Json]:
    """Convert form fields to the document `{"header": ..., "content": ...}`."""
    root = load_catalogue().resolve(body_type).document
    taken = _Taken(root=root, fields=fields, offset=offset, rows=find_rows(fields))
    document: dict[str, Json] = {}
    for half in HALVES:
        value = taken.value(root["properties"][half], f"/{half}")
        document[half] = {} if value is None else value
    return document


def find_rows(fields: Fields) -> Mapping[str, Sequence[int]]:
    """Find the row numbers of each list for which the form sent anything."""
    found = defaultdict[str, set[int]](set)
    for name in fields:
        steps = name.partition("#")[0].split("/")
        for i, step in enumerate(steps):
            if step.isascii() and step.isdigit() and int(step[:5]) < DEEPEST_ROW:
                found["/".join(steps[:i])].add(int(step[:5]))
    return {place: sorted(numbers) for place, numbers in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """Form fields during their conversion to a document. None stands for an absent member: no member here may
    be null.
    """

    root: Node
    fields: Fields
    offset: Offset
    rows: Mapping[str, Sequence[int]]

    def value(self, said: Node, place: str) -> Json:
        node = resolve_reference(said, self.root)
        match kind_of(said, self.root):
            case Kind.OBJECT:
                return self._object(node, place)
            case Kind.ROWS | Kind.LINES:
                numbers = self.rows.get(place, ())
                items = [self.value(node["items"], f"{place}/{n}") for n in numbers]
                return self._unless_empty([item for item in items if item is not None], place)
            case Kind.BOXES:
                return self._unless_empty(list(dict.fromkeys(filter(None, self.fields.get(place, ())))), place)
            case Kind.SCALAR:
                return self._scalar(place)
            case kind:
                return self._leaf(kind, node, place)

    def _object(self, node: Node, place: str) -> Json:
        found = {name: self.value(member, f"{place}/{name}") for name, member in list_asked(node, place)}
        there: dict[str, Json] = {name: value for name, value in found.items() if value is not None}
        why: dict[str, Json] = {
            name: reason for name in list_reasons(node) if (reason := self._one(f"{place}/unknown/{name}"))
        }
        return self._unless_empty(there | ({"unknown": why} if why else {}), place)

    def _unless_empty(self, value: Any, place: str) -> Json:
        found: Json = value if value or self._one(place + THERE) else None
        return found

    def _leaf(self, kind: Kind, node: Node, place: str) -> Json:
        text = self._one(place)
        if not text:
            return None
        match kind:
            case Kind.FLAG if text in (YES, NO):
                return text == YES
            case Kind.FIXED:
                return True if text == YES and node["const"] is True else text
            case Kind.NUMBER:
                return _number(text)
            case Kind.TIME:
                return self._moment(text, place)
            case _:
                return text

    def _scalar(self, place: str) -> Json:
        text = self._one(place)
        match self._one(place + KIND):
            case "true" | "false" as word:
                return word == YES
            case "number":
                return _number(text) if text else None
            case _:
                return text or None

    def _moment(self, text: str, place: str) -> Json:
        """Convert a local day and time; keep the exact second that was shown if the text was not changed."""
        exact = self._one(place + AT)
        if _DIGITS.fullmatch(exact) and _local(int(exact), self.offset) == text:
            return int(exact)
        found = parse_moment(text, self.offset)
        if found is None:
            return _number(text) if text == exact else text
        return found

    def _one(self, name: str) -> str:
        return next(iter(self.fields.get(name, ())), "")


def parse_moment(text: str, offset: Offset) -> int | None:
    """Convert a local day and time to Unix seconds; None if the text is neither."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        naive = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
        return naive - offset(naive - offset(naive))
    except ValueError:  # no such day, or the year before the first
        return None


def _number(text: str) -> Json:
    """Convert a whole number in the digits of any script; other text stays as it is, for the validator to refuse."""
    return int(text) if _DIGITS.fullmatch(text) else text


# --- rows ---------------------------------------------------------------------------------------------------------


def remove_row(document: Json, place: str) -> Json:
    """Return the document without the row at a place; unchanged if there is no such row."""
    head, _, tail = place.lstrip("/").partition("/")
    if isinstance(document, list) and head.isdigit() and int(head) < len(document):
        n = int(head)
        inner = [remove_row(document[n], tail)] if tail else []
        return [*document[:n], *inner, *document[n + 1 :]]
    if isinstance(document, dict) and head in document and tail:
        inner_value = remove_row(document[head], tail)
        if inner_value == [] and document[head] != []:
            return {name: value for name, value in document.items() if name != head}
        return {**document, head: inner_value}
    return document
