"""What a hostile peer or a damaged disk must not do to a sender: end it, fill its disk, stop its queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.pair import Spoiler, Two, two_nodes

from gateway.messages import answers
from gateway.peers.registry import address
from keys.documents.envelope import Receipt, Status
from keys.documents.keyset import build_keyset
from keys.primitives.sign import KEYSET, SignedDocument


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def up(two: Two) -> bool:
    """Whether both nodes still serve."""
    return all(party.serving is not None and not party.serving.done() for party in two)


def spoil(query: str) -> Callable[[Connection], Any]:
    """A move that damages the database."""
    return lambda c: c.exec_driver_sql(query)


async def test_keyset_that_lists_no_key(two: Two) -> None:
    """A peer with nothing to seal for is told to a person and tried again; the node and the message stay."""
    node = two.al.running
    held, now = node.own.keyset, two.clock.now()
    payload = build_keyset(
        node=held.node,
        version=held.version + 1,
        desc_version=held.desc_version,
        desc_hash=held.desc_hash,
        issued=now,
        expires=now + 3_600,
        enc=(),
    )
    document = SignedDocument(payload=payload, payload_type=KEYSET, signatures=(node.keys.sign(KEYSET, payload),))
    wire = Spoiler(two.fr)
    wire.frozen = document.encode()
    await node.client.push_keyset(address(two.al.peer().descriptor), wire.frozen)
    id = await two.fr.submit("nobody opens this")
    two.clock.advance(1)
    await two.calm()
    assert up(two)
    assert await two.fr.state(id) == "queued"
    assert "peer.stale_keyset" in await two.fr.alarms()


async def test_receipts_repeated_are_kept_once(two: Two) -> None:
    """A peer that repeats a batch of receipts for ever does not fill the disk."""
    wire = Spoiler(two.al)
    id = await two.fr.submit("told again and again")
    await two.until(lambda: any(name == "post_receipts" for name, _ in wire.asked), seconds=30)
    (batch,) = [body for name, body in wire.asked if name == "post_receipts"]
    await two.calm()
    before = await two.fr.rows("select count(*) from receipt_batch")
    for _ in range(5):
        await two.al.running.client.post_receipts(address(two.al.peer().descriptor), batch)
    assert await two.fr.rows("select count(*) from receipt_batch") == before
    assert await two.fr.state(id) == "awaiting_opening"


async def test_refused_with_a_code_nobody_knows(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed refusal with a code that is in no list is a refusal, and does not end the node."""

    sign_receipts = answers.sign_receipts

    def refusing(receipts: Sequence[Receipt], sign: answers.Sign) -> bytes:
        made = [replace(receipt, status=Status.REJECTED, code="made_up") for receipt in receipts]
        return sign_receipts(made, sign)

    monkeypatch.setattr(answers, "sign_receipts", refusing)
    id = await two.fr.submit("no")

    async def rejected() -> bool:
        return await two.fr.rows("select state from message") == [("rejected",)]

    await two.until(rejected, seconds=30, real=10.0)
    assert up(two)
    shown = await two.fr.show(id)
    assert (shown["reason"], shown["receipts"][0]["code"]) == ("rejected", "made_up")


async def test_damaged_content_fails_alone(two: Two) -> None:
    """An outgoing message whose content does not open fails with an alarm; the one behind it goes."""
    wire = Spoiler(two.fr)
    wire.away = True
    damaged = await two.fr.submit("damaged")
    whole = await two.fr.submit("whole")
    ref = f"(select ref from message where id = '{damaged}')"
    await two.fr.running.store.move(spoil(f"update sealed set data = zeroblob(length(data)) where ref = {ref}"))
    wire.away = False
    two.fr.running.wakeups.peer_called(two.fr.peer().node)
    await two.until(lambda: two.al.notes() == ["whole"], seconds=30)
    assert await two.fr.rows(f"select state from message where id = '{damaged}'") == [("failed",)]
    assert await two.fr.state(whole) != "failed"
    assert "message.failed" in await two.fr.alarms()
    assert up(two)
