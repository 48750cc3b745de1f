"""Retention: what is stored, as the pure decision of `gateway.core.retention` needs it, and what follows from it.

What came of a conversation is read from its messages that are still stored; of those that were erased the reason is
known, which says as much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from sqlalchemy import Connection

from gateway.core import acceptance, retention
from gateway.core.acceptance import Incoming
from gateway.core.day import parse_day
from gateway.core.delivery import SENDING, Outgoing
from gateway.core.retention import Item, Plan, Standing
from gateway.core.scope import type_name
from gateway.errors import RefusedError
from gateway.ports import Json
from gateway.service import counting, erasing, records
from gateway.service.parts import Parts
from gateway.service.records import Content
from gateway.store import content, erasures, log
from gateway.store.messages import IN, MessageRow
from schemas import classes, highest
from schemas.retention import retention as table
from schemas.walk import SENSITIVITY

AT_ONCE = 500

Key = tuple[bytes, str]
"""One conversation with one peer."""

_ENDS = {"referral.decline": "declined", "referral.withdraw": "withdrawn"}
_ARRIVED = "locating"
"""The rule that erases after an arrival: that it did says that there was one."""


@dataclass(slots=True, kw_only=True)
class _Story:
    """What is known of one conversation while its messages are read."""

    kind: str
    last: int
    state: str | None = None
    since: int | None = None
    arrived: int | None = None


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Everything that is stored, read once."""

    stories: dict[Key, _Story] = field(default_factory=dict)
    facts: list[tuple[MessageRow, str | None, str, date | None]] = field(default_factory=list)


async def plan(parts: Parts) -> Plan:
    """What has to be erased now and why, and why nothing else; nothing is changed."""
    reading = _Reading()
    ended, holds, alarmed = await parts.store.read(
        lambda c: (erasures.ended(c), erasures.holds(c), {alarm.ref for alarm in log.open_alarms(c)})
    )
    after = 0
    while rows := await parts.store.read(partial(_batch, parts, after=after)):
        after = rows[-1][0].ref
        await parts.off_loop(partial(_read, reading, rows))
    _remember(reading.stories, ended)
    items = [
        Item(
            ref=row.ref,
            body_type=body_type,
            sensitivity=sensitivity,
            at=row.at,
            retain_until=until,
            under_way=_under_way(row) or row.ref in alarmed,
            standing=_standing(reading.stories[row.conversation, row.peer], row.conversation in holds),
        )
        for row, body_type, sensitivity, until in reading.facts
    ]
    return retention.plan(
        items, table().rules, parts.clock.now(), epoch_days=parts.config.storage.epoch_days
    )  # fmt: skip


async def run(parts: Parts, *, by: str | None = None) -> Plan:
    """The same, and it is done. The senders are told when the storage epoch has ended, at the latest at the horizon."""
    made = await plan(parts)
    reasons = {item.ref: item.rule for item in made.erase if item.rule is not None}
    await counting.count_first(parts, reasons)
    await erasing.erase(parts, reasons, by=by)
    return made


def _batch(parts: Parts, connection: Connection, after: int) -> list[tuple[MessageRow, Content | None]]:
    rows = erasures.stored(connection, after, AT_ONCE)
    sealed = content.get(connection, [row.ref for row in rows])
    opened = dict(zip(sealed, parts.vault.open_each(list(sealed.values())), strict=True))
    contents = {
        ref: records.read_content(plain) for ref, plain in opened.items() if not isinstance(plain, RefusedError)
    }
    return [(row, contents.get(row.ref)) for row in rows]


def _read(reading: _Reading, rows: Iterable[tuple[MessageRow, Content | None]]) -> None:
    for row, opened in rows:
        story = reading.stories.setdefault((row.conversation, row.peer), _Story(kind=row.kind, last=row.at))
        story.last = max(story.last, row.at)
        if opened is None:
            reading.facts.append((row, None, SENSITIVITY[-1], None))
            continue
        header, body = opened.halves()
        _tell(story, row, type_name(opened.facts.body_type), body)
        reading.facts.append((row, opened.facts.body_type, _sensitivity(opened, body), _until(header)))


def _tell(story: _Story, row: MessageRow, kind: str, body: Mapping[str, Json]) -> None:
    """What a message says about where its conversation stands."""
    if kind in _ENDS:
        story.state, story.since = _ENDS[kind], row.at
    elif kind == "arrival.confirmation" and str(body.get("outcome")).startswith("met"):
        story.arrived = row.at


def _remember(stories: Mapping[Key, _Story], ended: Iterable[tuple[bytes, str, str, int]]) -> None:
    """What the erased messages of a conversation had said."""
    for conversation, peer, reason, at in ended:
        story = stories.get((conversation, peer))
        if story is None:
            continue
        if reason in ("declined", "expired", "withdrawn") and story.state is None:
            story.state, story.since = reason, at
        elif reason == _ARRIVED and story.arrived is None:
            story.arrived = at


def _standing(story: _Story, held: bool) -> Standing:
    return Standing(
        kind=story.kind, last=story.last, state=story.state, since=story.since, arrived=story.arrived, held=held
    )


def _sensitivity(opened: Content, body: Mapping[str, Json]) -> str:
    """The highest class of what a message says; that of a schema which is not held any more is the highest there is."""
    try:
        return highest(classes(opened.facts.schema, body))
    except RefusedError:
        return SENSITIVITY[-1]


def _until(header: Mapping[str, Json]) -> date | None:
    handling = header.get("handling")
    named = handling.get("retain_until") if isinstance(handling, dict) else None
    return parse_day(named) if isinstance(named, str) else None


def _under_way(row: MessageRow) -> bool:
    """Whether somebody still waits for the message here, or has to look at it."""
    if row.direction == IN:
        return Incoming(row.state) in acceptance.WAITING
    return Outgoing(row.state) in SENDING


def lines(made: Plan) -> list[Json]:
    """The report: how many messages by verdict and rule."""
    counted: defaultdict[tuple[str, str | None], int] = defaultdict(int)
    for (verdict, rule), count in made.counts().items():
        counted[str(verdict), rule] += count
    return [
        {"verdict": verdict, "rule": rule, "messages": count}
        for (verdict, rule), count in sorted(counted.items(), key=lambda entry: (entry[0][0], entry[0][1] or ""))
    ]
