"""Retention: all that is stored is looked at, some conversations at a time, and what the rules say is carried out. How
a conversation stands is in its row, which outlives the contents (`gateway.conversations.status_updates`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence, Set
from functools import partial
from time import monotonic
from typing import TypeVar

from sqlalchemy import Connection

from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content, journal
from gateway.database.audit_entries import Actor
from gateway.database.sealed_content import Content
from gateway.erasure import store
from gateway.erasure.erase import Eraser, is_under_way
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.record import task_of
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.retention_look import Batch, Look, judge, key_of
from gateway.erasure.retention_rules import DAY, Plan, add_taken, rest_after
from gateway.erasure.rules import ErasureRequest, What
from gateway.errors import GatewayError
from gateway.foundation.chores import MINUTE
from gateway.foundation.config import Config
from gateway.foundation.logs import logger
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.store import conversations, messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.ports import Clock
from gateway.statistics.releases import StatisticsReleases

T = TypeVar("T")

AT_ONCE = 50
"""Conversations that are looked at in one go: no more of what is stored is opened and held at a time."""
RETAINED = "retained"
"""The fact of the database that says on which day, counted from 1970 in UTC, retention was looked at last."""
TRIES = 60
"""How often a step of the daily look that fails is tried, a minute apart: another look would begin no sooner."""


class Retention:
    """Ends what may be kept no longer."""

    def __init__(
        self,
        *,
        content: Content,
        eraser: Eraser,
        releases: StatisticsReleases,
        status_updates: StatusUpdates,
        config: Config,
        workers: Workers,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._eraser = eraser
        self._releases = releases
        self._status_updates = status_updates
        self._config = config
        self._workers = workers
        self._clock = clock
        self._actor = actor

    async def plan(self) -> Plan:
        """What has to be erased now and why, and why nothing else; nothing is changed."""
        return (await self._look()).plan

    async def _look(self, *, rests: bool = False) -> Look:
        """Look at all that is stored, some conversations at a time; with `rests` it leaves the keys to people."""
        await self._status_updates.keep()
        holds, alarmed = await self._content.store.read(lambda c: (store.holds(c).keys(), _alarmed(c)))
        now, last, pace = self._clock.now(), b"", self._config.keys.unwraps_per_minute
        taken, at = 0.0, monotonic()
        horizon = now + self._config.horizon_days * DAY
        look = Look(plan=Plan(now=now, horizon=horizon), holds=holds, alarmed=alarmed)
        while batch := await self._patiently(partial(self._read_next, last), rests=rests):
            last = batch.last
            await self._workers.off_loop(partial(judge, look, batch))
            if rests:
                began, at = at, monotonic()
                taken = add_taken(taken, len(batch.messages), at - began, pace)
                await asyncio.sleep(rest_after(taken, pace))
        look.hold_back()
        return look

    async def run(self, *, by: str | None = None, rests: bool = False) -> Plan:
        """The same, and it is done. The senders are told when the storage epoch has ended, at the latest at the
        horizon.

        What the other side is owed a confirmation for becomes a request of its own, which is followed and answered like
        those of peers (`gateway.erasure.peer_requests.execute`).
        """
        found = await self._look(rests=rests)
        await self._patiently(partial(self._carry_out, found, by), rests=rests)
        return found.plan

    async def _carry_out(self, found: Look, by: str | None) -> None:
        """Do what was decided, but for what is under way by now; what was done before is not done again."""
        found.hold_back(await self._content.store.read(_alarmed))
        await self._releases.count_first([item.ref for item in found.plan.erase])
        asked = await self._ended(found)
        over = (item for item in found.plan.erase if key_of(found.going[item.ref][0]) not in asked)
        reasons = {item.ref: item.rule for item in over if item.rule is not None}
        await self._eraser.erase(reasons, by=by, newest=found.newest)

    async def _patiently(self, step: Callable[[], Awaitable[T]], *, rests: bool) -> T:
        """Do a step of a look. One that fails is tried again where no person waits for it: a look that ends begins anew
        with all that is stored, and that may take hours.
        """
        for _ in range(TRIES if rests else 0):
            try:
                return await step()
            except GatewayError as error:
                logger().info("retention.postponed", code=str(error.code))
                await asyncio.sleep(MINUTE)
        return await step()

    async def _ended(self, found: Look) -> frozenset[Key]:
        """The referrals that ended here without this node having to do with them any more: each becomes a request, from
        what the referral itself says. One of which something is still under way waits for that.
        """
        if asking := found.owed:
            await self._content.store.move(partial(self._request, asking=asking))
        return frozenset(map(key_of, asking))

    def _request(self, connection: Connection, asking: Sequence[MessageRow]) -> None:
        """Part of the caller's transaction. The time for it is that of the conversation: it is answered at once. One of
        which something is under way by now waits for that.
        """
        now, alarmed = self._clock.now(), _alarmed(connection)
        for row in asking:
            stored = [one for one in store.stored_of(connection, [row.conversation]) if key_of(one) == key_of(row)]
            if any(is_under_way(one) or one.ref in alarmed for one in stored):
                continue
            sealed = content.get(connection, [row.ref]).get(row.ref)
            if sealed is None or requests.of_message(connection, row.ref) is not None:
                continue
            opened = content_codec.read_content(self._content.sealer.open(sealed))
            wanted = ErasureRequest(what=What.CONVERSATION, ground="not_needed", wait=0, due=0)
            task = task_of(
                self._actor,
                wanted,
                withdrawn=None,
                conversation=opened.facts.conversation,
                purpose=opened.facts.purpose,
                id=row.id,
                header=opened.halves()[0],
            )
            ref = self._content.store.new_ref()
            content.put(connection, [self._content.sealer.seal(ref, task.encode())])
            requests.add(
                connection,
                RequestRow(ref=ref, message=row.ref, peer=row.peer, state=State.NEW, at=now, follow=now, due=now),
            )

    async def _read_next(self, after: bytes) -> Batch | None:
        return await self._content.store.read(partial(self._open, after=after))

    def _open(self, connection: Connection, after: bytes) -> Batch | None:
        talks = messages.talks_after(connection, after, AT_ONCE)
        if not talks:
            return None
        rows = store.stored_of(connection, talks)
        sealed = content.get(connection, [row.ref for row in rows])
        plain = zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True)
        contents = {ref: content_codec.read_content(found) for ref, found in plain if isinstance(found, bytes)}
        return Batch(
            messages=[(row, contents.get(row.ref)) for row in rows],
            rows=conversations.get(connection, talks),
            last=talks[-1],
        )


def _alarmed(connection: Connection) -> Set[int | None]:
    """The messages that open alarms are about: a person looks at them first."""
    return {alarm.ref for alarm in journal.open_alarms(connection)}
