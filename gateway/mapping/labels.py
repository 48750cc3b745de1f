"""The labels of a language as local values: what a drop-down offers, and what a cell that was filled from it means.

    choices        what a column offers, in the order of its code list
    in_language    the mapping that also understands these texts
    in_languages   the mapping that understands those of every language, of one before the others

All come from one function, so what a workbook offers is what its reader understands. The tables of the mapping file
decide which codes there are; a label only says one of them in other words. Countries and languages have their names
besides. A word that is written without its accents is understood where no other word is. A text with two meanings
means nothing: it is a fault at its cell (`ambiguous_label`), for a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import schemas
from gateway.mapping.types import (
    COUNTRY,
    Absence,
    Kind,
    Meaning,
    RecordMapping,
    Rule,
    Target,
    compared,
    without_accents,
)
from schemas.labels import Label, Labels, load_labels, load_languages
from schemas.render import ABSENCE, mark_name

COUNTRIES = "country"
"""The code list of columns with a country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One text that a drop-down offers, and what it means. A code without a label shows itself, marked."""

    text: str
    meaning: Target | Absence


def choices(rule: Rule, labels: Labels) -> tuple[Choice, ...]:
    """List the texts that a cell of this rule can hold, without retired codes; none for free text, dates or numbers."""
    offered = [*_codes(rule, labels)]
    if offered:
        offered += [_choice(reason, labels.code(ABSENCE, reason), labels, reason) for reason in rule.words]
    return tuple(offered)


def in_language(mapping: RecordMapping, labels: Labels) -> RecordMapping:
    """Return the mapping that reads the labels of a language beside the values of its file."""
    return _reading(mapping, [[labels]])


def in_languages(mapping: RecordMapping, first: str | None = None) -> RecordMapping:
    """Return the mapping that reads the labels of every language, those of `first` before the others."""
    others = [load_labels(lang) for lang in load_languages() if lang != first]
    return _reading(mapping, [others] if first is None else [[load_labels(first)], others])


def _reading(mapping: RecordMapping, layers: Sequence[Sequence[Labels]]) -> RecordMapping:
    rules = tuple(replace(rule, spoken=_spoken(rule, layers)) for rule in mapping.rules)
    return replace(mapping, rules=rules)


def _codes(rule: Rule, labels: Labels) -> Iterator[Choice]:
    targets = {target.value: target for target in (rule.codes or {}).values()}
    if rule.kind is Kind.BOOLEAN:
        words = {True: labels.language.yes, False: labels.language.no}
        yield from (Choice(text=words[value], meaning=_exact(value)) for value in words if value in targets)
        return
    name = COUNTRIES if rule.kind is Kind.COUNTRY else rule.code_list
    if name is None or name not in schemas.code_lists():
        yield from (Choice(text=target.local, meaning=target) for target in targets.values())
        return
    for entry in schemas.code_list(name).codes:
        if not entry.retired and (rule.codes is None or entry.code in targets):
            yield _choice(entry.code, labels.code(name, entry.code), labels, _exact(entry.code))


def _exact(value: str | bool) -> Target:
    """Return the code itself as a target: its own label loses nothing."""
    return Target(value=value, local=str(value))


def _choice(code: str, label: Label, labels: Labels, meaning: Target | Absence) -> Choice:
    text = mark_name(code, labels.language.no_label) if label.text is None else label.text
    return Choice(text=text, meaning=meaning)


def _spoken(rule: Rule, layers: Sequence[Sequence[Labels]]) -> Mapping[str, Meaning]:
    """Collect the words of a rule: of each layer as they are written, then without accents. A later word gives way."""
    found: dict[str, Meaning] = {}
    file = {*(rule.codes or {}), *rule.absent}
    offered: list[list[tuple[str, Meaning]]] = [
        [(each.text, each.meaning) for labels in layer for each in choices(rule, labels)] for layer in layers
    ]
    offered.append([(name, _exact(code)) for code, name in _named(rule)])
    for number, said in enumerate(offered):
        for form in (compared, without_accents):
            words = _agreed((form(text), meaning) for text, meaning in said)
            for word, meaning in words.items():
                if number == 0 and form is compared and word in file and not _same(_of_file(rule, word), meaning):
                    found[word] = None  # a drop-down offers it, so somebody may mean it
                elif word not in file:
                    found.setdefault(word, meaning)
    return found


def _agreed(said: Iterable[tuple[str, Meaning]]) -> dict[str, Meaning]:
    """Give each word its meaning, None where two things are meant by it."""
    found: dict[str, Meaning] = {}
    for word, meaning in said:
        found[word] = meaning if _same(found.get(word, meaning), meaning) else None
    return found


def _named(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the codes and names of countries and languages that a rule may hold."""
    names = {Kind.COUNTRY: country_names, Kind.LANGUAGE: language_names}.get(rule.kind)
    if names is None:
        return
    known = {str(target.value) for target in rule.codes.values()} if rule.codes is not None else None
    for code, texts in names().items():
        if known is None or code in known:
            yield from ((code, text) for text in (code, *sorted(texts)))


def _of_file(rule: Rule, word: str) -> Meaning:
    """Return the meaning that the file itself gives a word, None where it has no such word."""
    return rule.absent.get(word) or (rule.codes or {}).get(word)


def _same(one: Meaning, other: Meaning) -> bool:
    if isinstance(one, Target) and isinstance(other, Target):
        return one.value == other.value
    return one == other


# --- names of countries and languages (CLDR), as people type them --------------------------------------------------


@cache
def language_names() -> Mapping[str, Collection[str]]:
    """List languages without script and region, each with its names in the languages of this installation."""
    from babel.core import Locale

    found: dict[str, set[str]] = {}
    for spoken in load_languages():
        for tag, name in Locale.parse(spoken).languages.items():
            found.setdefault(tag.partition("_")[0], set()).add(name)
    return found


@cache
def country_names() -> Mapping[str, Collection[str]]:
    """List countries by their two letters, each with its names in the languages of this installation."""
    from babel.core import Locale

    found: dict[str, set[str]] = {}
    for spoken in load_languages():
        for code, name in Locale.parse(spoken).territories.items():
            if COUNTRY.fullmatch(code):
                found.setdefault(code, set()).add(name)
    return found
