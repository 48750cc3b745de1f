"""A backlog for the absent peer, written by the product's own code into a stopped node: sealed rows on the outbox.

The first message is judged as every submission is. The others are the same message with an id, conversation, salt, row
and data key of their own, in large transactions, since judging one message 100 000 times shows nothing. Their
conversations stand as those of messages that wait for long: looked at, and again tomorrow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, bindparam, func, select, update

from gateway.app import open_node
from gateway.composition.node import Node
from gateway.database.tables import conversation, event
from gateway.delivery.outbound import departure_steps, draft
from gateway.delivery.outbound.prepared import Prepared, write_prepared
from gateway.messages import content_codec
from gateway.ports import Json
from keys.primitives.encoding import DAY, b64u

AT_ONCE = 1_000
_LOOKED_AT = update(conversation).where(conversation.c.fold == 0).values(fold=bindparam("tomorrow"))


def fill_outbox(
    folder: Path, passphrase: str, request: Mapping[str, Json], messages: int, say: Callable[[str], None]
) -> int:
    """Put so many messages on the outbox of a stopped node and return the position of the last event."""
    return asyncio.run(_fill(folder, passphrase, request, messages, say))


async def _fill(
    folder: Path, passphrase: str, request: Mapping[str, Json], messages: int, say: Callable[[str], None]
) -> int:
    node, stack = await open_node(folder, passphrase)
    async with stack:
        return await put_messages(node, request, messages, say)


async def put_messages(
    node: Node, request: Mapping[str, Json], messages: int, say: Callable[[str], None] = lambda _: None
) -> int:
    """Put messages on the outbox of an opened node. `request` is a local API request without a conversation; `say` is
    called with how far it is.

    Raises:
        RefusedError: as a submission does; nothing was stored.
    """
    read = [node.drafts.read(request)]
    ((draft_, peer),) = await node.store.read(lambda c: node.drafts.under_references(c, read))
    first = await node.preparation.prepare(draft_, peer)  # with the consent record before it
    model, case = first[-1], content_codec.read_content(node.sealer.open(first[-1].sealed)).facts.case
    await _write(node, first)
    for start in range(1, messages, AT_ONCE):
        await _write(node, [_copy(node, model, case) for _ in range(min(AT_ONCE, messages - start))])
        if start // AT_ONCE % 20 == 19:
            say(f"{start + AT_ONCE - 1} of {messages} written")
    await node.store.move(lambda c: c.execute(_LOOKED_AT, {"tomorrow": node.clock.now() + DAY}))
    last: int = await node.store.read(lambda c: c.scalar(select(func.max(event.c.seq))) or 0)
    return last


def _copy(node: Node, model: Prepared, case: str | None) -> Prepared:
    ref = node.store.new_ref()
    message = replace(model.message, id=b64u(node.rand(draft.ID)), conversation=b64u(node.rand(draft.ID)))
    row = replace(model.row, ref=ref, id=message.id, conversation=node.sealer.conversation_index(message.conversation))
    plaintext = content_codec.outgoing(message, departure_steps.new_secret(node.rand), case=case)
    joining = model.case and replace(model.case, signs=replace(model.case.signs, conversation=row.conversation))
    return replace(model, message=message, row=row, sealed=node.sealer.seal(ref, plaintext), case=joining)


async def _write(node: Node, rows: list[Prepared]) -> None:
    def move(connection: Connection) -> None:
        write_prepared(connection, rows)

    await node.store.move(move)
