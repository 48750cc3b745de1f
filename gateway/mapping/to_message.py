"""From a record of a local system to a draft, by a mapping file (domain 11.5, `docs/mapping-format.md`).

Nothing is guessed: a value without a code is a fault at its cell (gate G11), an empty cell leaves its member out, a
year alone does not become a day, and what a person did not say is written down as not said. A draft made here is
complete in form only; consent, gates, schema and release come after it.

    parse         mapping file -> `RecordMapping`
    check         the file against catalogue and code lists, for `trm mapping check`
    check_columns the file against the labels of a workbook
    map_record    record -> draft, or every fault of the record
    placed        what is wrong with that draft, at the cells it came from
    losses        which distinctions this record loses, for the person who releases it
    map_message   message -> record, or every reason why a person has to look at the message
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.errors import Finding
from gateway.foundation.json import Json
from gateway.mapping.cells import Cell, CellFault, read_cell
from gateway.mapping.check import Vocabulary, check, check_columns, vocabulary
from gateway.mapping.file_format import parse
from gateway.mapping.to_record import MappedMessage, map_message
from gateway.mapping.types import Absence, Path, RecordMapping, Rule, compared_label, value_at

__all__ = [
    "MappedMessage",
    "RecordMapping",
    "Vocabulary",
    "check",
    "check_columns",
    "losses",
    "map_message",
    "map_record",
    "parse",
    "placed",
    "vocabulary",
]


class Record(Protocol):
    """The part of ``gateway.ports.LocalRecord`` that a mapping reads."""

    @property
    def fields(self) -> Mapping[str, Json]: ...

    @property
    def places(self) -> Mapping[str, str]: ...

    @property
    def faults(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one rule makes of a record: the cells it looked at by label, what they say, what is wrong and lost."""

    rule: Rule
    cells: tuple[tuple[str, Json], ...]
    filled: Filled | None
    faults: tuple[Finding, ...]
    losses: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What the cells of one rule say together; ``path`` differs from the rule's where a year went elsewhere.

    ``at`` tells for each value which of the ``pieces`` of these cells it is, empty ones counted, so that the values of
    two rules are never paired across a gap.
    """

    rule: Rule
    path: Path
    place: str
    values: tuple[Json, ...]
    at: tuple[int, ...]
    pieces: int
    absent: Absence | None


class Reading:
    """One record under one mapping: what was found, and all that is wrong with it."""

    def __init__(self, mapping: RecordMapping, record: Record) -> None:
        self.mapping = mapping
        self.record = record
        self.labels: dict[str, list[str]] = {}
        for label in record.fields:
            self.labels.setdefault(compared_label(label), []).append(label)
        self.faults: list[Finding] = list(record.faults)
        self.losses: list[Finding] = []
        self.each = [self._read(rule) for rule in mapping.rules if rule.direction.outward]
        self.filled = [read.filled for read in self.each if read.filled is not None]

    def _read(self, rule: Rule) -> Read:
        faults, lost = len(self.faults), len(self.losses)
        columns = [self._filled_labels(source) for source in rule.sources]
        filled = self._fill(rule, columns)
        cells = [(label, self.record.fields[label]) for labels in columns for label in labels]
        return Read(
            rule=rule,
            cells=tuple(cells),
            filled=filled,
            faults=tuple(self.faults[faults:]),
            losses=tuple(self.losses[lost:]),
        )

    def _fill(self, rule: Rule, columns: Iterable[Sequence[str]]) -> Filled | None:
        before = len(self.faults)
        cells: list[tuple[str, Cell]] = []
        at: list[int] = []
        pieces = 0
        for labels in columns:
            read = self._cell(rule, labels)
            if read is not None:
                cells.append(read)
                at += [pieces + index for index in read[1].at[: len(read[1].values)]]
            pieces += 1 if read is None else read[1].pieces
        values = tuple(value for _, cell in cells for value in cell.values)
        reasons = [cell.absent for _, cell in cells if cell.absent is not None]
        if not values and not reasons:
            if rule.required and len(self.faults) == before:
                self._fault(rule.sources[0], "missing", "this cell must be filled")
            return None
        path = rule.year_to if rule.year_to is not None and any(cell.year for _, cell in cells) else rule.path
        return Filled(
            rule=rule,
            path=path,
            place=self._place(cells[0][0]),
            values=values,
            at=tuple(at),
            pieces=pieces,
            absent=None if values else reasons[0],
        )

    def _cell(self, rule: Rule, filled: Sequence[str]) -> tuple[str, Cell] | None:
        """Read the filled column among the spellings of one label; none where there is none, or it is at fault."""
        if not filled:
            return None
        other = [label for label in filled if self.record.fields[label] != self.record.fields[filled[0]]]
        if other:
            self._fault(other[0], "ambiguous_column", "two spellings of one column hold different values")
            return None
        cell = read_cell(rule, self.record.fields[filled[0]])
        if isinstance(cell, CellFault):
            self._fault(filled[0], cell.rule, cell.hint)
            return None
        self.losses.extend(Finding(place=self._place(filled[0]), rule="lossy", hint=note) for note in cell.losses)
        return filled[0], cell

    def _filled_labels(self, source: str) -> list[str]:
        name = compared_label(source)
        spellings = [name, *sorted(self.mapping.aliases.get(name, ()))]
        labels = [label for spelling in spellings for label in self.labels.get(spelling, ())]
        return [label for label in labels if self.record.fields[label] not in (None, "", [])]

    def _fault(self, label: str, rule: str, hint: str) -> None:
        self.faults.append(Finding(place=self._place(label), rule=rule, hint=hint))

    def _place(self, label: str) -> str:
        return self.record.places.get(label, f"field {label}")


def map_record(mapping: RecordMapping, record: Record) -> dict[str, Json] | tuple[Finding, ...]:
    """The draft that the record makes, or all its faults; those that the adapter found come first.

    The draft has exactly the members type, to, conversation, in_reply_to, purpose, header and content; what the
    record does not say is None or left out.
    """
    if not mapping.direction.outward:
        return (Finding(place="", rule="wrong_direction", hint="this mapping file is for the way back only"),)
    return make_draft(Reading(mapping, record))


def make_draft(reading: Reading) -> dict[str, Json] | tuple[Finding, ...]:
    """The draft of a record that was read, or all its faults, as `map_record` gives them."""
    mapping = reading.mapping
    draft: dict[str, Json] = {
        "type": mapping.body_type,
        "to": None,
        "conversation": None,
        "in_reply_to": None,
        "purpose": None,
        "header": {},
        "content": {},
    }
    for path, constant in mapping.constants:
        _put(draft, path.head, list(constant) if isinstance(constant, list) else constant)
    faults = [*reading.faults, *_place_values(draft, reading.filled), *_place_absences(draft, reading.filled)]
    return tuple(dict.fromkeys(faults)) if faults else draft  # a cell that several rules read has one fault


def placed(mapping: RecordMapping, record: Record, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings about a draft (JSON pointers), each at the cell that its member comes from, where there is one."""
    places = {
        (*path.head, *(path.tail or ())): place
        for rule in mapping.rules
        for path in (rule.path, rule.year_to)
        if rule.direction.outward and path is not None and (place := _cell_of(mapping, record, rule)) is not None
    }
    return tuple(replace(found, place=_nearest(places, found.place)) for found in findings)


def _cell_of(mapping: RecordMapping, record: Record, rule: Rule) -> str | None:
    """The place of the column that the rule reads; the filled one, where a label has several spellings."""
    sources = [compared_label(source) for source in rule.sources]
    names = [name for source in sources for name in (source, *mapping.aliases.get(source, ()))]
    labels = [label for name in names for label in record.places if compared_label(label) == name]
    filled = [label for label in labels if record.fields.get(label) not in (None, "", [])]
    return record.places[(filled or labels)[0]] if labels else None


def _nearest(places: Mapping[tuple[str, ...], str], pointer: str) -> str:
    steps = tuple(step for step in pointer.split("/")[1:] if not step.isdecimal())
    found = [places[steps[:length]] for length in range(len(steps), 0, -1) if steps[:length] in places]
    return found[0] if found else pointer


def losses(mapping: RecordMapping, record: Record) -> tuple[Finding, ...]:
    """The places where this record goes through an entry marked lossy, with the note of the mapping."""
    return tuple(Reading(mapping, record).losses)


def _place_values(draft: dict[str, Json], filled: Iterable[Filled]) -> Iterable[Finding]:
    lists: dict[tuple[str, ...], list[Filled]] = {}
    for found in filled:
        if not found.values:
            continue
        if found.path.many:
            lists.setdefault(found.path.head, []).append(found)
        else:
            _put(draft, found.path.head, found.values[0])
    for head, parts in lists.items():
        items, fault = _items(parts)
        if fault is not None:
            yield fault
        else:
            _put(draft, head, items)


def _items(parts: list[Filled]) -> tuple[list[Json], Finding | None]:
    """The items of one list: plain values, or objects that several rules fill in order."""
    if parts[0].path.tail == ():
        return list(parts[0].values), None
    longest = max(parts, key=lambda part: (part.pieces > 1, len(part.values)))
    items: list[dict[str, Json]] = [{} for _ in longest.values]
    for part in parts:
        if part.pieces > 1 and part.at != longest.at:
            hint = "another column of this list has values for other items; fill the same ones in both"
            return [], Finding(place=part.place, rule="uneven_list", hint=hint)
        for index, item in enumerate(items):
            _put(item, part.path.tail or (), part.values[index if part.pieces > 1 else 0])
    return list(items), None


def _place_absences(draft: dict[str, Json], filled: Iterable[Filled]) -> Iterable[Finding]:
    """Writes `unknown: {member: reason}` beside the member, as the schemas have it (code list `absence`)."""
    for found in filled:
        if found.absent is None:
            continue
        head = (found.rule.unknown_for or found.rule.path).head
        reason = (*head[:-1], "unknown", head[-1])
        if value_at(draft, head) is not None or value_at(draft, reason) not in (None, str(found.absent)):
            hint = "another cell gives a value for this, or another reason"
            yield Finding(place=found.place, rule="unknown_beside_value", hint=hint)
        else:
            _put(draft, reason, str(found.absent))


def _put(into: dict[str, Json], steps: tuple[str, ...], value: Json) -> None:
    for step in steps[:-1]:
        inner = into.setdefault(step, {})
        if not isinstance(inner, dict):
            raise RuntimeError("a path of the mapping leads through a value")
        into = inner
    into[steps[-1]] = value
