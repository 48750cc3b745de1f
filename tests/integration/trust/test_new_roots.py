"""New root keys of a peer, and who confirms them (nrm1 8.9)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.ceremony import ADMINS
from support.nodechild import CHEAP
from support.pair import Party, Two
from support.trusting import digits, refused

from gateway.changes.rules import DAY
from gateway.errors import Code, RefusedError
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.offline.roots import load_root, new_root
from keys.primitives.sign import SignedDocument

ANA, BEN = ADMINS


async def next_roots(party: Party, base: Path, *, add: int, threshold: int) -> SignedDocument:
    """Version 2 of a node's descriptor with `add` more root keys; signed by the old root and the new ones."""
    node = party.running
    own = node.own.descriptor
    (path,) = (base / f"{party.name}-roots").iterdir()
    old = await asyncio.to_thread(load_root, path, "roots", at_least=CHEAP)
    roots = [old, *(new_root(now=node.clock.now()) for _ in range(add))]
    payload = build_descriptor(
        node=own.node,
        version=2,
        prev=own.hash,
        name=own.name,
        issued=node.clock.now(),
        expires=node.clock.now() + 400 * DAY,
        roots=[root.record for root in roots],
        threshold=threshold,
        keys=own.keys,
        endpoints=own.endpoints,
        log=own.log,
        country=own.country,
        contact=own.contact,
        tls_spki=own.tls_spki,
        units=own.units,
    )
    return sign_descriptor(payload, [root.key for root in roots])


@pytest.mark.parametrize(("add", "threshold", "drops"), [(1, 1, False), (2, 1, True), (1, 2, True)])
async def test_new_roots_are_confirmed_by_one(two: Two, tmp_path: Path, add: int, threshold: int, drops: bool) -> None:
    """Two new root keys, or another threshold: verified until one person has compared the new digits; one new root key
    keeps the trust.
    """
    node = two.fr.running
    document = await next_roots(two.al, tmp_path, add=add, threshold=threshold)
    await node.sync.take_chain(two.fr.peer(), [document])
    assert two.fr.peer().state == ("verified" if drops else "active")
    if not drops:
        return
    assert "peer.roots_changed" in await two.fr.alarms()
    await refused(two.fr, Code.NOT_ACTIVE, "the peer is verified")
    with pytest.raises(RefusedError, match="so this cannot be done"):
        await two.fr.changes("peer.activate")
    read = await digits(two.fr)
    assert read != await digits(two.al)  # which does not hold its own version 2 here
    await two.fr.changes("peer.confirm_roots", digits=read, channel="video", people=[BEN])
    assert two.fr.peer().state == "active"
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []


async def test_new_roots_while_an_activation_waits(met: Two, tmp_path: Path) -> None:
    """The digits that people compared are of other roots by the time it takes effect: verified, and told to them."""
    await met.fr.changes("peer.activate", emergency=False)
    document = await next_roots(met.al, tmp_path, add=2, threshold=1)
    await met.fr.running.sync.take_chain(met.fr.peer(), [document])
    met.clock.advance(DAY)

    async def in_force() -> bool:
        return await met.fr.rows("select state from change where subject like 'n1%'") == [("done",)]

    await met.until(in_force, seconds=120)
    await met.until(lambda: met.fr.peer().cause == "roots_changed")
    assert met.fr.peer().state == "verified"
    assert "peer.roots_changed" in await met.fr.alarms()
    await met.fr.changes("peer.confirm_roots", digits=await digits(met.fr), channel="video", people=[BEN])
    assert met.fr.peer().state == "active"


async def test_new_roots_while_stopped_for_a_cause(two: Two, tmp_path: Path) -> None:
    """Two people who resume the peer have not compared its new digits by that."""
    await two.fr.running.sync.suspend_for_cause(two.fr.peer().node, Code.EQUIVOCATION, None)
    document = await next_roots(two.al, tmp_path, add=2, threshold=1)
    await two.fr.running.sync.take_chain(two.fr.peer(), [document])
    await two.fr.changes("peer.resume")
    assert (two.fr.peer().state, two.fr.peer().cause) == ("verified", "roots_changed")
    await two.fr.changes("peer.confirm_roots", digits=await digits(two.fr), channel="video", people=[ANA])
    assert two.fr.peer().state == "active"
