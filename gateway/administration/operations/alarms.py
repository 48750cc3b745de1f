"""What a person has to look at, and the systems that are told what happens."""

from __future__ import annotations

from collections.abc import Sequence, Set

from pydantic import Field
from sqlalchemy import Connection

from gateway.administration import status_store as figure_rows
from gateway.cases import questions
from gateway.cases.operations.models import OfCase
from gateway.cases.register import names_of
from gateway.cases.subjects import keys_closed_to
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.messages.store import local
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import MessageRow
from gateway.notifications import second_look, webhooks
from gateway.operations.actors import pseudonym
from gateway.operations.ids import AlarmId, MessageId, alarm_number
from gateway.operations.models import Answer, Asked, Count, Next, Nothing, Text, Time
from gateway.operations.paging import Page, paged
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import FOCAL_POINT, RUNS, SERVES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from gateway.trust import review_store

AT_ONCE = 500
"""Alarms that are counted in one go."""


class AlarmPage(Page):
    """A page of alarms, of one kind if named."""

    kind: Text | None = Field(default=None, description="see docs/operations.md")


class DismissAlarm(Asked):
    """An alarm, and who has seen it."""

    id: AlarmId


class Alarm(Answer):
    """What a person has to look at."""

    id: AlarmId
    at: Time
    kind: str = Field(description="see docs/operations.md")
    peer: str | None
    of_case: OfCase = None
    message: MessageId | None
    reason: str | None
    count: Count | None


class Alarms(Answer):
    """A page of alarms, oldest first."""

    next: Next | None
    open: Count = Field(description="of all pages")
    alarms: list[Alarm]


class Dismissed(Answer):
    """An alarm that somebody has seen."""

    id: AlarmId


class Webhook(Answer):
    """A system that is told, and what waits for it."""

    name: str
    url: str
    waiting: Count
    oldest: Time | None
    attempts: Count = Field(description="the most attempts at one call")


class Webhooks(Answer):
    """Systems that are told what happens."""

    webhooks: list[Webhook]


class AlarmOperations:
    """Operations on alarms, and on who is told of what happens."""

    def __init__(self, *, content: Content, peers: PeerRegistry, config: Config, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._store = content.store
        self._peers = peers
        self._config = config
        self._clock = clock
        self._actor = actor

    @operation("alarm.list", "what a person has to look at", roles=RUNS | FOCAL_POINT, about=About.NODE, answer=Alarms)
    async def list_alarms(self, asked: AlarmPage, caller: Caller) -> OperationResult:
        """List what a person has to look at, oldest first; of one kind if named. `open` counts all of these that the
        caller may see.
        """
        limit, after, kind = asked.limit, asked.position, asked.kind

        def query(c: Connection) -> tuple[list[journal.Alarm], dict[int, MessageRow], dict[str, int], int]:
            found = journal.open_page(c, limit=limit + 1, after=after, kind=kind)
            there = sum(pile.count for name, pile in figure_rows.alarms(c).items() if kind in (None, name))
            there -= _count_closed(c, kind, keys_closed_to(self._content.sealer, c, caller))
            return found, _messages_of(c, found), review_store.counts(c), there

        found, rows, doubted, there = await self._store.read(query)
        names = await self._names(found)
        shown, following = paged(found, limit, lambda alarm: alarm.seq)
        items: list[Json] = []
        for alarm in shown:
            peer = self._peers.get(alarm.peer) if alarm.peer is not None else None
            row = rows.get(alarm.ref) if alarm.ref is not None else None
            items.append(
                {
                    "id": str(alarm.seq),
                    "at": alarm.at,
                    "kind": alarm.kind,
                    "peer": None if peer is None else peer.name,
                    "of_case": names.get(alarm.seq),
                    "message": None if row is None else row.id,
                    "reason": None if row is None else row.reason,
                    "count": doubted.get(alarm.peer or "") if alarm.kind == "peer.review" else None,
                }
            )
        return OperationResult(value={"alarms": items, "open": there, "next": following})

    async def _names(self, found: Sequence[journal.Alarm]) -> dict[int, Json]:
        """By alarm the case that its message, consent or question is of."""
        keys = await self._store.read(lambda c: _keys_of(c, found))
        names = await names_of(self._content, list(keys.values()))
        return {seq: names[key] for seq, key in keys.items() if key in names}

    @operation(
        "alarm.dismiss",
        "a named person has seen it",
        roles=RUNS | FOCAL_POINT,
        about=About.NODE,
        answer=Dismissed,
    )
    async def dismiss_alarm(self, asked: DismissAlarm, caller: Caller) -> OperationResult:
        """A named person has seen it."""
        seq, now = alarm_number(asked.id), self._clock.now()

        def move(connection: Connection) -> None:
            if journal.kind_of(connection, seq) in second_look.ALARMS:
                raise RefusedError(
                    Code.CONFLICT,
                    "a second person reads this alert, or says why nobody can; nothing was dismissed",
                    hint="trm alert review MESSAGE --outcome needed, told or nobody",
                )
            if not journal.dismiss_alarm(connection, seq, at=now):
                raise RefusedError(Code.NOT_FOUND, "no such open alarm", hint="trm node show lists the alarms")
            journal.append_leaf(connection, leaf(now, "alarm.dismissed", actor=pseudonym(caller.actor, self._actor)))

        await self._store.move(move)
        return OperationResult(value={"id": str(seq)})

    @operation(
        "webhook.list",
        "systems that are told what happens",
        roles=SERVES,
        about=About.NODE,
        answer=Webhooks,
        units=Units.FREE,
    )
    async def list_webhooks(self, _asked: Nothing) -> OperationResult:
        """Systems that are told what happens, and what waits for them."""
        return OperationResult(value={"webhooks": await webhooks.standing(self._store, self._config)})


def _messages_of(connection: Connection, found: Sequence[journal.Alarm]) -> dict[int, MessageRow]:
    return message_rows.get(connection, [one.ref for one in found if one.ref is not None])


def _keys_of(connection: Connection, found: Sequence[journal.Alarm]) -> dict[int, bytes]:
    """By alarm the key under which its message, consent or question finds its case; only alarms that have one."""
    rows = _messages_of(connection, found)
    keys = {one.seq: row.conversation for one in found if (row := rows.get(one.ref or 0)) is not None}
    consents = [one for one in found if one.ref is not None and one.seq not in keys]
    held = local.consents_by_ref(connection, [one.ref or 0 for one in consents])
    keys |= {one.seq: held[one.ref] for one in consents if one.ref in held}
    return keys | {one.seq: questions.key_of(one.ref or 0) for one in found if one.kind == questions.ALARM}


def _count_closed(connection: Connection, kind: str | None, closed: Set[bytes]) -> int:
    """Count open alarms about what has one of these keys, of one kind or all; mostly there is no key, and none."""
    count, last = 0, None
    while closed and (found := journal.open_page(connection, limit=AT_ONCE, after=last, kind=kind)):
        count += sum(key in closed for key in _keys_of(connection, found).values())
        last = found[-1].seq
    return count
