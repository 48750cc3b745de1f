"""Two of the roots are in bad hands (nrm1 2.24, 2.25): two views of one node, the proof, the tombstone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.holders import signed, tombstone
from support.pair import Party, Two, two_nodes

from gateway.errors import Code, GatewayError, RefusedError
from gateway.peers.registry import address
from gateway.peers.scope import PeerState
from gateway.peers.split_view_rules import judge_held
from keys.documents.equivocation import verify_proof
from keys.offline.ceremony import Request
from keys.primitives.domains import DESCRIPTOR
from keys.primitives.encoding import canon, parse
from keys.primitives.sign import SignedDocument


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def forged(party: Party, **changes: Any) -> SignedDocument:
    """What a thief of the roots signs: the next descriptor with something of their own in it."""
    asked = (await party.call("keys.request", rotate=["sig"], by="admin"))["request"]
    request = Request.decode(canon(asked))
    payload = canon(json.loads(request.payload) | changes)
    assert request.previous is not None
    evil = Request.of(DESCRIPTOR, payload, request.previous.document.payload)
    value = signed(party.folder.parent, party.name, parse(evil.encode(), limit=1_000_000))
    return SignedDocument.from_json(value, DESCRIPTOR)


async def publish(party: Party) -> Any:
    """The true next descriptor."""
    asked = (await party.call("keys.request", rotate=["sig"], by="admin"))["request"]
    return await party.call("keys.publish", document=signed(party.folder.parent, party.name, asked), by="admin")


async def show(two: Two, document: SignedDocument) -> None:
    """Somebody pushes a document to AL."""
    client, al = two.fr.running.client, two.fr.peer().descriptor
    await client.push_descriptor(address(al), document.encode())
    with suppress(GatewayError):
        await client.get_held(address(al))  # it waits for what was pushed


async def test_a_peer_says_what_it_holds(two: Two) -> None:
    """Both agree: nobody is told anything."""
    await two.fr.running.split_view.compare()
    answered = await two.fr.running.client.get_held(address(two.fr.peer().descriptor))
    own = two.fr.running.own.descriptor
    value: Any = parse(answered.body, limit=500_000)
    assert (value["version"], value["hash"]) == (1, own.hash)
    assert SignedDocument.from_json(value["document"], DESCRIPTOR) == own.document
    assert await two.fr.alarms() == []


async def test_a_descriptor_that_we_never_issued(two: Two) -> None:
    """A peer holds a newer one that our roots signed: the node learns it within the hour."""
    await show(two, await forged(two.fr, contact="call the thief"))
    await two.fr.running.split_view.compare()
    assert await two.fr.alarms() == ["own.unknown_descriptor"]


async def test_split_view_is_a_portable_proof(two: Two) -> None:
    """The true descriptor comes to the peer that holds the false one: it stops the link, and both sides have a proof
    that verifies anywhere.
    """
    await show(two, await forged(two.fr, contact="call the thief"))
    assert (await publish(two.fr))["took"] == {"AL": False}
    assert two.al.peer().state is PeerState.SUSPENDED_FOR_CAUSE
    await two.fr.running.split_view.compare()
    for party, kind in ((two.al, "peer.equivocation"), (two.fr, "own.split_view")):
        (alarm,) = [a for a in (await party.call("alarm.list"))["alarms"] if a["kind"] == kind]
        proof = await party.call("keys.proof", id=alarm["id"])
        found = verify_proof(canon(proof["proof"]))
        assert (found.node, found.version) == (two.fr.running.own.node, 2)


async def test_an_alarm_without_a_proof_has_none(two: Two) -> None:
    """Only what proves two descriptors is handed out."""
    with pytest.raises(RefusedError, match="no proof of two descriptors"):
        await two.fr.call("keys.proof", id="7")


async def test_a_peer_that_lies_is_told_apart(two: Two) -> None:
    """A document that our roots did not sign says something about the peer, not about us."""
    own = two.fr.running.own
    alien = two.al.running.own.descriptor.document
    found = judge_held(own.chain, alien, two.clock.now())
    assert found is not None and found.kind == "peer.held_false"
    assert judge_held(own.chain, own.descriptor.document, two.clock.now()) is None


# --- the end of a node id -----------------------------------------------------------------------------------------


async def made(party: Party) -> SignedDocument:
    """The tombstone that all roots of a node signed at the first ceremony."""
    asked = (await party.call("keys.tombstone"))["request"]
    return tombstone(party.folder.parent, party.name, asked)


async def test_tombstone_ends_the_trust_everywhere(two: Two) -> None:
    """Published once it makes the node `revoked` at its peer for ever; a message gets a bare 403 from then on."""
    document = await made(two.fr)
    answer = await two.fr.call("keys.end", tombstone=document.to_json(), by="admin")
    assert answer["took"] == {"AL": True}
    await two.until(lambda: (two.al.peer().state, two.al.peer().cause) == (PeerState.REVOKED, "tombstone"))
    assert "peer.tombstone" in await two.al.alarms()
    id = await two.fr.submit("too late")
    await two.calm()
    assert two.al.notes() == []
    assert await two.fr.state(id) in ("queued", "awaiting_receipt")
    await show(two, two.fr.running.own.descriptor.document)
    assert two.al.peer().state is PeerState.REVOKED
    assert (await two.fr.call("keys.end", tombstone=document.to_json(), by="admin"))["took"] == {"AL": True}


async def test_tombstone_by_hand(two: Two) -> None:
    """The other administrator takes the file; the same again changes nothing."""
    document = (await made(two.fr)).to_json()
    for new in (True, False):
        answer = await two.al.call("peer.tombstone", tombstone=document, by="admin")
        assert (answer["name"], answer["new"]) == ("FR", new)
    assert two.al.peer().state is PeerState.REVOKED


async def test_false_tombstone_changes_nothing(two: Two) -> None:
    """Signed by the roots of another node, or for a node nobody knows here, it is refused."""
    al_signs = json.loads(json.dumps((await made(two.al)).to_json()))
    good = (await made(two.fr)).to_json()
    forged_one = {**good, "signatures": al_signs["signatures"]}
    with pytest.raises(RefusedError) as caught:
        await two.al.call("peer.tombstone", tombstone=forged_one, by="admin")
    assert caught.value.code is Code.BAD_SIGNATURE
    with pytest.raises(RefusedError) as caught:
        await two.al.call("peer.tombstone", tombstone=al_signs, by="admin")
    assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("keys.end", tombstone=al_signs, by="admin")
    assert caught.value.code is Code.WRONG_NODE
    assert [party.peer().state for party in two] == [PeerState.ACTIVE] * 2
