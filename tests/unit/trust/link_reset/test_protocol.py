"""gateway.trust.link_reset.protocol: a link begins anew as people approved it; what a peer asks is for them too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from support.keystores import fails
from support.nodes import NOW, refused
from support.trust_homes import Home, answer, first_of

from gateway.database import journal
from gateway.errors import Code, TransientError
from gateway.messages.store import links
from gateway.messages.store.links import NumberRow
from gateway.peers.link_reset_state import MAX_AHEAD, ResetState
from gateway.peers.reset_rows import ResetRow, Restored
from gateway.peers.scope import PeerState
from gateway.trust.link_reset import decisions, store
from gateway.trust.link_reset.protocol import RESET_PACE, LinkReset
from keys.documents.link_reset import Answered, Reset, View, reset_hash
from keys.primitives.domains import RESET
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

US, PEER, OTHER = first_of("a"), first_of("b"), first_of("d")
UNUSED = View(epoch=1, high=0, hash=None)
SKEW = 300


class Around:
    """What stands beside it: which lists were taken, how often the stream grew, and workers that work at once."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.count = 0
        self.away = False

    async def take(self, peer: Any, reset: str) -> None:
        """What the peer knows to have been taken away."""
        if self.away:
            raise TransientError(Code.UNREACHABLE, "the peer does not say it")
        self.taken.append((peer.node, reset))

    async def happened(self) -> None:
        """Something did."""
        self.count += 1

    async def off_loop(self, work: Callable[[], Any]) -> Any:
        """Work at once."""
        return work()


class Desk:
    """A node that came out of a backup, or whose peer did."""

    def __init__(self, here: Home, there: Home) -> None:
        self.here, self.there, self.around = here, there, Around()
        around: Any = self.around
        clock: Any = here.clock
        self.resets = LinkReset(
            store=here.store,
            identity=here.identity,
            link=here.link,
            taken_lists=around,
            workers=around,
            wakeups=here.wakeups,
            events=around,
            clock=clock,
        )

    async def put(self, state: ResetState, of: Any = PEER, **changed: Any) -> ResetRow:
        """Where the link stands."""
        usual = {"backup": NOW - 500, "epoch": 3, "change": "c" * 43, "view": canon(UNUSED.to_json())}
        row = ResetRow(peer=of.node, state=str(state), at=NOW - 9, **usual | changed)
        store.put(self.here.connection, row)
        await self.here.registry.refresh()
        return row

    def row(self, of: Any = PEER) -> ResetRow:
        """The same as it is now."""
        found = store.get(self.here.connection, of.node)
        assert found is not None
        return found

    def holds(self, view: View, status: int = 200) -> None:
        """What the peer holds of our numbers."""
        self.here.line.answers["get_link"] = lambda *_: answer(status, view.to_json())

    def accepts(self, epoch: int | None, status: int = 200) -> list[bytes]:
        """What the peer says to our request: its view then. Returns the requests."""
        asked: list[bytes] = []

        def told(_node: str, data: bytes) -> Any:
            asked.append(data)
            return answer(status, View(epoch=epoch or 1, high=0, hash=None).to_json())

        self.here.line.answers["post_link"] = told
        return asked

    def told(self) -> tuple[set[str], bool, int]:
        """Who was woken: the sender of which peer, those who hand over, and the stream."""
        return self.here.wakeups.called, self.here.wakeups.handover.is_set(), self.around.count

    def asks(self, **changed: Any) -> bytes:
        """The peer was restored, and asks for a reset."""
        usual: dict[str, Any] = {
            "from_": PEER.node,
            "to": US.node,
            "view": UNUSED,
            "epoch": 2,
            "backup": NOW - 500,
            "change": "c" * 43,
            "created": NOW,
        }
        payload = Reset(**usual | changed).encode()
        by = self.there.keys.sign(RESET, payload) if usual.get("from_") == (usual | changed)["from_"] else None
        signature = by or self.there.keys._signer(next(iter(self.there.keys._signers))).key.sign(RESET, payload)
        return SignedDocument(payload=payload, payload_type=RESET, signatures=(signature,)).encode()

    def alarms(self) -> list[tuple[str, str | None, int]]:
        """What people are told."""
        return [(one.kind, one.peer, one.at) for one in journal.open_alarms(self.here.connection)]


@pytest.fixture
async def desk() -> Desk:
    """With a peer whose link is whole, and another one."""
    here = await Home.open("a", PEER, OTHER)
    return Desk(here, await Home.open("b", US, clock=here.clock))


def used(connection: Connection, way: str, epoch: int = 1, n: int = 1) -> None:
    """A number of a link is used."""
    links.use(connection, PEER.node, way, epoch, [NumberRow(n=n, id="id", prev=None, link="l" * 42 + "A")], n)


# --- the restored node ------------------------------------------------------------------------------------------------


async def test_it_is_asked_again_and_again(desk: Desk) -> None:
    """Until the peer has accepted."""
    ((name, every, run),) = ((one.name, one.every, one.run) for one in desk.resets.chores())
    assert (name, every, run) == ("link reset", RESET_PACE, desk.resets.press)


async def test_what_two_people_approve(desk: Desk) -> None:
    """What the peer holds, the time of the backup, and an epoch above all that either side has used."""
    await desk.put(ResetState.REQUIRED, epoch=None)
    for view, way, epoch in (
        (UNUSED, None, 2),
        (View(epoch=7, high=2, hash="h" * 42 + "A"), None, 8),
        (UNUSED, links.IN, 6),
        (UNUSED, links.OUT, 6),
    ):
        if way is not None:
            desk.here.connection.exec_driver_sql("delete from link")
            used(desk.here.connection, way, epoch=5)
        desk.holds(view)
        assert await desk.resets.propose(desk.here.peer(PEER)) == {
            "view": view.to_json(),
            "epoch": epoch,
            "backup": NOW - 500,
        }


@pytest.mark.parametrize(
    ("state", "backup"), [(ResetState.OPEN, NOW - 500), (ResetState.REQUIRED, None)], ids=["open", "never restored"]
)
async def test_a_link_that_needs_no_reset(desk: Desk, state: ResetState, backup: int | None) -> None:
    """The peer is not asked for it."""
    await desk.put(state, backup=backup)
    for of in (PEER, OTHER):
        with fails(Code.CONFLICT, "needs no reset"):
            await desk.resets.propose(desk.here.peer(of))
    assert desk.here.line.asked == []


async def test_a_peer_that_does_not_say_what_it_holds(desk: Desk) -> None:
    """Nothing is proposed."""
    await desk.put(ResetState.REQUIRED)
    desk.holds(UNUSED, status=403)
    with pytest.raises(TransientError) as caught:
        await desk.resets.propose(desk.here.peer(PEER))
    assert caught.value.code is Code.UNREACHABLE


async def test_the_peer_is_asked_by_a_signed_request(desk: Desk) -> None:
    """Signed once, so that repeats have the same bytes; until its view shows the new epoch nothing is open."""
    await desk.put(ResetState.ASKED)
    asked = desk.accepts(2)
    for _ in range(2):
        desk.here.clock.at += 60
        await desk.resets.press()
    assert len(set(asked)) == 1 and len(asked) == 2
    document = SignedDocument.decode(asked[0], RESET)
    document.verify(desk.here.own.descriptor.signing_key(document.signature.kid, at=NOW))
    assert Reset.parse(document.payload) == Reset(
        from_=US.node,
        to=PEER.node,
        view=UNUSED,
        epoch=3,
        backup=NOW - 500,
        change="c" * 43,
        created=NOW + 60,
    )
    assert (desk.row().state, desk.row().ours, desk.row().accepted) == (ResetState.ASKED, asked[0], None)
    assert (desk.around.taken, desk.alarms()) == ([], [])


async def test_when_the_peer_has_accepted_the_link_is_open(desk: Desk) -> None:
    """What the peer knows to have been taken away goes first; alerts and withdrawals may go before that."""
    await desk.put(ResetState.ASKED)
    asked = desk.accepts(3)
    desk.around.away = True
    await desk.resets.press()
    row = desk.row()
    assert (row.state, row.accepted, row.only_urgent) == (ResetState.ASKED, asked[0], True)
    assert desk.told() == ({PEER.node}, True, 1)
    desk.around.away = False
    desk.here.clock.at += 15
    await desk.resets.press()
    assert (len(asked), len({*asked})) == (2, 1)  # it is asked again: the peer may have been put back since
    of = reset_hash(SignedDocument.decode(asked[0], RESET).payload)
    row = desk.row()
    assert (row.state, row.at, row.accepted, row.ours) == (ResetState.OPEN, NOW + 15, asked[0], None)
    assert (desk.around.taken, desk.around.count) == ([(PEER.node, of)], 2)
    (entry,) = desk.here.entries("link.opened")
    assert all(word in entry for word in (b'"epoch":3', PEER.node.encode(), b'"at":%d' % (NOW + 15)))
    assert desk.here.registry.speaks(PEER.node)
    await desk.resets.press()
    assert (len(asked), len(desk.here.entries("link.opened"))) == (2, 1)


async def test_what_people_decided_meanwhile_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer's own request was accepted here while its lists were taken: this node has to ask anew."""
    await desk.put(ResetState.ASKED)
    desk.accepts(3)
    take = desk.around.take

    async def accept(peer: Any, reset: str) -> None:
        await take(peer, reset)
        await desk.put(ResetState.REQUIRED, accepted=b"theirs")

    monkeypatch.setattr(desk.around, "take", accept)
    await desk.resets.press()
    assert (desk.row().state, desk.row().accepted) == (ResetState.REQUIRED, b"theirs")


async def test_what_the_peer_refuses_is_told_to_people(desk: Desk) -> None:
    """Its view is another one meanwhile: they look, and approve again."""
    await desk.put(ResetState.ASKED)
    desk.accepts(3, status=409)
    await desk.resets.press()
    assert (desk.alarms(), desk.row().state) == ([("peer.reset_refused", PEER.node, NOW)], ResetState.ASKED)
    desk.accepts(3)
    await desk.resets.press()
    assert (desk.alarms(), desk.row().state) == ([], ResetState.OPEN)


async def test_a_peer_that_asks_itself_is_answered_first(desk: Desk) -> None:
    """That it refuses our request tells people nothing that they could do about it."""
    await desk.put(ResetState.ASKED, offer=b"theirs")
    desk.accepts(3, status=409)
    await desk.resets.press()
    assert desk.alarms() == []


@pytest.mark.parametrize("state", [PeerState.REVOKED, PeerState.PROPOSED])
async def test_who_is_not_heard_is_not_asked(desk: Desk, state: PeerState) -> None:
    """Nothing passes between the two; the others are asked, also where one does not answer."""
    await desk.put(ResetState.ASKED)
    await desk.put(ResetState.ASKED, of=OTHER)
    asked = desk.accepts(2)
    await desk.here.put(PEER, state=str(state))
    await desk.resets.press()
    assert len(asked) == 1
    assert [node for name, node, *_ in desk.here.line.asked if name == "post_link"] == [OTHER.node]


async def test_alarms_end_with_the_last_link(desk: Desk) -> None:
    """That this node was restored counts until each link is open; that one link was older, until that one is."""
    for kind, node in (
        ("node.restored", None),
        ("node.older", None),
        ("node.older", PEER.node),
        ("node.older", OTHER.node),
    ):
        journal.raise_alarm(desk.here.connection, at=1, kind=kind, peer=node)
    for of in (PEER, OTHER):
        await desk.put(ResetState.ASKED, of=of)
    desk.accepts(3)
    answers = desk.here.line.answers["post_link"]
    desk.here.line.answers["post_link"] = lambda node, data: answers(node, data) if node == PEER.node else _away()
    await desk.resets.press()
    assert {(kind, node) for kind, node, _ in desk.alarms()} == {
        ("node.restored", None),
        ("node.older", None),
        ("node.older", OTHER.node),
    }
    desk.here.line.answers["post_link"] = answers
    await desk.resets.press()
    assert desk.alarms() == []
    ended = desk.here.connection.exec_driver_sql("select dismissed from alarm").scalars()
    assert [*ended] == [NOW] * 4


def _away() -> Any:
    raise TransientError(Code.UNREACHABLE, "nobody is there")


# --- a link that neither side has used --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "known", "numbers", "opened"),
    [
        (UNUSED, False, None, True),
        (View(epoch=1, high=2, hash="h" * 42 + "A"), False, None, False),
        (View(epoch=2, high=0, hash=None), False, None, False),
        (UNUSED, True, None, False),
        (UNUSED, False, links.IN, False),
        (UNUSED, False, links.OUT, False),
    ],
    ids=["of neither", "of ours there", "of an epoch", "known to the backup", "of theirs here", "of ours here"],
)
async def test_a_peer_that_the_backup_does_not_know(
    desk: Desk, view: View, known: bool, numbers: str | None, opened: bool
) -> None:
    """A new pairing as any other, for which nobody has to decide anything, where nothing was ever numbered."""
    store.mark_restored(desk.here.connection, Restored(at=NOW, backup=NOW - 9, sha256="s"))
    if known:
        await desk.put(ResetState.REQUIRED)
    if numbers is not None:
        used(desk.here.connection, numbers)
    await desk.here.registry.refresh()
    desk.holds(view)
    await desk.resets.press()
    assert desk.row().state == (ResetState.OPEN if opened else ResetState.REQUIRED)
    of_peer = [one for one in desk.here.entries("link.opened") if PEER.node.encode() in one]
    assert [b'"epoch":1' in one for one in of_peer] == [True] * opened


# --- its peer ---------------------------------------------------------------------------------------------------------


async def test_what_a_peer_asks_is_laid_before_a_person(desk: Desk) -> None:
    """With what it is about; nothing is sent there meanwhile. The answer is what is held here."""
    used(desk.here.connection, links.IN)
    view = View(epoch=1, high=1, hash="l" * 42 + "A")
    data = desk.asks(view=view)
    desk.here.clock.at += 5
    assert await desk.resets.take_offer(desk.here.peer(PEER), data) == view
    of = reset_hash(SignedDocument.decode(data, RESET).payload)
    row = desk.row()
    assert (row.state, row.offer, row.at) == (ResetState.OPEN, data, NOW + 5)
    assert desk.alarms() == [("peer.link_reset", PEER.node, NOW + 5)]
    (entry,) = desk.here.entries("link.reset_offered")
    assert all(word in entry for word in (of.encode(), b'"epoch":2', PEER.node.encode(), b'"at":%d' % (NOW + 5)))
    assert (desk.told(), desk.here.registry.speaks(PEER.node)) == (({PEER.node}, True, 1), False)
    assert desk.resets.offered(desk.here.peer(PEER)) == {"reset": of, "epoch": 2, "backup": NOW - 500}
    await desk.resets.take_offer(desk.here.peer(PEER), data)
    assert len(desk.here.entries("link.reset_offered")) == 1


async def test_what_is_held_of_a_link_is_told(desk: Desk) -> None:
    """To the peer that asks for it."""
    used(desk.here.connection, links.IN)
    record = await desk.resets.record(PEER.node)
    assert (record.view, record.answered) == (View(epoch=1, high=1, hash="l" * 42 + "A"), Answered(epoch=1, n=0))


async def test_a_peer_that_asks_nothing(desk: Desk) -> None:
    """There is nothing to accept."""
    with fails(Code.NOT_FOUND, "does not ask"):
        desk.resets.offered(desk.here.peer(PEER))
    await desk.put(ResetState.OPEN)
    with fails(Code.NOT_FOUND, "does not ask"):
        desk.resets.offered(desk.here.peer(PEER))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"from_": OTHER.node}, Code.UNKNOWN_SENDER),
        ({"to": OTHER.node}, Code.MISDIRECTED),
        ({"created": NOW + SKEW + 1}, Code.NOT_YET_VALID),
        ({"view": View(epoch=1, high=1, hash="h" * 42 + "A")}, Code.BAD_CHAIN),
        ({"epoch": 2 + MAX_AHEAD}, Code.MALFORMED),
    ],
    ids=["of another node", "to another node", "of the future", "of another link", "far ahead"],
)
async def test_what_is_not_laid_before_anybody(desk: Desk, changed: dict[str, Any], code: Code) -> None:
    """Nothing is changed by it."""
    with refused(code):
        await desk.resets.take_offer(desk.here.peer(PEER), desk.asks(**changed))
    assert (store.get(desk.here.connection, PEER.node), desk.alarms()) == (None, [])


@pytest.mark.parametrize("way", [links.IN, links.OUT])
async def test_an_epoch_that_was_used_is_an_old_request(desk: Desk, way: str) -> None:
    """In either direction."""
    used(desk.here.connection, way, epoch=2)
    with refused(Code.ROLLBACK):
        await desk.resets.take_offer(desk.here.peer(PEER), desk.asks())


async def test_within_the_skew_it_is_taken(desk: Desk) -> None:
    """Clocks may differ by 300 seconds."""
    await desk.resets.take_offer(desk.here.peer(PEER), desk.asks(created=NOW + SKEW))
    assert desk.row().offer is not None


async def test_a_signature_of_somebody_else(desk: Desk) -> None:
    """By a key that the peer lists, of other bytes."""
    data = SignedDocument.decode(desk.asks(), RESET)
    other = SignedDocument.decode(desk.asks(epoch=4), RESET)
    with refused(Code.BAD_SIGNATURE):
        await desk.resets.take_offer(desk.here.peer(PEER), replace(other, signatures=data.signatures).encode())


async def test_what_was_accepted_is_not_asked_again(desk: Desk) -> None:
    """A repeat is answered by what is held; also where this node, which was restored too, asks for the next epoch
    meanwhile: else the peer would never know.
    """
    data = desk.asks()
    await desk.put(ResetState.OPEN, accepted=data)
    for asked in (None, 3):
        if asked is not None:
            decisions.start_anew(desk.here.connection, PEER.node, asked)
            await desk.put(ResetState.ASKED, epoch=asked, accepted=data)
        view = await desk.resets.take_offer(desk.here.peer(PEER), data)
        assert view == (UNUSED if asked is None else View(epoch=2, high=0, hash=None))
        assert desk.row().offer is None


async def test_two_that_chose_the_same_epoch_have_accepted_nothing(desk: Desk) -> None:
    """Both were restored: what each owes the other comes with the acceptance of a person, so the request is refused and
    people look again.
    """
    decisions.start_anew(desk.here.connection, PEER.node, 2)
    await desk.put(ResetState.ASKED, epoch=2)
    with refused(Code.ROLLBACK):
        await desk.resets.take_offer(desk.here.peer(PEER), desk.asks())
    assert desk.row().offer is None
