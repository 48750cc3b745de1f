"""What becomes of each field, side by side, for `trm mapping preview`: the way out and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.errors import Finding
from gateway.foundation.json import Json
from gateway.mapping.to_message import Reading, Record
from gateway.mapping.to_record import unread, write
from gateway.mapping.types import RecordMapping, compared

NOT_READ, LEFT_OUT, CONSTANT = "not read by any rule", "left out on purpose", "constant of the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One field on both sides. ``remarks`` are what is wrong or lost; a side that has nothing is empty."""

    label: str
    local: Json
    path: str
    value: Json
    remarks: tuple[str, ...] = ()


def outward(mapping: RecordMapping, record: Record) -> list[Line]:
    """A record on the left, the message on the right: every rule that finds something, then what nobody reads."""
    reading = Reading(mapping, record)
    lines = [
        Line(label="", local=None, path=path.text, value=value, remarks=(CONSTANT,))
        for path, value in mapping.constants
    ]
    for read in reading.each:
        if not read.cells and not read.faults:
            continue
        path, value = read.rule.path.text, _one([])
        if read.filled is not None:
            path, value = read.filled.path.text, _one(list(read.filled.values))
            if read.filled.absent is not None:
                head = (read.rule.unknown_for or read.rule.path).head
                path, value = ".".join((*head[:-1], "unknown", head[-1])), str(read.filled.absent)
        label = ", ".join(label for label, _ in read.cells) or ", ".join(read.rule.sources)
        remarks = (*map(_said, read.faults), *(f"loses: {loss.hint}" for loss in read.losses))
        lines.append(
            Line(label=label, local=_one([cell for _, cell in read.cells]), path=path, value=value, remarks=remarks)
        )
    return [*lines, *_nobody_reads(mapping, record)]


def inward(mapping: RecordMapping, message: Mapping[str, Json]) -> list[Line]:
    """A message on the right, the record on the left: every rule that finds something, then what nobody reads."""
    lines = []
    for item in write(mapping, message):
        if item.found is None and item.fault is None:
            continue
        faults = () if item.fault is None else (_said(item.fault),)
        labels = [label for label, _ in item.cells] or list(item.rule.sources)
        lines.append(
            Line(
                label=", ".join(labels),
                local=_one([cell for _, cell in item.cells]),
                path=item.rule.path.text,
                value=item.found,
                remarks=(*faults, *(f"loses: {note}" for note in item.losses)),
            )
        )
    for place, on_purpose in unread(mapping, message).items():
        remark = LEFT_OUT if on_purpose else NOT_READ
        lines.append(Line(label="", local=None, path=place, value=None, remarks=(remark,)))
    return lines


def _nobody_reads(mapping: RecordMapping, record: Record) -> Iterator[Line]:
    read = {compared(source) for rule in mapping.rules for source in rule.sources}
    read |= {other for source in read for other in mapping.aliases.get(source, ())}
    for label, value in record.fields.items():
        if compared(label) not in read:
            remark = "ignored on purpose" if compared(label) in mapping.ignored else NOT_READ
            yield Line(label=label, local=value, path="", value=None, remarks=(remark,))


def _one(values: list[Json]) -> Json:
    return values[0] if len(values) == 1 else (values or None)


def _said(fault: Finding) -> str:
    return f"{fault.rule}: {fault.hint}" if fault.hint else fault.rule
