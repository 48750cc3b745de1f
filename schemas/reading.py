"""Read a JSON file that people edit, to the end, so that one reading finds every fault with its place.

A `Spot` is one value at one place ("policies/two-step.json#/rules/3/purpose"). A method that meets a fault notes a
finding and returns a harmless value, so that reading goes on; `raise_faults` raises at the end if anything was found.
These files belong to an administrator and hold no case, yet their findings follow the rule for cases: place, rule and
hint, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from gateway.errors import Code, Finding, RefusedError
from gateway.strict_json import read_json
from schemas.codelists import ENGLISH

MAX_BYTES = 1 << 20
"""A file of this size was written by no person."""

WORD = re.compile(r"[a-z][a-z0-9_]{0,47}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
"""The form of a language tag in the schemas."""

SPACES = str.maketrans("\u00a0\u202f", "  ")
"""The spaces that break no line, before a colon in French: typography and no control."""

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


class Folder(Protocol):
    """A folder or a file, as loaders read it: a `pathlib.Path`, or a file of an installed package
    (`schemas.resources`).
    """

    @property
    def name(self) -> str:
        """The last part of its path."""

    def is_file(self) -> bool:
        """Whether it is an existing file."""

    def is_dir(self) -> bool:
        """Whether it is an existing folder."""

    def iterdir(self) -> Iterator[Folder]:
        """Yield the entries of the folder, in any order."""

    def joinpath(self, *names: str) -> Folder:
        """Return an entry below the folder, whether it exists or not."""

    def read_bytes(self) -> bytes:
        """Read the content of the file."""


Log = list[Finding]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The languages that a pack may use; and by language, by their English, its translated texts."""

    languages: Collection[str]
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def others(self, english: str) -> Labels:
        """Return the translations of a text. A translation of a text that was reworded or removed is never used."""
        return {language: said[english] for language, said in self.texts.items() if english in said}


def pick_label(labels: Labels, language: str) -> str:
    """Return the text in `language`, or the English one, which always exists, marked as English."""
    return labels.get(language) or f"{labels[ENGLISH]} [{ENGLISH}]"


def raise_faults(log: Log, what: str) -> None:
    """Raise RefusedError(invalid) with all findings about `what`; do nothing for an empty log."""
    if log:
        raise RefusedError(Code.INVALID, f"{what} is not valid", hint="mend each place named", findings=log)


def open_json(folder: Folder, path: str, log: Log) -> Spot:
    """Open the JSON file `path` (with slashes) in `folder`; an unreadable file is a finding and reads as empty."""
    found = folder.joinpath(*path.split("/"))
    place = f"{path}#"
    if not found.is_file():
        log.append(Finding(place=path, rule="missing_file", hint="this file has to be there"))
        return Spot(value=None, place=place, log=log, lost=True)
    return parse_json(found.read_bytes(), place, log)


def parse_json(data: bytes, place: str, log: Log) -> Spot:
    """Parse the JSON in `data`: UTF-8, no member twice, whole numbers only; anything else is a finding."""
    value, flaws = read_json(data, limit=MAX_BYTES, mark=True)
    if flaws:
        log.append(Finding(place=place, rule="not_json", hint="UTF-8 JSON, no member twice, whole numbers only"))
    return Spot(value=value, place=place, log=log, lost=bool(flaws))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One value, its place, and the log of the file. A `lost` spot has its finding already and adds no other."""

    value: Any
    place: str
    log: Log
    lost: bool = False

    def fault(self, rule: str, hint: str) -> None:
        """Note a finding at this place."""
        if not self.lost:
            self.log.append(Finding(place=self.place, rule=rule, hint=hint))

    def at(self, step: str | int, value: Any, *, lost: bool = False) -> Spot:
        """Return the value below this one at `step`."""
        return Spot(value=value, place=f"{self.place}/{step}", log=self.log, lost=lost)

    def members(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Spot]:
        """Read a closed object: every required member (lost where it is missing) and the optional ones present."""
        value = self._object()
        # Closed, so that a misspelt optional member is a finding and not a setting that has no effect.
        for name in value:
            if name not in required and name not in optional:
                self.at(name, None).fault("unknown_key", f"only {', '.join((*required, *optional))}")
        for name in required:
            if name not in value and not self._is_lost():
                self.at(name, None).fault("required", "is missing")
        found = {name: self.at(name, value.get(name), lost=name not in value) for name in required}
        return found | {name: self.at(name, value[name]) for name in optional if name in value}

    def entries(self) -> dict[str, Spot]:
        """Read an object whose member names the author chooses."""
        return {name: self.at(name, member) for name, member in self._object().items()}

    def items(self, low: int = 0, high: int = 400) -> tuple[Spot, ...]:
        """Read a list of `low` to `high` items."""
        if not isinstance(self.value, list) or not low <= len(self.value) <= high:
            self.fault("list", f"a list of {low} to {high} items")
            return ()
        return tuple(self.at(index, item) for index, item in enumerate(self.value))

    def text(self, longest: int = 400) -> str:
        """Read text for people of 1 to `longest` characters on one line."""
        value = self.value.translate(SPACES) if isinstance(self.value, str) else ""
        if not 0 < len(value) <= longest or not value.isprintable():
            self.fault("text", f"text of 1 to {longest} characters")
            return ""
        return str(self.value)

    def number(self, low: int, high: int) -> int:
        """Read a whole number within bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            self.fault("number", f"a whole number from {low} to {high}")
            return low
        return self.value

    def const(self, expected: str) -> None:
        """Require exactly this text."""
        if self.value != expected:
            self.fault("const", f"must be {expected}")

    def matching(self, pattern: re.Pattern[str], hint: str) -> str:
        """Read text that matches `pattern`."""
        if not isinstance(self.value, str) or not pattern.fullmatch(self.value):
            self.fault("form", hint)
            return ""
        return self.value

    def one_of(self, known: Collection[str], rule: str, hint: str) -> str:
        """Read one of the words of `known`."""
        if not isinstance(self.value, str) or self.value not in known:
            self.fault(rule, hint)
            return ""
        return self.value

    def several(self, known: Collection[str], rule: str, hint: str, *, low: int = 0) -> tuple[str, ...]:
        """Read different words of `known`, in the order of the file."""
        found = tuple(item.one_of(known, rule, hint) for item in self.items(low))
        if len(set(found)) != len(found):
            self.fault("twice", "each only once")
        return found

    def labels(self, wording: Wording | None = None, longest: int = 400) -> Labels:
        """Read text by language. English is required, since it stands in for a missing translation.

        With `wording` only its languages are permitted, and its translations are added; text in the file takes
        precedence.
        """
        found = {language: spot.text(longest) for language, spot in self.entries().items()}
        for language in found:
            if not LANGUAGE.fullmatch(language) or (wording is not None and language not in wording.languages):
                self.at(language, None).fault("unknown_language", "a language of the region")
        if "en" not in found and not self._is_lost():
            self.at("en", None).fault("required", "is missing")
        others = {} if wording is None else wording.others(found.get("en", ""))
        return MappingProxyType({**others, **found})

    def _object(self) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            self.fault("object", "expected an object")
            return {}
        return self.value

    def _is_lost(self) -> bool:
        return self.lost or not isinstance(self.value, dict)
