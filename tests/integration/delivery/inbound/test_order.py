"""Numbers of a link as the receiver sees them: order, gaps, equivocation, broken chains.

nrm1 5.2, 12.4.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.forger import Forger
from support.pair import Two, example, two_nodes

from gateway.database import content
from gateway.errors import TransientError
from gateway.messages import content_codec
from gateway.peers.registry import address
from keys.primitives.encoding import b64u

RECEIVED = (None, "received")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest.fixture
def forger(two: Two) -> Forger:
    """FR, numbering as the test says."""
    return Forger(two.fr)


async def states(two: Two) -> list[tuple[int, str, int]]:
    """Number, state and flag of each message at AL."""
    return [tuple(row) for row in await two.al.rows("select n, state, out_of_order from message order by n")]  # type: ignore[misc]


async def test_gap_that_is_filled(two: Two, forger: Forger) -> None:
    """What comes behind a gap is receipted at once and handed over in order when the gap is filled."""
    assert await forger.send(3) == RECEIVED
    assert await forger.send(2) == RECEIVED
    await two.calm()
    assert two.al.notes() == []
    assert await states(two) == [(2, "awaiting_order", 0), (3, "awaiting_order", 0)]
    assert await two.al.call("inbox.list") == {"messages": [], "next": None}
    assert await forger.send(1) == RECEIVED
    await two.until(lambda: two.al.notes() == ["n1", "n2", "n3"])
    await two.calm()
    assert await states(two) == [(1, "handed_over", 0), (2, "handed_over", 0), (3, "handed_over", 0)]
    assert not any(delivery.out_of_order for delivery in two.al.deliveries())


async def test_the_inbox_is_read_in_the_order_of_the_numbers(two: Two, forger: Forger) -> None:
    """What can not be taken yet is not there; then it stands where its number belongs, not where it came."""
    two.al.system.busy = 1_000
    for n, there in ((3, []), (2, []), (1, [1, 2, 3])):
        assert await forger.send(n) == RECEIVED
        await two.calm()
        assert [row["n"] for row in (await two.al.call("inbox.list"))["messages"]] == there


async def test_gap_that_stays(two: Two, forger: Forger) -> None:
    """Ten minutes after the first sight of the gap hand-over goes on, flagged; the late message follows unflagged."""
    await forger.send(2)
    two.clock.advance(300)
    await forger.send(4)
    two.clock.advance(299)
    await two.calm()
    assert two.al.notes() == []
    await two.until(lambda: two.al.notes() == ["n2", "n4"], seconds=12)
    assert [delivery.out_of_order for delivery in two.al.deliveries()] == [True, True]
    assert await forger.send(1) == RECEIVED
    assert await forger.send(3) == RECEIVED
    await two.until(lambda: two.al.notes() == ["n2", "n4", "n1", "n3"])
    await two.calm()
    assert [row[2] for row in await states(two)] == [0, 1, 0, 1]


async def test_withdrawal_does_not_wait_for_order(two: Two, forger: Forger) -> None:
    """A consent withdrawal behind a gap is handed over at once, flagged; what is ordinary still waits."""
    await forger.send(2)
    assert await forger.send(3, request=example("consent.withdrawal/1", "AL")) == RECEIVED
    await two.until(lambda: [d.type for d in two.al.deliveries()] == ["consent.withdrawal/1"])
    assert two.al.deliveries()[0].out_of_order
    assert two.al.notes() == []


async def test_equivocation(two: Two, forger: Forger) -> None:
    """A second id under a used number suspends the peer with a proof and an alarm; from then on it meets a bare 403."""
    assert await forger.send(1) == RECEIVED
    assert await forger.send(1, id=b64u(bytes(16))) == ("equivocation", None)
    assert (two.al.peer().state, two.al.peer().cause) == ("suspended_for_cause", "equivocation")
    assert "peer.equivocation" in await two.al.alarms()
    ((held, proof),) = await two.al.rows("select id, proof from alarm join message on message.ref = alarm.ref")
    node, ref = two.al.running, int.from_bytes(proof, "big")
    sealed = await node.store.read(lambda c: content.get(c, [ref]))
    statement = content_codec.read_evidence(node.sealer.open(sealed[ref])).statement
    assert (held, json.loads(statement)["id"]) == (forger.id(1), b64u(bytes(16)))
    with pytest.raises(TransientError):
        await forger.send(2)
    assert two.al.notes() == ["n1"]


async def test_equivocation_among_repeats(two: Two, forger: Forger) -> None:
    """A request that repeats an old message beside the second id suspends the peer all the same, and what is open to it
    is closed.
    """
    await forger.send(1)
    await two.al.running.client.connect(address(two.al.peer().descriptor))
    assert len(two.al.running.client._wires) == 1
    answers = await forger.post(forger.seal(1), forger.seal(1, id=b64u(bytes(16))))
    assert answers == [RECEIVED, ("equivocation", None)]
    assert two.al.peer().state == "suspended_for_cause"
    assert two.al.running.client._wires == {}


async def test_sender_hears_of_equivocation(two: Two, forger: Forger) -> None:
    """A node whose number was used by another id stops its link and tells a person; the message is kept."""
    await two.fr.running.comparison.press()  # what the peer holds was compared at the start (nrm1 5.15)
    await forger.send(1)
    id = await two.fr.submit("mine")
    await two.until(lambda: two.fr.peer().state == "suspended_for_cause")
    assert "peer.equivocation" in await two.fr.alarms()
    assert await two.fr.state(id) == "awaiting_receipt"


async def test_bad_chain(two: Two, forger: Forger) -> None:
    """A wrong hash of the number before consumes nothing: the same id and number with the right one is accepted."""
    await forger.send(1)
    assert await forger.send(2, prev=b64u(bytes(32))) == ("bad_chain", None)
    assert await forger.send(2) == RECEIVED
    await two.until(lambda: two.al.notes() == ["n1", "n2"])


async def test_bad_chain_seen_when_the_gap_fills(two: Two, forger: Forger) -> None:
    """A message that the number after it does not name is refused, also when that one came first."""
    await forger.send(1)
    await forger.send(3)
    assert await forger.send(2, id=b64u(bytes(16))) == ("bad_chain", None)
    assert await forger.send(2) == RECEIVED
    await two.until(lambda: two.al.notes() == ["n1", "n2", "n3"])


async def test_other_epoch(two: Two, forger: Forger) -> None:
    """Another epoch needs people on both sides: refused, nothing consumed."""
    assert await forger.send(1, epoch=2) == ("link_reset_required", None)
    assert await forger.send(1) == RECEIVED


async def test_many_at_once(two: Two, forger: Forger) -> None:
    """One request with a repeat, a stranger's bytes and new numbers in any order gets one answer for each."""
    await forger.send(2)
    answers = await forger.post(forger.seal(3), forger.seal(2), b"{}", forger.seal(1))
    assert answers == [RECEIVED, RECEIVED, ("malformed", None), RECEIVED]
    await two.until(lambda: two.al.notes() == ["n1", "n2", "n3"])


async def test_an_envelope_of_another_suite_is_told_so(two: Two, forger: Forger) -> None:
    """It is answered by its own code, under no id, and costs no other."""
    later = forger.seal(1).replace(b'"v":"nrm1"', b'"v":"nrm2"')
    assert await forger.post(later, forger.seal(1)) == [("unsupported_suite", None), RECEIVED]


async def test_a_message_that_does_not_open_holds_up_no_other(two: Two, forger: Forger) -> None:
    """What can not be opened any more is held for a person, with an alarm; what comes behind it is handed over."""
    assert await forger.send(2) == RECEIVED
    assert await forger.send(3) == RECEIVED
    ((ref,),) = await two.al.rows("select ref from message where n = 2")
    await two.al.running.store.move(lambda c: content.erase(c, int(ref)))
    assert await forger.send(1) == RECEIVED
    await two.until(lambda: two.al.notes() == ["n1", "n3"])
    await two.calm()
    assert [(n, state) for n, state, _ in await states(two)] == [(1, "handed_over"), (2, "held"), (3, "handed_over")]
    assert "message.held" in await two.al.alarms()


async def test_a_peer_can_not_open_gaps_without_end(two: Two, forger: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most missing ranges of a link a further one is refused; filling one goes on."""
    monkeypatch.setattr("gateway.delivery.inbound.rules.MOST_GAPS", 2)
    assert await forger.send(2) == RECEIVED
    assert await forger.send(4) == RECEIVED
    assert await forger.send(6) == ("bad_chain", None)
    assert await forger.send(5) == RECEIVED
    assert await forger.send(1) == RECEIVED
    assert await forger.send(7) == RECEIVED


async def test_a_gap_is_not_cut_into_pieces_without_end(
    two: Two, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number in the middle of a missing range makes two of it, which counts as much; one at its end fills it."""
    monkeypatch.setattr("gateway.delivery.inbound.rules.MOST_GAPS", 2)
    for n in (2, 9):
        assert await forger.send(n) == RECEIVED
    assert await forger.send(5) == ("bad_chain", None)
    for n in (6, 11):  # nor by asking again and again what became of one message
        await forger.void(n, id=forger.id(2))
    assert len(await two.al.rows("select 1 from link_gap")) == 2
    for n in (3, 8, 4, 5, 6, 7, 1):
        assert await forger.send(n) == RECEIVED
