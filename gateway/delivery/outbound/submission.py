"""Submission: a person's act that puts a message on the outbox. What is answered was committed before.

The same idempotency key with the same body gets the same answer; with another body it is a conflict. What is submitted
meanwhile is judged and stored together (`outbox` does both for one draft).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import orjson
from sqlalchemy import Connection

from gateway.database.content_sealer import ContentSealer
from gateway.database.content_sealer import Submission as SubmissionKey
from gateway.database.sealed_content import Content
from gateway.delivery.outbound.kept import KeptJudgements
from gateway.delivery.outbound.preparation import Batch, Preparation
from gateway.delivery.outbound.prepared import Prepared, Unsealed, seal_prepared, write_prepared, written_in
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.batcher import Batcher
from gateway.foundation.logs import logger
from gateway.foundation.telemetry.request_ids import RequestId, current_request_id
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import local
from gateway.messages.store.conversations import Key
from gateway.messages.types import Draft
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.idempotency import BEGUN, cut_off
from gateway.peers.registry import Peer
from gateway.policy.linked_holds import LinkedHolds
from gateway.policy.told_asylum import MAY_TELL
from gateway.ports import Json, OperationResult
from keys.primitives.encoding import canon
from schemas.types import type_name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One submission as it came."""

    request: Mapping[str, Json]
    key: str | None
    origin: int | None
    approver: str | None
    also: Callable[[Connection], None]
    said: Mapping[str, Json] | None = None
    request_id: RequestId | None = field(default_factory=current_request_id)

    @property
    def body(self) -> dict[str, Json]:
        """What one Idempotency-Key stands for."""
        if self.said is not None:
            return dict(self.said)
        return {**self.request, **({} if self.approver is None else {"approver": self.approver})}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """One judged submission, ready to be written."""

    sealer: ContentSealer
    submission: SubmissionKey | None
    answer: dict[str, Json]
    sealed: bytes
    prepared: tuple[Prepared, ...]
    linked_holds: LinkedHolds
    also: Callable[[Connection], None]

    def write_more(self, connection: Connection) -> None:
        """Write what follows from its messages, and what is written with them."""
        for item in self.prepared:
            if item.quotes is not None:
                self.linked_holds.join_quoted(connection, item.row, item.quotes)
            if type_name(item.message.body_type) in MAY_TELL:
                said = item.message.body_type, written_in(item.message)
                self.linked_holds.settle_told(connection, item.row.conversation, *said)
        self.also(connection)


class Submission:
    """Takes requests to send: judged, stored and answered together."""

    def __init__(
        self,
        *,
        content: Content,
        preparation: Preparation,
        kept: KeptJudgements,
        linked_holds: LinkedHolds,
        wakeups: Wakeups,
        events: EventStream,
    ) -> None:
        self._content = content
        self._preparation = preparation
        self._kept = kept
        self._linked_holds = linked_holds
        self._wakeups = wakeups
        self._events = events
        self._trail = wakeups.trail
        self._log = logger()
        self._batcher: Batcher[_Request, OperationResult] = Batcher(self._submit_all)

    async def submit(
        self,
        request: Mapping[str, Json],
        *,
        key: str | None,
        origin: int | None = None,
        approver: str | None = None,
        also: Callable[[Connection], None] = lambda connection: None,
        said: Mapping[str, Json] | None = None,
    ) -> OperationResult:
        """Judge a request, store it and answer; `also` is written in the same transaction. `approver` is the staff
        reference of a second person who approved it; `said` is what the key stands for, None for the request. See the
        module text.

        Submissions that come meanwhile are judged and stored together.

        Raises:
            RefusedError: with the place and rule of each fault; nothing was stored.
        """
        done: OperationResult = await self._batcher.do(
            _Request(request=request, key=key, origin=origin, approver=approver, also=also, said=said)
        )
        return done

    async def find_answer(self, key: str | None, said: Mapping[str, Json]) -> OperationResult | None:
        """The answer that was given under this key before, None where there is none. Raises RefusedError conflict: the
        key stood for something else.
        """
        (asked,) = self._content.sealer.submissions([(key, canon(dict(said)))])
        if asked is None:
            return None
        known = await self._content.store.read(lambda c: local.find_submissions(c, [asked.index]).get(asked.index))
        return None if known is None else _repeated(self._content.sealer, asked, known)

    def keep_answer(
        self, connection: Connection, key: str | None, said: Mapping[str, Json], answer: Mapping[str, Json], *, at: int
    ) -> None:
        """Write an answer that is repeated under this key; part of the transaction of the act. Raises RefusedError
        conflict: there is one meanwhile.
        """
        (asked,) = self._content.sealer.submissions([(key, canon(dict(said)))])
        if asked is not None:
            if local.find_submissions(connection, [asked.index]):
                raise _answered_meanwhile()
            sealed = self._content.sealer.seal_answer(asked, orjson.dumps(answer))
            local.add_submission(connection, asked.index, asked.digest, sealed, at=at)

    async def under_way(self, most: float) -> None:
        """Wait until the submissions that are being judged now are stored, and at most so many seconds."""
        await self._batcher.idle(most)

    async def _submit_all(self, requests: Sequence[_Request]) -> list[OperationResult | GatewayError]:
        """Each is judged for itself; those that may go are written in one transaction."""
        judged = await self._content.store.read(partial(self._judge_all, requests))
        acts = [item for item in judged if isinstance(item, _Act)]
        self._kept.keep([item.judged for act in acts for item in act.prepared if item.judged is not None])
        written = iter(
            await asyncio.gather(
                *(self._content.store.move_together(_write_acts, act) for act in acts), return_exceptions=True
            )
        )
        for peer in {act.prepared[-1].row.peer for act in acts}:
            self._wakeups.outgoing(peer).set()
        if acts:
            await self._events.happened()
        for request, item in zip(requests, judged, strict=True):
            if isinstance(item, _Act):
                self._follow(request, item)
        return [_outcome(next(written)) if isinstance(item, _Act) else item for item in judged]

    def _follow(self, request: _Request, act: _Act) -> None:
        """Its messages depart later, in another task: remember which request they came by."""
        for prepared in act.prepared:
            self._trail.note(prepared.row.ref, request.request_id)
            self._log.info("message.taken", ref=prepared.row.ref, trace=request.request_id)

    def _judge_all(
        self, requests: Sequence[_Request], connection: Connection
    ) -> list[_Act | OperationResult | GatewayError]:
        """What becomes of each request, by what is stored now."""
        keys = self._content.sealer.submissions([(item.key, canon(item.body)) for item in requests])
        known = local.find_submissions(connection, [key.index for key in keys if key is not None])
        judged: list[_Act | OperationResult | GatewayError | tuple[Draft, Peer]] = []
        for item, key in zip(requests, keys, strict=True):
            try:
                if key is not None and key.index in known:
                    judged.append(_repeated(self._content.sealer, key, known[key.index]))
                    continue
                judged.append(self._preparation.read_request(item.request))
            except GatewayError as error:
                judged.append(error)
        read = [pair for pair in judged if isinstance(pair, tuple)]
        named = {item.request["message"] for item in requests if isinstance(item.request.get("message"), str)}
        found = iter(self._preparation.load_inputs(connection, read, named))
        batch: defaultdict[Key, Batch] = defaultdict(Batch)
        unsealed: list[tuple[int, list[Unsealed]]] = []
        for place, pair in enumerate(judged):
            if isinstance(pair, tuple):
                item, about = requests[place], next(found)
                try:
                    made = self._preparation.prepare_batch(
                        *about, batch, origin=item.origin, reference=None, approver=item.approver
                    )
                    unsealed.append((place, made))
                except GatewayError as error:
                    judged[place] = error
        ready = [
            item if batch[item.row.conversation, item.row.peer].passed == 1 else replace(item, judged=None)
            for _, items in unsealed
            for item in items
        ]
        sealed = iter(seal_prepared(self._content.sealer, ready))
        for place, items in unsealed:
            judged[place] = self._act(requests[place], keys[place], [next(sealed) for _ in items])
        return [item for item in judged if not isinstance(item, tuple)]

    def _act(self, request: _Request, key: SubmissionKey | None, prepared: Sequence[Prepared]) -> _Act:
        message = prepared[-1].message
        answer: dict[str, Json] = {
            "id": message.id,
            "conversation": message.conversation,
            "state": str(Outgoing.QUEUED),
        }
        if prepared[-1].warnings:
            answer["warnings"] = [*prepared[-1].warnings]
        sealed = b"" if key is None else self._content.sealer.seal_answer(key, orjson.dumps(answer))
        return _Act(
            sealer=self._content.sealer,
            submission=key,
            answer=answer,
            sealed=sealed,
            prepared=tuple(prepared),
            linked_holds=self._linked_holds,
            also=request.also,
        )


def _answered_meanwhile() -> RefusedError:
    return RefusedError(
        Code.CONFLICT,
        "this Idempotency-Key was used meanwhile; nothing was stored",
        hint="repeat it: if it was the same, its answer is here now",
    )


def _outcome(written: OperationResult | BaseException) -> OperationResult | GatewayError:
    if isinstance(written, OperationResult | GatewayError):
        return written
    raise written


def _write_acts(connection: Connection, acts: Sequence[_Act]) -> list[OperationResult]:
    """Store all submissions that wait; one whose key was used meanwhile gets the older answer."""
    keys = [act.submission for act in acts]
    raced = local.find_submissions(connection, [key.index for key in keys if key is not None])
    answers, new = list[OperationResult](), list[_Act]()
    for act, key in zip(acts, keys, strict=True):
        if key is not None and key.index in raced:
            answers.append(_repeated(act.sealer, key, raced[key.index]))
            continue
        if key is not None:
            raced[key.index] = (key.digest, act.sealed)
        answers.append(OperationResult(value=act.answer, created=True))
        new.append(act)
    local.add_submissions(
        connection,
        [
            (act.submission.index, act.submission.digest, act.sealed, act.prepared[-1].row.at)
            for act in new
            if act.submission is not None
        ],
    )
    write_prepared(connection, [item for act in new for item in act.prepared])
    for act in new:
        act.write_more(connection)
    return answers


def _repeated(sealer: ContentSealer, key: SubmissionKey, known: tuple[bytes, bytes]) -> OperationResult:
    if known[0] != key.digest:
        raise RefusedError(
            Code.CONFLICT,
            "this Idempotency-Key was used for another message; nothing was stored",
            hint="use a fresh key for a new message, and the old key only to repeat the old one",
        )
    if known[1] == BEGUN:
        raise cut_off()
    return OperationResult(value=orjson.loads(sealer.open_answer(key, known[1])))
