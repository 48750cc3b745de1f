"""What a peer publishes is fetched and judged; a proof of misbehaviour stops it, whatever people decide meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.ceremony import ADMINS
from support.descriptors import sign_next
from support.pair import Spoiler, Two, two_nodes

from gateway.changes.rules import DAY
from gateway.errors import Code, RemoteError
from gateway.peers.scope import PeerState
from gateway.trust.peer_sync import read_chain


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


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


async def test_two_documents_of_one_version_at_once_stop_their_peer(two: Two) -> None:
    """Each continues what is held when it comes; the second one is judged again by the first."""
    peer = two.fr.peer()
    documents = [sign_next(two.al, peer.descriptor, contact=contact) for contact in ("day desk", "night desk")]
    took = await asyncio.gather(
        *(two.fr.running.sync.take_chain(peer, [document]) for document in documents), return_exceptions=True
    )
    (refused,) = (answer for answer in took if isinstance(answer, RemoteError))
    assert (refused.code, two.fr.peer().state) == (Code.EQUIVOCATION, PeerState.SUSPENDED_FOR_CAUSE)
    ((proof,),) = await two.fr.rows("select proof from alarm where kind = 'peer.equivocation'")
    assert proof


async def test_the_same_document_at_once_is_kept_once(two: Two) -> None:
    """A push and a fetch may bring it together: neither is a fault."""
    peer = two.fr.peer()
    document = sign_next(two.al, peer.descriptor, contact="night desk")
    took = await asyncio.gather(*(two.fr.running.sync.take_chain(peer, [document]) for _ in range(2)))
    assert [one.descriptor.contact for one in took] == ["night desk", "night desk"]
    assert await two.fr.rows("select count(*) from audit where instr(leaf, 'peer.descriptor')") == [(1,)]


async def test_a_peer_that_is_silent_for_a_day(two: Two) -> None:
    """Its keyset is fetched each time; a day after the last one a person is told, until it answers again."""
    sync, wire = two.fr.running.sync, Spoiler(two.fr)
    two.clock.jump(60)
    await sync.pull()
    assert two.fr.peer().keyset_seen == two.clock.now()
    wire.away = True
    for passed, told in ((DAY, []), (1, ["peer.silent"])):
        two.clock.jump(passed)
        await sync.pull()
        assert await two.fr.alarms() == told
    wire.away = False
    await two.al.running.own.issue_keyset()  # as it does every 12 hours, whoever listens
    await sync.pull()
    assert await two.fr.alarms() == []


async def test_a_chain_that_is_no_list_is_refused() -> None:
    """An answer to a fetch, or a pairing file, that has another shape."""
    for data in (b"{}", b"null", b"[", b"[1]"):
        with pytest.raises(RemoteError) as caught:
            read_chain(data)
        assert caught.value.code is Code.MALFORMED
