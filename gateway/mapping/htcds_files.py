"""The records of an HTCDS table: a workbook of the standard, answers of its survey form, or CSV (`docs/htcds.md`).

A table is read as a line list is (`adapters.sheet.read`): visible labels count, every cell that cannot be trusted is a
fault at its place, and the other cells go on. The columns that a survey makes of one question with several answers
(`vic_TypeOfExploitation/ForcedLabour`) become one cell again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.sheet.cells import Fault, is_empty, read_cell
from adapters.sheet.headings import SHARED, SHARED_HINT, Heading, normalise_label
from adapters.sheet.htcds import IDS, RECORD_MAPPING
from adapters.sheet.layout import Layout, read_layout
from adapters.sheet.read import heading_of, is_survey_form, read_table
from adapters.sheet.records import defect_fault
from adapters.sheet.table import Cell, Limits, Table, UnreadableError
from gateway.errors import Code, Finding, RefusedError
from gateway.mapping.dates import DayOrder
from gateway.mapping.htcds import Fate, Line, Profile, Taken, take
from gateway.mapping.types import Kind as RuleKind
from gateway.ports import Json

_IDS = ("prs_IdentityNumber", "prs_HomePhone", "prs_MobilePhone", "prs_MailingPostalCode")
_SURVEY = (
    *("start", "end", "today", "deviceid", "subscriberid", "simserial", "phonenumber", "username", "audit"),
    *("_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by", "__version__"),
    *("_tags", "_index", "_xform_id_string", "meta/instanceID", "meta/rootUuid", "formhub/uuid", "instanceID"),
    *("SubmissionDate", "meta-instanceID", "KEY", "SubmitterID", "SubmitterName", "AttachmentsPresent"),
    *("AttachmentsExpected", "ReviewState", "DeviceID", "Edits", "FormVersion"),
)
"""Columns that Kobo and ODK add to what was answered."""

_TICKED = frozenset({"1", "true", "yes"})
_FORM = "this is the survey form and not what was answered: export the answers as .xlsx or .csv"
_TWICE = "two columns of this name stand here and one or both are filled: name the other one differently"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One record: its fields by label, the place of each, and why some cannot be used, by label."""

    fields: Mapping[str, Json] = field(repr=False)
    places: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, Finding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """The records of a file in their order; `guessed` is the encoding where nothing stated it."""

    records: Sequence[FileRecord]
    guessed: str | None = None


def read_records(path: Path, known: frozenset[str], encoding: str | None = None) -> RecordFile:
    """Read the records of a file; `known` are the names of all fields in compared form.

    Raises:
        RefusedError: it cannot be read, or holds no record; nothing about a case is said.
    """
    limits = Limits()
    try:
        with path.open("rb") as file:
            data = file.read(limits.file_bytes + 1)
    except OSError as exc:
        raise RefusedError(Code.NOT_FOUND, f"{path} cannot be read; nothing was written") from exc
    if len(data) > limits.file_bytes:
        raise RefusedError(Code.TOO_LARGE, f"{path} is larger than {limits.file_bytes >> 20} MiB; nothing was written")
    layout = read_layout(RECORD_MAPPING.read_bytes(), frozenset(map(normalise_label, (*IDS, *_IDS))))
    try:
        found = read_table(
            data, path.suffix.lower(), known, sheet=None, delimiter=None, limits=limits, encoding=encoding
        )
    except UnreadableError as exc:
        finding = exc.finding
        where = f" at {finding.place}" if finding.place else ""
        what = f"{path.name} cannot be read as a table ({finding.rule}{where}); nothing was written"
        hint = _FORM if finding.rule == "no_heading" and is_survey_form(data) else finding.hint
        raise RefusedError(Code.MALFORMED, what, hint=hint, findings=[finding]) from exc
    heading = heading_of(found, known)
    if heading is None:
        raise RuntimeError("a table without a heading came out of read_table")
    return RecordFile(records=list(_Rows(found, heading, layout, known).records()), guessed=found.guessed)


def take_record(profile: Profile, record: FileRecord) -> Taken:
    """Make the draft of a record; what stands at a fault of the file is a person's, and the other fields go on."""
    fields = {label: value for label, value in record.fields.items() if label not in record.faults}
    made = take(profile, fields)
    faults = [
        Line(field=label, place="", fate=Fate.PERSON, why=f"{fault.rule}: {fault.hint}")
        for label, fault in record.faults.items()
    ]
    return replace(made, lines=(*faults, *made.lines))


def with_dates(profile: Profile, order: DayOrder | None) -> Profile:
    """Return the profile that reads a date of two numbers in this order; None asks about each that has two meanings."""
    rules = tuple(replace(rule, dates=order) if rule.kind is RuleKind.DATE else rule for rule in profile.mapping.rules)
    return replace(profile, mapping=replace(profile.mapping, rules=rules))


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """One line of the reports of several records: it says the same of each of these, counted from 1."""

    line: Line
    records: tuple[int, ...]


def together(taken: Sequence[Taken]) -> tuple[Together, ...]:
    """Join the reports of several records, column by column, those for a person first."""
    found: dict[Line, list[int]] = {}
    for number, made in enumerate(taken, start=1):
        for line in dict.fromkeys(made.lines):
            found.setdefault(line, []).append(number)
    order = [Fate.PERSON, Fate.MAPPED, Fate.LOST]
    joined = [Together(line=line, records=tuple(numbers)) for line, numbers in found.items()]
    return tuple(sorted(joined, key=lambda each: order.index(each.line.fate)))


class _Rows:
    """A table with its label row, read from top to bottom."""

    def __init__(self, table: Table, heading: Heading, layout: Layout, known: frozenset[str]) -> None:
        self._table = table
        self._heading = heading
        self._layout = layout
        self._known = known
        survey = {normalise_label(name) for name in _SURVEY}
        self._names = {
            column: _plain_name(label, known)
            for column, label in heading.labels.items()
            if normalise_label(label) not in survey
        }
        uses = Counter(normalise_label(name) for name in self._names.values())
        self._twice = {name for name, count in uses.items() if count > 1}
        self._choices = {
            column: (question, answer)
            for column, label in heading.labels.items()
            for question, answer in [_choice_of(label, known)]
            if question
        }

    def records(self) -> Iterator[FileRecord]:
        for number in range(self._heading.row + 1, len(self._table.rows)):
            if any(self._filled(number, column) for column in self._names):
                yield self._record(number)

    def _filled(self, number: int, column: int) -> bool:
        return not is_empty(self._cell(number, column)) or (number, column) in self._table.defects

    def _record(self, number: int) -> FileRecord:
        fields: dict[str, Json] = {}
        places: dict[str, str] = {}
        faults: dict[str, Finding] = {}
        for column, name in self._names.items():
            if column in self._choices or not self._filled(number, column):
                continue
            place = self._table.place(number, column)
            value = self._value(number, column, name)
            if isinstance(value, Fault):
                faults[name] = Finding(place=place, rule=value.rule, hint=value.hint)
            elif normalise_label(name) in self._twice:
                faults[name] = Finding(place=place, rule="ambiguous_column", hint=_TWICE)
            places[name] = place
            fields[name] = None if isinstance(value, Fault) else value
        for column, label in self._heading.shared.items():
            if self._filled(number, column):
                place, name = self._table.place(number, column), _plain_name(label, self._known)
                places[name], faults[name] = place, Finding(place=place, rule=SHARED, hint=SHARED_HINT)
        for column, (question, answer) in self._choices.items():
            if str(self._cell(number, column)).partition(".")[0].strip().casefold() in _TICKED:
                self._tick(fields, question, answer)
                places.setdefault(question, self._table.place(number, column))
        return FileRecord(fields=fields, places=places, faults=faults)

    def _tick(self, fields: dict[str, Json], question: str, answer: str) -> None:
        """Add an answer that has a column of its own; where the survey also wrote them together, that says it."""
        if normalise_label(question) not in {normalise_label(name) for name in self._names.values()}:
            before = fields.get(question)
            fields[question] = f"{before};{answer}" if before else answer

    def _value(self, number: int, column: int, name: str) -> Json | Fault:
        defect = self._table.defects.get((number, column))
        if defect is not None:
            return defect_fault(defect)
        kind = self._layout.columns.get(normalise_label(name))
        cell = self._cell(number, column)
        return str(cell).strip() if kind is None else read_cell(kind, cell)

    def _cell(self, number: int, column: int) -> Cell:
        cells = self._table.rows[number]
        return cells[column] if column < len(cells) else ""


def _plain_name(label: str, known: frozenset[str]) -> str:
    """Return the name of a field without the groups of the form in which a survey asked for it."""
    last = label.rpartition("/")[2]
    return last if normalise_label(label) not in known and normalise_label(last) in known else label


def _choice_of(label: str, known: frozenset[str]) -> tuple[str, str]:
    """Return question and answer of a column that a survey makes for one answer; empty for any other column."""
    question, _, answer = label.rpartition("/")
    question = question.rpartition("/")[2]
    plain = normalise_label(label) in known or normalise_label(answer) in known
    return (question, answer) if not plain and normalise_label(question) in known else ("", "")
