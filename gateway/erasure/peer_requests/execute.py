"""Following what peers asked to be erased (nrm1 13.3): at its time, or when a person says so, everything that a
request is about is erased; what is under a legal hold stays. A request may overtake the message that it names: that one
goes when it comes. `gateway.erasure.peer_requests.confirm` says what was done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from gateway.consent import register
from gateway.consent.known_by import find_records
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.erasure import store
from gateway.erasure.erase import Eraser
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.forward import read_task
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.rules import PROOF, What
from gateway.erasure.store import HoldRow
from gateway.errors import RefusedError, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.messages import content_codec
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.acceptance import WAITING, Incoming
from gateway.messages.store import links, messages
from gateway.messages.store.local import OWN
from gateway.messages.store.messages import IN, OUT, MessageRow
from gateway.ports import Clock
from schemas.types import type_name

_ALERTS = frozenset({"safety.alert", "safety.alert.update"})
"""What somebody takes before anything around it is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a request is about, as it is stored now: ``rows`` are there, ``gone`` were erased, and ``proof`` are the
    messages that prove that somebody asked. ``late`` are those that it names and the peer had sent before it asked,
    and ``missing`` says that one may be on its way still.
    """

    rows: Mapping[int, MessageRow]
    contents: Mapping[int, MessageContent]
    gone: frozenset[int]
    holds: Mapping[bytes, HoldRow]
    proof: frozenset[int]
    late: frozenset[int] = frozenset()
    missing: bool = False

    @property
    def awaited(self) -> bool:
        """Whether something that the request overtook has yet to come, or to go."""
        return self.missing or any(row.ref in self.late for row in self.erase)

    @property
    def overtaken(self) -> Scope:
        """What of it the request may have overtaken, and nothing that came after it."""
        return replace(self, rows={ref: row for ref, row in self.rows.items() if ref in self.late})

    @property
    def erase(self) -> list[MessageRow]:
        """What has to go."""
        return [row for row in self.rows.values() if row.conversation not in self.holds]

    @property
    def kept(self) -> list[MessageRow]:
        """What a legal hold keeps."""
        return [row for row in self.rows.values() if row.conversation in self.holds]

    @property
    def alerts(self) -> bool:
        """Whether a safety alert in it has not come to anybody yet."""
        return any(
            row.direction == IN and Incoming(row.state) in WAITING and self._type(row.ref) in _ALERTS
            for row in self.rows.values()
        )

    def _type(self, ref: int) -> str:
        return type_name(self.contents[ref].facts.body_type) if ref in self.contents else ""


class RequestExecutor:
    """Follows requests to erase when their time has come."""

    def __init__(self, *, content: Content, eraser: Eraser, clock: Clock) -> None:
        self._content = content
        self._eraser = eraser
        self._clock = clock

    async def follow(self) -> int:
        """Follow every request whose time has come, and those that were followed, for what they overtook; returns how
        many messages were erased.
        """
        now, gone = self._clock.now(), 0
        for row in await self._content.store.read(requests.unsettled):
            try:
                if row.state in (State.FOLLOWED, State.KEPT):
                    gone += await self._follow_again(row)
                elif row.state == State.WAITING and row.follow is not None and row.follow <= now:
                    gone += await self._follow(row, now)
            except (RefusedError, TransientError) as error:
                logger().info("request.postponed", code=str(error.code))
        return gone

    async def _follow_again(self, row: RequestRow) -> int:
        task = await read_task(self._content, row)
        scope = await self._content.store.read(partial(scope_of, self._content.sealer, row=row, task=task))
        return await self._erase(row, task, scope.overtaken) if scope.overtaken.erase else 0

    async def _follow(self, row: RequestRow, now: int) -> int:
        if (await read_task(self._content, row)).what is not What.PART:
            return await self.follow_one(row)

        def move(connection: Connection) -> None:
            requests.change(connection, row.ref, follow=None)
            journal.raise_alarm(connection, at=now, kind="erasure.asked", peer=row.peer, ref=row.message)

        await self._content.store.move(move)
        return 0

    async def follow_one(self, row: RequestRow, *, only: Collection[str] | None = None, by: str | None = None) -> int:
        """Follow one request now. ``only`` are the ids of messages that a person has chosen of a part."""
        task = await read_task(self._content, row)
        scope = await self._content.store.read(partial(scope_of, self._content.sealer, row=row, task=task, only=only))
        return await self._erase(row, task, scope, by=by)

    async def _erase(self, row: RequestRow, task: Task, scope: Scope, *, by: str | None = None) -> int:
        if scope.alerts and by is None:
            return 0
        gone = await self._eraser.erase({item.ref: task.ground for item in scope.erase}, by=by, request=row.ref)
        now = self._clock.now()
        told_so = row.answered is not None and not gone and bool(scope.kept)
        state = State.KEPT if told_so else State.FOLLOWED

        def move(connection: Connection) -> None:
            requests.claim(connection, row, scope.gone)
            requests.change(connection, row.ref, state=state, done=now if gone else row.done, follow=None)
            journal.append_leaf(connection, leaf(now, "request.followed", peer=row.peer, count=gone))

        await self._content.store.move(move)
        return gone


def scope_of(
    sealer: ContentSealer, connection: Connection, row: RequestRow, task: Task, *, only: Collection[str] | None = None
) -> Scope:
    """The messages that a request is about and that are still there, without those that prove it."""
    asking, by_name = messages.get(connection, [row.message])[row.message], task.what is What.MESSAGES
    found = {item.ref: item for item in _concerned(sealer, connection, row, asking, task, only)}
    gone = store.of(connection, list(found))
    sealed = content.get(connection, [ref for ref in found if ref not in gone])
    opened = dict(zip(sealed, sealer.open_each(list(sealed.values())), strict=True))
    contents = {ref: content_codec.read_content(p) for ref, p in opened.items() if not isinstance(p, RefusedError)}
    proof = frozenset(ref for ref, item in contents.items() if type_name(item.facts.body_type) in PROOF)
    return Scope(
        rows={ref: item for ref, item in found.items() if ref not in gone and ref not in proof},
        contents=contents,
        gone=frozenset(gone),
        holds=store.holds(connection),
        proof=proof,
        late=frozenset(ref for ref, item in found.items() if by_name and _was_sent_before(item, asking)),
        missing=by_name
        and not {item.id for item in found.values()} >= {*task.targets}
        and _has_gap(connection, asking),
    )


def _was_sent_before(item: MessageRow, asking: MessageRow) -> bool:
    """Whether the peer sent a message before the one that asks, as the numbers of their link say."""
    if item.direction != IN or item.epoch != asking.epoch:
        return False
    return item.n is not None and asking.n is not None and item.n < asking.n


def _has_gap(connection: Connection, asking: MessageRow) -> bool:
    """Whether something that the peer sent before the message that asks may still come."""
    epoch, _ = links.reached(connection, asking.peer, links.IN)
    gaps = links.gaps(connection, asking.peer, epoch) if epoch == asking.epoch else ()
    return asking.n is not None and any(gap.first < asking.n for gap in gaps)


def _concerned(
    sealer: ContentSealer,
    connection: Connection,
    row: RequestRow,
    asking: MessageRow,
    task: Task,
    only: Collection[str] | None,
) -> Iterator[MessageRow]:
    match task.what:
        case What.CONVERSATION:
            yield from _between(connection, [asking.conversation], row.peer)
            yield from _passed_on(connection, row)
        case What.CONSENT if task.consent is not None:
            known = register.known_in(sealer, connection, task.consent)
            holders = {item.holder for item in known.rows}
            told = {item.conversation for item in find_records(sealer, connection, known, holders)}
            talks = sorted(told.union(requests.relying(connection, known.index)))
            yield from _between(connection, talks, row.peer if OWN in holders else None)
        case What.MESSAGES:
            yield from _named(connection, row.peer, task.targets)
        case _ if only is not None:
            yield from _named(connection, row.peer, only)
        case _:  # a part: whatever of it is there, a person has to choose
            yield from _between(connection, [asking.conversation], row.peer)


def _between(connection: Connection, conversations: Sequence[bytes], peer: NodeId | None) -> Iterator[MessageRow]:
    for item in messages.of_conversations(connection, conversations):
        if peer is None or item.peer == peer:
            yield item


def _passed_on(connection: Connection, row: RequestRow) -> Iterator[MessageRow]:
    """The conversations by which the data of a request went on: who had them was told to erase them."""
    told = messages.get(connection, [item.message for item in requests.onward(connection, row.ref)])
    for one in told.values():
        yield from _between(connection, [one.conversation], one.peer)


def _named(connection: Connection, peer: NodeId, ids: Collection[str]) -> Iterator[MessageRow]:
    for direction in (IN, OUT):
        yield from messages.find_many(connection, direction, peer, sorted(ids)).values()
