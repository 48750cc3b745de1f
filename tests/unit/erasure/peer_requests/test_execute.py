"""gateway.erasure.peer_requests.execute: what a request is about, when it is followed, and what is left of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs
from support.kept_content import keep, name_of
from support.nodes import NOW
from support.robbed_stand_ins import Clock
from support.rows import PEER

from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.database.tables import message
from gateway.erasure import store as erasures
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.execute import RequestExecutor, scope_of
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import OnwardRow, RequestRow, State
from gateway.erasure.rules import What
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.errors import Code, TransientError
from gateway.foundation.ids import ConversationId
from gateway.messages.store import links, local
from gateway.messages.store.links import GapRow
from gateway.messages.store.local import OWN, ConsentRow

pytestmark = pytest.mark.usefixtures("plain_logs")

OTHER = "n1other"
ASKS, TASK = 90, 190
CONSENT = name_of(7)


def task(what: What | None, **changed: Any) -> Task:
    """What the peer asks."""
    usual: dict[str, Any] = {
        "what": what,
        "ground": "objection",
        "targets": (),
        "consent": None,
        "withdrawn": None,
        "conversation": ConversationId(name_of(0)),
        "purpose": None,
        "reply_to": name_of(ASKS),
        "header": {},
    }
    return Task(**usual | changed)


class Eraser:
    """Notes what is to be erased, and erases all of it but `left`."""

    def __init__(self) -> None:
        self.asked: list[tuple[Mapping[int, str], dict[str, Any]]] = []
        self.away = False

    async def erase(self, reasons: Mapping[int, str], **named: Any) -> int:
        """How many there were."""
        if self.away:
            raise TransientError(Code.DISK, "it is away")
        self.asked.append((dict(reasons), named))
        return len(reasons)


class Desk:
    """A node that was asked to erase something by a message in the conversation `asked`."""

    def __init__(self, store: Store, vault: ContentSealer) -> None:
        self.content, self.clock, self.eraser = Content(store, vault), Clock(), Eraser()
        clock: Any = self.clock
        eraser: Any = self.eraser
        self.executor = RequestExecutor(content=self.content, eraser=eraser, clock=clock)

    async def keeps(self, *made: Callable[[Connection], Any]) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def said(self, ref: int, body_type: str | None = "enquiry.capacity/1", **changed: Any) -> Callable[..., Any]:
        """A message of the peer in that conversation, but for what is said otherwise."""
        usual = {"conversation": b"asked"}
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, **usual | changed)

    async def asked(self, wanted: Task, **changed: Any) -> RequestRow:
        """The request, and the message that makes it."""
        usual = {"state": State.WAITING, "at": NOW, "follow": NOW, "due": NOW + 100}
        row = RequestRow(ref=TASK, message=ASKS, peer=PEER, **usual | changed)
        await self.keeps(
            self.said(ASKS, "erasure.request/1"),
            lambda c: content.put(c, [self.content.sealer.seal(TASK, wanted.encode())]),
            lambda c: requests.add(c, row),
        )
        return row

    async def scope(self, row: RequestRow, wanted: Task, only: Collection[str] | None = None) -> Any:
        """What it is about."""
        return await self.content.store.read(
            lambda c: scope_of(self.content.sealer, c, row=row, task=wanted, only=only)
        )

    async def request(self) -> RequestRow:
        """How far it has come."""
        found = await self.content.store.read(lambda c: requests.of_message(c, ASKS))
        assert found is not None
        return found

    async def told(self) -> list[tuple[str, str | None, int | None, int]]:
        """What people are told."""
        return [(a.kind, a.peer, a.ref, a.at) for a in await self.content.store.read(journal.open_alarms)]


@pytest.fixture
def desk(store: Store, vault: ContentSealer) -> Desk:
    """Nobody has asked yet."""
    return Desk(store, vault)


def gone(ref: int, request: int | None = None, at: int = NOW) -> Callable[[Connection], None]:
    """A message was erased."""
    row = ErasureRow(
        ref=500 + ref, message=ref, at=at, reason="declined", epoch=1, place="not_held", told=None, request=request
    )
    return lambda connection: erasures.add(connection, [row])


def held(conversation: bytes) -> Callable[[Connection], None]:
    """A person keeps a conversation."""
    row = HoldRow(conversation=conversation, ground="legal_claims_17_3_e", until="2029-01-01", at=1)
    return lambda connection: erasures.set_hold(connection, row)


# --- what it is about -------------------------------------------------------------------------------------------------


async def test_a_conversation_with_the_asking_peer(desk: Desk) -> None:
    """Both ways; not with another peer, not of another conversation, and not what proves that somebody asked."""
    await desk.keeps(
        desk.said(1),
        desk.said(2, direction="out", state="received"),
        desk.said(3, peer=OTHER),
        desk.said(4, conversation=b"other"),
        desk.said(5, "erasure.confirmation/1"),
        desk.said(6, None),
        desk.said(7),
        gone(7),
    )
    wanted = task(What.CONVERSATION)
    scope = await desk.scope(await desk.asked(wanted), wanted)
    assert (set(scope.rows), scope.proof, scope.gone) == ({1, 2, 6}, {ASKS, 5}, {7})
    assert set(scope.contents) == {1, 2, 5, ASKS}
    assert ([row.ref for row in scope.erase], scope.kept) == ([1, 2, 6], [])


async def test_a_conversation_by_which_it_went_on(desk: Desk) -> None:
    """Whoever was told to erase it has it in another conversation, which goes here as well."""
    await desk.keeps(
        desk.said(1),
        desk.said(2, peer=OTHER, conversation=b"onward", direction="out", state="received"),
        desk.said(3, peer=OTHER, conversation=b"onward"),
        desk.said(4, conversation=b"onward"),
        desk.said(5, peer=OTHER, conversation=b"elsewhere", direction="out", state="received"),
    )
    wanted = task(What.CONVERSATION)
    row = await desk.asked(wanted)
    await desk.keeps(lambda c: requests.add_onward(c, [OnwardRow(message=2, request=TASK)]))
    assert set((await desk.scope(row, wanted)).rows) == {1, 2, 3}


@pytest.mark.parametrize(("holders", "found"), [([PEER], {1, 2, 3}), ([OWN], {1, 3}), ([], {1, 2, 3})])
async def test_all_that_relied_on_a_consent(desk: Desk, holders: list[str], found: set[int]) -> None:
    """In every conversation; of a consent that this node recorded itself, what this peer had of it."""
    index = desk.content.sealer.consent_index(CONSENT)
    await desk.keeps(
        desk.said(1, conversation=b"one", consent=index),
        desk.said(2, conversation=b"one", peer=OTHER),
        desk.said(3, conversation=b"two", consent=index, direction="out", state="received"),
        desk.said(4, conversation=b"three"),
        *(
            lambda c, ref=ref, holder=holder: local.add_consent(
                c, ConsentRow(ref=ref, consent=index, holder=holder, state="valid", at=1)
            )
            for ref, holder in enumerate(holders, 300)
        ),
    )
    wanted = task(What.CONSENT, consent=CONSENT)
    assert set((await desk.scope(await desk.asked(wanted), wanted)).rows) == found


async def test_messages_by_their_names(desk: Desk) -> None:
    """Of this peer, in whatever direction and conversation; what is not there is not."""
    await desk.keeps(
        desk.said(1),
        desk.said(2, direction="out", state="received", conversation=b"other"),
        desk.said(3, peer=OTHER),
        desk.said(4),
    )
    wanted = task(What.MESSAGES, targets=tuple(name_of(ref) for ref in (1, 2, 3, 99)))
    assert set((await desk.scope(await desk.asked(wanted), wanted)).rows) == {1, 2}


FIRST, THIRD, BEHIND = GapRow(first=1, last=2, seen=1), GapRow(first=3, last=3, seen=1), GapRow(first=4, last=9, seen=1)


@pytest.mark.parametrize(
    ("epoch", "gaps", "n", "missing"),
    [
        (2, (FIRST,), 4, True),
        (2, (FIRST, BEHIND), 4, True),
        (2, (THIRD,), 4, True),
        (2, (BEHIND,), 4, False),
        (2, (FIRST,), None, False),
        (3, (FIRST,), 4, False),
        (2, (), 4, False),
    ],
    ids=["before", "before and behind", "just before", "behind", "it has no number", "a later epoch", "no gap"],
)
async def test_what_a_request_names_may_be_on_its_way(
    desk: Desk, epoch: int, gaps: Sequence[GapRow], n: int | None, missing: bool
) -> None:
    """Where something that the peer sent before it asked is missing here, and only of what is named one by one."""
    named = task(What.MESSAGES, targets=(name_of(1), name_of(99)))
    row = await desk.asked(named)
    await desk.keeps(
        desk.said(1),
        lambda c: c.execute(update(message).where(message.c.ref == ASKS).values(n=n, epoch=2)),
        lambda c: links.use(c, PEER, links.IN, epoch, [], 9),
        *(lambda c, at=at: links.set_gaps(c, PEER, at, gaps) for at in {2, epoch}),
    )
    assert (await desk.scope(row, named)).missing is missing
    for other in (task(What.MESSAGES, targets=(name_of(1),)), task(What.CONVERSATION)):
        assert not (await desk.scope(row, other)).missing


@pytest.mark.parametrize(
    ("said", "late"),
    [
        ({"n": 3, "epoch": 2}, True),
        ({"n": 4, "epoch": 2}, False),
        ({"n": 5, "epoch": 2}, False),
        ({"n": 3, "epoch": 1}, False),
        ({"n": None, "epoch": 2}, False),
        ({"n": 3, "epoch": 2, "direction": "out"}, False),
    ],
    ids=["before", "at the same place", "behind", "in an epoch of before", "without a number", "ours"],
)
async def test_what_a_request_overtook_goes_when_it_comes(desk: Desk, said: dict[str, Any], late: bool) -> None:
    """Also once the request was followed; what came behind it is another matter."""
    named = task(What.MESSAGES, targets=(name_of(1),))
    row = await desk.asked(named, state=State.FOLLOWED)
    await desk.keeps(
        desk.said(1, **said),
        lambda c: c.execute(update(message).where(message.c.ref == ASKS).values(n=4, epoch=2)),
    )
    assert (await desk.scope(row, named)).late == (frozenset({1}) if late else frozenset())
    assert await desk.executor.follow() == int(late)
    assert desk.eraser.asked == [({1: "objection"}, {"request": TASK, "by": None})] * late


async def test_a_request_without_a_number_overtook_nothing(desk: Desk) -> None:
    """As one of before a restore, of which nobody can say when it was sent."""
    named = task(What.MESSAGES, targets=(name_of(1),))
    row = await desk.asked(named)
    await desk.keeps(
        desk.said(1, n=3, epoch=2), lambda c: c.execute(update(message).where(message.c.ref == ASKS).values(epoch=2))
    )
    assert (await desk.scope(row, named)).late == frozenset()


async def test_a_part_is_what_a_person_chooses(desk: Desk) -> None:
    """Without a choice it may be anything of the conversation; of nothing it is nothing."""
    await desk.keeps(desk.said(1), desk.said(2), desk.said(3, conversation=b"other"), desk.said(4, peer=OTHER))
    wanted = task(What.PART)
    row = await desk.asked(wanted)
    for only, found in ((None, {1, 2}), ([name_of(2), name_of(3)], {2, 3}), ([], set[int]())):
        assert set((await desk.scope(row, wanted, only)).rows) == found


async def test_what_a_hold_keeps(desk: Desk) -> None:
    """Of the conversation that is held, and of no other."""
    await desk.keeps(desk.said(1), desk.said(2, conversation=b"other"), held(b"other"))
    wanted = task(What.MESSAGES, targets=(name_of(1), name_of(2)))
    scope = await desk.scope(await desk.asked(wanted), wanted)
    assert ([row.ref for row in scope.erase], [row.ref for row in scope.kept]) == ([1], [2])


@pytest.mark.parametrize(
    ("body_type", "changed", "alerts"),
    [
        ("safety.alert/1", {"state": "awaiting_handover"}, True),
        ("safety.alert.update/1", {"state": "awaiting_handover"}, True),
        ("safety.alert/1", {"state": "opened"}, False),
        ("enquiry.capacity/1", {"state": "awaiting_handover"}, False),
        ("safety.alert/1", {"direction": "out", "state": "received"}, False),
        (None, {"state": "awaiting_handover"}, False),
    ],
)
async def test_an_alert_that_nobody_has_taken(
    desk: Desk, body_type: str | None, changed: dict[str, Any], alerts: bool
) -> None:
    """It comes to somebody before anything around it is erased; a person may decide otherwise."""
    await desk.keeps(desk.said(1), desk.said(2, body_type, **changed))
    wanted = task(What.CONVERSATION)
    row = await desk.asked(wanted)
    assert (await desk.scope(row, wanted)).alerts is alerts
    assert await desk.executor.follow() == (0 if alerts else 2)
    assert (await desk.request()).state == (State.WAITING if alerts else State.FOLLOWED)
    if alerts:
        assert await desk.executor.follow_one(row, by="Ana B.") == 2


# --- following --------------------------------------------------------------------------------------------------------


async def test_a_request_is_followed_at_its_time(desk: Desk) -> None:
    """With its ground, as what it is and what proves it; the log says how many went."""
    await desk.keeps(desk.said(1), desk.said(2))
    await desk.asked(task(What.CONVERSATION), follow=NOW + 9)
    desk.clock.at = NOW + 8
    assert (await desk.executor.follow(), desk.eraser.asked) == (0, [])
    desk.clock.at = NOW + 9
    assert await desk.executor.follow() == 2
    assert desk.eraser.asked == [({1: "objection", 2: "objection"}, {"by": None, "request": TASK})]
    row = await desk.request()
    assert (row.state, row.done, row.follow) == (State.FOLLOWED, NOW + 9, None)
    (entry,) = [one for _, one in await desk.content.store.read(journal.leaves)]
    assert all(word in entry for word in (b'"ev":"request.followed"', b'"count":2', PEER.encode()))
    assert b'"at":%d' % (NOW + 9) in entry
    assert await desk.executor.follow() == 0


@pytest.mark.parametrize(
    "changed", [{"state": State.NEW}, {"state": State.KEPT}, {"follow": None}], ids=["new", "kept", "for a person"]
)
async def test_a_request_that_is_not_followed_by_itself(desk: Desk, changed: dict[str, Any]) -> None:
    """It was not told on yet, a hold keeps it, or a person has to."""
    await desk.keeps(desk.said(1))
    row = await desk.asked(task(What.CONVERSATION), **changed)
    assert (await desk.executor.follow(), await desk.request()) == (0, row)
    assert await desk.executor.follow_one(row, by="Ana B.") == 1
    assert desk.eraser.asked[0][1]["by"] == "Ana B."


async def test_a_part_is_for_a_person(desk: Desk) -> None:
    """Who is told once; it waits for them."""
    await desk.keeps(desk.said(1))
    await desk.asked(task(What.PART))
    for _ in range(2):
        assert await desk.executor.follow() == 0
    assert ((await desk.request()).follow, desk.eraser.asked) == (None, [])
    assert await desk.told() == [("erasure.asked", PEER, ASKS, NOW)]


async def test_what_fails_for_now_holds_up_no_other(desk: Desk) -> None:
    """It is followed at the next look."""
    await desk.keeps(desk.said(1))
    row = await desk.asked(task(What.CONVERSATION))
    desk.eraser.away = True
    with capture_logs() as said:
        assert (await desk.executor.follow(), await desk.request()) == (0, row)
    assert said == [{"event": "request.postponed", "code": "disk", "log_level": "info"}]
    desk.eraser.away = False
    assert await desk.executor.follow() == 1


async def test_what_went_by_another_hand_went_because_of_it_too(desk: Desk) -> None:
    """Since it was asked; what another request erased stays that one's."""
    await desk.keeps(*(desk.said(ref) for ref in (1, 2, 3)), gone(1), gone(2, at=NOW - 1), gone(3, request=700))
    await desk.asked(task(What.CONVERSATION))
    assert await desk.executor.follow() == 0
    found = await desk.content.store.read(lambda c: erasures.of(c, [1, 2, 3]))
    assert {ref: row.request for ref, row in found.items()} == {1: TASK, 2: None, 3: 700}
    assert ((await desk.request()).done, (await desk.request()).state) == (None, State.FOLLOWED)


@pytest.mark.parametrize(
    ("answered", "kept", "more", "state"),
    [
        (NOW, True, False, State.KEPT),
        (None, True, False, State.FOLLOWED),
        (NOW, False, False, State.FOLLOWED),
        (NOW, True, True, State.FOLLOWED),
    ],
    ids=["told so", "not told yet", "nothing is kept", "something went"],
)
async def test_what_is_kept_still_is_not_answered_again(
    desk: Desk, answered: int | None, kept: bool, more: bool, state: State
) -> None:
    """The peer was told that a hold keeps it; a new answer follows when something else is so."""
    await desk.keeps(desk.said(1))
    await desk.keeps(
        *[held(b"asked")] * kept,
        *[desk.said(2, conversation=b"onward", peer=OTHER, direction="out", state="received")] * more,
    )
    await desk.asked(task(What.CONVERSATION), answered=answered, done=NOW - 50)
    if more:
        await desk.keeps(lambda c: requests.add_onward(c, [OnwardRow(message=2, request=TASK)]))
    elif not kept:
        await desk.keeps(gone(1))
    await desk.executor.follow()
    row = await desk.request()
    assert (row.state, row.done) == (state, NOW if more else NOW - 50)
