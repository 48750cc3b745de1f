"""A new line list: the columns of the mapping files, the labels of a language, and the workbook that joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.sheet import SheetSettings, htcds
from adapters.sheet.blank import BlankColumn, Entry, blank_workbook
from adapters.sheet.words import Words, load_words
from gateway.mapping.alphabet import rank_name
from gateway.mapping.case_system import read_mapping
from gateway.mapping.labels import Choice, choices
from gateway.mapping.types import Absence, Kind, RecordMapping, Rule, compared
from schemas.labels import Labels, load_labels
from schemas.render import mark_name

_FIRST = (htcds.KEY, "Case Number", *htcds.MARKS, "Recipient")
_PLAIN = {Kind.DATE: Entry.DATE, Kind.YEAR: Entry.NUMBER, Kind.INTEGER: Entry.NUMBER}


def new_line_list(language: str, mapping: Path | None = None) -> bytes:
    """An empty workbook in `language` for the sheet adapter with this `mapping`, or with the built-in one.

    It has the columns of HTCDS 2.0 and ours that the mapping files know, and all others that they read.

    Raises:
        RefusedError: for a language that is not known, and for a mapping file as `read_mapping` does.
    """
    spoken, said = load_labels(language), load_words(language)
    marks = SheetSettings(path=Path(), mapping=mapping).marks()
    mappings = [read_mapping(marks[htcds.READY_TO_REFER]), read_mapping(marks[htcds.READY_TO_ASK])]
    read = _readers(mappings)
    columns = [_column(name, read.get(compared(name)), spoken, said) for name in _names(mappings)]
    return blank_workbook(columns, said)


def _names(mappings: Sequence[RecordMapping]) -> Sequence[str]:
    """The labels of all columns, what steers the reading first."""
    rules = [rule for mapping in mappings for rule in mapping.rules if rule.direction.outward]
    sources = {compared(source): source for rule in rules for source in rule.sources}
    known = {*map(compared, (htcds.KEY, *htcds.MARKS)), *sources, *mappings[0].ignored}
    standard = [
        name for name in (*_FIRST, *(label for _, label in htcds.TEMPLATE), *htcds.ADDED) if compared(name) in known
    ]
    return list({compared(name): name for name in (*standard, *sources.values())}.values())


def _readers(mappings: Sequence[RecordMapping]) -> Mapping[str, tuple[RecordMapping, Rule]]:
    """The mapping and the rule that read a column; of several the first one, in which a column has its main meaning."""
    found: dict[str, tuple[RecordMapping, Rule]] = {}
    for mapping in mappings:
        for rule in mapping.rules:
            if rule.direction.outward:
                for source in rule.sources:
                    found.setdefault(compared(source), (mapping, rule))
    return found


def _column(name: str, reader: tuple[RecordMapping, Rule] | None, spoken: Labels, said: Words) -> BlankColumn:
    own = said.column(name)
    if name == htcds.KEY:
        return BlankColumn(label=name, heading=own or name, entry=Entry.KEY, needed=True)
    if name in htcds.MARKS:
        yes_no = (spoken.language.yes, spoken.language.no)
        return BlankColumn(label=name, heading=own or name, entry=Entry.ONE, choices=yes_no)
    if reader is None:
        heading = own or mark_name(name, spoken.language.no_label)
        return BlankColumn(label=name, heading=heading, entry=Entry.HOME)
    mapping, rule = reader
    offered = _in_order(choices(rule, spoken), spoken.language.code)
    field = spoken.field(mapping.body_type, rule.path.pointer).text
    return BlankColumn(
        label=name,
        heading=own or field or mark_name(name, spoken.language.no_label),
        entry=_entry(rule) if offered else _PLAIN.get(rule.kind, Entry.TEXT),
        choices=offered,
        needed=rule.required,
    )


def _in_order(offered: Sequence[Choice], language: str) -> Sequence[str]:
    """Return the texts of a drop-down in the order of the alphabet; why there is no value comes last."""
    ranked = sorted(offered, key=lambda each: (isinstance(each.meaning, Absence), rank_name(each.text, language)))
    return [each.text for each in ranked]


def _entry(rule: Rule) -> Entry:
    return Entry.ONE if rule.split is None else Entry.MANY
