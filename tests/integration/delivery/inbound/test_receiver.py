"""One request of a peer through the receive order: what is answered, what is written, and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.forger import Forger
from support.pair import Two, in_two_steps, two_nodes
from support.patience import PATIENCE

from gateway.delivery.inbound.admission import Admission
from gateway.delivery.inbound.opening import Opening
from gateway.delivery.inbound.recording import Recorder
from gateway.errors import Code, TransientError
from gateway.peers.registry import address
from gateway.peers.scope import PeerState
from keys.documents.envelope import Void
from keys.primitives.domains import VOID
from keys.primitives.encoding import b64u
from keys.primitives.sign import SignedDocument

RECEIVED = (None, "received")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        in_two_steps(made.al)  # the answers of hand-overs are those of test_one_answer
        yield made


@pytest.fixture
def forger(two: Two) -> Forger:
    """FR, numbering as the test says."""
    return Forger(two.fr)


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a node holds that receiving adds to."""

    messages: int
    numbers: int
    receipts: int
    batches: int
    contents: int
    entries: int


async def written(two: Two) -> Written:
    """What AL holds now; from the first look on its case system is busy, so that nothing but receiving adds to it."""
    two.al.system.busy = 1_000
    await two.calm()
    tables = {
        "messages": "message",
        "numbers": "link_number",
        "receipts": "receipt",
        "batches": "receipt_batch",
        "contents": "sealed",
        "entries": "audit",
    }
    counts = {name: (await two.al.rows(f"select count(*) from {table}"))[0][0] for name, table in tables.items()}
    return Written(**counts)


async def answer(two: Two, *envelopes: bytes) -> bytes:
    """The bytes with which AL answers one request of FR."""
    node = two.fr.running
    answered = await node.client.post_messages(address(two.fr.peer().descriptor), envelopes)
    assert answered.status == 200
    return answered.body


async def ask(two: Two, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a void of FR, honest but for `changes`."""
    node = two.fr.running
    honest = {"from_": node.own.node, "to": two.fr.peer().node, "epoch": 1, "n": 1, "commit": None, "prev": None}
    payload = Void(**{"id": b64u(bytes(16)), **honest, "created": two.clock.now(), **changes}).encode()
    document = SignedDocument(payload=payload, payload_type=VOID, signatures=(node.keys.sign(VOID, payload),))
    answered = await node.client.post_void(address(two.fr.peer().descriptor), document.encode())
    return answered.status, json.loads(answered.body)


def told(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The receipts of an answer."""
    return [item["receipt"] for item in value["receipts"]["receipts"]]


# --- answers ----------------------------------------------------------------------------------------------------------


async def test_a_repeated_request_gets_the_same_bytes(two: Two, forger: Forger) -> None:
    """The answer that was lost on its way is given again, and nothing is written."""
    two.al.system.busy = 1_000
    envelopes = [forger.seal(1), forger.seal(2)]
    first = await answer(two, *envelopes)
    before = await written(two)
    assert await answer(two, *envelopes) == first
    assert await written(two) == before


async def test_a_part_of_an_earlier_request_has_its_signature(two: Two, forger: Forger) -> None:
    """Its receipts are the stored ones, under the signature of then; nothing is written."""
    two.al.system.busy = 1_000
    both = json.loads(await answer(two, forger.seal(1), forger.seal(2)))
    before = await written(two)
    one = json.loads(await answer(two, forger.seal(2)))
    assert told(one) == [receipt for receipt in told(both) if receipt["n"] == 2]
    assert one["receipts"]["signatures"] == both["receipts"]["signatures"]
    assert await written(two) == before


async def test_what_has_no_final_answer_leaves_nothing(two: Two, forger: Forger) -> None:
    """A code before the number is no receipt: the peer may repair it, so nothing is counted or kept."""
    before = await written(two)
    value = json.loads(await answer(two, b"{}", forger.seal(1).replace(b'"ct":"', b'"ct":"AAAA', 1)))
    assert value["receipts"] is None
    assert value["answers"] == [{"id": None, "code": "malformed"}, {"id": forger.id(1), "code": "undecryptable"}]
    assert await written(two) == before


async def test_an_id_twice_in_one_request(two: Two, forger: Forger) -> None:
    """It is judged once and answered in both places, with one receipt."""
    value = json.loads(await answer(two, forger.seal(1), forger.seal(1)))
    assert [item["code"] for item in value["answers"]] == [None, None]
    assert len(told(value)) == 1
    await two.until(lambda: two.al.notes() == ["n1"])


async def test_one_message_leaves_one_of_each(two: Two, forger: Forger) -> None:
    """Message, number and receipt; content and evidence sealed apart; one audit entry for it and one for the batch."""
    before = await written(two)
    assert await forger.send(1) == RECEIVED
    after = await written(two)
    assert after == Written(
        messages=before.messages + 1,
        numbers=before.numbers + 1,
        receipts=before.receipts + 1,
        batches=before.batches + 1,
        contents=before.contents + 2,
        entries=before.entries + 2,
    )


async def test_a_repeated_fault_fills_no_disk(two: Two, forger: Forger) -> None:
    """What proves a broken chain is kept once while a person has not looked at it."""
    two.al.system.busy = 1_000
    await forger.send(1)
    before = await written(two)
    for _ in range(3):
        assert await forger.send(2, prev=b64u(bytes(32))) == ("bad_chain", None)
    after = await written(two)
    assert (after.contents, after.numbers, after.receipts) == (
        before.contents + 1,
        before.numbers,
        before.receipts,
    )
    assert (await two.al.alarms()).count("peer.bad_chain") == 1


# --- void -------------------------------------------------------------------------------------------------------------


async def test_a_void_consumes_the_number(two: Two, forger: Forger) -> None:
    """It is the final answer, also for the envelope that turns up later; the next number goes on from it."""
    status, value = await ask(two, id=forger.id(1), commit=forger.commit(1))
    (receipt,) = told(value)
    assert (status, value["answers"]) == (200, [{"id": forger.id(1), "code": "void"}])
    assert (receipt["status"], receipt["code"], receipt["n"]) == ("rejected", "void", 1)
    assert await forger.send(1) == ("void", "rejected")
    assert await forger.send(2) == RECEIVED
    await two.until(lambda: two.al.notes() == ["n2"])


async def test_a_void_of_what_arrived(two: Two, forger: Forger) -> None:
    """The stored receipt is the answer, and nothing is written."""
    two.al.system.busy = 1_000
    await forger.send(1)
    before = await written(two)
    status, value = await ask(two, id=forger.id(1))
    assert (status, value["answers"]) == (200, [{"id": forger.id(1), "code": None}])
    assert [receipt["status"] for receipt in told(value)] == ["received"]
    assert await written(two) == before


async def test_a_void_under_a_used_number(two: Two, forger: Forger) -> None:
    """A void can equivocate as a message can."""
    await forger.send(1)
    assert (await ask(two, id=b64u(b"another message.")))[1]["answers"][0]["code"] == "equivocation"
    assert two.al.peer().state is PeerState.SUSPENDED_FOR_CAUSE


async def test_a_void_that_is_refused_as_a_whole(two: Two) -> None:
    """Who asks another node, or from the future, gets a code and no receipt."""
    before = await written(two)
    future = two.clock.now() + 400
    assert await ask(two, to="n1" + "a" * 32) == (400, {"code": "misdirected"})
    assert await ask(two, created=future) == (400, {"code": "not_yet_valid"})
    assert await written(two) == before


# --- what goes on meanwhile -------------------------------------------------------------------------------------------


async def test_a_link_that_was_reset_meanwhile(two: Two, forger: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is counted in an epoch in which it was not judged: the peer repeats the request."""
    await forger.send(1)
    await two.calm()
    record = Recorder.record_results

    async def reset_first(self: Recorder, *arguments: Any) -> Any:
        query = "update link set epoch = 2, high = 0 where direction = 'in'"
        await two.al.running.store.move(lambda c: c.exec_driver_sql(query))
        return await record(self, *arguments)

    monkeypatch.setattr(Recorder, "record_results", reset_first)
    before = await written(two)
    with pytest.raises(TransientError):
        await forger.send(2)
    assert await written(two) == before


@pytest.mark.parametrize("when", ["opened", "judged"])
async def test_a_peer_that_was_suspended_meanwhile(
    two: Two, forger: Forger, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """It passed the front door before; what it brought is not taken any more, also when it was judged already."""
    open_envelopes, examine = Opening.open_envelopes, Admission.examine_messages
    peer, loop = two.al.peer().node, asyncio.get_running_loop()

    async def suspend() -> None:
        await two.al.running.sync.suspend_for_cause(peer, Code.EQUIVOCATION, None)

    async def suspend_after(self: Opening, *arguments: Any) -> Any:
        opened = await open_envelopes(self, *arguments)
        await suspend()
        return opened

    def suspend_then(self: Admission, *arguments: Any) -> Any:
        examined = examine(self, *arguments)
        asyncio.run_coroutine_threadsafe(suspend(), loop).result(PATIENCE)
        return examined

    if when == "opened":
        monkeypatch.setattr(Opening, "open_envelopes", suspend_after)
    else:
        monkeypatch.setattr(Admission, "examine_messages", suspend_then)
    before = await written(two)
    node, al = two.fr.running, two.fr.peer()
    answered = await node.client.post_messages(address(al.descriptor), [forger.seal(1)])
    assert (answered.status, json.loads(answered.body)) == (400, {"code": "unknown_sender"})
    after = await written(two)
    assert (after.messages, after.numbers, after.receipts) == (before.messages, before.numbers, before.receipts)
