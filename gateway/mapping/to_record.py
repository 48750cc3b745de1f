"""The way back: from a message to the record of a local system, by the mapping file that also makes messages.

Nothing is guessed here either. A code has one local value, the one that leads to it, or the one that `back` of the file
names; a code without one is a fault at its place in the message, and a person looks at the message. What is written
into a cell is read again by the rules of the other way before it is believed: a text with the separator in it, a word
that means "refused" here, a date that a cell cannot hold would otherwise change their meaning without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.errors import Finding
from gateway.foundation.json import Json
from gateway.mapping.cells import Cell, read_cell
from gateway.mapping.types import Absence, Back, RecordMapping, Rule, Target, compared, value_at


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedMessage:
    """The record that a message makes: label -> cell. ``losses`` are the places whose distinctions it does not keep,
    ``left_out`` the places of what the message says besides.
    """

    fields: Mapping[str, Json]
    losses: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one rule makes of a message: its cells by label, and what is wrong or lost. No cells: it says nothing."""

    rule: Rule
    place: str
    found: Json = None
    cells: tuple[tuple[str, Json], ...] = ()
    fault: Finding | None = None
    losses: tuple[str, ...] = ()


def map_message(mapping: RecordMapping, message: Mapping[str, Json]) -> MappedMessage | tuple[Finding, ...]:
    """Make the record of a message of the mapping's type, or return every reason why a person has to look at it.

    ``message`` has the members of a draft. Of its header only what the file reads is carried over.
    """
    written = write(mapping, message)
    faults = [item.fault for item in written if item.fault is not None]
    beside = unread(mapping, message)
    faults += [
        Finding(place=place, rule="unread_member", hint="the mapping file says nothing about this member")
        for place, on_purpose in beside.items()
        if not on_purpose
    ]
    fields: dict[str, Json] = {}
    for item in written:
        for label, cell in item.cells:
            if label in fields and fields[label] != cell:
                faults.append(
                    Finding(place=item.place, rule="ambiguous_column", hint="two members write to one column")
                )
            fields[label] = cell
    if faults:
        return tuple(faults)
    losses = [Finding(place=item.place, rule="lossy", hint=note) for item in written for note in item.losses]
    return MappedMessage(fields=fields, losses=tuple(losses), left_out=tuple(beside))


def write(mapping: RecordMapping, message: Mapping[str, Json]) -> list[Written]:
    """Apply each rule that goes this way to the message, in the order of the file."""
    return [_written(rule, message) for rule in mapping.rules if rule.direction.inward]


def unread(mapping: RecordMapping, message: Mapping[str, Json]) -> dict[str, bool]:
    """Find the places of the content that no rule reads, each with whether the file leaves it out on purpose."""
    leaves = {steps: None for steps in _leaves(message.get("content"), ("content",)) if not is_read(mapping, steps)}
    return {_pointer(steps): is_left_out(mapping, steps) for steps in leaves}


def is_read(mapping: RecordMapping, steps: tuple[str, ...]) -> bool:
    """Whether a rule carries the member over; a member of `unknown` goes with the member that it is about."""
    rules = [rule for rule in mapping.rules if rule.direction.inward]
    plain = _plain(steps)
    if "unknown" in plain[:-1]:
        return any((rule.unknown_for or rule.path).head == _about(plain) for rule in rules)
    paths = [path for rule in rules for path in (rule.path, rule.year_to) if path is not None]
    return any(tuple(path.text.split(".")) == steps for path in paths)


def is_left_out(mapping: RecordMapping, steps: tuple[str, ...]) -> bool:
    """Whether the file says that the member, or something around it, is left behind."""
    plain = _about(_plain(steps))
    return any(plain[: len(out)] == _plain(out) for out in mapping.left_out)


def _about(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Return the member that a member of `unknown` is about; any other member is itself."""
    if "unknown" not in plain[:-1]:
        return plain
    at = plain.index("unknown")
    return (*plain[:at], *plain[at + 1 :])


def _plain(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(step.removesuffix("[]") for step in steps)


def ways_back(rule: Rule) -> dict[str | bool, Back]:
    """Find for each code its local value: the one that `back` names, else the only value of the picklist that leads to
    it, else the only one of them without a loss.
    """
    leading: dict[str | bool, list[Target]] = {}
    picklist = set(map(compared, rule.values))
    for key, target in (rule.codes or {}).items():
        if not picklist or key in picklist:
            leading.setdefault(target.value, []).append(target)
    ways = dict(rule.back)
    for code, targets in leading.items():
        whole = [target for target in targets if target.loss is None]
        only = targets if len(targets) == 1 else whole
        if code not in ways and len(only) == 1:
            ways[code] = Back(local=only[0].local, loss=only[0].loss)
    return ways


# --- one rule -----------------------------------------------------------------------------------------------------


def _written(rule: Rule, message: Mapping[str, Json]) -> Written:
    place = _pointer(tuple(rule.path.text.split(".")))
    values = _values(rule, message)
    if isinstance(values, Finding):
        return Written(rule=rule, place=place, fault=values)
    head = (rule.unknown_for or rule.path).head
    reason = value_at(message, (*head[:-1], "unknown", head[-1]))
    if reason is None:
        return _write_values(rule, place, values) if values else Written(rule=rule, place=place)
    if not values:
        return _write_absence(rule, place, reason)
    if rule.year_to is None or value_at(message, rule.path.head) is not None:
        hint = "a value, and why there is none"
        return Written(rule=rule, place=place, fault=Finding(place=place, rule="unknown_beside_value", hint=hint))
    written = _write_values(rule, place, values)
    return replace(written, losses=(*written.losses, "why the day is not known is not said beside the year"))


def _write_absence(rule: Rule, place: str, reason: Json) -> Written:
    word = rule.words.get(Absence(reason)) if reason in list(Absence) else None
    if word is not None:
        return Written(rule=rule, place=place, found=reason, cells=((rule.sources[0], word),))
    if rule.unknown_lossy:
        return Written(rule=rule, place=place, found=reason, losses=(rule.unknown_lossy,))
    fault = Finding(place=place, rule="no_way_back", hint="the mapping has no way to say why a value is missing")
    return Written(rule=rule, place=place, found=reason, fault=fault)


def _write_values(rule: Rule, place: str, values: list[Json]) -> Written:
    found: Json = values if rule.path.many else values[0]
    if rule.codes is None:
        local, expected, losses = values, values, list[str]()
    else:
        ways = ways_back(rule)
        steps = [ways.get(value) if isinstance(value, str | bool) else None for value in values]
        if any(step is None or step.local is None for step in steps):
            hint = "the mapping has no local value for this code; there is no default"
            return Written(
                rule=rule, place=place, found=found, fault=Finding(place=place, rule="unmapped_code", hint=hint)
            )
        words = [step.local for step in steps if step is not None and step.local is not None]
        losses = [step.loss.note for step in steps if step is not None and step.loss is not None]
        local = [*words]
        expected = [rule.codes[compared(word)].value for word in words if compared(word) in rule.codes]
    cells = _cells(rule, local)
    if cells is None or not _reads_back(rule, cells, expected):
        hint = "what would be written does not read back as what the message says"
        return Written(rule=rule, place=place, found=found, fault=Finding(place=place, rule="no_way_back", hint=hint))
    return Written(rule=rule, place=place, found=found, cells=cells, losses=tuple(dict.fromkeys(losses)))


def _values(rule: Rule, message: Mapping[str, Json]) -> list[Json] | Finding:
    """Return the values of the message at the path, one for each cell or item; or a fault."""
    at = value_at(message, rule.path.head)
    if not rule.path.many:
        year = None if rule.year_to is None else value_at(message, rule.year_to.head)
        if at is not None and year is not None:
            hint = "a date and a year, and one cell for both"
            return Finding(place=_pointer(rule.path.head), rule="no_way_back", hint=hint)
        at = year if at is None else at
        return [] if at is None else [at]
    if not isinstance(at, list):
        return []
    items = [value_at(item, rule.path.tail or ()) for item in at]
    present: list[Json] = [item for item in items if item is not None]
    if present and len(present) != len(items):
        place = _pointer(tuple(rule.path.text.split(".")))
        return Finding(place=place, rule="uneven_list", hint="some items of this list have it and some do not")
    return present


def _cells(rule: Rule, values: list[Json]) -> tuple[tuple[str, Json], ...] | None:
    """Distribute the values over the columns of the rule; None where they do not fit."""
    if not rule.path.many:
        return ((rule.sources[0], values[0]),)
    if len(rule.sources) == 1:
        return ((rule.sources[0], _joined(rule, values)),)
    if len(values) > len(rule.sources) and rule.split is None:
        return None
    last = len(rule.sources) - 1
    parts = [[value] for value in values[:last]] + ([values[last:]] if values[last:] else [])
    return tuple(
        (source, part[0] if len(part) == 1 else _joined(rule, part))
        for source, part in zip(rule.sources, parts, strict=False)
    )


def _joined(rule: Rule, values: list[Json]) -> Json:
    """Return a list, or one text with the separator where the rule splits a cell."""
    if rule.split is None:
        return values
    separator = rule.split if rule.split.isspace() else f"{rule.split} "
    return separator.join(str(value) for value in values)


def _reads_back(rule: Rule, cells: Iterable[tuple[str, Json]], expected: list[Json]) -> bool:
    read: list[Json] = []
    for _, value in cells:
        cell = read_cell(rule, value)
        if not isinstance(cell, Cell) or cell.absent is not None:
            return False
        read += cell.values
    return read == [value.strip() if isinstance(value, str) else value for value in expected]


def _leaves(value: Json, steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    match value:
        case dict():
            for name, member in value.items():
                yield from _leaves(member, (*steps, name))
        case list():
            for item in value:
                yield from _leaves(item, (*steps[:-1], f"{steps[-1]}[]"))
        case None:
            pass
        case _:
            yield steps


def _pointer(steps: tuple[str, ...]) -> str:
    """Format a place in a message: a JSON pointer with `*` for the items of a list."""
    return "/" + "/".join(part for step in steps for part in ([step[:-2], "*"] if step.endswith("[]") else [step]))
