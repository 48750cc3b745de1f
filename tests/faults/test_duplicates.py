"""The same thing twice has the effect of once, and the answer of the first time.

nrm1 12.12, 6.6.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import Connection, update
from support.pair import Spoiler, Two, in_two_steps, two_nodes

from gateway.database.tables import receipt
from gateway.federation.wire import Wire
from gateway.messages.store import receipts
from gateway.peers.registry import address
from keys.primitives.encoding import canon


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def receipts_of(answer: bytes) -> Any:
    """The signed receipts of an answer."""
    return json.loads(answer)["receipts"]


async def receipts_settled(two: Two) -> bool:
    """Whether AL owes no receipt and has nothing left to hand over, which would make it owe one."""
    return await two.al.rows("select (select count(*) from receipt_due) + (select count(*) from inbox)") == [(0,)]


async def test_replayed_request(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replayed HTTP bytes get a bare 403; the same envelope signed anew gets the same signed receipt document."""
    fr, al = two
    taken: list[tuple[dict[str, str], bytes, bytes]] = []
    send = Wire.send

    async def recorded(self: Wire, row: Any, **request: Any) -> Any:
        answer = await send(self, row, **request)
        if row.path == "/v1/messages":
            taken.append((dict(request["headers"]), request["body"], answer.body))
        return answer

    monkeypatch.setattr(Wire, "send", recorded)
    await fr.submit("once")
    await two.until(lambda: bool(taken) and al.notes() == ["once"])
    ((headers, body, answer),) = taken
    url = address(fr.peer().descriptor).url
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as stranger:
        replay = await stranger.post(f"{url}/v1/messages", data=body, headers=headers)
        assert (replay.status, await replay.read()) == (403, b"")
    (envelope,) = [body[4:]]
    again = await fr.running.client.post_messages(address(fr.peer().descriptor), [envelope])
    assert receipts_of(again.body) == receipts_of(answer)
    assert al.notes() == ["once"]
    assert len(al.system.pushes) == 1


async def test_no_delivered_receipt_before_the_case_system_took_it(two: Two) -> None:
    """While the case system fails there is a `received` receipt and no other; `delivered` needs its word."""
    fr, al = two
    in_two_steps(al)
    al.system.busy = 3
    id = await fr.submit("late")
    await two.until(lambda: bool(al.system.pushes))
    await two.calm()
    shown = await fr.show(id)
    assert (shown["state"], [r["status"] for r in shown["receipts"]]) == ("awaiting_handover", ["received"])
    assert await al.rows("select status from receipt") == [("received",)]

    async def delivered() -> bool:
        return await fr.state(id) == "awaiting_opening"

    assert await two.until(delivered, seconds=120) > 0
    assert al.notes() == ["late"]
    assert [r["status"] for r in (await fr.show(id))["receipts"]] == ["received", "delivered"]


@pytest.mark.parametrize("lost", [1, 3])
async def test_answer_lost_on_the_wire(two: Two, lost: int) -> None:
    """Answers that are lost after the work was done change nothing: the same bytes again, delivered once."""
    fr, al = two
    wire = Spoiler(fr)
    back = Spoiler(al)
    in_two_steps(al)
    back.away = True
    wire.lose = lost
    id = await fr.submit("once")
    await two.until(lambda: al.notes() == ["once"])

    async def arrived() -> bool:
        return await fr.state(id) == "awaiting_handover"

    await two.until(arrived, seconds=60)
    assert len(wire.envelopes()) == lost + 1
    assert len({bytes(envelopes[0]) for envelopes in wire.envelopes()}) == 1
    back.away = False

    async def delivered() -> bool:
        return await fr.state(id) == "awaiting_opening"

    await two.until(delivered, seconds=120)
    assert al.notes() == ["once"]
    assert await al.rows("select count(*) from message") == [(1,)]


async def test_lost_answer_to_receipts(two: Two) -> None:
    """Receipts whose answer was lost are sent again as they were signed and count once."""
    fr, al = two
    back = Spoiler(al)
    in_two_steps(al)
    back.lose = 1
    id = await fr.submit("once")
    await two.until(lambda: bool(back.asked))
    await two.until(lambda: receipts_settled(two), seconds=60)
    sent = [body for name, body in back.asked if name == "post_receipts"]
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert [r["status"] for r in (await fr.show(id))["receipts"]] == ["received", "delivered"]


async def test_a_receipt_owed_twice(two: Two) -> None:
    """What is owed twice, because two people opened the same message at once, goes once, and both debts are settled."""
    fr, al = two
    id = await fr.submit("once")
    await two.until(lambda: "once" in al.notes())
    await two.until(lambda: receipts_settled(two), seconds=60)
    ((of,),) = await al.rows("select of from receipt where status = 'delivered'")
    running, node = al.running, fr.running.own.node

    def owed_twice(connection: Connection) -> None:
        connection.execute(update(receipt).where(receipt.c.of == of).values(batch=None))  # none of them went yet
        receipts.owe(connection, node, [(of, "delivered"), (of, "delivered")])

    await running.store.move(owed_twice)
    running.wakeups.peer_called(node)
    await two.until(lambda: receipts_settled(two), seconds=60)
    assert [r["status"] for r in (await fr.show(id))["receipts"]] == ["received", "delivered"]
    await fr.submit("later")
    await two.until(lambda: "later" in al.notes())


async def test_mixture_of_repeats(two: Two) -> None:
    """Envelopes that were answered in different batches get one new signature over the stored objects, unchanged."""
    fr, al = two
    in_two_steps(al)
    wire = Spoiler(fr)
    for reference in ("one", "two"):
        await fr.submit(reference)
        await two.until(lambda expected=reference: expected in al.notes())
    await two.until(lambda: receipts_settled(two), seconds=60)
    known = dict(await al.rows("select id, object from receipt where status = 'received'"))
    batches = await al.rows("select count(*) from receipt_batch")
    envelopes = [bytes(asked[0]) for asked in wire.envelopes()]
    where = address(fr.peer().descriptor)
    answer = await fr.running.client.post_messages(where, envelopes)
    repeated = await fr.running.client.post_messages(where, list(reversed(envelopes)))
    for answered in (answer, repeated):
        told = [item["receipt"] for item in receipts_of(answered.body)["receipts"]]
        assert {receipt["msg"]: canon(receipt) for receipt in told} == known
    assert await al.rows("select count(*) from receipt_batch") == batches
    assert sorted(al.notes()) == ["one", "two"]
