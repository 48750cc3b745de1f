"""What a hostile peer, a damaged disk or two people at once must not do: end a node, fill a disk, undo a decision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.ceremony import ADMINS
from support.nodeproc import enquiry
from support.pair import Spoiler, Two, two_nodes

from gateway.errors import Code, RefusedError, TransientError
from gateway.messages import answers
from gateway.peers.registry import address
from gateway.peers.scope import PeerState
from gateway.ports import Delivery, Notice
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


async def test_damaged_content_is_held_at_hand_over(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incoming message whose content does not open is held for a person and does not end the node."""
    node, opened = two.al.running, asyncio.Event()
    adapter = node.adapter
    assert adapter is not None

    async def busy(item: Delivery | Notice) -> str:
        if not opened.is_set():
            raise TransientError(Code.ADAPTER_BUSY, "the case system is away")
        return item.key

    monkeypatch.setattr(adapter, "push", busy)
    await two.fr.submit("damaged")

    async def arrived() -> bool:
        return await two.al.rows("select count(*) from inbox where attempts > 0") == [(1,)]

    await two.until(arrived, seconds=30)
    await node.store.move(spoil("update sealed set data = zeroblob(length(data))"))
    opened.set()

    async def held() -> bool:
        return "message.held" in await two.al.alarms()

    await two.until(held, seconds=60)
    assert up(two)


async def test_damaged_key_does_not_stop_the_rotation(two: Two) -> None:
    """One wrapped key that does not open costs its own message, which a person is told: the epoch changes and the old
    key is destroyed.
    """
    damaged = await two.fr.submit("damaged")
    await two.fr.submit("whole")
    await two.until(lambda: len(two.al.notes()) == 2, seconds=30)
    node = two.fr.running
    await node.store.move(
        spoil("update datakey set wrapped = zeroblob(length(wrapped)) where ref = (select min(ref) from message)")
    )
    before = node.keys.epoch
    await two.fr.call("keys.rotate_epoch", by="admin")
    assert node.keys.epoch == before + 1
    assert not node.keys.old_epochs
    found = [(alarm["kind"], alarm["message"]) for alarm in (await two.fr.call("alarm.list"))["alarms"]]
    assert found == [("content.damaged", damaged)]
    assert (await two.fr.call("node.show"))["alarms"] == 1
    await two.fr.call("keys.rotate_epoch", by="admin")
    assert await two.fr.alarms() == ["content.damaged"]
    assert up(two)


async def test_a_person_does_not_undo_a_proof_meanwhile(two: Two) -> None:
    """One person does not resume a peer that is suspended for a cause; a revoked one stays revoked."""
    running, node = two.fr.running, two.fr.peer().node
    await two.fr.changes("peer.suspend")
    await running.sync.suspend_for_cause(node, Code.EQUIVOCATION, None)
    shown = await two.fr.changes("peer.resume", people=ADMINS[:1])
    assert (shown["state"], two.fr.peer().state) == ("pending", PeerState.SUSPENDED_FOR_CAUSE)
    await two.fr.call("change.withdraw", id=shown["id"], by="admin")
    await two.fr.changes("peer.revoke")
    await running.sync.suspend_for_cause(node, Code.EQUIVOCATION, None)
    assert two.fr.peer().state is PeerState.REVOKED


async def test_the_desk_takes_what_the_case_system_refuses(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal of the adapter that comes after a person took the message does not put it back."""
    adapter = two.al.running.adapter
    assert adapter is not None
    asked, answer = asyncio.Event(), asyncio.Event()

    async def refuse(item: Delivery | Notice) -> str:
        if isinstance(item, Notice):
            return item.key
        asked.set()
        await answer.wait()
        raise RefusedError(Code.ADAPTER_REFUSED, "no such column")

    monkeypatch.setattr(adapter, "push", refuse)
    id = await two.fr.submit("taken by hand")
    await asked.wait()
    await two.al.call("message.ack", id=id)
    answer.set()
    await two.calm()
    assert (await two.al.call("message.show", id=id, direction="in"))["state"] == "handed_over"
    assert await two.al.rows("select count(*) from inbox") == [(0,)]


async def test_offered_again_by_two_people(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two people who offer a held message again at once the second is told that it is done."""
    adapter = two.al.running.adapter
    assert adapter is not None

    async def refuse(item: Delivery | Notice) -> str:
        raise RefusedError(Code.ADAPTER_REFUSED, "no such column")

    monkeypatch.setattr(adapter, "push", refuse)
    id = await two.fr.submit("held")

    async def held() -> bool:
        return "message.held" in await two.al.alarms()

    await two.until(held, seconds=30)
    outcomes = await asyncio.gather(*(two.al.call("message.resend", id=id) for _ in range(2)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(error, RefusedError) and error.code is Code.CONFLICT for error in refused)
    assert len(refused) <= 1
    assert up(two)


@pytest.mark.parametrize("wanted", ["none", "summary"])
async def test_what_its_sender_wants_in_no_case_system_stays_at_the_desk(two: Two, wanted: str) -> None:
    """The adapter is never shown it, also not when it is offered again; what comes behind it goes on, and a person at
    the desk takes it.
    """
    request = enquiry("for the desk", "AL")
    request["header"]["handling"] |= {"export_to_local": wanted}
    id = str((await two.fr.call("message.submit", **request))["id"])

    async def held() -> bool:
        return await two.al.state(id) == "held" if await two.al.rows("select 1 from message") else False

    await two.until(held, seconds=30)
    assert (await two.al.show(id))["reason"] == "not_for_export"
    assert await two.al.alarms() == ["message.held"]
    await two.fr.submit("for both")
    await two.until(lambda: two.al.notes() == ["for both"], seconds=30)
    await two.al.call("message.resend", id=id)
    await two.until(held, seconds=30)
    assert two.al.notes() == ["for both"]
    await two.al.call("message.ack", id=id)
    assert await two.al.state(id) == "handed_over"

    async def told() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(told, seconds=30)
