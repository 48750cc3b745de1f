"""A file of translations as a list of texts, each with its English, and the same file with other wordings.

A text is known by the file and by its key in it: the place in a JSON file, the English of a text of the console with
the number of its plural, a paragraph of a text of the guidance.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from gettext import c2py
from typing import Any, TypeAlias

from babel.messages.catalog import Catalog

from gateway.translations.console_texts import is_reviewed, list_forms, parse_catalogue, render_catalogue
from schemas.labels import DRAFT, REVIEWED
from schemas.places import format_pointer
from schemas.region_pack.guidance_bodies import digest_body, find_differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What stands at a place of a file: its English, where people meet it, and how many characters have room."""

    english: str
    context: str
    longest: int


Faults: TypeAlias = Iterator[tuple[str, str]]
"""Each a rule and what to write instead."""
HIGHEST = 1_000
"""Up to which number the forms of a plural are looked for."""
_FILLED = re.compile(r"%\(\w+\)[a-z]|%%")
_BRACED = re.compile(r"\{\w+\}")
_MARKUP = re.compile(r"[<>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text: its key in the file, its English, its wording in the language (empty while there is none), and where
    people meet it.
    """

    key: str
    english: str
    wording: str
    context: str


@dataclass(frozen=True, kw_only=True)
class JsonDocument:
    """A file of JSON. `find_subject` knows what its strings are, by their place; None for what is no text."""

    path: str
    sheet: str
    value: Mapping[str, Any]
    find_subject: Callable[[tuple[str, ...]], Subject | None]

    @cached_property
    def texts(self) -> Sequence[Text]:
        """The texts of the file, in its order."""
        return [
            Text(key=format_pointer(place), english=about.english, wording=wording, context=about.context)
            for place, (wording, about) in self._found.items()
        ]

    @property
    def reviewed(self) -> bool:
        """Whether the file says that all of it was reviewed."""
        return self.value.get("status") == REVIEWED

    def find_faults(self, text: Text, wording: str) -> Faults:
        """Find what makes a wording no translation of a text."""
        longest = self._longest[text.key]
        if "\n" in wording or "\t" in wording or len(wording) > longest:
            yield "too_long", f"one line of at most {longest} characters"
        if set(_BRACED.findall(wording)) != set(_BRACED.findall(text.english)):
            yield "placeholder", "what stands in braces in the English, as it stands there"

    def render(self, wordings: Mapping[str, str], *, reviewed: bool) -> str:
        """Render the file with other wordings, by key."""
        value: Any = deepcopy(dict(self.value))
        for place in self._found:
            if (wording := wordings.get(format_pointer(place))) is not None:
                inner = value
                for step in place[:-1]:
                    inner = inner[int(step) if isinstance(inner, list) else step]
                inner[int(place[-1]) if isinstance(inner, list) else place[-1]] = wording
        if "status" in value:
            value["status"] = REVIEWED if reviewed else DRAFT
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    @cached_property
    def _found(self) -> Mapping[tuple[str, ...], tuple[str, Subject]]:
        found = ((place, wording, self.find_subject(place)) for place, wording in _strings(self.value, ()))
        return {place: (wording, about) for place, wording, about in found if about is not None}

    @cached_property
    def _longest(self) -> Mapping[str, int]:
        return {format_pointer(place): about.longest for place, (_, about) in self._found.items()}


@dataclass(frozen=True, kw_only=True)
class PoDocument:
    """The words of the pages. `found` is what is in the code now, with its files."""

    path: str
    sheet: str
    language: str
    catalogue: Catalog
    found: Catalog

    @cached_property
    def texts(self) -> Sequence[Text]:
        """The texts of the file, in its order."""
        return [
            Text(
                key=key,
                english=english,
                wording=wording,
                context=self._context(message.id, number, plural=bool(message.pluralizable)),
            )
            for message in self.catalogue
            if message.id
            for number, (key, english, wording) in enumerate(_forms(message))
        ]

    @property
    def reviewed(self) -> bool:
        """Whether the file says that all of it was reviewed."""
        return is_reviewed(self.catalogue)

    def find_faults(self, text: Text, wording: str) -> Faults:
        """Find what makes a wording no translation of a text."""
        wanted, said = _FILLED.findall(text.english), _FILLED.findall(wording)
        # a plural may leave the number out where its word says it: "one person", in Arabic "two people"
        plural = text.key != text.english
        if not set(said) <= set(wanted) or (not plural and len(said) != len(wanted)):
            yield "placeholder", f"as in the English: {', '.join(wanted) or 'none'}"
        if _MARKUP.search(wording):
            yield "markup", "plain text: the page sets marks"

    def render(self, wordings: Mapping[str, str], *, reviewed: bool) -> str:
        """Render the file with other wordings, by key."""
        new = Catalog(locale=self.language)
        for message in self.catalogue:
            if message.id:
                said = tuple(wordings.get(key, wording) for key, _, wording in _forms(message))
                new.add(message.id, said if message.pluralizable else said[0])
        return render_catalogue(self.language, new, reviewed=reviewed)

    def _context(self, id: Any, number: int, *, plural: bool) -> str:
        message = self.found.get(id)
        files = sorted({file for file, _ in message.locations}) if message else []
        form = f"form {number + 1} of its plurals ({self._numbers.get(number, HIGHEST)}); " if plural else ""
        return form + ", ".join(files[:3])

    @cached_property
    def _numbers(self) -> Mapping[int, str]:
        """The first whole numbers that take each form of a plural."""
        choose = c2py(self.catalogue.plural_expr)
        found: defaultdict[int, list[str]] = defaultdict(list)
        for number in range(HIGHEST):
            found[choose(number)].append(str(number))
        return {form: ", ".join(numbers[:3]) for form, numbers in found.items()}


@dataclass(frozen=True, kw_only=True)
class BodyDocument:
    """A text of the guidance, paragraph by paragraph where it has as many as the English."""

    path: str
    sheet: str
    title: str
    original: str
    body: str
    of: str
    draft: bool

    @cached_property
    def texts(self) -> Sequence[Text]:
        """The texts of the file, in its order."""
        english, said = _blocks(self.original), _blocks(self.body)
        if len(english) != len(said):
            english, said = [self.original], [self.body]
        older = "" if self.of == digest_body(self.original) else "; the English has changed since it was translated"
        return [
            Text(
                key=str(number),
                english=before,
                wording=after,
                context=f"{self.title}, part {number} of {len(english)}{older}",
            )
            for number, (before, after) in enumerate(zip(english, said, strict=True), 1)
        ]

    @property
    def reviewed(self) -> bool:
        """Whether the file says that all of it was reviewed."""
        return not self.draft and self.of == digest_body(self.original)

    def find_faults(self, text: Text, wording: str) -> Faults:
        """Find what makes a wording no translation of a text."""
        if parts := find_differences(text.english, wording):
            yield "differs", f"as in the English: {', '.join(parts)}"
        if len(self.texts) > 1 and len(_blocks(wording)) != 1:
            yield "differs", "one paragraph, without an empty line"

    def render(self, wordings: Mapping[str, str], *, reviewed: bool) -> str:
        """Render the file with other wordings, by key."""
        body = "\n\n".join(wordings.get(text.key, text.wording) for text in self.texts)
        of = digest_body(self.original) if reviewed else self.of
        return f"---\nof: {of}\nstatus: {REVIEWED if reviewed else DRAFT}\n---\n\n{body}\n"


Document: TypeAlias = JsonDocument | PoDocument | BodyDocument
"""A file of one language. `path` is that in the tree, `sheet` the worksheet on which its texts stand."""


def open_catalogue(path: str, sheet: str, language: str, text: str, found: Catalog) -> PoDocument:
    """Open the `.po` file of a language."""
    return PoDocument(path=path, sheet=sheet, language=language, catalogue=parse_catalogue(language, text), found=found)


def _forms(message: Any) -> list[tuple[str, str, str]]:
    """List key, English and wording of each form of a message."""
    said = list_forms(message)
    if not message.pluralizable:
        return [(message.id, message.id, said[0])]
    one, more = message.id
    return [(f"{one}[{number}]", f"{one}\n{more}", wording) for number, wording in enumerate(said)]


def _blocks(text: str) -> list[str]:
    return text.strip().split("\n\n")


def _strings(value: object, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _strings(inner, (*place, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, (*place, str(number)))
