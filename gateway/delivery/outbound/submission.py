"""Submission: a person's act that puts a message on the outbox. What is answered was committed before.

The same idempotency key with the same body gets the same answer; with another body it is a conflict. What is submitted
meanwhile is judged and stored together (`outbox` does both for one draft).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import orjson
from sqlalchemy import Connection

from gateway.database.content_sealer import Submission
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound import preparation
from gateway.delivery.outbound.preparation import Batch, Prepared, Unsealed
from gateway.errors import Code, GatewayError, RefusedError
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import local
from gateway.messages.store.conversations import Key
from gateway.messages.types import Draft
from gateway.node.parts import Parts
from gateway.peers.registry import Peer
from gateway.ports import Json, OperationResult
from keys.primitives.encoding import canon


async def submit(
    parts: Parts,
    request: Mapping[str, Json],
    *,
    key: str | None,
    origin: int | None = None,
    approver: str | None = None,
    also: Callable[[Connection], None] = lambda connection: None,
) -> OperationResult:
    """Judge a request, store it and answer; `also` is written in the same transaction. `approver` is the staff
    reference of a second person who approved it. See the module text.

    Submissions that come meanwhile are judged and stored together.

    Raises:
        RefusedError: with the place and rule of each fault; nothing was stored.
    """
    done: OperationResult = await parts.together(_submit_all).do(
        _Request(request=request, key=key, origin=origin, approver=approver, also=also)
    )
    return done


async def under_way(parts: Parts, most: float) -> None:
    """Wait until the submissions that are being judged now are stored, and at most so many seconds."""
    await parts.together(_submit_all).idle(most)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One submission as it came."""

    request: Mapping[str, Json]
    key: str | None
    origin: int | None
    approver: str | None
    also: Callable[[Connection], None]

    @property
    def body(self) -> dict[str, Json]:
        """What one Idempotency-Key stands for."""
        return {**self.request, **({} if self.approver is None else {"approver": self.approver})}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """One judged submission, ready to be written."""

    parts: Parts
    submission: Submission | None
    answer: dict[str, Json]
    sealed: bytes
    prepared: tuple[Prepared, ...]
    also: Callable[[Connection], None]


async def _submit_all(parts: Parts, requests: Sequence[_Request]) -> list[OperationResult | GatewayError]:
    """Each is judged for itself; those that may go are written in one transaction."""
    judged = await parts.store.read(partial(_judge_all, parts, requests))
    acts = [item for item in judged if isinstance(item, _Act)]
    written = iter(
        await asyncio.gather(*(parts.store.move_together(_write_acts, act) for act in acts), return_exceptions=True)
    )
    for peer in {act.prepared[-1].row.peer for act in acts}:
        parts.signals.outgoing(peer).set()
    if acts:
        await parts.signals.happened()
    return [_outcome(next(written)) if isinstance(item, _Act) else item for item in judged]


def _outcome(written: OperationResult | BaseException) -> OperationResult | GatewayError:
    if isinstance(written, OperationResult | GatewayError):
        return written
    raise written


def _judge_all(
    parts: Parts, requests: Sequence[_Request], connection: Connection
) -> list[_Act | OperationResult | GatewayError]:
    """What becomes of each request, by what is stored now."""
    keys = parts.vault.submissions([(item.key, canon(item.body)) for item in requests])
    known = local.find_submissions(connection, [key.index for key in keys if key is not None])
    judged: list[_Act | OperationResult | GatewayError | tuple[Draft, Peer]] = []
    for item, key in zip(requests, keys, strict=True):
        try:
            if key is not None and key.index in known:
                judged.append(_repeated(parts, key, known[key.index]))
                continue
            draft, peer = drafts.read(parts, item.request)
            drafts.check_units(parts, draft, peer)
            judged.append((draft, peer))
        except GatewayError as error:
            judged.append(error)
    asked = drafts.under_references(parts, [pair for pair in judged if isinstance(pair, tuple)])
    named = {item.request["message"] for item in requests if isinstance(item.request.get("message"), str)}
    found = iter(zip(asked, preparation.load_inputs(parts, connection, asked, named), strict=True))
    batch: defaultdict[Key, Batch] = defaultdict(Batch)
    unsealed: list[tuple[int, list[Unsealed]]] = []
    for place, pair in enumerate(judged):
        if isinstance(pair, tuple):
            item, (about, known_of_it) = requests[place], next(found)
            try:
                made = preparation.prepare_batch(
                    parts, *about, known_of_it, batch, origin=item.origin, reference=None, approver=item.approver
                )
                unsealed.append((place, made))
            except GatewayError as error:
                judged[place] = error
    sealed = iter(preparation.seal(parts, [item for _, items in unsealed for item in items]))
    for place, items in unsealed:
        judged[place] = _act(parts, requests[place], keys[place], [next(sealed) for _ in items])
    return [item for item in judged if not isinstance(item, tuple)]


def _act(parts: Parts, request: _Request, key: Submission | None, prepared: Sequence[Prepared]) -> _Act:
    message = prepared[-1].message
    answer: dict[str, Json] = {"id": message.id, "conversation": message.conversation, "state": str(Outgoing.QUEUED)}
    sealed = b"" if key is None else parts.vault.seal_answer(key, orjson.dumps(answer))
    return _Act(parts=parts, submission=key, answer=answer, sealed=sealed, prepared=tuple(prepared), also=request.also)


def _write_acts(connection: Connection, acts: Sequence[_Act]) -> list[OperationResult]:
    """Store all submissions that wait; one whose key was used meanwhile gets the older answer."""
    keys = [act.submission for act in acts]
    raced = local.find_submissions(connection, [key.index for key in keys if key is not None])
    answers, new = list[OperationResult](), list[_Act]()
    for act, key in zip(acts, keys, strict=True):
        if key is not None and key.index in raced:
            answers.append(_repeated(act.parts, key, raced[key.index]))
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
    preparation.write(connection, [item for act in new for item in act.prepared])
    for act in new:
        act.also(connection)
    return answers


def _repeated(parts: Parts, key: Submission, known: tuple[bytes, bytes]) -> OperationResult:
    if known[0] != key.digest:
        raise RefusedError(
            Code.CONFLICT,
            "this Idempotency-Key was used for another message; nothing was stored",
            hint="use a fresh key for a new message, and the old key only to repeat the old one",
        )
    return OperationResult(value=orjson.loads(parts.vault.open_answer(key, known[1])))
