"""An answer about a column, kept in its mapping file: what else the file says stays as it is written, comments too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import yaml

from gateway.errors import Code, RefusedError
from gateway.mapping.case_system import parse_text
from gateway.mapping.dates import DayOrder
from gateway.mapping.types import Kind, RecordMapping, Rule, compared_label

DATES = "dates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A mapping file with an answer in it; `before` are the answers that the column had, None for none."""

    text: str
    before: Sequence[DayOrder | None]


def answer_dates(text: str, label: str, order: DayOrder) -> Answered:
    """Say in the text of a mapping file which number is the day in the column with this label, or an alias of it.

    Raises:
        RefusedError: invalid, for a file with a fault; not_found, where it reads no date from such a column. Nothing is
            written here.
    """
    mapping = parse_text(text)
    asked = [rule for rule in mapping.rules if _reads_date(mapping, rule, label)]
    if not asked:
        columns = sorted({rule.sources[0] for rule in mapping.rules if rule.kind is Kind.DATE})
        raise RefusedError(
            Code.NOT_FOUND,
            "the mapping file reads no date from such a column; it was left as it is",
            hint=f"it reads dates from: {', '.join(columns)}" if columns else "it reads no dates at all",
        )
    written = text
    for start, end, piece in sorted(_edits(text, {rule.path.text for rule in asked}, order), reverse=True):
        written = written[:start] + piece + written[end:]
    meant = tuple(replace(rule, dates=order) if rule in asked else rule for rule in mapping.rules)
    if _read(written) != replace(mapping, rules=meant):
        raise RefusedError(
            Code.INVALID,
            "the mapping file is written in a way in which it cannot be added to; it was left as it is",
            hint=f"write {DATES}: {order} into each field that reads the column, below its type",
        )
    return Answered(text=written, before=[rule.dates for rule in asked])


def _read(text: str) -> RecordMapping | None:
    try:
        return parse_text(text)
    except RefusedError:
        return None


def _reads_date(mapping: RecordMapping, rule: Rule, label: str) -> bool:
    """Whether a rule reads a date from the column with this label."""
    names = (compared_label(source) for source in rule.sources)
    return rule.kind is Kind.DATE and any(
        compared_label(label) in (name, *mapping.aliases.get(name, ())) for name in names
    )


def _edits(text: str, paths: set[str], order: DayOrder) -> Iterator[tuple[int, int, str]]:
    """Yield what to put where, for the fields with these paths: start and end in the text, and the new piece."""
    for path, rule in _members(_member(yaml.compose(text, yaml.SafeLoader), "fields")):
        if path not in paths or not isinstance(rule, yaml.MappingNode):
            continue
        said, start = _member(rule, DATES), rule.start_mark
        if said is not None:
            yield said.start_mark.index, said.end_mark.index, str(order)
        elif rule.flow_style:
            yield start.index + 1, start.index + 1, f"{DATES}: {order}, "
        else:
            line = "\r\n" if "\r\n" in text else "\n"
            yield start.index, start.index, f"{DATES}: {order}{line}{' ' * start.column}"


def _members(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        yield key.value, value


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    return next((value for key, value in _members(node) if key == name), None)
