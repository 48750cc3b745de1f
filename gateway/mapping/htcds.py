"""HTCDS 2.0 records and referrals, both ways, with a report of what is lost (domain 11.10; `docs/htcds.md`).

A mapping file says what goes over (`gateway.mapping.to_message`), a second file what becomes of everything else and
why. Where a record of a case system is refused as a whole, this goes on with what can be carried over, because a person
reads the report: a field is carried over, or lost, or a person has to decide. Nothing is filled in that a record does
not say; a consent least of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

import schemas
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json
from gateway.mapping.to_message import Reading, make_draft
from gateway.mapping.to_record import Written, unread, write
from gateway.mapping.types import RecordMapping, compared, value_at
from schemas.explaining.explain import explain_finding

MAPPED, NOT_A_FIELD = "carried over", "no field of HTCDS 2.0, under no name that is known of it"


class Fate(StrEnum):
    """What became of one field."""

    MAPPED = "mapped"
    LOST = "lost"
    PERSON = "person"
    """A person has to decide: the field says something that must not be guessed from it, or it is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the report: an HTCDS field, the place in the referral, and why. Either side may be empty."""

    field: str
    place: str
    fate: Fate
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The two files. ``person`` and ``lost`` are fields with reasons, ``beside`` places of a referral; ``status`` is by
    state of the conversation, ``received`` the names of the receiver's fields by those of the sender's.
    """

    mapping: RecordMapping
    person: Mapping[str, str]
    lost: Mapping[str, str]
    beside: Mapping[str, str]
    status: Mapping[str, str]
    received: Mapping[str, str]
    aliases: Mapping[str, str]

    @property
    def known(self) -> frozenset[str]:
        """The labels of a heading row: every name of every field, in compared form."""
        read = {compared(source) for rule in self.mapping.rules for source in rule.sources}
        others = {other for names in self.mapping.aliases.values() for other in names}
        named = {compared(name) for name in (*self.person, *self.lost)}
        return frozenset(read | others | named | set(self.aliases))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The draft that a record makes, as far as it makes one."""

    draft: Mapping[str, Json] = field(repr=False)
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The record that a referral makes: HTCDS field -> code, text or day."""

    record: Mapping[str, Json] = field(repr=False)
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the record says of a referral and the referral does not. Units are `node/unit`, the node by its name
    here; ``created`` is Unix seconds; ``state`` is that of the conversation, None where it is not known.
    """

    ours: bool
    sender: str
    recipient: str
    created: int
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    fields: Mapping[str, Json]
    places: Mapping[str, str]
    faults: tuple[Finding, ...] = ()


def profile(mapping: RecordMapping, fates: object) -> Profile:
    """Build the profile of a mapping and its second file. Raises RefusedError where that has another shape."""
    wanted = {"person", "lost", "beside", "status", "received", "aliases"}
    if not isinstance(fates, dict) or set(fates) != wanted or not all(isinstance(v, dict) for v in fates.values()):
        raise RefusedError(Code.INVALID, "the second file of the profile does not have the expected form")
    named = ("person", "lost", "beside", "received")
    texts = {name: {str(key): str(why) for key, why in fates[name].items()} for name in named}
    return Profile(
        mapping=mapping,
        status={str(state): str(word) for word, states in fates["status"].items() for state in states},
        aliases={compared(str(other)): str(name) for name, others in fates["aliases"].items() for other in others},
        **texts,
    )


# --- from a record to a draft -------------------------------------------------------------------------------------


def take(profile: Profile, record: Mapping[str, Json]) -> Taken:
    """Make the draft of a referral from a record; report each of its fields, and what a person has to add."""
    filled = {label: value for label, value in record.items() if value not in (None, "", [], False)}
    whole = _read(profile.mapping, filled)
    draft, faults = _as_far_as_it_goes(whole)
    lines = [*_carried(whole, faults), *_left(profile, filled)]
    return Taken(draft=draft, lines=(*lines, *_wanted(draft)))


def _read(mapping: RecordMapping, filled: Mapping[str, Json]) -> Reading:
    """Read the fields of a record, each of which is its own place."""
    return Reading(mapping, _Record(fields=filled, places={label: label for label in filled}))


def _as_far_as_it_goes(reading: Reading) -> tuple[dict[str, Json], list[Finding]]:
    """Make the draft without the fields that are at fault, and return their faults."""
    faults: list[Finding] = []
    while True:
        made = make_draft(reading)
        if not isinstance(made, tuple):
            return made, faults
        faults += made
        wrong = {fault.place for fault in made}
        for read in reading.each:
            if any(fault.rule == "ambiguous_column" for fault in read.faults):  # neither of the two is believed
                also = {label for label, _ in read.cells} - wrong
                faults += [replace(read.faults[0], place=label) for label in also]
                wrong |= also
        fields = reading.record.fields
        if not wrong & set(fields):
            raise RuntimeError("a fault of a record is at none of its fields")
        reading = _read(reading.mapping, {label: value for label, value in fields.items() if label not in wrong})


def _carried(reading: Reading, faults: Sequence[Finding]) -> Iterator[Line]:
    """Report the fields that a rule reads: carried over with what is lost by it, or at fault."""
    wrong = {fault.place: f"{fault.rule}: {fault.hint}" for fault in faults}
    for read in reading.each:
        for label, _ in read.cells:
            path = read.filled.path if read.filled is not None else read.rule.path
            losses = "; ".join(dict.fromkeys(loss.hint for loss in read.losses if loss.place == label))
            if label in wrong:
                yield Line(field=label, place=path.pointer, fate=Fate.PERSON, why=wrong[label])
            else:
                why = f"{MAPPED}; {losses}" if losses else MAPPED
                yield Line(field=label, place=path.pointer, fate=Fate.MAPPED, why=why)


def _left(profile: Profile, filled: Mapping[str, Json]) -> Iterator[Line]:
    """Report the fields that no rule reads."""
    mapping = profile.mapping
    read = {compared(source) for rule in mapping.rules if rule.direction.outward for source in rule.sources}
    read |= {other for source in read for other in mapping.aliases.get(source, ())}
    names = {compared(name): name for name in (*profile.person, *profile.lost)}
    names |= profile.aliases
    names |= {other: names[name] for name, others in mapping.aliases.items() if name in names for other in others}
    for label in filled:
        if compared(label) in read:
            continue
        name = names.get(compared(label), "")
        why = profile.person.get(name) or profile.lost.get(name) or NOT_A_FIELD
        yield Line(field=label, place="", fate=Fate.LOST if name in profile.lost else Fate.PERSON, why=why)


def _wanted(draft: Mapping[str, Json]) -> Iterator[Line]:
    """Report the members that a referral needs and the record does not give."""
    for name, what in (("to", "the peer that gets it"), ("purpose", "a code of the list purpose")):
        if draft[name] is None:
            yield Line(field="", place=f"/{name}", fate=Fate.PERSON, why=what)
    header = draft["header"] if isinstance(draft["header"], dict) else {}
    body: Json = {"header": {**header, "seen": 0}, "content": draft["content"]}
    for found in schemas.validate(str(draft["type"]), body):
        told = explain_finding(str(draft["type"]), body, found)
        why = told.expected if found.rule == "required" else f"{found.rule}: {told.mend}"
        yield Line(field="", place=found.place, fate=Fate.PERSON, why=why)


# --- from a referral to a record ----------------------------------------------------------------------------------


def give(profile: Profile, message: Mapping[str, Json], around: Circumstances) -> Given:
    """Make the record of a referral; report each of its members, and the fields that it leaves to a person.

    Raises:
        RefusedError: wrong_type; it is no referral.
    """
    mapping = profile.mapping
    if message.get("type") != mapping.body_type:
        raise RefusedError(
            Code.WRONG_TYPE,
            "HTCDS has a place for referrals only; nothing was written",
            hint=f"name a message of type {mapping.body_type}: trm message list",
        )
    record: dict[str, Json] = {}
    lines: list[Line] = []
    for item in _each(mapping, message):
        for label, cell in item.cells:
            name = label if around.ours else profile.received.get(label, label)
            record[name] = _joined(record.get(name), cell) if item.rule.path.many else cell
            why = "; ".join((MAPPED, *item.losses))
            lines.append(Line(field=name, place=_place(item, cell), fate=Fate.MAPPED, why=why))
        if not item.cells and (item.fault is not None or item.losses):
            place = item.place if item.fault is None else item.fault.place
            lines.append(Line(field=item.rule.sources[0], place=place, fate=Fate.LOST, why=_why_not(item)))
    said = dict(_said(profile, around))
    lines += [Line(field=name, place="", fate=Fate.MAPPED, why="from where the referral stands") for name in said]
    return Given(record=record | said, lines=(*dict.fromkeys(lines), *_without_place(profile, message)))


def _each(mapping: RecordMapping, message: Mapping[str, Json]) -> Iterator[Written]:
    """Yield the cells that each rule writes; of a list that cannot be written whole, those of its items."""
    for item in write(mapping, message):
        head, columns = item.rule.path.head, len(item.rule.sources)
        if item.fault is None or not item.rule.path.many:
            yield item
            continue
        alone, items = replace(mapping, rules=(item.rule,)), _items(message, head)
        if columns > 1:
            yield from write(alone, _with(message, head, items[:columns]))
            yield replace(item, fault=replace(item.fault, hint=f"HTCDS has room for {columns}"))
        else:
            for one in items:
                yield from write(alone, _with(message, head, [one]))


def _place(item: Written, cell: Json) -> str:
    """Return the place of a cell; a year alone comes from another member than a date."""
    year = item.rule.year_to
    return year.pointer if year is not None and len(str(cell)) == len("1994") else item.place


def _joined(before: Json, cell: Json) -> str:
    """Join several values as HTCDS writes them into one cell, each once."""
    words = [word.strip() for text in (before, cell) if text is not None for word in str(text).split(";")]
    return ";".join(dict.fromkeys(words))


def _why_not(item: Written) -> str:
    """Explain a rule that wrote nothing: the note of the file about the code, where there is one."""
    value = item.found[0] if isinstance(item.found, list) and item.found else item.found
    back = item.rule.back.get(value) if isinstance(value, str | bool) else None
    if back is not None and back.note:
        return back.note
    return item.fault.hint if item.fault is not None else "; ".join(item.losses)


def _items(message: Mapping[str, Json], head: Sequence[str]) -> list[Json]:
    value = value_at(message, head)
    return value if isinstance(value, list) else []


def _with(message: Mapping[str, Json], head: Sequence[str], value: Json) -> dict[str, Json]:
    inner = message.get(head[0])
    rest = _with(inner if isinstance(inner, dict) else {}, head[1:], value) if len(head) > 1 else value
    return {**message, head[0]: rest}


def _said(profile: Profile, around: Circumstances) -> Iterator[tuple[str, Json]]:
    """Yield the fields that come from the circumstances of a referral and not from its content."""
    yield "cas_ReferringOrganisation", around.sender
    yield "cas_ReferredOrganisation", around.recipient
    if around.state in profile.status:
        yield "cas_Status", profile.status[str(around.state)]
    if around.ours:
        yield "cas_OutgoingReferralDate", datetime.fromtimestamp(around.created, UTC).date().isoformat()


def _without_place(profile: Profile, message: Mapping[str, Json]) -> Iterator[Line]:
    """Report the members of the referral for which the record has no place."""
    header = message.get("header")
    said = [f"/header/{name}" for name in header] if isinstance(header, dict) else []
    said += unread(profile.mapping, message)
    for place in said:
        about = place.replace("/unknown/", "/")
        why = next((why for part, why in profile.beside.items() if f"{about}/".startswith(f"{part}/")), None)
        if why is not None:
            yield Line(field="", place=place, fate=Fate.LOST, why=why)
