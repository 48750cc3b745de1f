"""Answers that wait for the hand-over: each `delivered` is told in one of them, or it is owed (nrm1 6.5)."""

from __future__ import annotations

import asyncio

import pytest
from support.batches import by
from support.exhibits import A, receipt, tiny
from support.nodes import Node

from gateway.delivery import answering
from gateway.delivery.answering import Answering, OpenAnswer
from gateway.foundation.ids import MessageId
from gateway.messages.answers import sign_receipts
from keys.documents.envelope import Receipt, Status
from keys.documents.receipts import SignedReceipts
from keys.primitives.batch import MOST

NODE = Node("peer").first().node
ONE, TWO, THREE = (MessageId(letter * 21 + "A") for letter in "BCD")


def word(id: MessageId) -> Receipt:
    """A final word about a message."""
    return receipt(tiny().sealed["enquiry"], Status.RECEIVED, msg=id, of=id + "A" * 21)


def begun(found: Answering, *ids: MessageId) -> OpenAnswer:
    """An open answer to a request that brought these messages."""
    answer = found.begin(NODE, [word(id) for id in ids], ids)
    assert answer is not None
    return answer


def signed(*ids: MessageId) -> SignedReceipts:
    """What a hand-over signs."""
    return sign_receipts([word(id) for id in ids], by(A.sig))


@pytest.fixture
def attended() -> Answering:
    """Where something hands over."""
    found = Answering()
    found.attended = True
    return found


def test_nothing_waits_where_nobody_hands_over() -> None:
    """A desk without a case system answers at once."""
    assert Answering().begin(NODE, [word(ONE)], [ONE]) is None


async def test_an_answer_that_was_taken_tells_what_was_signed(attended: Answering) -> None:
    """The hand-over may take longer than the patience: once taken, the answer waits for it."""
    answer = begun(attended, ONE)
    assert attended.take(NODE, {ONE}) == [answer]
    waiting = asyncio.create_task(attended.settle(answer))
    await asyncio.sleep(1.5 * answering.PATIENCE)
    assert not waiting.done()
    told = signed(ONE)
    attended.end(answer, told)
    assert await waiting is told


async def test_an_answer_that_nobody_takes_is_signed_alone(attended: Answering) -> None:
    """After its patience the answer goes; what is handed over later is owed, and the next answers do not wait."""
    answer = begun(attended, ONE)
    assert await attended.settle(answer) is None
    assert attended.take(NODE, {ONE}) == []
    skipped = [attended.begin(NODE, [word(TWO)], [TWO]) for _ in range(answering.SKIPPED)]
    assert skipped == [None] * answering.SKIPPED
    assert attended.begin(NODE, [word(TWO)], [TWO]) is not None


async def test_an_answer_is_taken_whole_or_not(attended: Answering) -> None:
    """Where one message of a request was not handed over, none of it is told in the answer; it is taken once."""
    both, single = begun(attended, ONE, TWO), begun(attended, THREE)
    assert attended.take(NODE, {ONE, THREE}) == [single]
    assert attended.take(NODE, {ONE, TWO, THREE}) == [both]
    assert attended.take(NODE, {ONE, TWO, THREE}) == []


async def test_a_signature_holds_so_many(attended: Answering) -> None:
    """What does not fit beside the words of the hand-over is answered alone."""
    words = [word(MessageId(f"{n:021}A")) for n in range(MOST)]
    assert attended.begin(NODE, words, [ONE]) is not None
    single = begun(attended, TWO)
    assert attended.take(NODE, {ONE, TWO}) == [single]


async def test_a_repeat_waits_for_the_first_answer(attended: Answering) -> None:
    """Else it would tell `received` alone, and the first answer, which nobody gets, the rest."""
    answer = begun(attended, ONE)
    attended.take(NODE, {ONE})
    repeat = asyncio.create_task(attended.settle_all(NODE, [ONE, TWO]))
    await asyncio.sleep(0)
    assert not repeat.done()
    attended.end(answer, None)
    await repeat
    await attended.settle_all(NODE, [ONE])  # nothing is open any more


async def test_a_request_that_breaks_off_frees_its_messages(attended: Answering) -> None:
    """The connection is gone: what was not taken is owed, what was taken is told when the request comes again."""
    free, taken = begun(attended, ONE), begun(attended, TWO)
    attended.take(NODE, {TWO})
    for answer in (free, taken):
        waiting = asyncio.create_task(attended.settle(answer))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert attended.take(NODE, {ONE}) == []
    assert free.ended.is_set() and not taken.ended.is_set()


async def test_a_hand_over_that_fails_ends_what_it_took(attended: Answering) -> None:
    """The answer is signed alone."""
    answer = begun(attended, ONE)
    attended.take(NODE, {ONE})
    waiting = asyncio.create_task(attended.settle(answer))
    await asyncio.sleep(0)
    attended.end(answer, None)
    assert await waiting is None
