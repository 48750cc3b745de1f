"""A hand-over that ends in time is told in the answer to the request, under one signature (nrm1 6.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.pair import Party, Spoiler, Two, two_nodes

from gateway.delivery.answering import Answering
from keys.documents.envelope import Status
from keys.documents.receipts import SignedReceipts


@pytest_asyncio.fixture
async def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Two]:
    """Two nodes, paired and serving, on a machine that may be busy."""
    monkeypatch.setattr("gateway.delivery.answering.PATIENCE", 30.0)
    async with two_nodes(tmp_path) as made:
        yield made


async def opened(two: Two, id: str) -> None:
    """Wait until the sender knows that a message was delivered."""

    async def told() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(told, seconds=300)


async def words(party: Party, direction: str) -> list[tuple[str, int]]:
    """The words of all receipts here, and how many batches prove them."""
    said = f"SELECT status FROM receipt WHERE direction = '{direction}' AND batch IS NOT NULL ORDER BY status"
    batches = f"SELECT count(DISTINCT batch) FROM receipt WHERE direction = '{direction}'"
    ((count,),) = await party.rows(batches)
    return [(status, count) for (status,) in await party.rows(said)]


BOTH = [("delivered", 1), ("received", 1)]


def receipts_asked(wire: Spoiler) -> list[str]:
    """What a node sent but messages."""
    return [name for name, _ in wire.asked if name != "post_messages"]


async def test_one_request_tells_both(two: Two) -> None:
    """One signature for `received` and `delivered` on both sides, and no second request."""
    wire, back = Spoiler(two.fr), Spoiler(two.al)
    id = await two.fr.submit("m")
    await opened(two, id)
    assert len(wire.envelopes()) == 1 and receipts_asked(back) == []
    assert await words(two.al, "issued") == await words(two.fr, "received") == BOTH
    assert await two.al.rows("SELECT * FROM receipt_due") == []
    assert [told["status"] for told in (await two.fr.show(id))["receipts"]] == ["received", "delivered"]


async def test_an_answer_that_got_lost_is_told_whole_again(two: Two) -> None:
    """Nothing is owed, so the repeated request gets both words, by the signature of then."""
    wire, back = Spoiler(two.fr), Spoiler(two.al)
    wire.lose = 2
    id = await two.fr.submit("m")
    await opened(two, id)
    assert len(wire.envelopes()) == 3 and receipts_asked(back) == []
    assert await words(two.al, "issued") == await words(two.fr, "received") == BOTH
    assert two.al.notes() == ["m"]


async def test_a_void_of_what_was_delivered_tells_both(two: Two) -> None:
    """The answer was lost and the message cancelled meanwhile: the question is answered by all that was said."""
    wire, back = Spoiler(two.fr), Spoiler(two.al)
    wire.lose = 1
    id = await two.fr.submit("m")
    await two.until(lambda: wire.lose == 0)
    wire.away = True
    await two.fr.call("message.cancel", id=id)
    wire.away = False
    await opened(two, id)
    assert [name for name, _ in wire.asked] == ["post_messages", "post_void"] and receipts_asked(back) == []


async def test_a_slow_case_system_is_told_later(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer does not wait for ever: `received` goes alone, and `delivered` is owed and sent as ever."""
    monkeypatch.setattr("gateway.delivery.answering.PATIENCE", 0.01)
    two.al.system.busy = 3
    back = Spoiler(two.al)
    id = await two.fr.submit("m")
    await opened(two, id)
    assert receipts_asked(back) == ["post_receipts"]
    assert await words(two.al, "issued") == await words(two.fr, "received") == [("delivered", 2), ("received", 2)]


async def test_a_node_that_ends_before_it_signed(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken in is on disk without a signature: the repeated request gets it signed, once."""

    async def broken(answering: Answering, *_: object) -> SignedReceipts | None:
        raise ConnectionError("the node ends here")

    two.al.system.busy = 1_000
    wire = Spoiler(two.fr)
    with monkeypatch.context() as patched:
        patched.setattr(Answering, "settle", broken)
        id = await two.fr.submit("m")
        await two.until(lambda: len(wire.asked) > 0, seconds=60)
        await two.calm()
    ((stored,),) = await two.al.rows("SELECT count(*) FROM receipt WHERE batch IS NULL")
    assert stored == 1
    two.al.system.busy = 0
    await opened(two, id)
    assert [status for status, _ in await words(two.fr, "received")] == [Status.DELIVERED, Status.RECEIVED]
    assert await two.al.rows("SELECT * FROM receipt WHERE batch IS NULL") == []


async def test_several_messages_of_one_request(two: Two) -> None:
    """All words about all of them stand under one signature."""
    wire = Spoiler(two.fr)
    wire.away = True
    ids = [await two.fr.submit(f"m-{number}") for number in range(3)]
    await two.calm()
    wire.away = False
    for id in ids:
        await opened(two, id)
    assert [len(asked) for asked in wire.envelopes()] == [3]
    assert await words(two.fr, "received") == [("delivered", 1)] * 3 + [("received", 1)] * 3
