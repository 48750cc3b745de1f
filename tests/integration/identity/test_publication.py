"""Every kind of key is changed while messages are in flight: nothing is lost, nothing is refused, nothing is restarted
(nrm1 2.23, 2.27; the two nodes are real, in one process).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.holders import signed, tombstone
from support.nodechild import CHEAP
from support.pair import Party, Two, two_nodes

from gateway.errors import RefusedError
from keys.documents.key_records import Use
from keys.offline.roots import create_root
from keys.primitives.encoding import DAY, parse

SHORT, LONG = 60, 200
"""Messages that are in flight in `./dev test` and in `./dev deep`."""
LANES = 4


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def change(party: Party, **wanted: Any) -> Any:
    """The whole way of a new descriptor: request, root holders, publication."""
    asked = await party.call("keys.request", by="admin", **wanted)
    document = signed(party.folder.parent, party.name, asked["request"])
    return await party.call("keys.publish", document=document, by="admin")


async def rotate_roots(party: Party) -> Any:
    """A second holder joins; old and new sign."""
    base = party.folder.parent
    path = base / f"{party.name}-roots" / f"{party.name}-root-2.key"
    root = await asyncio.to_thread(create_root, path, "roots", now=party.clock.now(), cost=CHEAP)
    first = await asyncio.to_thread(_public, base, party.name)
    public = [first, parse(root.public().encode(), limit=100_000)]
    return await change(party, roots={"public": public, "threshold": 1})


def _public(base: Path, name: str) -> Any:
    from keys.offline.roots import load_root

    path = base / f"{name}-roots" / f"{name}-root-1.key"
    return parse(load_root(path, "roots", at_least=CHEAP).public().encode(), limit=100_000)


async def replace_roots(party: Party, revoke: Any = None) -> Any:
    """Another holder takes the place of the one root; `revoke` where the key was stolen."""
    base = party.folder.parent
    path = base / f"{party.name}-roots" / f"{party.name}-root-2.key"
    root = await asyncio.to_thread(create_root, path, "roots", now=party.clock.now(), cost=CHEAP)
    more = {} if revoke is None else {"revoke": revoke}
    return await change(party, roots={"public": [parse(root.public().encode(), limit=100_000)]}, **more)


KINDS: dict[str, Callable[[Party], Awaitable[Any]]] = {
    "sig": lambda party: change(party, rotate=["sig"], at_once=True),
    "http": lambda party: change(party, rotate=["http"], at_once=True),
    "log": lambda party: change(party, rotate=["log"], at_once=True),
    "roots": rotate_roots,
    "enc": lambda party: party.call("keys.rotate_enc", by="admin"),
    "epoch": lambda party: party.call("keys.rotate_epoch", by="admin"),
}


def used(party: Party, kind: str) -> set[str]:
    """What is in use of a kind: kids, or the number of the epoch."""
    uses = {"roots": ()}.get(kind, (kind,))
    found = {key.kid for key in party.running.keys.listing() if key.use in uses and key.current}
    return found or {root.kid for root in party.running.own.descriptor.roots}


@pytest.mark.parametrize("count", [SHORT, pytest.param(LONG, marks=pytest.mark.deep)])
@pytest.mark.parametrize("kind", KINDS)
async def test_messages_in_flight(two: Two, kind: str, count: int) -> None:
    """Both nodes change the key while messages go; all arrive once, none fails, nobody is alarmed."""
    before = [used(party, kind) for party in two]
    half, ids = asyncio.Event(), {}

    async def submit(lane: int) -> None:
        for number in range(count // LANES):
            ids[f"{lane}-{number}"] = await two.fr.submit(f"{lane}-{number}")
            if len(ids) >= count // 4:
                half.set()

    async def rotate() -> None:
        await half.wait()
        for party in two:
            await KINDS[kind](party)

    await asyncio.gather(rotate(), *(submit(lane) for lane in range(LANES)))

    async def arrived() -> bool:
        listed = (await two.fr.call("message.list", direction="out", limit=500))["messages"]
        assert {message["id"] for message in listed} == {*ids.values()}
        return {message["state"] for message in listed} == {"awaiting_opening"}

    await two.until(arrived, seconds=120, what="all have their receipts")
    assert sorted(two.al.notes()) == sorted(ids)
    assert [await party.alarms() for party in two] == [[], []]
    assert await two.al.rows("select count(*) from receipt where status = 'rejected'") == [(0,)]
    assert all(used(party, kind) != old for party, old in zip(two, before, strict=True))


async def test_routine_rotation_by_date(two: Two) -> None:
    """A new sig key is listed at once and used after 14 days; the old one is destroyed when its time is over."""
    keys = two.fr.running.keys
    old = keys.sig_kid
    await change(two.fr, rotate=["sig"])
    for days, expected in ((0, True), (13, True), (15, False)):
        await until_day(two, days)
        assert (keys.sig_kid == old) is expected, days
        await exchange(two, f"day-{days}")
    assert old in {key.kid for key in keys.public(Use.SIG)}
    await until_day(two, 29)
    await two.until(lambda: old not in {key.kid for key in keys.public(Use.SIG)}, seconds=120, what="it is destroyed")
    await exchange(two, "after")


async def test_http_keys_follow_each_other_by_date(two: Two) -> None:
    """After 90 days the next listed http key signs, and peers that were never told accept it."""
    before = [party.running.keys.http_kid for party in two]
    await until_day(two, 93, 3 * DAY)
    await two.until(
        lambda: all(p.running.keys.http_kid != kid for p, kid in zip(two, before, strict=True)), seconds=120
    )
    await exchange(two, "with the next one")


async def test_a_new_key_waits_for_the_peers(two: Two) -> None:
    """Rotated at once, a key is used when the peers hold the descriptor that lists it; after a day in any case."""
    from support.pair import Spoiler

    wire = Spoiler(two.fr)
    wire.away = True
    keys = two.fr.running.keys
    old = keys.sig_kid
    answer = await change(two.fr, rotate=["sig"], at_once=True)
    assert answer["took"] == {"AL": False}
    assert keys.sig_kid == old
    two.clock.advance(DAY + 61)
    await two.until(lambda: keys.sig_kid != old, seconds=120, what="it waited long enough")
    wire.away = False
    await exchange(two, "signed by a key the peer has to fetch")


async def test_requests_use_spare_keys(two: Two) -> None:
    """A request that was never signed leaves its keys to the next one; nothing of it is published."""
    first = await two.fr.call("keys.request", rotate=["sig"], by="admin")
    held = two.fr.running.keys.public(Use.SIG)
    second = await two.fr.call("keys.request", rotate=["sig"], at_once=True, by="admin")
    assert two.fr.running.keys.public(Use.SIG) == held
    assert first["request"] != second["request"]
    assert two.fr.running.own.descriptor.version == 1


async def test_what_peers_would_refuse_is_not_published(two: Two) -> None:
    """Unsigned, signed by the wrong roots, of another node, or published before: nothing changes, nobody is told."""
    asked = (await two.fr.call("keys.request", rotate=["sig"], by="admin"))["request"]
    document = signed(two.fr.folder.parent, "FR", asked)
    alien = (await two.al.call("keys.request", rotate=["sig"], by="admin"))["request"]
    wrong = [
        {**document, "signatures": [{**document["signatures"][0], "ed25519": "A" * 86}]},
        signed(two.al.folder.parent, "AL", alien),
    ]
    for bad in wrong:
        with pytest.raises(RefusedError, match="peers would refuse this descriptor"):
            await two.fr.call("keys.publish", document=bad, by="admin")
    assert two.fr.running.own.descriptor.version == 1
    assert (await two.fr.call("keys.publish", document=document, by="admin"))["version"] == 2
    with pytest.raises(RefusedError, match="published already"):
        await two.fr.call("keys.publish", document=document, by="admin")


async def until_day(two: Two, day: int, step: int = DAY) -> None:
    """Let time pass, a step at a time, so that the nodes keep house."""
    from support.pair import START

    while two.clock.now() < START + day * DAY:
        two.clock.advance(step)
        await two.calm()


async def exchange(two: Two, reference: str) -> None:
    """One message each way arrives."""
    there, back = await two.fr.submit(reference), await two.al.submit(reference)

    async def arrived() -> bool:
        return {await two.fr.state(there), await two.al.state(back)} == {"awaiting_opening"}

    await two.until(arrived, seconds=120, what=reference)


async def test_after_a_revocation_no_retired_key_signs(two: Two) -> None:
    """A key is changed at once, and the new one revoked the same night: the next one begins at once, the retired one
    signs nothing more, and messages go on both ways.
    """
    keys = two.fr.running.keys
    retired = keys.sig_kid
    await change(two.fr, rotate=["sig"], at_once=True)
    stolen = keys.sig_kid
    two.clock.advance(DAY)
    await change(two.fr, revoke={"kids": [stolen], "reason": "stolen"})
    assert keys.sig_kid not in (retired, stolen)
    id = await two.fr.submit("that night")
    await two.until(lambda: arrived_at(two.fr, id), seconds=120)
    assert "own.no_key" not in await two.fr.alarms()


async def arrived_at(party: Party, id: str) -> bool:
    """Whether the other side's case system has the message."""
    return await party.state(id) == "awaiting_opening"


async def test_a_stolen_root_is_revoked_with_its_successor(two: Two) -> None:
    """nrm1 2.24, threat 172: by the request that replaces it and by no other. The peer then refuses the tombstone that
    it had signed, and takes the one of its successor.
    """
    base, al = two.al.folder.parent, two.al
    old = tombstone(base, "AL", (await al.call("keys.tombstone"))["request"])
    revoke = {"kids": [al.running.own.descriptor.roots[0].kid], "since": two.clock.now()}
    with pytest.raises(RefusedError, match="by the request that replaces it; nothing was made"):
        await change(al, revoke=revoke)
    await replace_roots(al, revoke)

    async def held() -> bool:
        return two.fr.peer().descriptor.version == 2

    await two.until(held, seconds=60)
    with pytest.raises(RefusedError, match="revoked since"):
        await two.fr.call("peer.tombstone", tombstone=old.to_json(), by="admin")
    (base / "AL-roots" / "AL-root-1.key").unlink()
    new = tombstone(base, "AL", (await al.call("keys.tombstone"))["request"])
    assert (await two.fr.call("peer.tombstone", tombstone=new.to_json(), by="admin"))["new"] is True
