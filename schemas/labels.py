"""The labels of lists, codes, messages and fields in each language, and the meanings of fields.

`languages.json` lists the languages; `labels/XX.json` has the labels of one, so that one translator owns one file. The
English labels of the code lists are in `codes/`, the English meanings in the schemas. A meaning is found by its English
text, so that the translation of a text that was reworded since is missing, not wrong. A missing label is never guessed
and never taken from another language. A file may have labels only for names of the catalogue and the code lists; any
other name is refused (`find_label_faults`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from gateway.errors import Code, Finding, RefusedError
from schemas import resources
from schemas.codelists import ENGLISH, code_list
from schemas.label_subjects import collect_subjects, place_key, without_citation
from schemas.places import format_pointer
from schemas.text import HINTS, text_faults
from schemas.types import type_name

DRAFT, REVIEWED = "draft", "reviewed"

LONGEST, LONGEST_MEANING = 200, 400
"""Characters of a label, which has to fit beside a field, and of a meaning, which stands below one."""


Direction: TypeAlias = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language with the words that every rendering in it needs. `name` is its own name for itself."""

    code: str
    name: str
    direction: Direction
    yes: str
    no: str
    no_label: str
    unknown_code: str
    unknown_field: str
    draft: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The result of a look-up. `text` is None when the language has no label; `draft` until somebody reviewed it."""

    text: str | None
    draft: bool

    @property
    def missing(self) -> bool:
        """Whether the language has no such label."""
        return self.text is None


@cache
def load_languages() -> Mapping[str, Language]:
    """Load every language by its code, English first."""
    rows: Mapping[str, Any] = resources.read_json("languages.json")
    return MappingProxyType({lang: Language(code=lang, **row) for lang, row in rows.items()})


def find_language(lang: str) -> Language:
    """Find the language `lang`. Raises RefusedError(not_found) for one that this installation does not know."""
    if lang not in load_languages():
        raise RefusedError(Code.NOT_FOUND, "no such language", hint=f"one of {', '.join(load_languages())}")
    return load_languages()[lang]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of one language. `file` has passed `find_label_faults`; it is empty for a language nobody has begun.

    Every look-up returns a `Label`; one for a name that no language can know is missing.
    """

    language: Language
    file: Mapping[str, Any]

    @property
    def status(self) -> str | None:
        """The review state of the file: draft or reviewed; None while there is none."""
        said: str | None = self.file.get("status")
        return said

    def title(self, name: str) -> Label:
        """Return the title of the code list `name`. Raises RefusedError(not_found) when there is no such list."""
        listed = code_list(name)
        if self._english:
            return _label(listed.title[ENGLISH], listed.label_status[ENGLISH])
        return self._find("lists", name, "title")

    def code(self, name: str, code: str) -> Label:
        """Return the label of `code` of the list `name`. Raises RefusedError(not_found) when there is no such list."""
        listed = code_list(name)
        if self._english:
            text = next((entry.labels[ENGLISH] for entry in listed.codes if entry.code == code), None)
            return _label(text, listed.label_status[ENGLISH])
        return self._find("lists", name, "codes", code)

    def message(self, body_type: str) -> Label:
        """Return the name of a message type, given with its number ("referral.request/1")."""
        return self._find("messages", type_name(body_type))

    def field(self, body_type: str, place: str) -> Label:
        """Look up the label of one member of `body_type`. `place` is a JSON pointer; items of lists are `*` or counted.

        A label for this one place ("referral.request:person.age_group") goes before one for the member's name.
        """
        steps = tuple(step for step in place.split("/")[1:] if step != "*" and not step.isdecimal())
        own = self._find("fields", place_key(type_name(body_type), steps))
        return self._find("fields", steps[-1]) if own.missing else own

    def meaning(self, english: str) -> Label:
        """Look up the meaning of a field by its English `description` in the schema."""
        english = without_citation(english)
        if self._english:
            return _label(english if english in collect_subjects().meanings else None, self.status)
        return self._find("meanings", english)

    def lacking(self) -> tuple[str, ...]:
        """List the places in the file (JSON pointers) where a label is missing.

        English labels of code lists and English meanings always exist: without them there is no code or field.
        """
        wanted = collect_subjects()
        lists, meanings = ({}, ()) if self._english else (wanted.lists, sorted(wanted.meanings))
        asked = [
            *(("lists", name, "title") for name in sorted(lists)),
            *(("lists", name, "codes", code) for name in sorted(lists) for code in sorted(lists[name])),
            *(("messages", name) for name in sorted(wanted.messages)),
            *(("fields", name) for name in sorted(wanted.fields)),
            *(("meanings", english) for english in meanings),
        ]
        return tuple(format_pointer(path) for path in asked if self._find(*path).missing)

    @property
    def _english(self) -> bool:
        return self.language.code == ENGLISH

    def _find(self, *path: str) -> Label:
        value: Any = self.file
        for step in path:
            value = value.get(step, {})
        return _label(value or None, self.status)


def read_labels(lang: str, value: object) -> Labels:
    """Validate `value`, read from `labels/LANG.json`, and return its labels.

    Raises RefusedError(not_found) like `find_language`, and RefusedError(invalid) with every fault of the file.
    """
    found = find_label_faults(lang, value)
    if found or not isinstance(value, Mapping):
        raise RefusedError(Code.INVALID, f"labels/{lang}.json is wrong; nothing of it is used", findings=found)
    return Labels(language=find_language(lang), file=value)


@cache
def load_labels(lang: str) -> Labels:
    """Load the labels of this installation in `lang`; without a file all are missing. Raises the same errors."""
    spoken = find_language(lang)
    if lang not in resources.list_json_files("labels"):
        return Labels(language=spoken, file=MappingProxyType({}))
    return read_labels(lang, resources.read_json(f"labels/{lang}.json"))


# --- what a file may hold ----------------------------------------------------------------------------------------


def find_label_faults(lang: str, value: object) -> tuple[Finding, ...]:
    """Find unknown names, wrong types and texts that cannot be labels in `value`, read from `labels/LANG.json`.

    A missing label is no fault. Places are JSON pointers into the file. Raises like `find_language`.
    """
    find_language(lang)
    return tuple(_file_faults(lang, value))


def _label(text: str | None, said: str | None) -> Label:
    return Label(text=text, draft=text is not None and said != REVIEWED)


Check: TypeAlias = Callable[[object, tuple[str, ...]], Iterator[Finding]]


def _file_faults(lang: str, value: object) -> Iterator[Finding]:
    known = collect_subjects()
    sections: dict[str, Check] = {
        "language": _one_of((lang,)),
        "status": _one_of((DRAFT, REVIEWED)),
        "messages": _object(dict.fromkeys(known.messages, _text)),
        "fields": _object(dict.fromkeys(known.fields | known.places, _text)),
    }
    if lang != ENGLISH:
        sections["lists"] = _object(
            {
                name: _object({"title": _text, "codes": _object(dict.fromkeys(codes, _text))})
                for name, codes in known.lists.items()
            }
        )
        sections["meanings"] = _object(dict.fromkeys(known.meanings, partial(_text, longest=LONGEST_MEANING)))
    yield from _object(sections)(value, ())
    for name in ("language", "status"):
        if isinstance(value, Mapping) and name not in value:
            yield _fault((name,), "required", "every file says it")


def _object(inside: Mapping[str, Check]) -> Check:
    def check(value: object, path: tuple[str, ...]) -> Iterator[Finding]:
        if not isinstance(value, Mapping):
            yield _fault(path, "type", "an object")
            return
        for name, inner in value.items():
            if name in inside:
                yield from inside[name](inner, (*path, name))
            else:
                yield _fault((*path, name), "unknown_name", "neither schemas nor code lists have it")

    return check


def _one_of(words: tuple[str, ...]) -> Check:
    def check(value: object, path: tuple[str, ...]) -> Iterator[Finding]:
        if value not in words:
            yield _fault(path, "enum", " or ".join(words))

    return check


def _text(value: object, path: tuple[str, ...], longest: int = LONGEST) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield _fault(path, "type", "a text")
        return
    if not 1 <= len(value) <= longest or value != value.strip() or set("\n\t") & set(value):
        yield _fault(path, "label", f"one line of 1 to {longest} characters, no blank at either end")
    for rule in text_faults(value):
        yield _fault(path, rule, HINTS[rule])


def _fault(path: tuple[str, ...], rule: str, hint: str) -> Finding:
    return Finding(place=format_pointer(path), rule=rule, hint=hint)
