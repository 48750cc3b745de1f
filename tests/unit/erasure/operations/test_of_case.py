"""gateway.erasure.operations.of_case: everything of one person is kept, and kept no longer, and erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import erasing
from support.erasing import ANA, Desk, taken
from support.kept_content import name_of
from support.keystores import fails
from support.nodes import NOW
from support.rows import PEER

from gateway.cases import store as cases
from gateway.cases.ledger_names import names_of_case
from gateway.cases.operations.models import OneCase
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.erasure import store as erasures
from gateway.erasure.operations.models import EraseCase, HoldCase
from gateway.erasure.operations.of_case import CaseErasureOperations
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.store import HoldRow
from gateway.errors import Code
from gateway.foundation.ids import CaseId

CASE, OTHER, MERGED, NEW = (CaseId(name_of(number)) for number in (70, 71, 72, 73))
KEY = b"case/" + b"r" * 16


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """With a case of two conversations, one of a third, one that became part of the first, and one of nothing."""
    made = await Desk.open(store, vault)

    def write(connection: Connection) -> None:
        for one in (CASE, OTHER, MERGED, NEW):
            state = CaseState.MERGED if one == MERGED else CaseState.OPEN
            cases.open_cases(connection, [CaseRow(id=one, state=state, at=NOW, card=None)])

    await made.keeps(
        *(made.message(ref, conversation=b"talk %d" % ref) for ref in (1, 2, 3)),
        made.sent(4, conversation=b"talk 1"),
        write,
        linked(b"talk 1", CASE),
        linked(b"talk 2", CASE),
        linked(b"talk 3", OTHER),
    )
    return made


def linked(talk: bytes, case: CaseId) -> Callable[[Connection], None]:
    """A conversation is of a case."""
    return lambda connection: cases.link(connection, [Link(key=talk, kind=LinkKind.CONVERSATION, case_id=case)])


def operations(desk: Desk) -> CaseErasureOperations:
    """What a person may ask of the node about a case."""
    clock: Any = desk.home.clock
    return CaseErasureOperations(
        content=desk.content,
        erasing=erasing.operations(desk),
        clock=clock,
        rand=lambda size: b"r" * size,
        actor=desk.home.keys.actor,
    )


def keeping(case: CaseId = CASE, **changed: str) -> HoldCase:
    """A person wants a case kept."""
    usual = {"ground": "restriction_18", "until": "2027-06-30"}
    return HoldCase(id=case, **usual | changed)


async def names(desk: Desk) -> list[bytes]:
    """What the ledger calls the case and what is of it."""
    return await desk.content.store.read(lambda c: names_of_case(desk.content.sealer, c, CASE))


async def under_hold(desk: Desk) -> set[bytes]:
    """The conversations that a legal hold lies over."""
    return {talk for talk in await desk.content.store.read(erasures.holds) if talk.startswith(b"talk")}


async def test_a_case_is_kept(desk: Desk) -> None:
    """All of it, also what begins later, and nothing else; ledger and log say so."""
    made = await operations(desk).hold(keeping(), ANA)
    assert (made.value, made.created) == ({"id": CASE, "ground": "restriction_18", "until": "2027-06-30"}, True)
    assert await taken(desk) == [("kept", name, "restriction_18", "2027-06-30", NOW) for name in await names(desk)]
    (entry,) = map(orjson.loads, await desk.entries("retention.held"))
    actor = desk.home.keys.actor(b"person/ana").hex()
    assert (entry["at"], entry["reason"], entry["actor"]) == (NOW, "restriction_18", actor)
    assert await desk.content.store.read(erasures.every_hold) == {
        KEY: HoldRow(conversation=KEY, ground="restriction_18", until="2027-06-30", at=NOW)
    }
    await desk.keeps(linked(b"talk 4", CASE))
    assert await under_hold(desk) == {b"talk 1", b"talk 2", b"talk 4"}


async def test_a_hold_takes_the_place_of_the_one_before(desk: Desk) -> None:
    """One lies there, with the new ground and day; the ledger has the end of the first one, too."""
    await operations(desk).hold(keeping(), ANA)
    before = await taken(desk)
    desk.home.clock.at += 5
    await operations(desk).hold(keeping(ground="legal_claims_17_3_e", until="2028-01-31"), ANA)
    (row,) = (await desk.content.store.read(erasures.every_hold)).values()
    assert (row.ground, row.until, row.at) == ("legal_claims_17_3_e", "2028-01-31", NOW + 5)
    of_it = await names(desk)
    assert (await taken(desk))[len(before) :] == [
        *(("released", name, None, None, NOW + 5) for name in of_it),
        *(("kept", name, "legal_claims_17_3_e", "2028-01-31", NOW + 5) for name in of_it),
    ]


@pytest.mark.parametrize(
    ("asked", "error", "place"),
    [
        (keeping(ground="because"), Code.INVALID, "/ground"),
        (keeping(until="2027-01-14"), Code.INVALID, "/until"),
        (keeping(CaseId(name_of(9))), Code.NOT_FOUND, "/id"),
        (keeping(MERGED), Code.NOT_FOUND, "/id"),
    ],
    ids=["no ground", "a day that is over", "no case", "a case that is part of another one"],
)
async def test_a_hold_that_is_none(desk: Desk, asked: HoldCase, error: Code, place: str) -> None:
    """It is refused by its place, and lies over nothing."""
    with fails(error) as refusal:
        await operations(desk).hold(asked, ANA)
    assert [finding.place for finding in refusal.value.findings] == [place]
    assert (await desk.content.store.read(erasures.every_hold), await taken(desk)) == ({}, [])


async def test_a_case_is_kept_no_longer(desk: Desk) -> None:
    """What lies over a single conversation of it stays; what a peer wants erased is looked at again at once."""
    await operations(desk).hold(keeping(), ANA)
    before = await taken(desk)
    waits = RequestRow(ref=500, message=1, peer=PEER, state=State.KEPT, at=1, follow=None, due=NOW, answered=2)
    single = HoldRow(conversation=b"talk 2", ground="restriction_18", until="2030-06-30", at=NOW)
    await desk.keeps(lambda c: requests.add(c, waits), lambda c: erasures.set_hold(c, single))
    desk.home.clock.at += 5
    assert (await operations(desk).release(OneCase(id=CASE), ANA)).value == {"id": CASE}
    assert await under_hold(desk) == {b"talk 2"}
    assert (await taken(desk))[len(before) :] == [("released", name, None, None, NOW + 5) for name in await names(desk)]
    (entry,) = map(orjson.loads, await desk.entries("retention.released"))
    assert (entry["at"], entry["actor"]) == (NOW + 5, desk.home.keys.actor(b"person/ana").hex())
    (row,) = await desk.content.store.read(requests.unsettled)
    assert (row.state, row.follow) == (State.WAITING, NOW + 5)


async def test_there_is_no_hold_to_lift(desk: Desk) -> None:
    """On the case, or no such case: nothing is written down."""
    with fails(Code.NOT_FOUND, "no legal hold lies on the case"):
        await operations(desk).release(OneCase(id=CASE), ANA)
    with fails(Code.NOT_FOUND, "no such case") as refusal:
        await operations(desk).release(OneCase(id=MERGED), ANA)
    assert [finding.place for finding in refusal.value.findings] == ["/id"]
    assert (await taken(desk), await desk.entries("")) == ([], [])


async def test_everything_of_a_case_is_erased(desk: Desk) -> None:
    """Every message of every conversation of it, by the person who asked, and nothing of another case."""
    done: Any = (await operations(desk).erase(EraseCase(id=CASE, reason="objection"), ANA)).value
    assert (done["erased"], {one["id"] for one in done["messages"]}) == (3, {name_of(ref) for ref in (1, 2, 4)})
    assert {one["reason"] for one in done["messages"]} == {"objection"}
    assert await desk.left(1, 2, 3, 4) == {3}
    actors = {orjson.loads(entry)["actor"] for entry in await desk.entries("message.erased")}
    assert actors == {desk.home.keys.actor(b"person/ana").hex()}


async def test_a_case_of_which_nothing_is_erased(desk: Desk) -> None:
    """There is none, it has no message, the reason is none, or a hold lies over one of its conversations."""
    single = HoldRow(conversation=b"talk 2", ground="restriction_18", until="2030-06-30", at=NOW)
    await desk.keeps(lambda c: erasures.set_hold(c, single))
    for case, reason, error, words in (
        (MERGED, "objection", Code.NOT_FOUND, "no such case"),
        (NEW, "objection", Code.CONFLICT, "the case has no message; nothing was erased"),
        (OTHER, "because", Code.INVALID, "the reason is not known"),
        (CASE, "objection", Code.CONFLICT, "under a legal hold; nothing was erased"),
    ):
        with fails(error, words) as refusal:
            await operations(desk).erase(EraseCase(id=case, reason=reason), ANA)
        places = [finding.place for finding in refusal.value.findings]
        assert places == {Code.NOT_FOUND: ["/id"], Code.INVALID: ["/reason"]}.get(error, [])
    assert await desk.left(1, 2, 3, 4) == {1, 2, 3, 4}
