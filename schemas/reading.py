"""Read a JSON file that people edit, to the end, so that one reading tells every fault with its place.

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
    """A folder or a file to a loader: a `pathlib.Path`, or a file of an installed package (`schemas.resources`)."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    def is_file(self) -> bool:
        """Whether it is a file that is there."""

    def is_dir(self) -> bool:
        """Whether it is a folder that is there."""

    def iterdir(self) -> Iterator[Folder]:
        """What is in the folder, in any order."""

    def joinpath(self, *names: str) -> Folder:
        """What is below the folder, there or not."""

    def read_bytes(self) -> bytes:
        """The content of the file."""


Log = list[Finding]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """In which languages a pack may speak; and by language, by their English, the texts that are translated."""

    languages: Collection[str]
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def others(self, english: str) -> Labels:
        """The translations of a text. One of a text that is reworded or gone is not asked for any more."""
        return {language: said[english] for language, said in self.texts.items() if english in said}


def pick_label(labels: Labels, language: str) -> str:
    """The text in `language`; where that is missing the English one, which is always there, marked as English."""
    return labels.get(language) or f"{labels[ENGLISH]} [{ENGLISH}]"


def raise_faults(log: Log, what: str) -> None:
    """Raises RefusedError(invalid) with all that was found in `what`; nothing for a clean log."""
    if log:
        raise RefusedError(Code.INVALID, f"{what} is not valid", hint="mend each place named", findings=log)


def open_json(folder: Folder, path: str, log: Log) -> Spot:
    """The JSON of the file `path` (with slashes) of `folder`; a file that can not be read is a finding and empty."""
    found = folder.joinpath(*path.split("/"))
    place = f"{path}#"
    if not found.is_file():
        log.append(Finding(place=path, rule="missing_file", hint="this file has to be there"))
        return Spot(value=None, place=place, log=log, lost=True)
    return parse_json(found.read_bytes(), place, log)


def parse_json(data: bytes, place: str, log: Log) -> Spot:
    """The JSON in `data`: UTF-8, no member twice, whole numbers only."""
    value, flaws = read_json(data, limit=MAX_BYTES, mark=True)
    if flaws:
        log.append(Finding(place=place, rule="not_json", hint="UTF-8 JSON, no member twice, whole numbers only"))
    return Spot(value=value, place=place, log=log, lost=bool(flaws))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One value, where it stands, and the log of the file. `lost` spots had their finding already and add no other."""

    value: Any
    place: str
    log: Log
    lost: bool = False

    def fault(self, rule: str, hint: str) -> None:
        """Note what is wrong here."""
        if not self.lost:
            self.log.append(Finding(place=self.place, rule=rule, hint=hint))

    def at(self, step: str | int, value: Any, *, lost: bool = False) -> Spot:
        """The value below this one at `step`."""
        return Spot(value=value, place=f"{self.place}/{step}", log=self.log, lost=lost)

    def members(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Spot]:
        """A closed object: every required member (lost where it is missing), optional ones where they are."""
        value = self._object()
        for name in value:
            if name not in required and name not in optional:
                self.at(name, None).fault("unknown_key", f"only {', '.join((*required, *optional))}")
        for name in required:
            if name not in value and not self._is_lost():
                self.at(name, None).fault("required", "is missing")
        found = {name: self.at(name, value.get(name), lost=name not in value) for name in required}
        return found | {name: self.at(name, value[name]) for name in optional if name in value}

    def entries(self) -> dict[str, Spot]:
        """An object with names of the author's own."""
        return {name: self.at(name, member) for name, member in self._object().items()}

    def items(self, low: int = 0, high: int = 400) -> tuple[Spot, ...]:
        """A list of `low` to `high` items."""
        if not isinstance(self.value, list) or not low <= len(self.value) <= high:
            self.fault("list", f"a list of {low} to {high} items")
            return ()
        return tuple(self.at(index, item) for index, item in enumerate(self.value))

    def text(self, longest: int = 400) -> str:
        """Text for people of 1 to `longest` characters on one line."""
        value = self.value.translate(SPACES) if isinstance(self.value, str) else ""
        if not 0 < len(value) <= longest or not value.isprintable():
            self.fault("text", f"text of 1 to {longest} characters")
            return ""
        return str(self.value)

    def number(self, low: int, high: int) -> int:
        """A whole number within bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            self.fault("number", f"a whole number from {low} to {high}")
            return low
        return self.value

    def const(self, expected: str) -> None:
        """Exactly this text."""
        if self.value != expected:
            self.fault("const", f"must be {expected}")

    def matching(self, pattern: re.Pattern[str], hint: str) -> str:
        """Text of a form."""
        if not isinstance(self.value, str) or not pattern.fullmatch(self.value):
            self.fault("form", hint)
            return ""
        return self.value

    def one_of(self, known: Collection[str], rule: str, hint: str) -> str:
        """A word that `known` has."""
        if not isinstance(self.value, str) or self.value not in known:
            self.fault(rule, hint)
            return ""
        return self.value

    def several(self, known: Collection[str], rule: str, hint: str, *, low: int = 0) -> tuple[str, ...]:
        """Different words of `known`, in the order of the file."""
        found = tuple(item.one_of(known, rule, hint) for item in self.items(low))
        if len(set(found)) != len(found):
            self.fault("twice", "each only once")
        return found

    def labels(self, wording: Wording | None = None, longest: int = 400) -> Labels:
        """Text by language; English has to be there, since it is what a missing translation falls back to.

        With `wording` only its languages may be there, and its translations are added; what stands here counts.
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
