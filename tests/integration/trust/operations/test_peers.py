"""What is shown of a peer: what both sides permit, and where the reset of the link with it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.nodechild import SteeredClock
from support.pair import START, Two, make_party, two_nodes

from gateway.errors import Code, RefusedError
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.trust.link_reset import store as resets
from keys.documents.link_reset import Reset, View, reset_hash
from keys.primitives.domains import RESET
from keys.primitives.sign import SignedDocument


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_what_both_sides_permit(two: Two) -> None:
    """Member by member what is in both scopes, with the units of each side under their own name; nothing while one of
    them has stopped it.
    """
    whole = await two.fr.call("peer.scope", id="AL")
    less = {"types": ["enquiry.capacity", "enquiry.reply"], "purposes": ["referral"], "max_bytes": 999_000}
    await two.fr.changes("peer.narrow", scope=whole | less)
    theirs = await two.al.call("peer.scope", id="FR")
    shown = (await two.fr.call("peer.show", id="AL"))["scope"]
    assert shown == whole | less | {"peer_units": theirs["units"]}
    await two.fr.changes("peer.suspend")
    assert (await two.fr.call("peer.show", id="AL"))["scope"] is None


async def test_where_the_reset_of_a_link_stands(two: Two) -> None:
    """Nothing of a link that never was reset; else its state, since when, for which backup, and what the peer asks."""
    fr, node = two.fr.running, two.fr.peer().node

    async def shown(row: ResetRow) -> object:
        await fr.store.move(lambda c: resets.put(c, row))
        await fr.peers.refresh()
        return (await two.fr.call("peer.show", id="AL"))["link"]

    assert (await two.fr.call("peer.show", id="AL"))["link"] is None
    needed = ResetRow(peer=node, state=ResetState.REQUIRED, at=70, backup=60)
    assert await shown(needed) == {"state": "required", "waits": True, "since": 70, "backup": 60, "offer": None}
    ended = ResetRow(peer=node, state=ResetState.OPEN, at=80)
    assert await shown(ended) == {"state": "open", "waits": False, "since": 80, "backup": None, "offer": None}
    view = View(epoch=1, high=0, hash=None)
    asked = Reset(from_=node, to=fr.own.node, view=view, epoch=2, backup=50, change="c" * 43, created=90).encode()
    signature = two.al.running.keys.sign(RESET, asked)
    offer = SignedDocument(payload=asked, payload_type=RESET, signatures=(signature,)).encode()
    told = {"reset": reset_hash(asked), "epoch": 2, "backup": 50, "at": 90}
    waits = ResetRow(peer=node, state=ResetState.OPEN, at=80, offer=offer)
    assert await shown(waits) == {"state": "open", "waits": True, "since": 80, "backup": None, "offer": told}


async def test_a_peer_that_two_people_add_at_once(tmp_path: Path) -> None:
    """The second one is told that it is there already, as somebody who comes a minute later."""
    clock = SteeredClock(START)
    fr, al = await make_party(tmp_path, "FR", clock), await make_party(tmp_path, "AL", clock)
    try:
        for party in (fr, al):
            await party.open()
        chain = await al.call("node.pairing")
        added = [fr.call("peer.add", chain=chain, by="admin") for _ in range(2)]
        first, second = await asyncio.gather(*added, return_exceptions=True)
        late = second if isinstance(second, BaseException) else first
        assert isinstance(late, RefusedError)
        assert (late.code, late.what) == (
            Code.EXISTS,
            "there is a peer with this name or node id already; nothing was changed",
        )
        assert fr.peer().node == al.running.own.node
    finally:
        for party in (fr, al):
            await party.stop()
