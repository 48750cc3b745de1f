"""Releases: what this node publishes about its own cases, counted once for each period and kept for ever (gate G12).

Cases are the referrals that this node began and the other side did not refuse; their content is opened, counted and let
go, and only the protected tables are kept. A person who is referred again under the same own case reference counts
once, on the day of the first referral and by what the last one says.

Retention erases most cases before their year is over, so it counts them first: into the sealed tally of their period,
which holds sums and no case. Of a case whose content a person had erased only day and country are known: the rest
counts as not stated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import orjson
from sqlalchemy import Connection

from gateway.conversations.loader import ANY, ConversationLoader, LoadedConversation
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.machines import Kind
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.workdays import local_date
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import messages
from gateway.messages.store.conversations import Key
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock
from gateway.statistics import store
from gateway.statistics.dimensions import case_of
from gateway.statistics.own_referrals import Counted, Referral, find_request, merge_persons
from gateway.statistics.periods import period_of
from gateway.statistics.rules import Release, from_json, permit, release, to_json
from gateway.statistics.store import ReleaseRow
from gateway.statistics.tallies import Tally, countable, read_tally, tally, tally_json
from schemas.region_pack.regions import Region
from schemas.region_pack.statistics import StatisticsPlan

AT_ONCE = 200
"""Conversations whose content is open at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A release, and whether it was made now. Of ``erased`` cases only day and country are known; 0 when stored."""

    release: Release
    new: bool
    erased: int = 0


class StatisticsReleases:
    """Counts what may be released, once for each period."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        loader: ConversationLoader,
        region: Region,
        workers: Workers,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._loader = loader
        self._region = region
        self._workers = workers
        self._clock = clock
        self._actor = actor
        self._counting = asyncio.Lock()

    async def make(self, name: str, by: str) -> Made:
        """`_make`, one at a time: what retention counts meanwhile is counted once."""
        async with self._counting:
            return await self._make(name, by)

    async def _make(self, name: str, by: str) -> Made:
        """Count a period and keep the release; one that was made before is the answer, unchanged.

        Raises:
            RefusedError: gate_g12, for what may not be counted; mapping_failed, for a code that no category has.
                Nothing was stored.
        """
        made = await self._content.store.read(store.all_releases)
        if name in {row.period for row in made}:
            return Made(release=await self.stored(name), new=False)
        now, plan, before = self._clock.now(), self._plan, [row.period for row in made]
        today = self._day(now)
        permit(plan, name, today, before)
        counted, (at, earlier) = await self._cases(), await self._content.store.read(partial(self._tally, period=name))
        if at is not None and earlier is None:
            raise RefusedError(
                Code.UNDECRYPTABLE,
                "the earlier count of this period cannot be opened; nothing was counted",
                hint="restore a backup: a count without it would be wrong, and it is made only once",
            )
        found = await self._workers.off_loop(
            partial(release, plan, name, counted.cases, today=today, released=before, before=earlier)
        )
        ref = self._content.store.new_ref()
        sealed = self._content.sealer.seal(ref, orjson.dumps(to_json(found)))

        def move(connection: Connection) -> bool:
            _require_same(connection, name, at)
            if not store.add(connection, ReleaseRow(period=found.period.name, ref=ref, at=now)):
                return False
            content.put(connection, [sealed])
            if at is not None:
                content.erase(connection, at)
            store.drop_tally(connection, name)
            actor = self._actor(by.encode()).hex()
            journal.append_leaf(connection, leaf(now, "statistics.released", period=found.period.name, actor=actor))
            return True

        if not await self._content.store.move(move):  # somebody else was faster: theirs is the one
            return Made(release=await self.stored(name), new=False)
        erased = sum(found.period.first <= day <= found.period.last for day in counted.erased)
        return Made(release=found, new=True, erased=erased)

    async def count_first(self, refs: Collection[int]) -> None:
        """Count the cases that these messages belong to, before retention erases them, unless their period is released.

        What is left of a case is the mark that it was counted. A case that no table can take is counted by its day.
        """
        async with self._counting:
            keys, released = await self._content.store.read(partial(_uncounted, refs=[*refs]))
            found = [item for item in await self._all_referrals(keys) if not item.erased]
            plan = self._plan
            for name in sorted({period_of(plan, item.case.registered).name for item in found} - released):
                some = [item for item in found if period_of(plan, item.case.registered).name == name]
                await self._count_in(name, some)

    async def _count_in(self, name: str, found: Sequence[Referral]) -> None:
        """Put these cases into the tally of a period; it is sealed anew. One that does not open holds up no erasure: it
        begins again, and an alarm says so.
        """
        plan, now = self._plan, self._clock.now()
        at, before = await self._content.store.read(partial(self._tally, period=name))
        cases, damaged = merge_persons(found), at is not None and before is None
        made = await self._workers.off_loop(lambda: tally(plan, [countable(plan, case) for case in cases], before))
        ref = self._content.store.new_ref()
        sealed = self._content.sealer.seal(ref, orjson.dumps(tally_json(made)))

        def move(connection: Connection) -> None:
            _require_same(connection, name, at)
            if at is not None:
                content.erase(connection, at)
            content.put(connection, [sealed])
            store.set_tally(connection, name, ref)
            store.count_in(connection, [item.key for item in found])
            if damaged:
                journal.raise_alarm(connection, at=now, kind="content.damaged", ref=at)

        await self._content.store.move(move)

    def _tally(self, connection: Connection, period: str) -> tuple[int | None, Tally | None]:
        """The row that has the tally of a period, and the tally; None where there is none, or it does not open."""
        ref = store.tallies(connection).get(period)
        if ref is None:
            return None, None
        rows = list(content.get(connection, [ref]).values())
        plain = self._content.sealer.open_each(rows)[0] if rows else None
        return ref, read_tally(orjson.loads(plain)) if isinstance(plain, bytes) else None

    async def stored(self, name: str) -> Release:
        """The release of a period, as it was made. Raises RefusedError(not_found)."""

        def query(c: Connection) -> bytes | None:
            row = store.get(c, name)
            return None if row is None else self._content.sealer.open(content.get(c, [row.ref])[row.ref])

        found = await self._content.store.read(query)
        if found is None:
            raise RefusedError(
                Code.NOT_FOUND, "this period was not released", hint="trm statistics make counts it once it is over"
            )
        return from_json(orjson.loads(found))

    @property
    def _plan(self) -> StatisticsPlan:
        return self._region.statistics.counted_in(self._own.descriptor.country)

    def _day(self, at: int) -> date:
        """The day it is in the country of this node."""
        return local_date(self._region.calendar(self._own.descriptor.country).zone, at)

    async def _cases(self) -> Counted:
        """Open and read every case of this node that is in no tally."""
        keys = await self._content.store.read(
            lambda c: sorted({*rows_of.of_kinds(c, (Kind.REFERRAL, ANY))} - store.counted_before(c))
        )
        found = await self._all_referrals(keys)
        return Counted(cases=merge_persons(found), erased=[item.case.registered for item in found if item.erased])

    async def _all_referrals(self, keys: Sequence[Key]) -> list[Referral]:
        found: list[Referral] = []
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            held, contents = await self._content.store.read(partial(self._loader.load, keys=some))
            found += await self._workers.off_loop(partial(self._referrals, held, contents))
        return found

    def _referrals(
        self, held: Mapping[Key, LoadedConversation], contents: Mapping[int, MessageContent]
    ) -> list[Referral]:
        found = (self._referral(key, one, contents) for key, one in held.items())
        return [item for item in found if item is not None]

    def _referral(self, key: Key, held: LoadedConversation, contents: Mapping[int, MessageContent]) -> Referral | None:
        """The referral of one conversation; None where this node did not refer, or was refused."""
        if held.conversation is None or held.conversation.kind is not Kind.REFERRAL or held.ours is not Side.HOST:
            return None
        request = find_request(held.rows, contents)
        if request is None:
            return None
        peer, day = self._peers.get(key[1]), self._day(request.at)
        case = case_of(held.said.values(), day, None if peer is None else peer.descriptor.country)
        opened = contents.get(request.ref)
        reference = None if opened is None else opened.halves()[0].get("case_ref_sender")
        return Referral(
            key=key,
            name=reference if isinstance(reference, str) else key,
            at=request.at,
            case=case,
            erased=opened is None,
        )


def _require_same(connection: Connection, name: str, at: int | None) -> None:
    """Return if the tally of a period is still the row that was read. Raises TransientError locked."""
    if store.tallies(connection).get(name) != at:
        raise TransientError(
            Code.LOCKED, "another worker of this node has counted meanwhile; nothing was counted", hint="repeat it"
        )


def _uncounted(connection: Connection, refs: Sequence[int]) -> tuple[list[Key], set[str]]:
    """The conversations of these messages that may be cases and are in no tally, and the periods that were released."""
    rows = [
        row
        for start in range(0, len(refs), AT_ONCE)
        for row in messages.get(connection, refs[start : start + AT_ONCE]).values()
    ]
    keys = {(row.conversation, row.peer) for row in rows if row.kind in (Kind.REFERRAL, ANY)}
    released = {row.period for row in store.all_releases(connection)}
    return sorted(keys - store.counted_before(connection)), released
