"""gateway.erasure.operations.erasing: legal holds as they are placed, lifted and listed; what people write for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import rows
from support.erasing import ANA, Desk, holds, operations, taken, value
from support.kept_content import name_of
from support.keystores import fails
from support.nodes import NOW
from support.rows import PEER
from support.zones import standing_in

import schemas
from gateway.cases import kept
from gateway.cases import store as cases
from gateway.cases.kept import CaseHold
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.conversations.operations.models import OneConversation
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.erasure import store as erasures
from gateway.erasure.operations.erasing import code, day
from gateway.erasure.operations.models import HoldConversation
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.store import HoldRow
from gateway.errors import Code, Finding
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ledger.rules import named_link
from gateway.operations.models import Nothing

TALK, SECOND = ConversationId(name_of(0)), ConversationId(name_of(40))
TODAY = "2027-01-15"


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """Of which nothing is stored yet."""
    return await Desk.open(store, vault)


def index(desk: Desk, talk: ConversationId = TALK) -> bytes:
    """A conversation as rows name it."""
    return desk.content.sealer.conversation_index(talk)


# --- legal holds ------------------------------------------------------------------------------------------------------


def keeping(**changed: Any) -> HoldConversation:
    """A person wants a conversation kept."""
    usual: dict[str, Any] = {"id": TALK, "ground": "restriction_18", "until": "2027-06-30"}
    return HoldConversation(**usual | changed)


async def held(desk: Desk) -> list[HoldRow]:
    """The legal holds."""
    return [*(await desk.content.store.read(erasures.every_hold)).values()]


async def test_a_hold_is_placed(desk: Desk) -> None:
    """Over the conversation; ledger and log say so. Whoever places another one changes it."""
    talk = index(desk)
    await desk.keeps(desk.message(1, conversation=talk), desk.message(2))
    made = await operations(desk).hold(keeping(), ANA)
    assert (made.value, made.created) == ({"id": TALK, "ground": "restriction_18", "until": "2027-06-30"}, True)
    assert await held(desk) == [HoldRow(conversation=talk, ground="restriction_18", until="2027-06-30", at=NOW)]
    (name,) = desk.content.sealer.hashes([named_link(talk)])
    assert await taken(desk) == [("kept", name, "restriction_18", "2027-06-30", NOW)]
    (entry,) = map(orjson.loads, await desk.entries("retention.held"))
    actor = desk.home.keys.actor(b"person/ana").hex()
    assert (entry["at"], entry["reason"], entry["actor"]) == (NOW, "restriction_18", actor)
    desk.home.clock.at += 5
    await operations(desk).hold(keeping(ground="legal_claims_17_3_e", until="2028-01-31"), ANA)
    assert await held(desk) == [
        HoldRow(conversation=talk, ground="legal_claims_17_3_e", until="2028-01-31", at=NOW + 5)
    ]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"id": SECOND}, Code.NOT_FOUND), ({"ground": "because"}, Code.INVALID), ({"until": "soon"}, Code.INVALID)],
    ids=["no conversation", "no ground", "no day"],
)
async def test_a_hold_that_is_none(desk: Desk, wrong: dict[str, str], error: Code) -> None:
    """It lies over nothing, and no ledger or log says that it does."""
    await desk.keeps(desk.message(1, conversation=index(desk)))
    with fails(error):
        await operations(desk).hold(keeping(**wrong), ANA)
    assert (await held(desk), await taken(desk), await desk.entries("")) == ([], [], [])


async def test_a_hold_is_lifted(desk: Desk) -> None:
    """Ledger and log say so; what a peer wants erased is looked at again at once. Where none lies nothing changes."""
    talk = index(desk)
    kept_row = RequestRow(ref=500, message=1, peer=PEER, state=State.KEPT, at=1, follow=None, due=NOW, answered=2)
    await desk.keeps(
        desk.message(1, conversation=talk), holds(talk), holds(b"other"), lambda c: requests.add(c, kept_row)
    )
    with fails(Code.NOT_FOUND, "no legal hold applies to it"):
        await operations(desk).release(OneConversation(id=SECOND), ANA)
    assert (await desk.content.store.read(requests.unsettled), await taken(desk)) == ([kept_row], [])
    assert await value(operations(desk).release(OneConversation(id=TALK), ANA)) == {"id": TALK}
    assert [row.conversation for row in await held(desk)] == [b"other"]
    (name,) = desk.content.sealer.hashes([named_link(talk)])
    assert await taken(desk) == [("released", name, None, None, NOW)]
    (entry,) = map(orjson.loads, await desk.entries("retention.released"))
    assert (entry["at"], entry["actor"]) == (NOW, desk.home.keys.actor(b"person/ana").hex())
    (row,) = await desk.content.store.read(requests.unsettled)
    assert (row.state, row.follow) == (State.WAITING, NOW)


CASE = CaseId(name_of(70))


def case(desk: Desk, *talks: bytes) -> Callable[[Connection], None]:
    """A case of these conversations, under a legal hold."""
    whole = CaseHold(conversation=b"case/key", ground="restriction_18", until="2029-01-31", at=NOW + 3)

    def write(connection: Connection) -> None:
        cases.open_cases(connection, [CaseRow(id=CASE, state=CaseState.OPEN, at=NOW, card=None)])
        cases.link(connection, [Link(key=talk, kind=LinkKind.CONVERSATION, case_id=CASE) for talk in talks])
        kept.place(desk.content.sealer, connection, CASE, whole, at=NOW)

    return write


async def listed(desk: Desk) -> Any:
    """The legal holds as people are shown them."""
    return (await value(operations(desk).list_holds(Nothing())))["holds"]


async def test_the_legal_holds(desk: Desk) -> None:
    """The oldest first, each with its case: by the id of the conversation where something of it is left, and one on a
    whole case by none.
    """
    talk, over = index(desk), {"until": "2027-01-14", "at": NOW + 2}
    await desk.keeps(
        desk.message(1, conversation=talk),
        desk.message(2, None, conversation=b"gone"),
        case(desk, talk),
        holds(b"gone", ground="legal_claims_17_3_e", until=TODAY, at=NOW + 1),
        holds(talk, **over),
    )
    of_case = {"id": CASE, "name": None}
    assert await listed(desk) == [
        {
            "id": None,
            "of_case": None,
            "ground": "legal_claims_17_3_e",
            "until": TODAY,
            "over": False,
            "at": NOW + 1,
        },
        {"id": TALK, "of_case": of_case, "ground": "restriction_18", "over": True, **over},
        {
            "id": None,
            "of_case": of_case,
            "ground": "restriction_18",
            "until": "2029-01-31",
            "over": False,
            "at": NOW + 3,
        },
    ]


async def test_a_message_that_does_not_open_hides_no_hold(desk: Desk) -> None:
    """The conversation is named by another message of it, or not at all; all the other holds are listed."""
    talk, second = index(desk), index(desk, SECOND)
    await desk.keeps(
        *(desk.sent(ref, None, conversation=one) for ref, one in ((1, talk), (2, second))),
        lambda c: content.put(c, [rows.sealed(1), rows.sealed(2)]),
        desk.message(3, conversation=talk),
        holds(talk),
        holds(second, at=NOW + 1),
    )
    assert [one["id"] for one in await listed(desk)] == [TALK, None]


# --- what people write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "named"), [("reason", "erasure_ground"), ("ground", "kept_ground")])
def test_a_code_of_its_list(name: str, named: str) -> None:
    """Another one is refused by its place, with those that there are."""
    codes = [entry.code for entry in schemas.code_list(named).codes]
    assert [code(name, one) for one in codes] == codes
    with fails(Code.INVALID, f"the {name} is not known; nothing was changed") as refusal:
        code(name, "because")
    assert refusal.value.findings == (
        Finding(place=f"/{name}", rule="unknown_code", hint="one of " + ", ".join(codes)),
    )


@pytest.mark.parametrize("wrong", ["soon", "2027-02-30", "2027-01-14", "15.01.2027"])
def test_a_day_that_is_over_or_none(wrong: str) -> None:
    """It is refused by its place; today is the first that is not over."""
    with fails(Code.INVALID, "is not a day in the future; nothing was changed") as refusal:
        day(wrong, NOW)
    assert refusal.value.findings == (Finding(place="/until", rule="format", hint="YYYY-MM-DD, today or later"),)
    assert [day(one, NOW).isoformat() for one in (TODAY, "2027-01-16")] == [TODAY, "2027-01-16"]


async def test_days_are_those_of_universal_time(desk: Desk) -> None:
    """Wherever the machine stands: the last minutes of a day are not yet the next one."""
    desk.home.clock.at = NOW + 15 * 3_600
    await desk.keeps(holds(b"talk", until=TODAY))
    with standing_in("Pacific/Kiritimati"):
        assert day(TODAY, desk.home.clock.at).isoformat() == TODAY
        assert [one["over"] for one in await listed(desk)] == [False]
