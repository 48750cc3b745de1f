"""The first contact: what two people say to each other besides the digits (nrm1 2.9; threat 179)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.holders import signed
from support.nodechild import SteeredClock
from support.pair import START, Party, Two, make_party
from support.released import AT, FACTS
from support.trusting import digits

from gateway.composition import ground
from gateway.errors import Code, RefusedError
from gateway.federation.address import PeerAddress
from gateway.federation.client import FederationClient
from schemas.region_pack.regions import load_region


async def revoke_sig(party: Party) -> None:
    """The roots revoke the `sig` key that was stolen, in a new version."""
    stolen = {"kids": [party.running.keys.sig_kid], "since": party.clock.now(), "reason": "stolen_laptop"}
    asked = (await party.call("keys.request", revoke=stolen, by="admin"))["request"]
    await party.call("keys.publish", document=signed(party.folder.parent, party.name, asked), by="admin")


@pytest.fixture
async def met(tmp_path: Path) -> Any:
    """FR was given a chain of AL that ends before AL revoked its stolen key; AL was given the whole one of FR."""
    clock = SteeredClock(START)
    two = Two(await make_party(tmp_path, "FR", clock), await make_party(tmp_path, "AL", clock), clock)
    try:
        for party in two:
            await party.start()
        cut = await two.al.call("node.pairing")
        await revoke_sig(two.al)
        await two.fr.call("peer.add", chain=cut, by="admin")
        await two.al.call("peer.add", chain=await two.fr.call("node.pairing"), by="admin")
        yield two
    finally:
        for party in two:
            await party.stop()


async def prepare(two: Two, said: str) -> Any:
    """FR's administrator types what AL's read out."""
    return await two.fr.call("change.prepare", action="peer.activate", subject="AL", digits=said, channel="video")


async def test_flaw_3_a_chain_that_was_cut_is_refused(met: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits are the same, so the stolen key was accepted; the version behind them shows that something is held
    back, and whoever holds it back answers for the node.
    """
    said = await digits(met.al)
    assert said.split()[:12] == (await digits(met.fr)).split()[:12]

    async def nothing_newer(client: FederationClient, peer: PeerAddress, from_version: int = 1) -> bytes:
        return b"[]"

    monkeypatch.setattr(FederationClient, "get_descriptor", nothing_newer)
    with pytest.raises(RefusedError, match="ends at version 1, and they have published version 2") as caught:
        await prepare(met, said)
    assert caught.value.code is Code.ROLLBACK
    assert met.fr.peer().state == "proposed"


async def test_what_was_published_meanwhile_is_fetched(met: Two) -> None:
    """An honest delay costs nobody another call: the node asks the peer for the rest."""
    prepared = await prepare(met, await digits(met.al))
    assert prepared["change"]["body"]["descriptor"]["version"] == 2
    assert met.fr.peer().descriptor.version == 2


async def test_a_node_that_is_seen_newer_than_it_says_is_no_rollback(met: Two) -> None:
    """Who reads from a screen of before names a lower version than the one held: nothing is held back."""
    await prepare(met, await digits(met.al))
    *groups, versions = (await digits(met.al)).split()
    assert (await prepare(met, f"{' '.join(groups)} {versions.replace('2', '1')}"))["hash"]


async def test_a_node_of_release_0_1_0_is_not_added(tmp_path: Path) -> None:
    """Its administrator is to be called, as the hint says; nothing is kept of its chain (nrm1 1.20)."""
    party = await make_party(tmp_path, "UA", SteeredClock(AT))
    await party.start()
    try:
        with pytest.raises(RefusedError, match="of release") as caught:
            await party.call("peer.add", chain=FACTS["nodes"]["AL"]["chain"], by="admin")
        assert caught.value.code is Code.FIRST_FORM
        assert "call its administrator" in caught.value.hint
        assert (await party.call("peer.list"))["peers"] == []
    finally:
        await party.stop()


async def test_flaw_3_a_chain_that_ends_before_the_region_pack_says_is_refused(
    met: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UA is given the chain of AL that ends before AL revoked its stolen key: its region pack knows of version 2, so
    that nobody has to hear it. A peer that was added before is not activated either.
    """
    reached = {met.al.running.own.node: 2}
    monkeypatch.setattr(ground, "load_node_region", lambda _, name: replace(load_region(name), nodes=reached))
    party = await make_party(tmp_path, "UA", met.clock)
    await party.start()
    try:
        whole = await met.al.call("node.pairing")
        with pytest.raises(RefusedError, match="the region pack says") as caught:
            await party.call("peer.add", chain=whole[:1], by="admin")
        assert caught.value.code is Code.ROLLBACK
        assert (await party.call("peer.list"))["peers"] == []
        with pytest.raises(RefusedError, match="ends before the version that was scanned"):
            await party.call("peer.add", chain=whole, version=3, by="admin")
        assert (await party.call("peer.add", chain=whole, version=2, by="admin"))["descriptor_version"] == 2
        monkeypatch.setitem(reached, met.al.running.own.node, 3)
        with pytest.raises(RefusedError, match="the region pack says"):
            await party.changes("peer.activate", "AL")
    finally:
        await party.stop()
