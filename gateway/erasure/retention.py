"""Retention: all that is stored is looked at, some conversations at a time, and what the rules say is carried out. How
a conversation stands is in its row, which outlives the contents (`gateway.conversations.status_updates`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from time import monotonic

from sqlalchemy import Connection

from gateway.conversations.loader import ANY
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content, journal
from gateway.database.audit_entries import Actor
from gateway.database.sealed_content import Content
from gateway.erasure import store
from gateway.erasure.erase import Eraser, is_under_way
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.record import task_of
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.retention_rules import DAY, Item, Plan, RetentionDecision, RetentionFacts, decide, rest_after
from gateway.erasure.rules import PROOF, ErasureRequest, What
from gateway.errors import RefusedError
from gateway.foundation.config import Config
from gateway.foundation.workdays import parse_day
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import conversations, messages
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.messages import IN, MessageRow
from gateway.ports import Clock, Json
from gateway.statistics.releases import StatisticsReleases
from schemas import find_classes, highest_class
from schemas.retention import load_retention as table
from schemas.types import type_name
from schemas.walk import SENSITIVITY

AT_ONCE = 50
"""Conversations that are looked at in one go: no more of what is stored is opened and held at a time."""
RETAINED = "retained"
"""The fact of the database that says on which day, counted from 1970 in UTC, retention was looked at last."""

CONFIRMED = frozenset({"declined", "expired"})
"""The rules of referrals whose sender is owed a confirmation (domain 10.12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What is stored of some conversations, with where each stands."""

    messages: Sequence[tuple[MessageRow, MessageContent | None]]
    rows: Mapping[Key, ConversationRow]


@dataclass(slots=True, kw_only=True)
class _Story:
    """What is known of one conversation while its messages are read."""

    kind: str
    last: int
    claim_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What is decided by the holds and alarms of now; of what goes, by number, the message and its type; `left` are the
    conversations in which something is under way, `newest` the newest message of each of which something goes.
    """

    plan: Plan
    holds: Set[bytes]
    alarmed: Set[int | None]
    going: dict[int, tuple[MessageRow, str]] = field(default_factory=dict)
    left: set[Key] = field(default_factory=set)
    newest: dict[bytes, int] = field(default_factory=dict)

    @property
    def proof(self) -> frozenset[int]:
        """Those of what goes that prove an erasure."""
        return frozenset(ref for ref, (_, kind) in self.going.items() if type_name(kind) in PROOF)

    def hold_back(self, refs: Set[int | None]) -> None:
        """These are under way by now: what would have gone of them stays."""
        for ref in self.going.keys() & refs:
            self.left.add(_key(self.going.pop(ref)[0]))
        self.plan.hold_back(refs)


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

    async def _look(self, *, rests: bool = False) -> _Look:
        """Look at all that is stored, some conversations at a time; with `rests` it leaves the keys to people."""
        await self._status_updates.keep()
        holds, alarmed = await self._content.store.read(lambda c: (store.holds(c).keys(), _alarmed(c)))
        now, last, began, opened = self._clock.now(), b"", monotonic(), 0
        horizon = now + self._config.horizon_days * DAY
        look = _Look(plan=Plan(now=now, horizon=horizon), holds=holds, alarmed=alarmed)
        while talks := await self._content.store.read(partial(messages.talks_after, after=last, limit=AT_ONCE)):
            last = talks[-1]
            batch = await self._content.store.read(partial(self._open, talks=talks))
            await self._workers.off_loop(partial(_judge, look, batch))
            opened += len(batch.messages)
            if rests:
                await asyncio.sleep(rest_after(opened, monotonic() - began, self._config.keys.unwraps_per_minute))
        return look

    async def run(self, *, by: str | None = None, rests: bool = False) -> Plan:
        """The same, and it is done. The senders are told when the storage epoch has ended, at the latest at the
        horizon.

        What the other side is owed a confirmation for becomes a request of its own, which is followed and answered like
        those of peers (`gateway.erasure.peer_requests.execute`).
        """
        found = await self._look(rests=rests)
        found.hold_back(await self._content.store.read(_alarmed))
        made = found.plan
        await self._releases.count_first([item.ref for item in made.erase])
        asked = await self._ended(found, made)
        over = (item for item in made.erase if _key(found.going[item.ref][0]) not in asked)
        reasons = {item.ref: item.rule for item in over if item.rule is not None}
        await self._eraser.erase(reasons, by=by, proof=found.proof, newest=found.newest)
        return made

    async def _ended(self, found: _Look, made: Plan) -> frozenset[Key]:
        """The referrals that ended here without this node having to do with them any more: each becomes a request, from
        what the referral itself says. One of which something is still under way waits for that.
        """
        over = sorted(item.ref for item in made.erase if item.rule in CONFIRMED)
        asking = [
            row
            for row, kind in (found.going[ref] for ref in over)
            if row.direction == IN and type_name(kind) == "referral.request" and _key(row) not in found.left
        ]
        if asking:
            await self._content.store.move(partial(self._request, asking=asking))
        return frozenset(map(_key, asking))

    def _request(self, connection: Connection, asking: Sequence[MessageRow]) -> None:
        """Part of the caller's transaction. The time for it is that of the conversation: it is answered at once. One of
        which something is under way by now waits for that.
        """
        now, alarmed = self._clock.now(), _alarmed(connection)
        for row in asking:
            stored = [one for one in store.stored_of(connection, [row.conversation]) if _key(one) == _key(row)]
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

    def _open(self, connection: Connection, talks: Sequence[bytes]) -> _Batch:
        rows = store.stored_of(connection, talks)
        sealed = content.get(connection, [row.ref for row in rows])
        plain = zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True)
        contents = {ref: content_codec.read_content(found) for ref, found in plain if isinstance(found, bytes)}
        return _Batch(
            messages=[(row, contents.get(row.ref)) for row in rows],
            rows=conversations.get(connection, talks),
        )


def _judge(look: _Look, batch: _Batch) -> None:
    """Decide about the messages of some conversations, and keep of them what is needed to carry it out."""
    stories, rules = _tell_stories(batch.messages), table().rules
    newest = {row.conversation: row.ref for row, _ in batch.messages}  # they come in order
    for row, opened in batch.messages:
        key = _key(row)
        standing = _standing(stories[key], batch.rows.get(key), held=row.conversation in look.holds)
        decision = decide(_item(row, opened, standing, alarmed=row.ref in look.alarmed), rules, look.plan.now)
        look.plan.add(decision)
        if decision.verdict is RetentionDecision.UNDER_WAY:
            look.left.add(key)
        elif decision.verdict is RetentionDecision.ERASE and opened is not None:
            look.going[row.ref] = row, opened.facts.body_type
            look.newest[row.conversation] = newest[row.conversation]


def _alarmed(connection: Connection) -> Set[int | None]:
    """The messages that open alarms are about: a person looks at them first."""
    return {alarm.ref for alarm in journal.open_alarms(connection)}


def _key(row: MessageRow) -> Key:
    return row.conversation, row.peer


def _item(row: MessageRow, opened: MessageContent | None, standing: RetentionFacts, *, alarmed: bool) -> Item:
    header, body = ({}, {}) if opened is None else opened.halves()
    return Item(
        ref=row.ref,
        body_type=None if opened is None else opened.facts.body_type,
        sensitivity=SENSITIVITY[-1] if opened is None else _sensitivity(opened.facts.schema, body),
        at=row.at,
        retain_until=_until(header),
        under_way=is_under_way(row) or alarmed,
        standing=standing,
    )


def _tell_stories(messages: Iterable[tuple[MessageRow, MessageContent | None]]) -> dict[Key, _Story]:
    """What is known of each of these conversations by all its messages."""
    stories: dict[Key, _Story] = {}
    for row, opened in messages:
        story = stories.setdefault(_key(row), _Story(kind=row.kind, last=row.at))
        story.last = max(story.last, row.at)
        story.kind = row.kind if story.kind == ANY else story.kind
        if opened is not None and type_name(opened.facts.body_type) == "case.closure":
            told = [day for day in (story.claim_until, _claimed(opened.halves()[1])) if day is not None]
            story.claim_until = max(told, default=None)  # nobody's claim is shortened by another closure
    return stories


def _standing(story: _Story, row: ConversationRow | None, *, held: bool) -> RetentionFacts:
    if row is None:
        return RetentionFacts(kind=story.kind, last=story.last, held=held, claim_until=story.claim_until)
    return RetentionFacts(
        kind=story.kind,
        last=story.last,
        state=row.state,
        since=row.since,
        arrived=row.arrived,
        awaited=row.theirs,
        held=held,
        claim_until=story.claim_until,
    )


def _claimed(body: Mapping[str, Json]) -> date | None:
    """Until when a closure keeps the case for a claim of the person; None where it does not."""
    claims = body.get("claims")
    named = claims.get("kept_until") if isinstance(claims, dict) and claims.get("care") == "kept" else None
    return parse_day(named) if isinstance(named, str) else None


def _sensitivity(schema: str, body: Mapping[str, Json]) -> str:
    """The highest class of what a message says; that of a schema which is not held any more is the highest there is."""
    try:
        return highest_class(find_classes(schema, body))
    except RefusedError:
        return SENSITIVITY[-1]


def _until(header: Mapping[str, Json]) -> date | None:
    handling = header.get("handling")
    named = handling.get("retain_until") if isinstance(handling, dict) else None
    return parse_day(named) if isinstance(named, str) else None
