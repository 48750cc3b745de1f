"""The labels of a language as local values: what a drop-down offers, and what a cell that was filled from it means.

    choices       what a column offers, in the order of its code list
    in_language   the mapping that also understands these texts

Both come from one function, so what a workbook offers is what its reader understands. The tables of the mapping file
decide which codes there are; a label only says one of them in other words. A text with two meanings means nothing: it
is a fault at its cell (`ambiguous_label`), for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import schemas
from gateway.mapping.types import Absence, Kind, Meaning, RecordMapping, Rule, Target, compared
from schemas.labels import Label, Labels
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
    rules = tuple(replace(rule, spoken=_spoken(rule, labels)) for rule in mapping.rules)
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


def _spoken(rule: Rule, labels: Labels) -> Mapping[str, Meaning]:
    found: dict[str, Meaning] = {}
    for choice in choices(rule, labels):
        word = compared(choice.text)
        known = found.get(word, choice.meaning) if word in found else _of_file(rule, word)
        if known is None and word not in found:
            found[word] = choice.meaning
        elif known is None or not _same(known, choice.meaning):
            found[word] = None
    return found


def _of_file(rule: Rule, word: str) -> Meaning:
    """Return the meaning that the file itself gives a word, None where it has no such word."""
    return rule.absent.get(word) or (rule.codes or {}).get(word)


def _same(one: Target | Absence, other: Target | Absence) -> bool:
    if isinstance(one, Target) and isinstance(other, Target):
        return one.value == other.value
    return one == other
