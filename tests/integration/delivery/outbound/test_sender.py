"""What a hostile peer or a damaged disk must not do to a sender: end it, fill its disk, stop its queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.pair import Party, Spoiler, Two, in_two_steps, two_nodes

from gateway.delivery.outbound.exchange import MOST_SEALINGS
from gateway.federation.address import PeerAddress
from gateway.federation.client import Answered
from gateway.federation.wire import translate_status
from gateway.messages import answers
from gateway.peers.registry import address
from keys.documents.envelope import Receipt, Status, parse_envelope
from keys.documents.keyset import build_keyset
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import Json, canon
from keys.primitives.sign import SignedDocument


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
    in_two_steps(two.al)
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

    await two.until(rejected, seconds=30)
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


class Hostile:
    """Stands in the place of a peer's answers to messages: `answer` makes what is read of them."""

    def __init__(self, party: Party, answer: Callable[[Sequence[bytes]], Answered]) -> None:
        self.asked = 0
        self.answer: Callable[[Sequence[bytes]], Answered] | None = answer
        self._ask = party.running.client.post_messages
        setattr(party.running.client, "post_messages", self._post)  # noqa: B010 (mypy allows no assignment to a method)

    async def _post(self, peer: PeerAddress, envelopes: Sequence[bytes]) -> Answered:
        self.asked += 1
        return await self._ask(peer, envelopes) if self.answer is None else self.answer(envelopes)


def with_code(code: str) -> Callable[[Sequence[bytes]], Answered]:
    """A signed answer that says this code about each envelope."""

    def answer(envelopes: Sequence[bytes]) -> Answered:
        ids = [parse_envelope(data).id for data in envelopes]
        said: list[Json] = [{"id": id, "code": code} for id in ids]
        return Answered(status=200, content_type="application/json", body=canon({"answers": said, "receipts": None}))

    return answer


def status(number: int) -> Callable[[Sequence[bytes]], Answered]:
    """An answer without a signature, as the client judges it."""

    def answer(_: Sequence[bytes]) -> Answered:
        raise translate_status(number)

    return answer


def nonsense(_: Sequence[bytes]) -> Answered:
    """A signed answer that is to nothing that was asked."""
    return Answered(status=200, content_type="application/json", body=b'{"answers":[],"receipts":null}')


ANSWERS = {
    "403": status(403),
    "429": status(429),
    "500": status(500),
    "nonsense": nonsense,
    "stale": with_code("stale"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_is_no_answer_is_asked_for_less_and_less_often(two: Two, name: str) -> None:
    """A peer whose connection opens and whose answers are none is asked some twelve times in an hour, also across a
    restart; a person is told; the first valid answer ends both, and the message goes.
    """
    hostile = Hostile(two.fr, ANSWERS[name])
    id = await two.fr.submit("at last")
    await passed(two, 1_800)
    first = hostile.asked
    assert 6 <= first <= 14
    assert "peer.refuses" in await two.fr.alarms()
    await two.fr.stop()
    await two.fr.start()
    two.fr.running.wakeups.called.clear()
    hostile = Hostile(two.fr, ANSWERS[name])
    await passed(two, 1_800)
    assert hostile.asked <= 6
    assert two.fr.peer().attempts > 6
    hostile.answer = None
    two.fr.running.wakeups.peer_called(two.fr.peer().node)
    await two.until(lambda: two.al.notes() == ["at last"], seconds=30)
    await two.until(lambda: not two.fr.peer().attempts)
    assert "peer.refuses" not in await two.fr.alarms()
    assert await two.fr.state(id) != "failed"


async def test_a_call_that_comes_while_a_request_fails_is_heard(two: Two) -> None:
    """The peer calls while it is being asked in vain, and the look for more that waits comes in between: it is asked
    again at once, and not after the backoff.
    """
    hostile = Hostile(two.fr, status(500))
    asked, answers = asyncio.Event(), asyncio.Event()
    post = hostile._post

    async def slow(peer: PeerAddress, envelopes: Sequence[bytes]) -> Answered:
        asked.set()
        await answers.wait()
        try:
            return await post(peer, envelopes)
        finally:
            hostile.answer = None  # the next time it answers

    setattr(two.fr.running.client, "post_messages", slow)  # noqa: B010 (mypy allows no assignment to a method)
    await two.fr.submit("heard")
    await asked.wait()
    two.fr.running.wakeups.peer_called(two.fr.peer().node)
    await two.calm()
    answers.set()
    await two.until(lambda: two.al.notes() == ["heard"])
    assert hostile.asked == 2


async def test_what_a_peer_never_opens_is_sealed_a_few_times_and_comes_back(two: Two) -> None:
    """The limit is counted by what is stored, so a restart gives no new sealings; then the message is voided and its
    person is told. Messages behind it are not kept waiting for an hour.
    """
    hostile = Hostile(two.fr, with_code("unknown_recipient_key"))
    id = await two.fr.submit("never opened")
    await passed(two, 60)
    before = (await two.fr.rows("select count(*) from statement"))[0][0]
    assert before <= 9
    await two.fr.stop()
    await two.fr.start()
    hostile = Hostile(two.fr, with_code("unknown_recipient_key"))

    async def failed() -> bool:
        return await two.fr.state(id) == "failed"

    await passed(two, 6 * 3_600, until=failed)
    shown = await two.fr.show(id)
    assert (shown["reason"], [r["code"] for r in shown["receipts"]]) == ("unknown_recipient_key", ["void"])
    sealed = await two.fr.rows("select count(*) from statement")
    assert sealed[0][0] == MOST_SEALINGS + 1  # the question that voids it is kept like one
    assert "message.failed" in await two.fr.alarms()
    hostile.answer = None
    await two.fr.submit("the next")
    await two.until(lambda: two.al.notes() == ["the next"], seconds=600)


async def passed(two: Two, seconds: int, *, until: Callable[[], Awaitable[bool]] | None = None) -> None:
    """Let this time pass, in steps that grow as the waits do; a try that is due by then has the real time it takes."""
    done = 0
    while done < seconds and not (until is not None and await until()):
        step = max(1, min(done // 4, 60))
        two.clock.advance(step)
        done += step
        await asyncio.sleep(0.04)
        for _ in range(500):
            peer = two.fr.peer()
            if not peer.attempts or peer.next_try >= two.clock.now():  # who sleeps wakes within that second
                break
            await asyncio.sleep(0.01)
