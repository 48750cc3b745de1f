"""The words of the sheets in the language of the office: one file for each language in `words/`, English whole.

A text that a language lacks is shown in English with a mark, never left out. Codes are the same in every language, so
that a helper elsewhere recognises them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from adapters.sheet.headings import normalise_label
from adapters.sheet.table import read_place
from gateway.errors import Finding

ENGLISH = "en"
FOLDER = Path(__file__).with_name("words")

_MARK = " [en]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one language. `own` is its file, `english` what stands in for what the file does not have."""

    language: str
    own: Mapping[str, Any]
    english: Mapping[str, Any]

    @property
    def right_to_left(self) -> bool:
        """Whether a sheet begins at the right."""
        return self.own.get("direction") == "rtl"

    def __call__(self, section: str, name: str) -> str:
        """Return one text; English and marked where the language has none, the name itself where neither has."""
        own: str | None = self.own.get(section, {}).get(name)
        return self._marked(self.english[section].get(name, name)) if own is None else own

    def page(self, name: str) -> str:
        """Return the title of a sheet, which is never marked."""
        own: str | None = self.own.get("pages", {}).get(name)
        return str(self.english["pages"][name]) if own is None else own

    def instructions(self) -> Sequence[str]:
        """Return the page that explains the workbook, line by line; a text that nobody has reviewed says so first."""
        own: Sequence[str] | None = self.own.get("instructions")
        if own is None:
            return [self._marked(line) for line in self.english["instructions"]]
        return own if self.own["status"] == "reviewed" else [f"[{self.own['draft']}]", *own]

    def column(self, label: str) -> str | None:
        """Return the heading for people above the column with this label, if this language has one."""
        own: str | None = self.own.get("columns", {}).get(label)
        return own

    def fault(self, finding: Finding) -> str:
        """Word a finding and its remedy. English is as exact as the finding; other languages word the rule."""
        if self.language == ENGLISH:
            return finding.hint
        own: str | None = self.own.get("rules", {}).get(finding.rule)
        return self._marked(finding.hint) if own is None else own

    def place(self, place: str, column: str = "") -> str:
        """Word a place, with the label of the column; a place that is no cell stays as it is."""
        if (cell := read_place(place)) is not None:
            shown = self("places", "row" if cell.sheet is None else "sheet")
            place = shown.format(sheet=cell.sheet, row=cell.row, column=cell.column)
        return f"{place} ({column})" if column else place

    def _marked(self, text: str) -> str:
        return text if self.language == ENGLISH or not text else f"{text}{_MARK}"


@cache
def load_words(language: str = ENGLISH) -> Words:
    """Load the words of `language`; one that has no file is shown in English throughout."""
    return Words(language=language, own=_file(language), english=_file(ENGLISH))


@cache
def local_headings() -> Mapping[str, str]:
    """Return the label of each heading for people, in compared form, in every language; none that two columns have."""
    found: dict[str, set[str]] = {}
    for language in list_languages():
        for label, heading in load_words(language).own.get("columns", {}).items():
            found.setdefault(normalise_label(heading), set()).add(label)
    return {heading: labels.pop() for heading, labels in found.items() if len(labels) == 1}


@cache
def list_languages() -> Sequence[str]:
    """List the languages that have a file."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def _file(language: str) -> Mapping[str, Any]:
    value: Mapping[str, Any] = {}
    if language in list_languages():
        value = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return value
