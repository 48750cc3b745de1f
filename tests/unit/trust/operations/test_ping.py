"""gateway.trust.operations.ping: between which units a test message goes, and what is told of each leg of its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from support import rows
from support.keystores import fails
from support.nodes import NOW
from support.trust_homes import SCOPE, Home, agree, first_of

from gateway.errors import Code
from gateway.foundation.ids import MessageId, UnitId, UnitKind
from gateway.messages.probe import Leg
from gateway.messages.store import messages, receipts
from gateway.ports import OperationResult
from gateway.trust.operations.models import OnePeer, OneProbe
from gateway.trust.operations.ping import PATIENCE, PingOperations
from gateway.trust.ping import PingStep
from keys.documents.descriptor import Unit

US, PEER, OTHER = first_of("a"), first_of("b"), first_of("d")
ID = MessageId("A" * 22)
OURS = [
    SimpleNamespace(id="front", roles=["case_manager"]),
    SimpleNamespace(id="desk", roles=["case_manager", "border_guard"]),
]
THEIRS = tuple(
    Unit(id=UnitId(id), name=id, kind=UnitKind.PUBLIC_AUTHORITY, roles=(role,))
    for id, role in (("annex", "case_manager"), ("shelter", "border_guard"))
)
PROBES = SCOPE.to_json() | {"types": ["link.probe"], "roles": ["first_responder"]}
"""What both permit: test messages, between units in this role, of which that of a border guard is a part."""


class Desk:
    """What is asked about the way to a peer: `steps` is how a ping goes, `sent` what was submitted. Whoever waits for
    news is in `waited`, and `meanwhile` happens then.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.steps: list[PingStep] = []
        self.sent: list[Any] = []
        self.happenings = 3
        self.waited: list[tuple[int, float]] = []
        self.meanwhile: Callable[[], object] = lambda: None
        clock: Any = home.clock
        config: Any = SimpleNamespace(units=OURS)
        itself: Any = self
        self.operations = PingOperations(
            store=home.store,
            peers=home.registry,
            pinger=itself,
            submission=itself,
            config=config,
            wakeups=home.wakeups,
            events=itself,
            clock=clock,
        )

    async def ping(self, peer: Any) -> list[PingStep]:
        """How it goes."""
        assert peer.node == PEER.node
        return self.steps

    async def wait_for_more(self, since: int, seconds: float) -> None:
        """Something happens while somebody waits."""
        self.waited.append((since, seconds))
        self.meanwhile()

    async def submit(self, request: Any, *, key: str | None) -> OperationResult:
        """What a submission answers."""
        self.sent.append((request, key))
        return OperationResult(value={"id": ID}, created=True)

    async def ends(self) -> tuple[Any, ...]:
        """The unit and the role of both sides in the header of the test message that is sent."""
        await self.operations.probe(OnePeer(id=PEER.node))
        header = self.sent.pop()[0]["header"]
        return tuple(header[f"{side}_{what}"] for side in ("sender", "recipient") for what in ("unit", "role"))

    def put(self, state: str, **changed: Any) -> None:
        """How far the test message has come."""
        usual = {"peer": PEER.node, "id": ID, "kind": "probe", "state": state, "epoch": 1, "n": 7}
        messages.add(self.home.connection, [rows.message(1, **usual | changed)])

    def told(self, status: str, at: int, **changed: Any) -> None:
        """The peer has signed this word about it."""
        usual = {"of": "of", "peer": PEER.node, "id": ID, "direction": receipts.RECEIVED}
        receipts.add(self.home.connection, [rows.receipt(status=status, at=at, **usual | changed)])

    async def probed(self, seen: int = 0) -> Any:
        """What is told of it to whoever knows so many legs."""
        return (await self.operations.probed(OneProbe(id=ID, seen=seen))).value


@pytest.fixture
async def desk() -> Desk:
    """At a node whose peer has two units."""
    home = await Home.open("a", PEER, OTHER)
    home.registry._seen[PEER.document.encode()] = replace(PEER, units=THEIRS)
    await home.registry.refresh()
    return Desk(home)


# --- step by step -----------------------------------------------------------------------------------------------------


async def test_the_steps_to_a_peer(desk: Desk) -> None:
    """Each as it went; the last one says whether the way is whole."""
    desk.steps = [PingStep(step="name", ok=True, detail="it is there", ms=4)]
    green = {"step": "name", "ok": True, "detail": "it is there", "fix": "", "ms": 4, "code": None}
    told = (await desk.operations.ping(OnePeer(id=PEER.name))).value
    assert told == {"name": PEER.name, "ok": True, "steps": [green]}
    desk.steps.append(PingStep(step="tcp", ok=False, detail="nobody", fix="call them", code=Code.UNREACHABLE, ms=9))
    red = {"step": "tcp", "ok": False, "detail": "nobody", "fix": "call them", "ms": 9, "code": "unreachable"}
    told = (await desk.operations.ping(OnePeer(id=PEER.node))).value
    assert told == {"name": PEER.name, "ok": False, "steps": [green, red]}


# --- sending one ------------------------------------------------------------------------------------------------------


async def agree_on_probes(desk: Desk, **theirs: Any) -> None:
    """This side permits them from its desk, the other one at its shelter, or what is said otherwise."""
    there = await Home.open("b", US, clock=desk.home.clock)
    await agree(
        desk.home, there, scope=PROBES | {"units": ["desk"]}, theirs={"scope": PROBES | {"units": ["shelter"]} | theirs}
    )


async def test_a_test_message_goes_between_units_that_the_scope_lets_through(desk: Desk) -> None:
    """Though others are listed before them; in roles that each schema knows."""
    await agree_on_probes(desk)
    assert await desk.ends() == ("desk", "first_responder", "shelter", "first_responder")


async def test_a_test_message_goes_between_the_first_units_where_the_scope_lets_none_through(desk: Desk) -> None:
    """Then it is the submission that refuses it, and says why."""
    first = ("front", "case_manager", "annex", "case_manager")
    assert await desk.ends() == first
    await agree_on_probes(desk, types=[])
    assert await desk.ends() == first


async def test_a_test_message_to_a_peer_without_units(desk: Desk) -> None:
    """Nothing is sent: there is nobody to whom."""
    with fails(Code.OUT_OF_SCOPE, "the peer's descriptor lists no unit; nothing was sent"):
        await desk.operations.probe(OnePeer(id=OTHER.node))
    assert desk.sent == []


async def test_what_is_sent_as_a_test_message(desk: Desk) -> None:
    """When it was asked for, and no word about anybody; the sender goes to work at once."""
    made = await desk.operations.probe(OnePeer(id=PEER.name))
    ((request, key),) = desk.sent
    assert (request["type"], request["to"], request["content"], key) == (
        "link.probe/1",
        PEER.node,
        {"asked_at": NOW},
        None,
    )
    assert (made.value, made.created) == ({"id": ID, "name": PEER.name, "legs": [*map(str, Leg)]}, True)
    assert desk.home.wakeups.called == {PEER.node}


# --- how far it has come ----------------------------------------------------------------------------------------------


async def test_every_leg_has_its_proof(desk: Desk) -> None:
    """Its number, and when the peer signed what, by the peer's clock in UTC; nothing of other messages or peers."""
    desk.put("awaiting_opening")
    desk.told("received", NOW, of="one")
    desk.told("delivered", NOW + 61, of="one")
    desk.told("received", NOW + 5, of="two", peer=OTHER.node)
    desk.told("received", NOW + 6, of="three", direction=receipts.ISSUED)
    assert await desk.probed() == {
        "id": ID,
        "state": "awaiting_opening",
        "reason": None,
        "legs": [
            {"leg": "submission", "detail": "passed scope, gates and schema; on disk"},
            {"leg": "sealing", "detail": "numbered 7, signed and sealed for this peer"},
            {"leg": "sending", "detail": "answered by the peer over the pinned connection"},
            {"leg": "acceptance", "detail": "the peer signed `received` at 2027-01-15 08:00:00 UTC"},
            {"leg": "hand-over", "detail": "the peer signed `delivered` at 2027-01-15 08:01:01 UTC"},
            {"leg": "delivered receipt", "detail": "the peer's signed receipt was verified and stored"},
        ],
        "over": True,
        "ok": True,
    }


async def test_a_word_that_is_in_a_later_receipt(desk: Desk) -> None:
    """A peer that says `opened` has said all that comes before."""
    desk.put("opened")
    desk.told("opened", NOW)
    legs = (await desk.probed())["legs"]
    assert [one["detail"] for one in legs[3:5]] == [
        "included in a later receipt than `received`",
        "included in a later receipt than `delivered`",
    ]


@pytest.mark.parametrize(
    ("state", "reason", "legs", "over"),
    [
        ("queued", None, ["submission"], False),
        ("awaiting_receipt", None, ["submission", "sealing"], False),
        ("rejected", "out_of_scope", ["submission", "sealing", "sending"], True),
        ("awaiting_handover", None, ["submission", "sealing", "sending", "acceptance"], False),
        ("failed", "expired", ["submission"], True),
    ],
)
async def test_a_test_message_on_its_way(
    desk: Desk, state: str, reason: str | None, legs: list[str], over: bool
) -> None:
    """The legs behind it, and whether more is to come; it is well only with the last one."""
    desk.put(state, reason=reason)
    told = await desk.probed()
    assert [one["leg"] for one in told["legs"]] == legs
    assert (told["state"], told["reason"], told["over"], told["ok"]) == (state, reason, over, False)


@pytest.mark.parametrize("changed", [{"kind": "referral"}, {"direction": "in"}, {"id": "B" * 22}])
async def test_what_is_no_test_message_of_ours(desk: Desk, changed: dict[str, Any]) -> None:
    """A message about somebody, a test message of the peer, or one that is not there."""
    desk.put("queued", **changed)
    with fails(Code.NOT_FOUND, "no such test message") as caught:
        await desk.probed()
    assert caught.value.hint == "trm peer ping NAME --full sends one"


async def test_who_has_seen_all_waits_for_more(desk: Desk) -> None:
    """A little, and from what had happened before it was looked; then what is so now is told."""
    desk.put("queued")
    desk.meanwhile = lambda: desk.home.connection.exec_driver_sql("update message set state = 'awaiting_receipt'")
    assert [one["leg"] for one in (await desk.probed(seen=1))["legs"]] == ["submission", "sealing"]
    assert desk.waited == [(3, PATIENCE)]


@pytest.mark.parametrize(("state", "seen"), [("queued", 0), ("awaiting_receipt", 1), ("opened", 6), ("rejected", 3)])
async def test_who_has_not_seen_all_or_has_seen_the_end_waits_for_nothing(desk: Desk, state: str, seen: int) -> None:
    """There is something to tell, or nothing more will come."""
    desk.put(state)
    await desk.probed(seen)
    assert desk.waited == []
