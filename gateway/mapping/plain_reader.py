"""Read plain values of a mapping file strictly, and collect its faults with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.errors import Finding
from gateway.mapping.types import (
    Direction,
    Path,
    parse_path,
)

W = TypeVar("W", bound=StrEnum)

DEFAULTS = frozenset({"*", "", "default", "else", "otherwise"})


class PlainReader:
    """Walks the file once and collects its faults; what it returns is of use only where there are none."""

    def __init__(self) -> None:
        self.faults: list[Finding] = []
        self.direction = Direction.OUT

    def fault(self, place: str, rule: str, hint: str) -> None:
        """Note a fault of the file."""
        self.faults.append(Finding(place=place, rule=rule, hint=hint))

    def members(self, value: object, place: str, known: Mapping[str, bool] | None = None) -> dict[str, object]:
        """The object as text -> value; ``known`` says which keys there are and which are needed."""
        if not isinstance(value, dict):
            self.fault(place, "wrong_type", "a table of keys and values")
            return {}
        found: dict[str, object] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                self.fault(place, "wrong_type", "a key is not text: put it in quotation marks")
            elif known is not None and key not in known:
                rule = "default_refused" if key in DEFAULTS else "unknown_key"
                self.fault(under(place, key), rule, f"known keys: {', '.join(known)}")
            else:
                found[key] = item
        for key in (key for key, needed in (known or {}).items() if needed and key not in found):
            self.fault(place, "missing_key", f"{key} is needed")
        return found

    def text(self, value: object, place: str, pattern: re.Pattern[str] | None = None) -> str:
        """Read text, of the form `pattern` where it is given; empty after a fault."""
        if not isinstance(value, str) or not value.strip() or (pattern and not pattern.fullmatch(value)):
            self.fault(place, "wrong_type", "text" if pattern is None else f"text like {pattern.pattern}")
            return ""
        return value

    def texts(self, value: object, place: str) -> tuple[str, ...]:
        """Read a list of text, at least one; empty after a fault."""
        if not isinstance(value, list) or not value:
            self.fault(place, "wrong_type", "a list of text")
            return ()
        return tuple(self.text(item, place) for item in value)

    def one_of(self, words: type[W], value: object, place: str) -> W | None:
        """Read a word of an enumeration; None after a fault."""
        if isinstance(value, str) and value in list(words):
            return words(value)
        self.fault(place, "wrong_type", f"one of {', '.join(words)}")
        return None

    def flag(self, value: object, place: str) -> bool:
        """Read true or false; false after a fault."""
        if not isinstance(value, bool):
            self.fault(place, "wrong_type", "true or false")
        return value is True

    def path(self, text: str, place: str) -> Path | None:
        """Read a path of a message; None after a fault."""
        found = parse_path(text)
        if found is None:
            self.fault(
                place, "bad_path", "to, purpose, conversation, in_reply_to, header.x or content.x, one [] at most"
            )
        return found


def under(place: str, key: str) -> str:
    """Return the place of a key of the table at `place`."""
    return f"{place}.{key}" if place else key
