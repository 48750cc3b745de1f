"""An act under an Idempotency-Key is done once: with it the same caller and body get the same answer.

The key is written down before the act and its answer after it. Whoever repeats a key whose act was cut off in between
is told so and looks, since doing it again could do it twice. What was refused, or could not be done now, has changed
nothing: its key is free again. Submission and release keep their answers in their own transaction (`submit`). Of an
operation that is many acts, each has its key; that of the whole only stands for what was asked (`claim_key`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import orjson
from sqlalchemy import Connection

from gateway.database.sealed_content import Content
from gateway.errors import Code, GatewayError, RefusedError
from gateway.messages.store import local
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import canon

BEGUN = b""
"""Stands for the answer of an act that was begun."""


async def answer_once(
    content: Content,
    clock: Clock,
    operation: str,
    arguments: Mapping[str, Json],
    key: str,
    actor: str,
    act: Callable[[], Awaitable[OperationResult]],
    *,
    kept: bool = True,
) -> OperationResult:
    """Do `act`, or give the answer that was given under this key before; one that is not `kept` is given once only.

    Raises:
        RefusedError: conflict; the key was used for something else, or its act was cut off or is still being done.
    """
    (asked,) = content.sealer.submissions([(key, _stands_for(operation, arguments, actor))])
    if asked is None:
        raise RuntimeError("a key has its index")
    index, digest, now = asked.index, asked.digest, clock.now()

    def begin(connection: Connection) -> tuple[bytes, bytes] | None:
        known = local.find_submissions(connection, [index]).get(index)
        if known is None:
            local.add_submission(connection, index, digest, BEGUN, at=now)
        return known

    known = await content.store.move(begin)
    if known is not None:
        return _again(asked.digest, known, lambda sealed: content.sealer.open_answer(asked, sealed))
    try:
        done = await act()
    except GatewayError:
        await free_key(content, index)
        raise
    if kept:
        sealed = content.sealer.seal_answer(asked, orjson.dumps(done.value))
        await content.store.move(lambda c: local.answer_submission(c, index, sealed))
    return done


async def claim_key(
    content: Content, clock: Clock, operation: str, arguments: Mapping[str, Json], key: str, actor: str
) -> bytes:
    """Let a key stand for what is asked under it, for an operation whose parts are each done once by keys of their own:
    repeated under its key it is done again, and each part answers as before. Returns what `free_key` takes.

    Raises:
        RefusedError: conflict; the key was used for something else.
    """
    (asked,) = content.sealer.submissions([(key, _stands_for(operation, arguments, actor))])
    if asked is None:
        raise RuntimeError("a key has its index")
    index, digest, now = asked.index, asked.digest, clock.now()

    def claim(connection: Connection) -> None:
        known = local.find_submissions(connection, [index]).get(index)
        if known is None:
            local.add_submission(connection, index, digest, BEGUN, at=now)
        elif known[0] != digest:
            raise _used_for_another()

    await content.store.move(claim)
    return index


async def free_key(content: Content, claimed: bytes) -> None:
    """Let a key stand for nothing again, where nothing was done under it."""
    await content.store.move(lambda c: local.forget_submission(c, claimed))


def _stands_for(operation: str, arguments: Mapping[str, Json], actor: str) -> bytes:
    return canon({"operation": operation, "arguments": dict(arguments), "actor": actor})


def _used_for_another() -> RefusedError:
    return RefusedError(
        Code.CONFLICT,
        "this Idempotency-Key was used for something else; nothing was done",
        hint="use a fresh key for a new operation, and the old key only to repeat the old one",
    )


def cut_off() -> RefusedError:
    """The refusal of a repetition of which nobody here knows whether the act was done."""
    return RefusedError(
        Code.CONFLICT,
        "the operation of this Idempotency-Key was begun, but its answer is not here; nothing was done now",
        hint="check whether it was done; if not, repeat it with a fresh key",
    )


def _again(digest: bytes, known: tuple[bytes, bytes], opened: Callable[[bytes], bytes]) -> OperationResult:
    if known[0] != digest:
        raise _used_for_another()
    if known[1] == BEGUN:
        raise cut_off()
    return OperationResult(value=orjson.loads(opened(known[1])))
