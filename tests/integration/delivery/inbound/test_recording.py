"""What is written of a message that was taken, and of a number that was refused, row by row."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.forger import Forger
from support.nodeproc import enquiry
from support.pair import Two, example, two_nodes

from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from keys.documents.envelope import MESSAGE_LIFE
from keys.primitives.encoding import b64u, canon

CONVERSATION, CONSENT = (b64u(name) for name in (b"one conversation", b"one more consent"))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving; AL's case system takes nothing."""
    async with two_nodes(tmp_path) as made:
        made.al.system.busy = 1_000
        yield made


@pytest.fixture
def forger(two: Two) -> Forger:
    """FR, numbering as the test says."""
    return Forger(two.fr)


async def test_what_is_written_of_a_message(two: Two, forger: Forger) -> None:
    """Its row, its statement, its place in the inbox, its event, and the entries of the log about both answers."""
    sealer, node, now = two.al.running.sealer, two.fr.running.own.node, two.clock.now()
    request = enquiry("n2") | {"conversation": CONVERSATION}
    await forger.send(1)
    assert await forger.send(2, request=request) == (None, "received")
    ((found,),) = await two.al.rows("select ref from message where n = 2")
    row = (await two.al.running.store.read(lambda c: messages.get(c, [int(found)])))[int(found)]
    body = canon({"header": {**request["header"], "seen": 0}, "content": request["content"]})
    assert row == MessageRow(
        ref=row.ref,
        direction="in",
        peer=node,
        id=forger.id(2),
        conversation=sealer.conversation_index(CONVERSATION),
        consent=None,
        kind="enquiry",
        state="awaiting_handover",
        reason=None,
        epoch=1,
        n=2,
        prev=forger.link(1),
        size=len(body),
        at=now,
        expires=now + MESSAGE_LIFE,
        out_of_order=False,
        origin=None,
    )
    statements = await two.al.running.store.read(lambda c: messages.statements_of(c, row.ref))
    assert [(one.created, one.message) for one in statements] == [(now, row.ref)]
    assert await two.al.rows(f"select peer, n, urgent from inbox where ref = {row.ref}") == [(node, 2, 0)]
    events = await two.al.rows(f"select at, kind, state from event where ref = {row.ref}")
    assert events == [(now, "message", "awaiting_handover")]
    told = [json.loads(leaf) for (leaf,) in await two.al.rows("select leaf from audit order by seq desc limit 2")]
    ((of, object),) = await two.al.rows(f"select \"of\", object from receipt where id = '{row.id}'")
    assert (of, json.loads(object)["at"]) == (statements[0].hash, now)
    assert [(leaf["ev"], leaf["at"], leaf["peer"]) for leaf in reversed(told)] == [
        ("message.received", now, node),
        ("receipts.issued", now, node),
    ]
    assert (told[1]["of"], told[1]["n"], told[1]["code"]) == (of, 2, None)
    assert len(told[1]["sig"]) == len(told[0]["of"]) == 43


async def test_what_a_message_relies_on_is_found_by_its_index(two: Two, forger: Forger) -> None:
    """The id of a consent is nowhere in the clear; behind a gap a message waits for its turn."""
    request = example("referral.request/1", "AL", consent_ref=CONSENT) | {"purpose": "referral"}
    assert await forger.send(2, request=request) == (None, "received")
    rows = await two.al.rows("select consent, kind, state, prev, out_of_order from message")
    consent = two.al.running.sealer.consent_index(CONSENT)
    prev = forger.link(1)
    assert rows == [(consent, "referral", "awaiting_order", prev, 0)]
    assert await two.al.rows("select first, last, seen from link_gap") == [(1, 1, two.clock.now())]


async def test_a_fault_is_kept_once(two: Two, forger: Forger) -> None:
    """While its alarm is open: whoever repeats a fault for ever fills nothing. Its proof is what the peer signed."""
    await forger.send(1)
    for _ in range(3):
        assert await forger.send(2, prev=b64u(bytes(32))) == ("bad_chain", None)
    ((kind, peer, proof),) = await two.al.rows("select kind, peer, proof from alarm")
    assert (kind, peer) == ("peer.bad_chain", two.fr.running.own.node)
    ref = int.from_bytes(proof, "big")
    assert await two.al.rows(f"select count(*) from sealed where ref = {ref}") == [(1,)]
    assert await two.al.rows("select count(*) from sealed") == [(3,)]  # content and proof of the first, and this one
