"""Render a message, or a message type, as lines for people in one language.

    render_message(type, body, labels)    one document, every member in the order of its schema
    render_type(type, labels)             the members of a type, then its codes

The same document with the same schemas and label files gives the same bytes on every node: rendering uses no clock, no
time zone, no locale, and not the order in which a body was written. A caller that renders for one person may pass words
of its own for leaf types and places (`named`): a page says "Albanian" where the document has `sq`. A member without a
label shows its own name, marked; an unknown code and a member that the schema lacks are marked as well. Nothing is left
out: a member without a line is not in the body, and a dash stands for an empty list.

Direction is stated, not guessed: `Rendering.direction` is for a page (`dir`); `text` has the marks for a terminal, and
a value that may turn the direction of its line stands in an isolate. No value can close it: characters that steer
direction or a terminal are replaced.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from schemas.catalogue import load_catalogue
from schemas.codelists import code_list
from schemas.describing.members import describe_members
from schemas.labels import Direction, Label, Labels
from schemas.places import format_pointer
from schemas.text import BIDI_CONTROLS
from schemas.walk import Node, list_members, resolve_reference

RIGHT_TO_LEFT_MARK, FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u200f", "\u2068", "\u2069"
"""UAX 9: the mark makes a line run from right to left; an isolate keeps what is inside from turning what is outside."""

REPLACED = "\ufffd"
NEWLINE, KEPT = "\n", "\n\t"
STEERING = ("Cc", "Cs", "Zl", "Zp")

ABSENCE, UNKNOWN = "absence", "unknown"
"""The code list of reasons why a value is missing, and the member of an object that has them."""

TIMESTAMP, LATEST = "#/$defs/timestamp", 4_102_444_799
"""The leaf type of whole Unix seconds in fragments/types.json, and the last one it admits."""

NOTHING, INDENT, ITEM = "–", "  ", "- "
CONTINUED = "| "
"""Before the further lines of a text, so that none of them can pass for a member."""

DEFS = "#/$defs/"
Path: TypeAlias = tuple[str, ...]
Named: TypeAlias = Mapping[str, Callable[[str], str]]
"""A text in words, by the name of its leaf type in fragments/types.json or by its own place, which goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a label, a value, or both. A heading has no value; an item of a list of values has no label."""

    depth: int
    label: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """All lines, the title first. `draft` is true when a label in them was not reviewed by a native speaker."""

    language: str
    direction: Direction
    draft: bool
    lines: tuple[Line, ...]

    def text(self) -> str:
        """Return the lines as text with direction marks, each ended by a newline."""
        return "".join(f"{self._written(line)}\n" for line in self.lines)

    def _written(self, line: Line) -> str:
        first, *more = (self._isolated(part) for part in line.value.split("\n"))
        head = f"{line.label}: {first}" if line.label and first else line.label or f"{ITEM}{first}"
        start = (RIGHT_TO_LEFT_MARK if self.direction == "rtl" else "") + INDENT * line.depth
        return "\n".join([start + head, *(f"{start}{INDENT}{CONTINUED}{part}" for part in more)])

    def _isolated(self, value: str) -> str:
        """Wrap `value` in an isolate when it or the line runs from right to left."""
        turns = any(unicodedata.bidirectional(char) in ("R", "AL") for char in value)
        isolated = value and (turns or self.direction == "rtl")
        return f"{FIRST_STRONG_ISOLATE}{value}{POP_ISOLATE}" if isolated else value


def render_message(type: str, body: object, labels: Labels, named: Named = MappingProxyType({})) -> Rendering:
    """Render `body` ({"header", "content"}) of the message type or schema hash `type` for people.

    Any JSON value is rendered, valid or not; `validate` judges it. Raises RefusedError(no_common_schema) for a type
    that is not held.
    """
    entry = load_catalogue().resolve(type)
    page = _Page(entry.body_type, entry.document, labels, named)
    page.body(body)
    return page.rendering()


def render_type(type: str, labels: Labels) -> Rendering:
    """Render the members of `type` with label, place and meaning, then the labels of every code they use.

    Retired codes are left out. Raises like `render_message`.
    """
    entry = load_catalogue().resolve(type)
    page = _Page(entry.body_type, entry.document, labels, {})
    page.outline(entry.schema)
    return page.rendering()


def replace_controls(text: str) -> str:
    """Replace the characters of `text` that steer direction or a terminal or break a line invisibly; newlines and tabs
    stay.
    """
    return "".join(REPLACED if _steers(char) else char for char in text)


def mark_name(name: str, word: str) -> str:
    """Mark a name with `word`, which says that it has no label, or is not in its list or schema."""
    return f"{replace_controls(name).replace(NEWLINE, REPLACED)} [{word}]"


# ------------------------------------------------------------------------------------------------------------------


class _Page:
    """Collects lines, and whether a label among them is a draft."""

    def __init__(self, body_type: str, root: Node, labels: Labels, named: Named) -> None:
        self._type, self._root, self._named = body_type, root, named
        self._labels, self._words = labels, labels.language
        self._lines: list[Line] = []
        self._draft = False
        self._title = self._said(labels.message(body_type), body_type)

    def rendering(self) -> Rendering:
        marks = [Line(depth=0, label=f"[{self._words.draft}]")] if self._draft else []
        lines = (Line(depth=0, label=self._title), *marks, *self._lines)
        words = self._words
        return Rendering(language=words.code, direction=words.direction, draft=self._draft, lines=lines)

    def body(self, body: object) -> None:
        if isinstance(body, Mapping):
            self._object(self._root, body, (), 0)
        else:
            self._put(0, "", self._scalar(body))

    def outline(self, schema: str) -> None:
        listed = describe_members(schema)
        for row in listed:
            names = [step for step in row.place.split("/")[1:] if step != "*"]
            codes = f" ({row.codes})" if row.codes else ""
            meaning = self._labels.meaning(row.meaning).text if row.meaning else None
            told = f"{row.place}{codes}" if meaning is None else f"{row.place}{codes}: {meaning}"
            self._put(len(names) - 2, self._field(row.place, names[-1]), told)
        for name in sorted({row.codes for row in listed if row.codes}):
            self._put(0, self._said(self._labels.title(name), name), name)
            for entry in code_list(name).codes:
                if not entry.retired:
                    self._put(1, self._code(name, entry.code), entry.code)

    # --- members

    def _object(self, node: Node, value: Mapping[str, Any], path: Path, depth: int) -> None:
        known = dict(list_members(node))
        reasons = value.get(UNKNOWN) if UNKNOWN in known else None
        told = dict(reasons) if isinstance(reasons, Mapping) else {}
        for name, member in known.items():
            label = self._field(format_pointer((*path, name)), name)
            if name == UNKNOWN:
                continue
            if name in value:
                self._value(label, member, value[name], (*path, name), depth)
            elif name in told:
                self._put(depth, label, f"({self._reason(told.pop(name))})")
        if told or (reasons is not None and not isinstance(reasons, Mapping)):
            self._put(depth, self._field(format_pointer((*path, UNKNOWN)), UNKNOWN), self._scalar(told or reasons))
        for name in sorted(value.keys() - known.keys()):
            self._put(depth, mark_name(name, self._words.unknown_field), self._scalar(value[name]))

    def _value(self, label: str, said: Node, value: object, path: Path, depth: int) -> None:
        """Render one value. `said` still has its reference, by which a timestamp is recognised."""
        node = resolve_reference(said, self._root)
        if isinstance(value, Mapping) and "properties" in node:
            self._put(depth, label)
            self._object(node, value, path, depth + 1)
        elif isinstance(value, list) and value and "items" in node:
            self._put(depth, label)
            for count, item in enumerate(value, 1):
                number = f"{count}." if isinstance(item, Mapping) else ""
                self._value(number, node["items"], item, (*path, "*"), depth + 1)
        else:
            self._put(depth, label, self._leaf(said, node, value, path))

    def _leaf(self, said: Node, node: Node, value: object, path: Path) -> str:
        if "x-codes" in node and isinstance(value, str):
            return self._code(node["x-codes"], value)
        if said.get("$ref") == TIMESTAMP and isinstance(value, int) and 0 <= value <= LATEST:
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        leaf = str(said.get("$ref")).removeprefix(DEFS)
        name = self._named.get(format_pointer(path)) or self._named.get(leaf)
        return self._scalar(name(value) if name is not None and isinstance(value, str) else value)

    # --- words

    def _scalar(self, value: object) -> str:
        match value:
            case bool():
                return self._words.yes if value else self._words.no
            case None | "" | []:
                return NOTHING
            case str():
                return replace_controls(value)
            case _:
                return replace_controls(json.dumps(value, ensure_ascii=False, sort_keys=True))

    def _code(self, name: str, code: str) -> str:
        if code not in code_list(name):
            return mark_name(code, self._words.unknown_code)
        return self._said(self._labels.code(name, code), code)

    def _reason(self, code: object) -> str:
        return self._code(ABSENCE, code) if isinstance(code, str) else self._scalar(code)

    def _field(self, place: str, name: str) -> str:
        return self._said(self._labels.field(self._type, place), name)

    def _said(self, label: Label, name: str) -> str:
        """Return the text of a label, or the marked name when there is none."""
        self._draft |= label.draft
        return mark_name(name, self._words.no_label) if label.text is None else label.text

    def _put(self, depth: int, label: str, value: str = "") -> None:
        self._lines.append(Line(depth=depth, label=label, value=value))


def _steers(char: str) -> bool:
    return char in BIDI_CONTROLS or (char not in KEPT and unicodedata.category(char) in STEERING)
