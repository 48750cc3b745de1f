"""A desk for changes of trust."""

from __future__ import annotations

import pytest
from support.change_desk import OTHER, PEER, Desk
from support.trust_council import Council
from support.trust_homes import Home

from gateway.peers.scope import PeerState


@pytest.fixture
async def desk() -> Desk:
    """Nobody here has agreed on anything yet."""
    home = await Home.open("a", PEER, OTHER)
    for of in (PEER, OTHER):
        await home.put(of, state=str(PeerState.PROPOSED), verified=None)
    return Desk(Council(home))
