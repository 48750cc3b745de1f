"""A new line list: the columns of the mapping files, the labels of a language, and the workbook that joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.sheet import htcds
from adapters.sheet.blank import BlankColumn, Entry, blank_workbook
from adapters.sheet.words import Words, words
from gateway.casesystem import read_mapping
from gateway.core.mapping_types import Kind, RecordMapping, Rule, compared
from gateway.core.mapping_words import choices
from schemas.labels import Labels, labels
from schemas.render import marked

_FIRST = (htcds.KEY, "Case Number", *htcds.MARKS, "Recipient")
_PLAIN = {Kind.DATE: Entry.DATE, Kind.YEAR: Entry.NUMBER, Kind.INTEGER: Entry.NUMBER}


def new_line_list(language: str, mapping: Path | None = None) -> bytes:
    """An empty workbook in `language`, with the columns of HTCDS 2.0 and ours, or those that a mapping file reads.

    Raises:
        RefusedError: for a language that is not known, and for a mapping file as `read_mapping` does.
    """
    spoken, said = labels(language), words(language)
    if mapping is None:
        mappings = [read_mapping(htcds.MAPPING), read_mapping(htcds.ENQUIRY_MAPPING)]
        names = [*_FIRST, *(label for _, label in htcds.TEMPLATE), *htcds.ADDED]
    else:
        mappings = [read_mapping(mapping)]
        names = [htcds.KEY, htcds.READY_TO_REFER]
        names += [source for rule in mappings[0].rules if rule.direction.outward for source in rule.sources]
    read = _readers(mappings)
    columns = [_column(name, read.get(compared(name)), spoken, said) for name in dict.fromkeys(names)]
    return blank_workbook(columns, said)


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
        heading = own or marked(name, spoken.language.no_label)
        return BlankColumn(label=name, heading=heading, entry=Entry.HOME)
    mapping, rule = reader
    offered = [choice.text for choice in choices(rule, spoken)]
    field = spoken.field(mapping.body_type, _pointer(rule)).text
    return BlankColumn(
        label=name,
        heading=own or field or marked(name, spoken.language.no_label),
        entry=_entry(rule) if offered else _PLAIN.get(rule.kind, Entry.TEXT),
        choices=offered,
        needed=rule.required,
    )


def _entry(rule: Rule) -> Entry:
    return Entry.ONE if rule.split is None else Entry.MANY


def _pointer(rule: Rule) -> str:
    return "/" + rule.path.text.replace("[]", "/*").replace(".", "/")
