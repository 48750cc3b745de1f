"""Messages that the case system does not take: damaged, refused, or not meant for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.forger import Forger
from support.nodeproc import UNIT, enquiry
from support.pair import Two, example, two_nodes
from support.persons import ANA, agreed, referral

from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Delivery, Notice
from keys.primitives.encoding import b64u

CONSENT, OTHER = b64u(b"consent of hers."), b64u(b"another of hers.")


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


async def test_what_was_withdrawn_before_the_case_system_had_it_stays_at_the_desk(two: Two) -> None:
    """It was away when the referral came and the person took the consent back; it is told of the withdrawal alone, also
    when a person offers the referral again. What does not rely on that consent goes on.
    """
    fr, al = two
    al.system.busy = 1_000_000
    await agreed(fr, "F-1", CONSENT)
    sent = await fr.call("message.submit", **referral("F-1", CONSENT))

    async def came(count: int) -> bool:
        return await al.rows("select count(*) from message where direction = 'in'") == [(count,)]

    await two.until(lambda: came(2), seconds=60)
    await fr.call("consent.withdraw", id=CONSENT, by=ANA)
    await two.until(lambda: came(3), seconds=60)
    al.system.busy = 0

    async def held() -> bool:
        return await al.state(sent["id"]) == "held"

    await two.until(held, seconds=60)
    assert (await al.show(sent["id"]))["reason"] == "gate_g7"
    await fr.submit("for both")
    await two.until(lambda: al.notes() == ["for both"], seconds=60)
    await al.call("message.resend", id=sent["id"])
    await two.until(held, seconds=60)
    assert [one.type for one in al.deliveries()] == ["consent.withdrawal/1", "enquiry.capacity/1"]


async def test_the_record_of_what_was_withdrawn_stays_at_the_desk_whatever_it_relies_on(two: Two) -> None:
    """Its header names another consent, which stands: what it tells of was taken back."""
    al, forger = two.al, Forger(two.fr)
    al.system.busy = 1_000_000
    record = example("consent.record/1", "AL", consent_ref=OTHER)
    withdrawal = example("consent.withdrawal/1", "AL") | {"conversation": b64u(b"conversation two"[:16])}
    for n, request in enumerate((record, withdrawal), 1):
        told = request["content"] | {"consent_id": CONSENT}
        if "grants" in told:
            told["grants"] = [told["grants"][0] | {"recipient_units": [f"{al.running.own.node}/{UNIT}"]}]
        request |= {"content": told, "conversation": withdrawal["conversation"]}
        assert await forger.post(forger.seal(n, request=request)) == [(None, "received")]
    al.system.busy = 0

    async def held() -> bool:
        return await al.rows("select reason from message where state = 'held'") == [("gate_g7",)]

    await two.until(held, seconds=60)
    assert [one.type for one in al.deliveries()] == ["consent.withdrawal/1"]
