"""What a stranger learns by pushing the public document of somebody: nothing (nrm1 9.4)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.federation import raw_exchange
from support.pair import Two, make_party, two_nodes
from support.raw_requests import raw, status_of

from gateway.peers.registry import address
from gateway.peers.scope import PeerState
from keys.primitives.domains import DESCRIPTOR


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def pushed(two: Two, document: bytes) -> bytes:
    """What FR answers to whoever pushes this, without the time."""
    port = int(two.fr.running.own.descriptor.authority.rpartition(":")[2])
    fields = {"Content-Type": DESCRIPTOR}
    answer = await raw_exchange(port, raw(fields, b"Connection: close", body=document, line=LINE))
    return re.sub(rb"Date: [^\r]+", b"", answer)


LINE = b"POST /v1/descriptor HTTP/1.1"


async def test_flaw_9_a_push_does_not_tell_who_is_a_peer(two: Two, tmp_path: Path) -> None:
    """The document of a peer and that of a node nobody knows are answered byte for byte alike; it was 200 and 403."""
    stranger = await make_party(tmp_path / "other", "MA", two.clock)
    await stranger.open()
    try:
        unknown = stranger.running.own.documents[-1]
    finally:
        await stranger.stop()
    peer = two.al.running.own.documents[-1]
    spoilt = peer.replace(b'"ed25519":"', b'"ed25519":"AAAA', 1).replace(b"AAAA", b"", 1)
    answers = {await pushed(two, document) for document in (peer, unknown, spoilt)}
    assert [status_of(answer) for answer in answers] == [202]


async def test_flaw_9_a_push_wakes_only_what_waits_for_an_active_peer(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever replays the public document of a peer that was suspended makes this node try nothing."""
    woken: list[str] = []
    monkeypatch.setattr(two.fr.running.wakeups, "peer_called", woken.append)
    document, node = two.al.running.own.documents[-1], two.al.running.own.node
    here = address(two.al.peer().descriptor)
    await pushed(two, document)
    await two.al.running.client.get_held(here)  # it waits for what was pushed
    assert woken == [node]
    await two.fr.changes("peer.suspend")
    assert two.fr.peer().state is PeerState.SUSPENDED
    woken.clear()
    await pushed(two, document)
    await two.al.running.client.get_held(here)
    assert woken == []
