"""Keys in time: those that were lost because two clocks were wrong in the same way, and those that are taken back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from support.ceremony import ADMINS, aplay
from support.ceremony import change as ceremony
from support.holders import signed
from support.pair import Party, Spoiler, Two

from gateway.peers.scope import PeerState
from gateway.trust.key_upkeep import LONGEST_PUSH_RETRY
from keys.documents.key_records import Use
from keys.primitives.encoding import DAY

AHEAD = 380 * DAY
"""By then four of the five `http` keys that a descriptor lists have ended, and no other key (nrm1 2.23)."""


async def believe_a_future(two: Two) -> None:
    """Both clocks are ahead, the nodes confirm each other and destroy what has ended; then both clocks are right."""
    two.clock.jump(AHEAD)
    await two.until(lambda: [len(p.running.keys.public(Use.HTTP)) for p in two] == [1, 1], seconds=300)
    two.clock.jump(-AHEAD)
    for party in two:
        await aplay(ceremony(ADMINS, "clock.reset", "clock"), party.call)
        await party.running.upkeep.keys()
        assert party.running.upkeep.silent_uses() == ["http"]
        assert "own.no_key" in await party.alarms()
    two.clock.advance(LONGEST_PUSH_RETRY)
    for party in two:
        await party.running.upkeep.push()  # it can not ask what the peer holds, and goes on


async def publish(party: Party, **wanted: Any) -> Any:
    """A new descriptor: asked for, signed by the roots, published."""
    asked = await party.call("keys.request", by="admin", **wanted)
    document = signed(party.folder.parent, party.name, asked["request"])
    return await party.call("keys.publish", document=document, by="admin")


def count_asked(party: Party, name: str) -> list[float]:
    """The monotonic times at which this side asks its peer for one thing, from now on."""
    client, times = party.running.client, list[float]()
    ask = getattr(client, name)

    async def counted(*arguments: Any) -> Any:
        times.append(party.clock.monotonic())
        return await ask(*arguments)

    setattr(client, name, counted)
    return times


def gaps(times: list[float]) -> list[float]:
    """The seconds between each and the next one."""
    return [later - earlier for earlier, later in pairwise(times)]


async def hold_ceremony(party: Party) -> list[str]:
    """What docs/keys.md asks for, *Nothing is signed any more*; the uses that are silent afterwards."""
    return list((await publish(party, rotate=["sig"], at_once=True))["silent"])


async def test_keys_that_were_destroyed_too_early_are_replaced_at_once(two: Two) -> None:
    """The ceremony lists new keys in the place of those that are gone, the node signs by them as soon as it is
    published, and messages go on both ways.
    """
    await believe_a_future(two)
    waits = await two.fr.submit("waits")
    for party in two:
        assert await hold_ceremony(party) == []
        assert "own.no_key" not in await party.alarms()
    after = await two.al.submit("after")

    async def arrived() -> bool:
        return (await two.fr.state(waits), await two.al.state(after)) == ("awaiting_opening", "awaiting_opening")

    await two.until(arrived, seconds=2 * 3_600, what="both are there")


async def test_a_revoked_key_is_told_also_to_who_is_not_trusted_yet(met: Two) -> None:
    """A new key is shown to those who exchange messages with this node; that one was stolen, to everybody who might
    still take it for good, at once.
    """
    fr, al = met.fr, met.al
    assert fr.peer().state is PeerState.PROPOSED
    await publish(fr, rotate=["sig"], at_once=True)
    await met.calm()
    assert al.peer().descriptor.version == 1
    stolen = fr.running.keys.sig_kid
    await publish(fr, revoke={"kids": [stolen], "reason": "stolen"})
    await met.calm()
    assert al.peer().descriptor.document.payload == fr.running.own.descriptor.document.payload
    assert [one.kid for one in al.peer().descriptor.revoked] == [stolen]


async def test_a_peer_that_is_away_is_shown_a_new_descriptor_ever_more_seldom(two: Two) -> None:
    """After 5, 10, 20 and 40 seconds; what it does not hold yet is not used, and the first attempt that arrives ends
    it.
    """
    fr, al = two.fr, two.al
    wire = Spoiler(fr)
    wire.away = True
    asked = count_asked(fr, "push_descriptor")
    used = fr.running.keys.sig_kid
    answer = await publish(fr, rotate=["sig"])
    assert (answer["took"], len(asked)) == ({"AL": False}, 1)
    for _ in range(15):
        two.clock.advance(5)
        await two.calm()
    assert len(asked) >= 5
    assert all(gap >= least for gap, least in zip(gaps(asked), (5, 10, 20, 40), strict=False))
    assert (al.peer().descriptor.version, fr.running.keys.sig_kid) == (1, used)
    wire.away = False
    before = len(asked)
    await two.until(lambda: al.peer().descriptor.version == 2, seconds=300)
    two.clock.advance(LONGEST_PUSH_RETRY)
    await two.calm()
    assert len(asked) == before + 1
