"""gateway.trust.link_reset.comparison: each link is compared once, and one that forgot something is stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.nodes import NOW
from support.trust_homes import Home, answer, first_of

from gateway.database import journal
from gateway.errors import Code, RemoteError, TransientError
from gateway.messages.store import links
from gateway.messages.store.links import GapRow, NumberRow
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import PeerState
from gateway.trust.link_reset import comparison
from gateway.trust.link_reset import store as resets
from gateway.trust.link_reset.comparison import LinkComparison

pytestmark = pytest.mark.usefixtures("plain_logs")

PEER, OTHER = first_of("b"), first_of("d")


class Events:
    """Who follows the event stream."""

    def __init__(self) -> None:
        self.count = 0

    async def happened(self) -> None:
        """Something did."""
        self.count += 1


class Desk:
    """A node that has just been started, and what its peers say of their links."""

    def __init__(self, home: Home) -> None:
        self.home, self.events = home, Events()
        events: Any = self.events
        clock: Any = home.clock
        self.comparison = LinkComparison(
            store=home.store, link=home.link, wakeups=home.wakeups, events=events, clock=clock
        )
        assert self.comparison.since == 0
        self.comparison.since = NOW - 77

    def says(self, epoch: int = 1, high: int = 0, answered: int | None = None, status: int = 200) -> None:
        """What a peer holds of ours, and up to which of its own numbers it has our answers."""
        told: dict[str, Any] = {"epoch": epoch, "high": high, "hash": link(high) if high else None}
        if answered is not None:
            told["answered"] = {"epoch": epoch, "n": answered}
        self.home.line.answers["get_link"] = lambda *_: answer(status, told)

    def uses(self, way: str, *numbers: int) -> None:
        """These numbers of epoch 1 are used here."""
        rows = [NumberRow(n=n, id=f"id {way} {n}", prev=None, link=link(n)) for n in numbers]
        links.use(self.home.connection, PEER.node, way, 1, rows, max(numbers))

    def asked(self) -> list[str]:
        """Whom this node has asked since this was asked last."""
        asked, self.home.line.asked = self.home.line.asked, []
        return [node for name, node, *_ in asked if name == "get_link"]

    async def reset(self, state: ResetState, offer: bytes | None = None) -> None:
        """People decide about the link already."""
        row = ResetRow(peer=PEER.node, state=str(state), at=NOW, backup=NOW - 9, offer=offer)
        resets.put(self.home.connection, row)
        await self.home.registry.refresh()

    def state(self) -> tuple[str, int | None] | None:
        """Where the reset of the link stands, and since when something is missing."""
        row = resets.get(self.home.connection, PEER.node)
        return None if row is None else (row.state, row.backup)


def link(n: int) -> str:
    """The link hash of a number."""
    return f"{n:042d}A"


@pytest.fixture
async def desk() -> Desk:
    """Which has met two peers that say nothing."""
    return Desk(await Home.open("a", PEER, OTHER))


async def test_every_peer_is_asked_until_it_answers(desk: Desk) -> None:
    """Every 15 seconds; once it has answered it is not asked again in this life of the node."""
    ((name, every, run),) = ((one.name, one.every, one.run) for one in desk.comparison.chores())
    assert (name, every, run) == ("link comparison", 15, desk.comparison.press)
    await desk.comparison.press()
    assert desk.asked() == [PEER.node, OTHER.node]
    desk.says()
    await desk.comparison.press()
    assert desk.asked() == [PEER.node, OTHER.node]
    await desk.comparison.press()
    assert (desk.asked(), desk.state(), desk.events.count) == ([], None, 0)


@pytest.mark.parametrize("state", [PeerState.PROPOSED, PeerState.REVOKED, PeerState.SUSPENDED_FOR_CAUSE])
async def test_who_is_not_heard_is_not_asked(desk: Desk, state: PeerState) -> None:
    """Nothing passes between the two."""
    await desk.home.put(PEER, state=str(state))
    await desk.comparison.require(desk.home.peer(PEER))
    assert desk.asked() == []


@pytest.mark.parametrize(
    ("state", "offer", "asked"),
    [
        (ResetState.REQUIRED, None, False),
        (ResetState.ASKED, None, False),
        (ResetState.OPEN, b"offer", False),
        (ResetState.OPEN, None, True),
    ],
)
async def test_what_people_decide_about_is_not_compared(
    desk: Desk, state: ResetState, offer: bytes | None, asked: bool
) -> None:
    """It begins anew, or a person has to say whether it does."""
    desk.says()
    await desk.reset(state, offer)
    await desk.comparison.require(desk.home.peer(PEER))
    assert desk.asked() == [PEER.node] * asked


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (lambda: answer(403, {"epoch": 1, "high": 0, "hash": None}), TransientError),
        (lambda: answer(200, b"[]"), RemoteError),
        (lambda: answer(200, b" " * 5_000), RemoteError),
    ],
    ids=["another status", "another shape", "too long"],
)
async def test_what_is_no_answer_compares_nothing(desk: Desk, body: Any, fault: type[Exception]) -> None:
    """The peer is asked again."""
    desk.home.line.answers["get_link"] = lambda *_: body()
    for _ in range(2):
        with pytest.raises(fault) as caught:
            await desk.comparison.require(desk.home.peer(PEER))
        assert fault is RemoteError or getattr(caught.value, "code", None) is Code.UNREACHABLE
    assert desk.asked() == [PEER.node] * 2


async def test_a_link_that_the_database_knows_whole(desk: Desk) -> None:
    """Of both directions; nothing is stopped."""
    desk.uses(links.OUT, 1, 2)
    desk.uses(links.IN, 1, 2, 3)
    desk.says(high=2, answered=3)
    await desk.comparison.press()
    assert desk.state() is None


@pytest.mark.parametrize(
    ("told", "incoming", "gap"),
    [
        ({"high": 3}, (1, 2, 3), None),
        ({"high": 1, "answered": 4}, (1, 2, 3), None),
        ({"high": 1, "answered": 2}, (1, 3), GapRow(first=2, last=2, seen=NOW)),
        ({"epoch": 2, "high": 1}, (1,), None),
    ],
    ids=["a number of ours", "our answer to one of theirs", "one that never came", "an epoch"],
)
async def test_a_link_of_which_something_is_forgotten_is_stopped(
    desk: Desk, told: dict[str, Any], incoming: tuple[int, ...], gap: GapRow | None
) -> None:
    """It needs a reset, as after a restore; people are told, and nothing is asked again."""
    desk.uses(links.OUT, 1, 2)
    desk.uses(links.IN, *incoming)
    if gap is not None:
        links.set_gaps(desk.home.connection, PEER.node, 1, [gap])
    desk.says(**told)
    desk.home.clock.at += 5
    with capture_logs() as said:
        await desk.comparison.require(desk.home.peer(PEER))
    assert said == [{"event": "link.older", "peer": PEER.node, "log_level": "error"}]
    assert desk.state() == (ResetState.REQUIRED, NOW - 77)
    assert not desk.home.registry.speaks(PEER.node) and desk.home.registry.speaks(OTHER.node)
    (alarm,) = journal.open_alarms(desk.home.connection)
    assert (alarm.kind, alarm.peer, alarm.at) == ("node.older", PEER.node, NOW + 5)
    assert (desk.home.wakeups.called, desk.events.count) == ({PEER.node}, 1)
    desk.asked()
    await desk.comparison.require(desk.home.peer(PEER))
    assert desk.asked() == []


async def test_a_peer_that_begins_an_epoch_has_the_time_to_ask_for_it(desk: Desk) -> None:
    """It was restored, and its request is on the way: this database is not older for that. Nothing passes meanwhile. A
    peer that asks for nothing had it accepted before, by what was forgotten here.
    """
    desk.uses(links.OUT, 1, 2)
    desk.says(epoch=2, answered=0)
    for after in (0, comparison.TO_ASK - 1):
        desk.home.clock.at += after
        with pytest.raises(TransientError, match="has yet to ask"):
            await desk.comparison.require(desk.home.peer(PEER))
        assert desk.state() is None
    desk.home.clock.at += 1
    await desk.comparison.require(desk.home.peer(PEER))
    assert desk.state() == (ResetState.REQUIRED, NOW - 77)


# --- before something is judged ---------------------------------------------------------------------------------------


async def test_whoever_sends_is_asked_first(desk: Desk) -> None:
    """Once a minute, while it does not answer: it is not kept out for that."""
    for after, asked in ((0, 1), (59, 0), (1, 1)):
        desk.home.clock.at += after
        await desk.comparison.try_with(PEER.node)
        assert desk.asked() == [PEER.node] * asked
    desk.says()
    desk.home.clock.at += 60
    for asked in (1, 0):
        await desk.comparison.try_with(PEER.node)
        assert desk.asked() == [PEER.node] * asked
        desk.home.clock.at += 60
    await desk.comparison.try_with(first_of("e").node)
    assert desk.asked() == []


async def test_an_answer_is_not_waited_for_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the peer sent is judged then."""
    monkeypatch.setattr(comparison, "PATIENCE", 0.01)

    async def silent(_address: Any) -> Any:
        desk.home.line.asked.append(("get_link", PEER.node))
        await asyncio.Event().wait()

    desk.home.line.get_link = silent
    await desk.comparison.try_with(PEER.node)
    assert desk.asked() == [PEER.node]
