"""A proof of misbehaviour and what people decide about the same peer at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.ceremony import ADMINS
from support.pair import Two, two_nodes

from gateway.errors import Code
from gateway.peers.scope import PeerState


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
