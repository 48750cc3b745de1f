"""Read JSON that somebody else wrote, without surprises: one reader for the API, the command line, packs and adapters.

The standard library reads duplicate members (the last wins), NaN, numbers that other languages round, and half
characters without a word. Here each is a flaw with its place, and only a value without flaws comes out. Each caller has
its own words for a flaw. Signed documents have one spelling only; ``keys.primitives.encoding.parse`` reads them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

DEPTH = 24
"""Levels of arrays and objects: as many as a message may have."""
LARGEST = 2**53 - 1
"""The largest integer that every JSON library reads exactly (RFC 8259, section 6)."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_LONGEST_NUMBER = 4_300  # digits; Python refuses to read more

_Path = tuple["_Path", str | int] | None


class Rule(StrEnum):
    """A rule that a document breaks."""

    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_UTF8 = "not_utf8"
    BYTE_ORDER_MARK = "byte_order_mark"
    MALFORMED = "malformed"
    DUPLICATE_MEMBER = "duplicate_member"
    NUMBER_TOO_LARGE = "number_too_large"
    NUMBER_NOT_WHOLE = "number_not_whole"
    NUMBER_NOT_FINITE = "number_not_finite"
    BAD_TEXT = "bad_text"
    BAD_NAME = "bad_name"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule and where it is broken: `place` is a JSON pointer; `at` is the byte where UTF-8 ends, or line and column
    where JSON ends.
    """

    rule: Rule
    place: str = ""
    at: tuple[int, ...] = ()


def read_json(
    data: bytes, *, limit: int | None = None, depth: int = DEPTH, whole: bool = True, mark: bool = False
) -> tuple[Json, tuple[Flaw, ...]]:
    """Read a document of at most `limit` bytes: its value and no flaws, or None and the flaws.

    `whole` refuses fractions and numbers beyond `LARGEST`; without it they come as the library reads them, for a
    caller whose file is judged later, place by place. `mark` passes over a byte order mark.
    """
    if limit is not None and len(data) > limit:
        return None, (Flaw(Rule.TOO_LARGE),)
    try:
        text = data.decode("utf-8-sig" if mark else "utf-8")
    except UnicodeDecodeError as exc:
        return None, (Flaw(Rule.NOT_UTF8, at=(exc.start,)),)
    if not mark and text.startswith("\ufeff"):
        return None, (Flaw(Rule.BYTE_ORDER_MARK, at=(1, 1)),)
    flaws: list[Flaw] = []
    try:
        value = json.loads(text, object_pairs_hook=_members, **(_WHOLE if whole else _ANY))
        _find_flaws(value, None, depth, flaws)
    except json.JSONDecodeError as exc:
        flaws = [Flaw(Rule.MALFORMED, at=(exc.lineno, exc.colno))]
    except RecursionError:  # the library counts levels before it reads them: a hostile depth ends here
        flaws = [Flaw(Rule.TOO_DEEP)]
    return (None, tuple(flaws)) if flaws else (value, ())


def is_whole_text(text: str) -> bool:
    """Whether `text` can be written in UTF-8. JSON can spell half a surrogate pair, which is no character."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                found[name] = Rule.DUPLICATE_MEMBER
            seen.add(name)
    return found


def _whole(text: str) -> int | Rule:
    return number if len(text) <= 17 and abs(number := int(text)) <= LARGEST else Rule.NUMBER_TOO_LARGE


def _integer(text: str) -> int | Rule:
    return int(text) if len(text) <= _LONGEST_NUMBER else Rule.NUMBER_TOO_LARGE


_WHOLE: dict[str, Any] = {
    "parse_int": _whole,
    "parse_float": lambda _: Rule.NUMBER_NOT_WHOLE,
    "parse_constant": lambda _: Rule.NUMBER_NOT_FINITE,
}
_ANY: dict[str, Any] = {"parse_int": _integer}


def _find_flaws(value: Any, path: _Path, left: int, flaws: list[Flaw]) -> None:
    """Note each flaw below `value`; a rule stands in the parsed tree where a value broke it."""
    if isinstance(value, Rule):
        flaws.append(Flaw(value, _pointer(path)))
    elif isinstance(value, str):
        if not is_whole_text(value):
            flaws.append(Flaw(Rule.BAD_TEXT, _pointer(path)))
    elif isinstance(value, (dict, list)):
        if left == 0:
            raise RecursionError
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(step, str) and not is_whole_text(step):
                flaws.append(Flaw(Rule.BAD_NAME, _pointer(path)))
            _find_flaws(item, (path, step), left - 1, flaws)


def _pointer(path: _Path) -> str:
    """The JSON pointer of a place. A member that is no plain name may be content, so it shows as `?`."""
    if path is None:
        return ""
    parent, step = path
    return f"{_pointer(parent)}/{step if isinstance(step, int) or _NAME.fullmatch(step) else '?'}"
