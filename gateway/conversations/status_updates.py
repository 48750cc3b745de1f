"""Keeps the small row of each conversation true: its state, the next deadline and who owes it; and reminds.

What moved a message only marked its conversation. Here the marked ones are folded again, and those for which the time
has come: a reminder, a deadline, a silence that speaks. A reminder is an event of this node; at 100 % it is an alarm as
well. Which were given is remembered under a keyed index, because what is owed is told by nothing else in the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.conversations import on_call
from gateway.conversations.goes import FIRST, MOST, next_go
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.on_call import Alert
from gateway.conversations.rules.fold import Fold, fold
from gateway.conversations.rules.machines import RESTING
from gateway.conversations.rules.morning_list import Owed, Reminder, Watched, owed, remembered, reminders
from gateway.conversations.rules.silence import silence
from gateway.conversations.rules.waits import arrived_at
from gateway.database import journal
from gateway.database.sealed_content import Content
from gateway.foundation.batcher import Batcher
from gateway.foundation.chores import MINUTE, Chore
from gateway.foundation.config import Config, DutySection
from gateway.foundation.workdays import DAY, HOUR
from gateway.foundation.workers import Workers
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import reminders as reminder_rows
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.reminders import ReminderRow
from gateway.messages.wakeups import EventStream
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.ports import Clock

TRIES = 5
"""How often a conversation that changes while it is folded is folded again, until whoever waits gets what stood before.
"""
PATIENCE = 2.0
"""Seconds that a list waits for what has changed; after them it is shown as it stands, and says so."""
RESTS = 3
"""How often the time of a go it rests after it, where nobody waits."""
AT_ONCE = 200_000
"""Conversations of one pass; more wait for the next one."""

US, THEM = "us", "them"
OVER = 100
"""Percent of the time for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folded:
    """What one look at a batch found."""

    standings: tuple[rows_of.ConversationStatus, ...]
    items: tuple[Owed, ...]
    held: Mapping[str, tuple[Key, LoadedConversation]]
    alerts: tuple[Alert, ...]


class StatusUpdates:
    """Keeps what is stored about the status of conversations up to date."""

    def __init__(
        self,
        *,
        content: Content,
        loader: ConversationLoader,
        time: ConfirmedTime,
        config: Config,
        workers: Workers,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._content = content
        self._loader = loader
        self._time = time
        self._config = config
        self._workers = workers
        self._events = events
        self._clock = clock
        self._passes: Batcher[None, None] = Batcher(self._fold_all, rests=1)
        self._waiting = 0

    def chores(self) -> Sequence[Chore]:
        """Fold what is due."""
        return (Chore("status updates", MINUTE, self.catch_up),)

    async def keep(self) -> None:
        """Fold everything that had changed or was due by now, for somebody who waits; while the clock is in doubt no
        time is over (nrm1 12.17). All who wait at the same time share one pass.
        """
        if self._time.standing().held:
            return
        self._waiting += 1
        try:
            await self._passes.do(None)
        finally:
            self._waiting -= 1

    async def keep_awhile(self) -> bool:
        """The same for a list: whether all was folded within `PATIENCE`. More may change in a second than a node folds,
        and then whoever waited for all of it would never be answered.
        """
        if self._time.standing().held:
            return True
        self._waiting += 1
        try:
            return await self._passes.do_within(None, PATIENCE)
        finally:
            self._waiting -= 1

    async def keep_these(self, conversations: Collection[bytes]) -> None:
        """Fold what has changed or is due in these conversations, for somebody who looks at them alone."""
        if not self._time.standing().held:
            keys = await self._content.store.read(lambda c: [*rows_of.get(c, [*conversations])])
            for _ in range(1 + TRIES):
                folded, stood = await self._fold_some(keys)
                if stood == folded:
                    break

    async def keep_alerts(self) -> None:
        """Fold the conversations with a safety alert that have changed or are due, whatever else waits: an alert that
        has just come stands on the next page.
        """
        if not self._time.standing().held:
            await self._fold_alerts()

    async def _fold_alerts(self) -> None:
        now = self._clock.now()
        keys = await self._content.store.read(lambda c: rows_of.alerts_to_fold(c, now))
        for start in range(0, len(keys), MOST):
            await self._fold_some(keys[start : start + MOST])

    async def catch_up(self) -> None:
        """The same with rests, so that after a start with many changes the messages of others go first."""
        if not self._time.standing().held:
            await self._passes.do(None)

    async def _fold_all(self, asked: Sequence[None]) -> Sequence[None]:
        """Fold what has changed or is due when this begins. What comes meanwhile is left to the next pass: under a
        steady load nobody would ever be answered otherwise.
        """
        keys = await self._to_fold()
        for _ in range(1 + TRIES):
            if not await self._fold_these(keys):
                break
            wanted = set(keys)
            keys = [key for key in await self._to_fold() if key in wanted]
        return asked

    async def _to_fold(self) -> list[Key]:
        now = self._clock.now()
        return await self._content.store.read(lambda c: rows_of.to_fold(c, now, AT_ONCE))

    async def _fold_these(self, keys: Sequence[Key]) -> bool:
        """Fold these in goes; whether one was overtaken by a change. An alert that comes meanwhile is not kept waiting:
        somebody is woken by it.
        """
        overtaken, most, done = False, FIRST, 0
        while done < len(keys):
            await self._fold_alerts()
            began = time.monotonic()
            some = keys[done : done + most]
            folded, stood = await self._fold_some(some)
            overtaken, done = overtaken or stood < folded, done + len(some)
            took = time.monotonic() - began
            if not self._waiting:
                await asyncio.sleep(RESTS * took)
            most = next_go(most, took)
        return overtaken

    async def _fold_some(self, keys: Collection[Key]) -> tuple[int, int]:
        """Fold these where they still have to be; returns how many were, and of how many that stands."""
        now, section = self._clock.now(), self._config.duty

        def query(c: Connection) -> tuple[list[ConversationRow], dict[Key, LoadedConversation]]:
            there = rows_of.get(c, [index for index, _ in keys])
            rows = [there[key] for key in keys if key in there and there[key].waits(now)]
            return rows, self._loader.recall(c, {row.key for row in rows}, keep=False)[0]

        rows, held = await self._content.store.read(query)
        if not rows:
            return 0, 0
        found = await self._workers.off_loop(lambda: _fold(rows, held, section, now))
        labels = await self._workers.off_loop(lambda: self._labels(found))
        indexes = [row.conversation for row in rows]

        def move(connection: Connection) -> tuple[int, bool]:
            stood = rows_of.stand(connection, found.standings)
            cases.mark_unlisted(connection, indexes)
            told = reminder_rows.told(connection, indexes)
            reminded = _remind(connection, found, section, labels, told, now)
            rung = on_call.ring(connection, found.alerts, found.held.values(), labels, told, now)
            return stood, rung or reminded

        stood, said = await self._content.store.move(move)
        if said:
            await self._events.happened()
        return len(rows), stood

    def _labels(self, found: _Folded) -> dict[str, bytes]:
        """What the database knows each thing that is owed by, and each alert."""
        names = sorted(
            {*(Reminder(owed=item, percent=0).label for item in found.items), *(one.label for one in found.alerts)}
        )
        return dict(zip(names, self._content.sealer.reminder_indexes(names), strict=True))


def name_of(key: Key) -> str:
    """How the core names a conversation in what is owed."""
    return f"{key[0].hex()}/{key[1]}"


def watched(held: Mapping[Key, LoadedConversation]) -> list[Watched]:
    """Conversations as the morning list takes them."""
    return [
        Watched(ref=name_of(key), side=one.ours, conversation=one.conversation)
        for key, one in held.items()
        if one.conversation is not None
    ]


def _fold(
    rows: Sequence[ConversationRow], held: Mapping[Key, LoadedConversation], section: DutySection, now: int
) -> _Folded:
    items, named = owed(watched(held), now), {name_of(key): (key, one) for key, one in held.items()}
    alerts = (*on_call.alerts(items, named, section, now), *on_call.emergencies(items, named, section, now))
    woken = [(alert.owed.ref, alert.state.next.at) for alert in alerts if alert.state.next is not None]
    by_name: dict[str, list[Owed]] = {}
    for item in items:
        by_name.setdefault(item.ref, []).append(item)
    return _Folded(
        standings=tuple(
            _standing(
                row,
                held[row.key],
                by_name.get(name_of(row.key), []),
                section,
                [at for ref, at in woken if ref == name_of(row.key)],
                now,
            )
            for row in rows
        ),
        items=items,
        held=named,
        alerts=alerts,
    )


def _standing(
    row: ConversationRow,
    held: LoadedConversation,
    items: Sequence[Owed],
    section: DutySection,
    woken: Sequence[int],
    now: int,
) -> rows_of.ConversationStatus:
    """The row of one conversation; one of the test message has no state and is not looked at again. `woken` is when
    the next duty contacts are.
    """
    if held.conversation is None:
        return rows_of.ConversationStatus(
            conversation=row.conversation,
            peer=row.peer,
            changes=row.changes,
            state="",
            ours=None,
            theirs=None,
            fold=None,
        )
    found = items[0].found if items else fold(held.conversation, now)
    there = found.situation
    return rows_of.ConversationStatus(
        conversation=row.conversation,
        peer=row.peer,
        changes=row.changes,
        state=str(found.state),
        since=None if there is None else _day(there.since),
        arrived=row.arrived if there is None or there.arrival is None else _day(arrived_at(there.arrival)),
        upto=max((one.ref for one in held.rows), default=None),
        ours=_first(item for item in items if item.ours),
        theirs=_first(item for item in items if not item.ours),
        alert=_first(item for item in items if item.duty.clock == on_call.CLOCK),
        fold=_again(found, held, items, [*woken, *_quiet(held, items, section, now)], now),
    )


def _first(items: Iterable[Owed]) -> int | None:
    return min((item.duty.until.at for item in items), default=None)


def _day(at: int) -> int:
    """The first second of the day, UTC: the database holds no time of what a message says (nrm1 13.1)."""
    return at // DAY * DAY


def _again(found: Fold, held: LoadedConversation, items: Sequence[Owed], rings: Sequence[int], now: int) -> int | None:
    """When time changes something next, and at the latest tomorrow; None when only a message can."""
    if not items and not found.provisional and found.state in RESTING:
        return None
    latest = now + (HOUR if any(item.overdue for item in items) else DAY)
    return min([latest, *(at + 1 for at in (*rings, *_marks(found, held, items)) if at >= now)])


def _quiet(held: LoadedConversation, items: Sequence[Owed], section: DutySection, now: int) -> Iterator[int]:
    """When the quiet hours end that hold up a reminder now."""
    for item in items:
        at = on_call.rings_at(section, held, item, now)
        if at > now:
            yield at


def _marks(found: Fold, held: LoadedConversation, items: Sequence[Owed]) -> Iterator[int]:
    for item in items:
        yield item.duty.until.at
        yield from (at for _, at in item.duty.reminders)
    if found.situation is not None and held.conversation is not None:
        speaks = silence(found.situation, held.conversation.setting)
        if speaks is not None:
            yield speaks.deadline.at


# --- reminders ------------------------------------------------------------------------------------------------------


def _remind(
    connection: Connection,
    found: _Folded,
    section: DutySection,
    labels: Mapping[str, bytes],
    told: Mapping[bytes, int],
    now: int,
) -> bool:
    """Say what has become due since and does not wait for the end of quiet hours, and forget what is no longer owed;
    whether anything was said.
    """
    known = {label: told[index] for label, index in labels.items() if index in told}
    rung = [alert.owed for alert in found.alerts]
    new = [
        one
        for one in reminders(found.items, known, now)
        if on_call.rings_at(section, found.held[one.owed.ref][1], one.owed, now) <= now
    ]
    for reminder in new:
        key, held = found.held[reminder.owed.ref]
        ref = next((row.ref for row in held.rows if row.id == reminder.owed.duty.because), None)
        journal.add_event(connection, at=now, kind="reminder", ref=ref, state=str(reminder.percent))
        if reminder.percent >= OVER and reminder.owed not in rung:  # which has an alarm of its own
            overdue = "erasure" if reminder.owed.duty.clock == "erasure" else "conversation"
            journal.raise_alarm(connection, at=now, kind=f"{overdue}.overdue", peer=key[1], ref=ref)
    kept, woken = remembered(found.items, known, new), [one.label for one in found.alerts]
    reminder_rows.tell(
        connection,
        [
            ReminderRow(
                label=labels[reminder.label], conversation=found.held[reminder.owed.ref][0][0], percent=reminder.percent
            )
            for reminder in new
        ],
    )
    reminder_rows.forget(connection, sorted(set(told) - {labels[label] for label in [*kept, *woken]}))
    return bool(new)
