"""From one cell of a local system to canonical values, or to a fault that names a rule and never the value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.foundation.json import Json
from gateway.mapping.dates import TwoWaysError, read_date
from gateway.mapping.types import COUNTRY, LANGUAGE, Absence, Kind, Rule, Target, compared, without_accents

#: Years that a date or a year of a case can have. 1900 is what people type to get past a form (domain 11.6).
FIRST_YEAR, LAST_YEAR = 1901, 2099

_YEAR = re.compile(r"[0-9]{4}")
_INTEGER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a cell says. ``absent``: there is no value, and why. ``year``: the value is a year, not the date asked for.

    ``losses`` are the notes of the lossy entries that were used. ``at`` tells for each value which of the ``pieces`` of
    the cell it is, the empty ones counted.
    """

    values: tuple[Json, ...] = ()
    at: tuple[int, ...] = (0,)
    pieces: int = 1
    absent: Absence | None = None
    year: bool = False
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFault:
    """Why a cell cannot be used."""

    rule: str
    hint: str


_UNMAPPED = CellFault(
    rule="unmapped_code", hint="add the value to the mapping or correct the cell; there is no default"
)
_AMBIGUOUS = CellFault(
    rule="ambiguous_label", hint="this text has two meanings here; choose another value of the column"
)


def read_cell(rule: Rule, value: Json) -> Cell | CellFault:
    """The cell under its rule. An empty cell says nothing: no values, no absence."""
    if isinstance(value, list):
        if not rule.path.many:
            return CellFault(rule="wrong_type", hint="one value, not a list")
        return _joined([_read_one(rule, item) for item in value])
    if isinstance(value, str) and rule.split is not None:
        return _read_split(rule, value, rule.split)
    return _read_one(rule, value)


def _read_split(rule: Rule, value: str, separator: str) -> Cell | CellFault:
    """Several values of one cell. Blanks and the like separate only where every piece is known."""
    if separator not in value and isinstance(whole := _read_one(rule, value), CellFault):
        for other in rule.also_split:
            if other in value and isinstance(cell := _read_pieces(rule, " ".join(value.split()), other), Cell):
                return cell
        return whole
    return _read_pieces(rule, value, separator)


def _read_pieces(rule: Rule, value: str, separator: str) -> Cell | CellFault:
    """The longest known value first, so that a value which contains the separator is found whole (domain 11.8)."""
    pieces = value.split(separator)
    longest = rule.pieces[separator]
    found: list[Cell | CellFault] = []
    start = 0
    while start < len(pieces):
        ends = range(min(len(pieces), start + longest), start + 1, -1)
        whole = (end for end in ends if rule.knows(compared(separator.join(pieces[start:end]))))
        end = next(whole, start + 1)
        found.append(_read_one(rule, separator.join(pieces[start:end])))
        start = end
    return _joined(found)


def _joined(cells: list[Cell | CellFault]) -> Cell | CellFault:
    good = [cell for cell in cells if isinstance(cell, Cell)]
    if len(good) != len(cells):
        return next(cell for cell in cells if isinstance(cell, CellFault))
    values = tuple(value for cell in good for value in cell.values)
    reasons = [cell.absent for cell in good if cell.absent is not None]
    if reasons and (values or len(set(reasons)) > 1):
        return CellFault(rule="unknown_beside_value", hint="either values or why there are none")
    losses = tuple(loss for cell in good for loss in cell.losses)
    at = tuple(index for index, cell in enumerate(good) for _ in cell.values)
    return Cell(values=values, at=at, pieces=len(cells), absent=reasons[0] if reasons else None, losses=losses)


def _read_one(rule: Rule, value: Json) -> Cell | CellFault:
    if value is None or (isinstance(value, str) and not value.strip()):
        return Cell()
    word = _word(value)
    if word is None:
        return CellFault(rule="wrong_type", hint="a single value")
    if compared(word) in rule.spoken:
        return _read_label(rule, compared(word))
    if (reason := rule.absent.get(compared(word))) is not None:
        return Cell(absent=reason)
    if rule.codes is not None:
        return _read_code(rule, word)
    if rule.kind in _FORMS:
        form, fault = _FORMS[rule.kind]
        return Cell(values=(word,)) if form.fullmatch(word) else _read_plain(rule, word) or fault
    # A code without a table does not get here: the reader of mapping files lets no such rule pass.
    return _READERS[rule.kind](value, word, rule) if rule.kind in _READERS else _UNMAPPED


def _word(value: Json) -> str | None:
    """The value as it is compared with tables: what a person would have typed."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return value.strip()
        case _:
            return None


def _read_code(rule: Rule, word: str) -> Cell | CellFault:
    target = (rule.codes or {}).get(compared(word))
    if target is None:
        return _read_plain(rule, word) or _UNMAPPED
    return Cell(values=(target.value,), losses=() if target.loss is None else (target.loss.note,))


def _read_plain(rule: Rule, word: str) -> Cell | CellFault | None:
    """A label that was typed without its accents; None where there is none like it."""
    plain = without_accents(word)
    return _read_label(rule, plain) if plain in rule.spoken else None


def _read_label(rule: Rule, word: str) -> Cell | CellFault:
    match rule.spoken[word]:
        case Target() as target:
            return Cell(values=(target.value,))
        case Absence() as reason:
            return Cell(absent=reason)
        case None:
            return _AMBIGUOUS


def _text(value: Json, word: str, rule: Rule) -> Cell | CellFault:
    if isinstance(value, bool):
        return CellFault(rule="wrong_type", hint="text, not a tick")
    return Cell(values=(word,))


def _date(value: Json, word: str, rule: Rule) -> Cell | CellFault:
    if _YEAR.fullmatch(word):
        if rule.year_to is None:
            return CellFault(
                rule="year_only", hint="a year alone is no date; year_to of the mapping says where it goes"
            )
        year = _year(value, word, rule)
        return Cell(values=year.values, year=True) if isinstance(year, Cell) else year
    try:
        day = read_date(word, rule.dates)
    except TwoWaysError:
        hint = "day and month can be either way round: write 2024-05-31, or say once for the column which comes first"
        return CellFault(rule="date_two_ways", hint=hint)
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        hint = "a real day, such as 2024-05-31 or 31.05.2024; leave it empty where it is not known"
        return CellFault(rule="bad_date", hint=hint)
    return Cell(values=(day.isoformat(),))


def _year(value: Json, word: str, rule: Rule) -> Cell | CellFault:
    if isinstance(value, bool) or not _YEAR.fullmatch(word) or not FIRST_YEAR <= int(word) <= LAST_YEAR:
        return CellFault(rule="bad_year", hint="a real year with four digits; leave it empty where it is not known")
    return Cell(values=(int(word),))


def _integer(value: Json, word: str, rule: Rule) -> Cell | CellFault:
    if isinstance(value, bool) or not _INTEGER.fullmatch(word):
        return CellFault(rule="bad_integer", hint="a whole number")
    return Cell(values=(int(word),))


def _boolean(value: Json, word: str, rule: Rule) -> Cell | CellFault:
    if not isinstance(value, bool):
        return CellFault(rule="bad_boolean", hint="true or false, or a codes table in the mapping")
    return Cell(values=(value,))


_READERS = {
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.YEAR: _year,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
}
_FORMS = {
    Kind.LANGUAGE: (
        LANGUAGE,
        CellFault(rule="bad_language", hint="a BCP 47 tag such as sq or uk-UA, or a codes table in the mapping"),
    ),
    Kind.COUNTRY: (
        COUNTRY,
        CellFault(rule="bad_country", hint="an ISO 3166-1 alpha-2 code, or a codes table in the mapping"),
    ),
}
