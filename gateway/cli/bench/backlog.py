"""A backlog for the absent peer, written by the product's own code into a stopped node: sealed rows on the outbox.

It is the path of a submission behind its checks, in large transactions, since checking one message 100 000 times shows
nothing. Each message has its own id, row, data key and content.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, func, select

from gateway.app import open_node
from gateway.cli.bench.pair import ABSENT
from gateway.core.stages import Draft
from gateway.ports import Json
from gateway.service import submit
from gateway.service.parts import Parts
from gateway.service.submit import Prepared
from gateway.store.tables import event
from keys.encoding import b64u

AT_ONCE = 1_000


def fill(folder: Path, passphrase: str, request: dict[str, Json], messages: int) -> int:
    """Put so many messages on the outbox; returns the position of the last event."""
    return asyncio.run(_fill(folder, passphrase, request, messages))


async def _fill(folder: Path, passphrase: str, request: dict[str, Json], messages: int) -> int:
    node, stack = await open_node(folder, passphrase)
    async with stack:
        parts = node.parts
        model, plaintext = await _model(parts, request)
        for start in range(0, messages, AT_ONCE):
            rows = [_copy(parts, model, plaintext) for _ in range(min(AT_ONCE, messages - start))]
            await _write(parts, rows)
        last: int = await parts.store.read(lambda c: c.scalar(select(func.max(event.c.seq))) or 0)
    return last


async def _model(parts: Parts, request: dict[str, Json]) -> tuple[Prepared, bytes]:
    peer = parts.book.find(ABSENT)
    header, content = request["header"], request["content"]
    if not isinstance(header, dict) or not isinstance(content, dict):
        raise RuntimeError("a referral has a header and a content")
    draft = Draft(
        id=b64u(parts.rand(16)), body_type=str(request["type"]), to=peer.node, conversation=b64u(parts.rand(16)),
        reply_to=None, purpose=str(request["purpose"]), header=header, content=content,
    )  # fmt: skip
    prepared = (await submit.prepare(parts, draft, peer))[-1]
    return prepared, parts.vault.open(prepared.sealed)


def _copy(parts: Parts, model: Prepared, plaintext: bytes) -> Prepared:
    ref, id, conversation = parts.store.new_ref(), b64u(parts.rand(16)), b64u(parts.rand(16))
    row = replace(model.row, ref=ref, id=id, conversation=parts.vault.conversation_index(conversation))
    return replace(model, row=row, sealed=parts.vault.seal(ref, plaintext), tells=None)


async def _write(parts: Parts, rows: list[Prepared]) -> None:
    def move(connection: Connection) -> None:
        submit.write(connection, rows)

    await parts.store.move(move)
