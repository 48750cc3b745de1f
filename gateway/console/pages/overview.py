"""Two pictures of the page of operations: how long things wait in each queue, and what ends in the next weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.console.operating import ENDINGS
from gateway.console.pages.trust import SUBJECTS
from gateway.console.pictures import ages
from gateway.console.pictures.ages import DAY, HOUR, draw_ages, draw_ticks
from gateway.console.pictures.ending import WEEKS, Urgency, count_marks, draw_endings, rate
from gateway.console.states import Table
from gateway.console.visit import Visit
from gateway.console.words import N_

QUEUES: Table = {
    "to_send": N_("To be sent"),
    "not_taken_there": N_("Arrived there, not taken up"),
    "not_taken_here": N_("Arrived here, not taken up"),
    "second_person": N_("Waits for a second person"),
    "failed": N_("Failed, a person must look"),
}
LIMITS: Mapping[str, int] = {"to_send": HOUR} | dict.fromkeys([*QUEUES][1:], DAY)
"""Seconds after which something in a queue is too old, as `node.status` counts them."""
LANES = (N_("Keys"), N_("Trust"), N_("Legal holds"))
KEYS, TRUST, HOLDS = range(len(LANES))
WEEK = 7 * DAY
CHIPS = {Urgency.NOW: ("late", "late"), Urgency.SOON: ("soon", "clock"), Urgency.LATER: ("", "")}
MOST = 20
"""Endings that the list below the calendar has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One queue as a row: `oldest` is how long its oldest has waited, in words; none where nothing waits."""

    name: str
    count: int
    oldest: str
    too_old: bool
    pictures: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingRow:
    """Something that ends, as a row of the list below the calendar."""

    at: int
    lane: int
    subject: str
    peer: str | None
    act: str
    chip: tuple[str, str]


def describe_queues(visit: Visit, told: Mapping[str, Any], now: int) -> list[QueueRow]:
    """Describe what `node.delivery` says of each queue."""
    words, rows = visit.words, list[QueueRow]()
    rtl = words.language.direction == "rtl"
    for one in told["queues"]:
        waits = [now - at for at in one["times"]]
        oldest = words.span(max(waits)) if waits else ""
        name, limit = words(QUEUES[one["queue"]]), LIMITS[one["queue"]]
        label = f"{name}{words.colon}{one['count']}" + (f"{words.comma}{oldest}" if oldest else "")
        rows.append(
            QueueRow(
                name=name,
                count=one["count"],
                oldest=oldest,
                too_old=any(age > limit for age in waits),
                pictures=[draw_ages(waits, limit, label, narrow=narrow, rtl=rtl) for narrow in (False, True)],
            )
        )
    return rows


def draw_scale(visit: Visit) -> str:
    """Draw the scale above the queues."""
    return draw_ticks(
        [visit.words.short_span(tick) for tick in ages.TICKS], rtl=visit.words.language.direction == "rtl"
    )


async def list_endings(visit: Visit, now: int) -> list[EndingRow]:
    """List what ends in the next thirteen weeks, the nearest first: keys and trust, and holds for who may read them."""
    rows = [
        EndingRow(
            at=one["at"],
            lane=TRUST if one["subject"].startswith("peer.") else KEYS,
            subject=visit.words(SUBJECTS[one["subject"]]),
            peer=one["peer"],
            act=visit.words(ENDINGS[one["subject"]][1]),
            chip=_choose_chip(one["at"], now),
        )
        for one in (await visit.ask("node.show"))["endings"]
    ]
    if visit.allows("retention.list"):
        for hold in (await visit.ask("retention.list"))["holds"]:
            at = int(datetime.fromisoformat(hold["until"]).replace(tzinfo=UTC).timestamp())
            rows.append(
                EndingRow(
                    at=at,
                    lane=HOLDS,
                    subject=visit.words(N_("A legal hold")),
                    peer=None,
                    act=visit.words(N_("Decide whether it is kept longer; else it is erased.")),
                    chip=_choose_chip(at, now),
                )
            )
    return sorted((row for row in rows if row.at < now + WEEKS * WEEK), key=lambda row: row.at)


def draw_calendar(visit: Visit, rows: Sequence[EndingRow], now: int) -> str:
    """Draw the calendar of what ends; the lane of holds is there for who may read them."""
    lanes = [visit.words(lane) for lane in LANES][: HOLDS + visit.allows("retention.list")]
    offset = visit.settings.offset(now)
    weeks = [visit.words.short_day(now + week * WEEK, offset) for week in range(WEEKS)]
    label = visit.words.many(
        "%(n)s thing ends in the next 13 weeks", "%(n)s things end in the next 13 weeks", len(rows)
    )
    marks = count_marks([(row.lane, row.at) for row in rows], now)
    return draw_endings(lanes, weeks, marks, label, rtl=visit.words.language.direction == "rtl")


def _choose_chip(at: int, now: int) -> tuple[str, str]:
    return CHIPS[rate((at - now) // WEEK)]
