"""JSON as others write it, read without surprises.

The library reads duplicate members (last wins), NaN, huge numbers and half characters without a word. Here each is a
finding with its JSON pointer, and only a value without them comes out: no floats, integers below 2**53, whole text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import orjson

from gateway.errors import Finding
from gateway.ports import Json

LIMIT = 1 << 20
DEPTH = 24
_LARGEST = 2**53
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")


class _Flaw:
    """Stands in the parsed tree where a value broke `rule`, so that the walk can say where."""

    __slots__ = ("rule",)

    def __init__(self, rule: str) -> None:
        self.rule = rule


def read_json(data: bytes, *, limit: int = LIMIT, depth: int = DEPTH) -> tuple[Json, tuple[Finding, ...]]:
    """The value of a document and no findings, or None and what is wrong with it. A byte order mark is passed over."""
    if len(data) > limit:
        return None, (Finding(place="", rule="too_large", hint=f"at most {limit} bytes"),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, (Finding(place="", rule="not_utf8", hint="save the file as UTF-8"),)
    if _nesting(data) > depth:
        return None, (Finding(place="", rule="too_deep", hint=f"at most {depth} levels"),)
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=_fraction, parse_constant=_not_finite, object_pairs_hook=_members
        )
    except json.JSONDecodeError as exc:
        return None, (Finding(place=f"line {exc.lineno}, column {exc.colno}", rule="malformed", hint="not JSON"),)
    findings = tuple(_flaws(value, ""))
    return (None, findings) if findings else (value, ())


def write_json(value: Json) -> bytes:
    """UTF-8 JSON for people and programs: members in the order given, two spaces, a newline at the end."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character, which is then written as its number
        return (
            json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"
        )


def write_line(value: Json) -> bytes:
    """One line of a journal, ASCII only, so that a line ends where it ends for every reader."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def pointer(parent: str, part: str | int) -> str:
    """`parent` with one more step. A member that is no plain name may be content, so it shows as `?`."""
    if isinstance(part, str) and _NAME.fullmatch(part) is None:
        part = "?"
    return f"{parent}/{part}"


def _nesting(data: bytes) -> int:
    """How deep brackets nest, found without parsing: a parser that recurses must never see a hostile depth."""
    depth = deepest = 0
    for token in _TOKENS.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _whole(text: str) -> int | _Flaw:
    if len(text) > 17 or abs(number := int(text)) >= _LARGEST:
        return _Flaw("number_too_large")
    return number


def _fraction(text: str) -> _Flaw:
    return _Flaw("number_not_whole")


def _not_finite(text: str) -> _Flaw:
    return _Flaw("number_not_finite")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = _Flaw("duplicate_member") if name in found else value
    return found


def _flaws(value: Any, place: str) -> Iterator[Finding]:
    match value:
        case _Flaw():
            yield Finding(place=place, rule=value.rule)
        case str():
            if _broken(value):
                yield Finding(place=place, rule="bad_text", hint="half of a character pair")
        case dict():
            for name, member in value.items():
                if _broken(name):
                    yield Finding(place=place, rule="bad_text", hint="half of a character pair in a member name")
                yield from _flaws(member, pointer(place, name))
        case list():
            for index, item in enumerate(value):
                yield from _flaws(item, pointer(place, index))
        case None | bool() | int():
            pass
        case _:
            _unreachable(value)


def _broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _unreachable(value: object) -> NoReturn:
    raise RuntimeError(f"the JSON parser made a {type(value).__name__}")
