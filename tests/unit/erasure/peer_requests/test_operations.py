"""gateway.erasure.peer_requests.operations: what peers asked to be erased, as people see, follow and refuse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import rows
from support.kept_content import keep, name_of
from support.keystores import fails
from support.nodes import NOW
from support.trust_homes import Home, first_of

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.operations import FollowRequest, RefuseRequest, RequestOperations
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import OnwardRow, RequestRow, State
from gateway.erasure.rules import What
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.errors import Code
from gateway.foundation.ids import CaseId, ConversationId, MessageId
from gateway.ledger import store as ledger
from gateway.ledger.rules import named_link
from gateway.operations.models import Nothing
from gateway.operations.roles import FOCAL_POINT, Caller

ANA = Caller(roles=FOCAL_POINT, person="ana")
PEER = first_of("b")
ASKS = 90
GROUND = {"ground": "legal_claims_17_3_e", "until": "2027-06-30"}


class Others:
    """What stands beside these operations: telling on, erasing and answering, each of which notes what it was asked."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.erased: list[tuple[set[int], str | None]] = []
        self.told_on = 0
        self.answered: list[list[str]] = []

    async def spread(self) -> None:
        """What is new was told on."""
        self.told_on += 1

        def move(connection: Connection) -> None:
            for row in requests.unsettled(connection):
                if row.state == State.NEW:
                    requests.change(connection, row.ref, state=State.WAITING)

        await self._content.store.move(move)

    async def erase(self, reasons: dict[int, str], *, by: str | None, **_: Any) -> int:
        """It goes."""
        self.erased.append((set(reasons), by))
        return len(reasons)

    async def answer(self) -> None:
        """How far each request has come that is answered now."""
        self.answered.append([row.state for row in await self._content.store.read(requests.unsettled)])


class Desk:
    """A node that a peer asked to erase."""

    def __init__(self, home: Home, store: Store, vault: ContentSealer) -> None:
        self.home, self.content = home, Content(store, vault)
        self.others = Others(self.content)
        others: Any = self.others
        clock: Any = home.clock
        self.operations = RequestOperations(
            content=self.content,
            peers=home.registry,
            confirmer=others,
            executor=RequestExecutor(content=self.content, eraser=others, clock=clock),
            forwarder=others,
            clock=clock,
            actor=home.keys.actor,
        )

    async def keeps(self, *made: Callable[[Connection], Any]) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def said(self, ref: int, body_type: str | None = "enquiry.capacity/1", **changed: Any) -> Callable[..., Any]:
        """A message of the peer in the conversation that is asked about, but for what is said otherwise."""
        usual = {"conversation": b"asked", "peer": PEER.node}
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, **usual | changed)

    async def asked(self, what: What | None = What.CONVERSATION, asks: int = ASKS, **changed: Any) -> None:
        """A request, and the message that makes it."""
        task = Task(
            what=what,
            ground="objection",
            targets=changed.pop("targets", ()),
            consent=None,
            withdrawn=None,
            conversation=ConversationId(name_of(0)),
            purpose=None,
            reply_to=name_of(asks),
            header={},
        )
        usual = {"state": State.WAITING, "at": NOW, "follow": NOW + 50, "due": NOW + 100, "peer": PEER.node}
        row = RequestRow(ref=100 + asks, message=asks, **usual | changed)
        await self.keeps(
            self.said(asks, "erasure.request/1", peer=row.peer),
            lambda c: content.put(c, [self.content.sealer.seal(row.ref, task.encode())]),
            lambda c: requests.add(c, row),
        )

    async def listed(self) -> Any:
        """What people are shown."""
        answer: Any = (await self.operations.list_requests(Nothing())).value
        return answer["requests"]

    async def follow(self, ref: int = ASKS, chosen: list[int] | None = None) -> Any:
        """Ana has it followed; `chosen` is what she names."""
        named = None if chosen is None else [MessageId(name_of(one)) for one in chosen]
        asked = FollowRequest(id=MessageId(name_of(ref)), messages=named)
        return (await self.operations.follow(asked, ANA)).value

    async def refuse(self, ref: int = ASKS, **changed: str) -> Any:
        """Ana refuses it."""
        asked = RefuseRequest(id=MessageId(name_of(ref)), **GROUND | changed)
        return (await self.operations.refuse(asked, ANA)).value

    async def request(self) -> RequestRow:
        """How far it has come."""
        found = await self.content.store.read(lambda c: requests.of_message(c, ASKS))
        assert found is not None
        return found

    async def held(self) -> dict[bytes, HoldRow]:
        """The legal holds."""
        return await self.content.store.read(erasures.every_hold)

    async def entries(self, event: str) -> list[Any]:
        """What the log says of one kind of event."""
        entries = await self.content.store.read(journal.leaves)
        return [said for _, entry in entries if (said := orjson.loads(entry))["ev"] == event]


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """Of a node that has met whoever asks."""
    return Desk(await Home.open("a", PEER), store, vault)


# --- what people see --------------------------------------------------------------------------------------------------


async def test_the_requests_that_are_not_over(desk: Desk) -> None:
    """Each by the message that makes it: whose it is, what is asked, by when, how far it has come, and to how many it
    was told on.
    """
    case = CaseId(name_of(70))

    def known(connection: Connection) -> None:
        cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=NOW, card=None)])
        cases.link(connection, [Link(key=b"asked", kind=LinkKind.CONVERSATION, case_id=case)])
        requests.add_onward(connection, [OnwardRow(message=one, request=100 + ASKS) for one in (601, 602)])

    await desk.asked(done=NOW + 7, answered=NOW + 8)
    await desk.asked(What.PART, 91, peer="n1stranger", state=State.NEW, follow=None, at=NOW + 1)
    await desk.asked(asks=92, state=State.OVER)
    await desk.keeps(known)
    first, second = await desk.listed()
    assert first == {
        "id": name_of(ASKS),
        "of_case": {"id": case, "name": None},
        "peer": PEER.name,
        "state": "waiting",
        "what": "conversation",
        "ground": "objection",
        "at": NOW,
        "follow": NOW + 50,
        "due": NOW + 100,
        "erased_at": NOW + 7,
        "answered": NOW + 8,
        "told_onward": 2,
    }
    assert (second["id"], second["peer"], second["state"]) == (name_of(91), "n1stranger", "new")
    assert (second["what"], second["follow"], second["told_onward"]) == ("part", None, 0)


async def test_a_request_that_does_not_open(desk: Desk) -> None:
    """It is there all the same, and so are the others."""
    await desk.asked()
    await desk.asked(asks=91)
    await desk.keeps(lambda c: content.erase(c, 100 + ASKS), lambda c: content.put(c, [rows.sealed(100 + ASKS)]))
    assert [(one["id"], one["what"], one["ground"]) for one in await desk.listed()] == [
        (name_of(ASKS), None, None),
        (name_of(91), "conversation", "objection"),
    ]


# --- following --------------------------------------------------------------------------------------------------------


async def test_a_request_is_followed_before_its_time(desk: Desk) -> None:
    """By whoever says so."""
    await desk.keeps(desk.said(1), desk.said(2))
    await desk.asked()
    assert await desk.follow() == {"id": name_of(ASKS), "erased": 2}
    assert desk.others.erased == [({1, 2}, ANA.actor)]
    assert ((await desk.request()).state, desk.others.told_on) == (State.FOLLOWED, 0)


async def test_a_request_is_told_on_before_a_person_follows_it(desk: Desk) -> None:
    """It came just now."""
    await desk.keeps(desk.said(1))
    await desk.asked(state=State.NEW)
    assert await desk.follow() == {"id": name_of(ASKS), "erased": 1}
    assert desk.others.told_on == 1


async def test_a_request_of_which_something_is_kept_can_be_followed(desk: Desk) -> None:
    """What came since goes, and what the hold lies over stays."""
    await desk.keeps(desk.said(1), desk.said(2, conversation=b"other"))
    await desk.keeps(lambda c: erasures.set_hold(c, HoldRow(conversation=b"other", at=1, **GROUND)))
    await desk.asked(What.MESSAGES, targets=(name_of(1), name_of(2)), state=State.KEPT, answered=NOW)
    assert await desk.follow() == {"id": name_of(ASKS), "erased": 1}


async def test_a_part_is_what_a_person_names(desk: Desk) -> None:
    """Nothing goes before they have; of nothing that is held they say so."""
    await desk.keeps(desk.said(1), desk.said(2))
    await desk.asked(What.PART, follow=None)
    with fails(Code.CONFLICT, "about a part of the content of messages; nothing was erased"):
        await desk.follow()
    assert desk.others.erased == []
    assert await desk.follow(chosen=[2]) == {"id": name_of(ASKS), "erased": 1}
    await desk.asked(What.PART, 91, follow=None)
    assert await desk.follow(91, chosen=[]) == {"id": name_of(91), "erased": 0}
    assert desk.others.erased == [({2}, ANA.actor), (set(), ANA.actor)]


async def test_a_choice_that_is_none(desk: Desk) -> None:
    """The request says itself what it is about, or what is named is no id of a message."""
    await desk.keeps(desk.said(1))
    await desk.asked()
    with fails(Code.CONFLICT, "the request itself says what is to be erased; nothing was erased"):
        await desk.follow(chosen=[1])
    asked = FollowRequest(id=MessageId(name_of(ASKS)), messages=[MessageId(name_of(1)), MessageId("no id")])
    with fails(Code.INVALID, "no message id; nothing was erased"):
        await desk.operations.follow(asked, ANA)
    assert desk.others.erased == []


async def test_a_message_of_ours_that_has_the_id_of_the_request(desk: Desk) -> None:
    """A peer may have taken an id of ours: only what came from it makes a request."""
    await desk.keeps(desk.said(1), desk.said(2, id=name_of(ASKS), direction="out", state="opened"))
    await desk.asked()
    assert (await desk.follow())["erased"] == 2


@pytest.mark.parametrize("state", [State.FOLLOWED, State.OVER])
async def test_what_is_no_request_any_more(desk: Desk, state: State) -> None:
    """It was followed, by the node or by another person: they are told how far it has come, and nothing changes."""
    await desk.keeps(desk.said(1))
    await desk.asked(state=state, follow=None)
    before = await desk.request()
    with fails(Code.CONFLICT, f"the request is {state} already; nothing was changed"):
        await desk.follow()
    with fails(Code.CONFLICT, f"the request is {state} already; nothing was changed"):
        await desk.refuse()
    assert (await desk.request(), desk.others.erased, await desk.held()) == (before, [], {})


@pytest.mark.parametrize("ref", [1, 9], ids=["it asks nothing", "there is none"])
async def test_a_message_that_makes_no_request(desk: Desk, ref: int) -> None:
    """Whoever follows or refuses it is told so."""
    await desk.keeps(desk.said(1))
    await desk.asked()
    with fails(Code.NOT_FOUND, "no message with this id asks to erase anything"):
        await desk.follow(ref)
    with fails(Code.NOT_FOUND, "no message with this id asks to erase anything"):
        await desk.refuse(ref)


# --- refusing ---------------------------------------------------------------------------------------------------------


async def test_a_request_is_refused(desk: Desk) -> None:
    """All that it is about comes under a legal hold before it is followed, so that nothing goes, and is answered then;
    ledger and log say so.
    """
    targets = (name_of(1), name_of(2))
    await desk.keeps(desk.said(1), desk.said(2, conversation=b"another"), desk.said(3, conversation=b"third"))
    await desk.asked(What.MESSAGES, targets=targets)
    assert await desk.refuse() == {"id": name_of(ASKS), **GROUND}
    talks = [b"another", b"asked"]
    assert await desk.held() == {talk: HoldRow(conversation=talk, at=NOW, **GROUND) for talk in talks}
    assert desk.others.erased == [(set(), ANA.actor)]
    assert desk.others.answered == [[State.FOLLOWED]]
    found = await desk.content.store.read(lambda c: ledger.after(c, 0, 99))
    names = desk.content.sealer.hashes([named_link(talk) for talk in talks])
    said = [(row.kind, row.subject, row.why, row.detail, row.at) for row, _ in found]
    assert said == [("kept", name, GROUND["ground"], GROUND["until"], NOW) for name in names]
    actor = desk.home.keys.actor(b"person/ana").hex()
    entries = [(one["at"], one["reason"], one["actor"]) for one in await desk.entries("retention.held")]
    assert entries == [(NOW, GROUND["ground"], actor)] * 2


async def test_a_request_is_refused_anew(desk: Desk) -> None:
    """On another ground or until another day: the peer, which was told of the one before, is told of this one."""
    await desk.keeps(desk.said(1))
    await desk.asked(state=State.KEPT, follow=None, answered=NOW - 50)
    await desk.keeps(lambda c: erasures.set_hold(c, HoldRow(conversation=b"asked", at=1, **GROUND)))
    await desk.refuse(until="2028-01-31")
    assert [row.until for row in (await desk.held()).values()] == ["2028-01-31"]
    assert desk.others.answered == [[State.FOLLOWED]]


@pytest.mark.parametrize(("wrong", "place"), [({"ground": "because"}, "/ground"), ({"until": "2027-01-14"}, "/until")])
async def test_a_refusal_without_a_ground_or_a_day(desk: Desk, wrong: dict[str, Any], place: str) -> None:
    """It is refused by its place, and keeps nothing."""
    await desk.keeps(desk.said(1))
    await desk.asked()
    before = await desk.request()
    with fails(Code.INVALID) as refusal:
        await desk.refuse(**wrong)
    assert [finding.place for finding in refusal.value.findings] == [place]
    assert (await desk.request(), await desk.held(), desk.others.answered) == (before, {}, [])


async def test_there_is_nothing_left_to_keep(desk: Desk) -> None:
    """It was erased before: a hold would lie over nothing, and the peer would be told that something is kept."""
    gone = ErasureRow(ref=501, message=1, at=NOW, reason="declined", epoch=1, place="not_held", told=None)
    await desk.keeps(desk.said(1), lambda c: erasures.add(c, [gone]))
    await desk.asked()
    with fails(Code.CONFLICT, "none of it is held any more; nothing was changed"):
        await desk.refuse()
    assert (await desk.held(), desk.others.answered, (await desk.request()).state) == ({}, [], State.WAITING)
