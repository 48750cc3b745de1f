"""Telling people that a consent on which a case relies lapses, before what waits for it fails (domain 7.24).

A grant has a last day, a guardian is followed by another one, a child becomes an adult. Gate G2 refuses from that day
on, and whoever has a draft waiting would learn it then. A week before, and once more on the day, an alarm says so; it
ends by itself when nothing relies on the consent any more, as after the person was asked anew, and comes again if
something does once more and nobody had seen it.

Looked at are the consents of cases in which something is under way: the newest one of each side, and every other one on
which a draft or a message in the outbox relies.
"""

from __future__ import annotations

from asyncio import Lock, sleep
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time
from functools import partial, reduce
from time import monotonic
from typing import TypeVar

import orjson
from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.register import draft_key
from gateway.consent import register
from gateway.consent.givers import FOR_A_CHILD, NOTHING_TOLD, Guardianship, days_of_lapse
from gateway.consent.register import Known
from gateway.conversations.history import History, Side
from gateway.conversations.loader import ConversationLoader
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError
from gateway.foundation.chores import DAY, HOUR, Chore
from gateway.foundation.ids import CaseId
from gateway.messages.store import conversations, local
from gateway.messages.store.local import OWN, WITHDRAWN
from gateway.notifications import store
from gateway.ports import Clock

T = TypeVar("T")

ALARM = "consent.lapses"
EARLY = 7 * DAY
"""Seconds before the day from which on a person is told."""
AT_ONCE = 100
"""Consents that are looked at in one go, with the others of their cases: no more is opened and held at a time, and no
snapshot of the database lasts longer, since its log cannot be written back meanwhile.
"""
RESTS = 3
"""How often the time of one go it rests after it."""


class ConsentLapses:
    """Raises the alarm about consents that lapse, and ends it where nothing relies on them any more."""

    def __init__(self, *, content: Content, loader: ConversationLoader, clock: Clock) -> None:
        self._content = content
        self._loader = loader
        self._clock = clock
        self._alone = Lock()

    def chores(self) -> list[Chore]:
        """Look at what lapses."""
        return [Chore("consents that lapse", HOUR, self.tell)]

    async def tell(self) -> None:
        """Raise the alarms that are due, each once, and end those that are due no more. One look at a time: what an
        older one found would take back what a newer one has told.
        """
        async with self._alone:
            await self._look()

    async def _look(self) -> None:
        now, due = self._clock.now(), dict[int, int]()
        drafts, waiting, relied_on = await self._content.store.read(_find_waiting)
        for refs in _parts(drafts):
            relied_on |= await self._read(partial(self._named_in, drafts=refs))
        some = await self._find_next(b"")
        while some:
            query = partial(self._find_due, some=some, waiting=waiting, relied_on=relied_on, now=now)
            due |= await self._read(query)
            some = await self._find_next(some[-1])
        await self._content.store.move(lambda c: _tell(c, due, now))

    async def _find_next(self, last: bytes) -> Sequence[bytes]:
        return await self._content.store.read(lambda c: store.consents_behind(c, last, AT_ONCE))

    async def _read(self, query: Callable[[Connection], T]) -> T:
        """Read one part, and rest: nobody waits for this, and what others ask goes first."""
        began = monotonic()
        found = await self._content.store.read(query)
        await sleep(RESTS * (monotonic() - began))
        return found

    def _find_due(
        self, connection: Connection, *, some: Sequence[bytes], waiting: Set[CaseId], relied_on: Set[bytes], now: int
    ) -> dict[int, int]:
        """By the number of its record since when people have to know of each of these consents that lapses; a draft
        waits in each case in `waiting`.
        """
        due: dict[int, int] = {}
        for case, known in self._open_relied_on(connection, some, waiting, relied_on):
            if (consent := known.consent) is None or known.withdrawn:
                continue
            adult_on, guardianship = None, NOTHING_TOLD
            if consent.given_by in FOR_A_CHILD:
                adult_on, guardianship = self._of_the_child(connection, case, known)
            days = days_of_lapse(consent, adult_on=adult_on, guardianship=guardianship)
            told_from = [at for day in days for at in _marks(day) if at <= now]
            if told_from:
                due[known.rows[0].ref] = max(told_from)
        return due

    def _open_relied_on(
        self, connection: Connection, some: Sequence[bytes], waiting: Set[CaseId], relied_on: Set[bytes]
    ) -> Iterator[tuple[CaseId, Known]]:
        """Find which of these consents are the newest of a side in a case in which something is under way, or relied on
        there; each with its case now: people may have merged it into another one.
        """
        ids = set(cases.cases_of(connection, some).values())
        ids = store.cases_under_way(connection, ids) | (ids & waiting)
        held = [(index, case) for _, index, case, state in cases.consents_of(connection, ids) if state != WITHDRAWN]
        case_of = dict(held)
        rows = local.consents_of(connection, list(case_of))
        newest: dict[tuple[CaseId, str], tuple[int, bytes]] = {}
        for index, recorded in rows.items():
            for row in recorded:
                of = case_of[index], row.holder
                newest[of] = max(newest.get(of, (0, b"")), (row.ref, index))
        wanted = {index for _, index in newest.values()} | relied_on
        chosen = {index: rows[index] for index in some if index in rows and index in wanted}
        opened = register.open_consents(self._content.sealer, connection, chosen, local.withdrawals(connection, chosen))
        return ((case_of[index], known) for index, known in opened.items())

    def _named_in(self, connection: Connection, drafts: Sequence[int]) -> set[bytes]:
        """The consents that these drafts name; a damaged one names none."""
        sealer, found = self._content.sealer, set[bytes]()
        for opened in sealer.open_each([*content_rows.get(connection, drafts).values()]):
            header = {} if isinstance(opened, RefusedError) else orjson.loads(opened).get("header", {})
            named = header.get("consent_ref") if isinstance(header, dict) else None
            if isinstance(named, str):
                found.add(sealer.consent_index(named))
        return found

    def _of_the_child(self, connection: Connection, case: CaseId, known: Known) -> tuple[date | None, Guardianship]:
        """When the person is an adult, and the guardians on each side that recorded the consent, as the conversations
        of the case tell it.
        """
        keys = conversations.get(connection, cases.conversations_of(connection, case))
        held, _ = self._loader.recall(connection, keys, keep=False)
        said = {key: one.history() for key, one in held.items()}
        holders = {row.holder for row in known.rows}
        named = [history.guardianship(Side.OURS) for history in said.values() if OWN in holders]
        named += [history.guardianship(Side.THEIRS) for (_, peer), history in said.items() if peer in holders]
        return _adult_on(said.values()), reduce(Guardianship.joined, named, NOTHING_TOLD)


def _find_waiting(connection: Connection) -> tuple[list[int], Set[CaseId], set[bytes]]:
    """The sealed rows of the drafts that wait and their cases, and the consents on which messages rely that wait."""
    drafts = store.waiting_drafts(connection)
    of_drafts = cases.cases_of(connection, [draft_key(id) for id in drafts])
    return sorted(drafts.values()), frozenset(of_drafts.values()), store.consents_of_outbox(connection)


def _adult_on(said: Collection[History]) -> date | None:
    """The latest of the days that were told; None where one conversation says that the age is in doubt (ECAT 10(3))."""
    if any(history.age_group == "presumed_child" for history in said):
        return None
    return max((day for history in said if (day := history.adult_on()) is not None), default=None)


def _marks(day: date) -> tuple[int, int]:
    """When people are told of a day, Unix seconds: a week before, and as it begins, UTC."""
    begins = int(datetime.combine(day, time.min, UTC).timestamp())
    return begins - EARLY, begins


def _tell(connection: Connection, due: Mapping[int, int], now: int) -> None:
    over = journal.open_about(connection, [ALARM]) - due.keys()
    for some in _parts(sorted(due)):
        before = journal.last_about(connection, some, ALARM)
        for ref in some:
            if before.get(ref, 0) < due[ref]:
                journal.raise_alarm(connection, at=now, kind="consent.lapses", ref=ref)
    for some in _parts(sorted(over)):
        # Nobody has seen these: whoever relies on the consent again before the day is told anew.
        journal.withdraw_about(connection, some, ALARM, at=now)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items, `AT_ONCE` at a time."""
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
