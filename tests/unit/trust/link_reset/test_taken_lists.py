"""gateway.trust.link_reset.taken_lists: what the peer of a restored node tells it, page by page, and what that node
believes (nrm1 5.16).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support import rows
from support.nodes import NOW
from support.trust_homes import Home, answer, first_of

from gateway.consent import register
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.ids import MessageId
from gateway.ledger import store as ledger
from gateway.ledger.reading import keyed
from gateway.ledger.rules import Taken, named
from gateway.messages.store import local, messages, receipts
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.trust.link_reset import store, taken_lists
from gateway.trust.link_reset.decisions import UNSURE
from gateway.trust.link_reset.taken_lists import TakenLists
from keys.documents.link_reset import Reset, View, reset_hash
from keys.documents.taken_list import MOST_PAGES, TakenPage, Withdrawn, ask_page
from keys.primitives.domains import RESET, TAKEN
from keys.primitives.encoding import SKEW, b64u
from keys.primitives.sign import SignedDocument

US, PEER, OTHER = first_of("a"), first_of("b"), first_of("d")
BACKUP = NOW - 500
SINCE = BACKUP - UNSURE
NAME, ANOTHER = b64u(b"r" * 32), b64u(b"x" * 32)
CONSENTS = [b64u(bytes([letter]) * 16) for letter in b"abcd"]


def an_id(number: int) -> MessageId:
    """The id of a message; they are in the order of their numbers."""
    return MessageId(b64u(number.to_bytes(16, "big")))


class Desk:
    """One node with its lists, and a peer that signs; `again` counts what was taken away again."""

    def __init__(self, here: Home, there: Home, vault: ContentSealer) -> None:
        self.here, self.there, self.again = here, there, 0
        self.content = Content(here.store, vault)
        this: Any = self
        self.lists = TakenLists(
            content=self.content,
            identity=here.identity,
            link=here.link,
            workers=this,
            clock=here._as_clock,
            take_away=self._take_away,
        )

    async def _take_away(self) -> None:
        self.again += 1

    async def off_loop(self, work: Callable[[], Any]) -> Any:
        """Work at once."""
        return work()

    # --- the peer of a restored node

    def accepts(self, **changed: Any) -> str:
        """A person here accepted the reset that the peer asked for; its name."""
        asked = Reset(
            from_=PEER.node,
            to=US.node,
            view=View(epoch=1, high=0, hash=None),
            epoch=2,
            backup=BACKUP,
            change="c" * 43,
            created=NOW,
        ).encode()
        signature = self.there.keys.sign(RESET, asked)
        document = SignedDocument(payload=asked, payload_type=RESET, signatures=(signature,)).encode()
        usual = {"state": str(ResetState.OPEN), "at": NOW, "accepted": document}
        store.put(self.here.connection, ResetRow(peer=PEER.node, **usual | changed))
        return reset_hash(asked)

    def knows(self, consent: str, *withdrawals: dict[str, Any]) -> bytes:
        """A consent that something relied on between the two, and what was taken back of it; its index."""
        connection, index = self.here.connection, self.content.sealer.consent_index(consent)
        ref = self.content.store.new_ref()
        messages.add(connection, [rows.message(ref, peer=PEER.node, id=f"id-{ref}", consent=index)])
        for one in withdrawals:
            before = register.known_under(self.content.sealer, connection, index)
            assert register.take_back(self.content, connection, before, {"consent_id": consent} | one) is not None
        return index

    def said(self, direction: str, number: int, at: int, **changed: Any) -> None:
        """A receipt about a message of this number."""
        usual = {"peer": PEER.node, "direction": direction, "id": an_id(number), "at": at}
        receipts.add(self.here.connection, [rows.receipt(f"of-{direction}-{number}", **usual | changed)])

    def erased_there(self, number: int, at: int = NOW, **changed: Any) -> None:
        """The peer signed that it erased a message of ours."""
        self.said(receipts.RECEIVED, number, at, **{"status": "erased"} | changed)

    def voided_here(self, number: int, at: int = NOW) -> None:
        """This node fenced the number of a message of the peer."""
        self.said(receipts.ISSUED, number, at, status="rejected", code="void")

    async def tells(self, reset: str, page: int = 0) -> TakenPage:
        """What this node answers, signed by its key."""
        said = SignedDocument.decode(await self.lists.answer(self.here.peer(PEER), ask_page(reset, page)), TAKEN)
        told = TakenPage.parse(said.payload)
        said.verify(US.signing_key(said.signature.kid, at=told.created))
        return told

    # --- the restored node

    def is_told(self, *pages: TakenPage, **changed: Any) -> list[bytes]:
        """The peer answers with these, one after the other, the last one again and again; what it was asked."""
        asked: list[bytes] = []

        def told(_node: str, question: bytes) -> Any:
            asked.append(question)
            payload = pages[min(len(asked), len(pages)) - 1].encode()
            signature = self.there.keys.sign(TAKEN, changed.get("signs") or payload)
            kind = changed.get("kind", TAKEN)
            document = SignedDocument(payload=payload, payload_type=kind, signatures=(signature,))
            return answer(changed.get("status", 200), document.encode())

        self.here.line.answers["post_taken"] = told
        return asked

    async def takes(self) -> list[tuple[int, str, bytes | None, str | None, str | None]]:
        """Ask the peer; what stands in the ledger then, by number, kind, name, places and ground."""
        await self.lists.take(self.here.peer(PEER), NAME)
        return self.ledger()

    def ledger(self) -> list[tuple[int, str, bytes | None, str | None, str | None]]:
        """What has to be taken away again."""
        found = ledger.due(self.here.connection, Taken)
        assert all(row.at == NOW for row in found)
        return [(row.n, row.kind, row.subject, row.grants, row.why) for row in found]

    def names(self, direction: str, *numbers: int) -> list[bytes]:
        """The hashes under which messages stand in the ledger."""
        return list(keyed(self.here.keys, [named(direction, PEER.node, an_id(number)) for number in numbers]))


def page(**changed: Any) -> TakenPage:
    """An empty page of the peer."""
    usual: dict[str, Any] = {"from_": PEER.node, "to": US.node, "reset": NAME, "page": 0, "more": False}
    lists: dict[str, Any] = {"withdrawals": (), "erasures": (), "voids": (), "created": NOW}
    return TakenPage(**usual | lists | changed)


@pytest.fixture
async def desk(vault: ContentSealer) -> Desk:
    """With a peer that was met, and another one."""
    here = await Home.open("a", PEER, OTHER)
    return Desk(here, await Home.open("b", US, clock=here.clock), vault)


# --- what is told -----------------------------------------------------------------------------------------------------


async def test_what_is_told(desk: Desk) -> None:
    """What the peer knows of consents, whatever their day; of messages what happened since its backup."""
    reset = desk.accepts()
    desk.knows(CONSENTS[0], {"scope": "all", "withdrawn_on": 7})
    parts = ({"scope": "grants", "grants": [place], "withdrawn_on": 9 - place} for place in (2, 0))
    desk.knows(CONSENTS[1], *parts)
    desk.knows(CONSENTS[2])
    for number, at in ((1, SINCE - 1), (2, SINCE), (3, NOW)):
        desk.erased_there(number, at)
        desk.voided_here(number + 10, at)
    desk.erased_there(4, status="opened")
    desk.erased_there(5, peer=OTHER.node)
    told = await desk.tells(reset)
    assert set(told.withdrawals) == {
        Withdrawn(consent=CONSENTS[0], grants=None, at=7),
        Withdrawn(consent=CONSENTS[1], grants=(2,), at=7),
        Withdrawn(consent=CONSENTS[1], grants=(0,), at=9),
    }
    assert replace(told, withdrawals=()) == TakenPage(
        from_=US.node,
        to=PEER.node,
        reset=reset,
        page=0,
        more=False,
        withdrawals=(),
        erasures=(an_id(2), an_id(3)),
        voids=(an_id(12), an_id(13)),
        created=NOW,
    )


async def test_the_places_of_one_withdrawal_are_told_in_order(desk: Desk) -> None:
    """Whatever order the one who withdrew named them in."""
    reset = desk.accepts()
    desk.knows(CONSENTS[0], {"scope": "grants", "grants": [4, 1, 3], "withdrawn_on": 7})
    assert (await desk.tells(reset)).withdrawals == (Withdrawn(consent=CONSENTS[0], grants=(1, 3, 4), at=7),)


@pytest.mark.parametrize("said", [{"withdrawn_on": None}, {"withdrawn_on": "7"}, {"consent_id": 7, "withdrawn_on": 7}])
async def test_what_does_not_say_what_or_when_is_left_out(desk: Desk, said: dict[str, Any]) -> None:
    """What stands beside it is told."""
    reset = desk.accepts()
    desk.knows(CONSENTS[0], {"scope": "grants", "grants": [0]} | said)
    desk.knows(CONSENTS[1], {"scope": "all", "withdrawn_on": 7})
    assert (await desk.tells(reset)).withdrawals == (Withdrawn(consent=CONSENTS[1], grants=None, at=7),)


async def test_a_withdrawal_that_does_not_open_is_not_told(desk: Desk) -> None:
    """Nobody can say what it takes back; everything else is told."""
    reset = desk.accepts()
    index = desk.knows(CONSENTS[0], {"scope": "all", "withdrawn_on": 7})
    content_rows.erase(desk.here.connection, local.withdrawals(desk.here.connection, [index])[index])
    desk.erased_there(2)
    told = await desk.tells(reset)
    assert (told.withdrawals, told.erasures) == ((), (an_id(2),))


async def test_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds so many; the last one says that nothing follows, and so does one behind it."""
    monkeypatch.setattr(taken_lists, "MOST", 2)
    reset = desk.accepts()
    for number in range(1, 4):
        desk.erased_there(number)
        desk.voided_here(number + 10)
    told = [await desk.tells(reset, number) for number in range(4)]
    assert [one.page for one in told] == [0, 1, 2, 3]
    assert [one.more for one in told] == [True, True, False, False]
    assert [one.erasures for one in told] == [(an_id(1), an_id(2)), (an_id(3),), (), ()]
    assert [one.voids for one in told] == [(), (an_id(11),), (an_id(12), an_id(13)), ()]


async def test_the_last_page_there_can_be(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is left: no page behind it can be asked for."""
    monkeypatch.setattr(taken_lists, "MOST", 1)
    monkeypatch.setattr(taken_lists, "MOST_PAGES", 3)
    reset = desk.accepts()
    for number in range(5):
        desk.erased_there(number)
    assert [(await desk.tells(reset, number)).more for number in range(3)] == [True, True, False]


async def test_who_may_ask(desk: Desk) -> None:
    """A reset that a person here has accepted, by its name; also at a node that was restored itself."""
    reset = desk.accepts()
    desk.erased_there(1, SINCE - 1)
    desk.erased_there(2)
    assert (await desk.tells(reset)).erasures == (an_id(2),)
    both = {"accepted": None, "backup": BACKUP}
    for changed, asked in (({}, ANOTHER), ({"accepted": None}, reset), (both, reset)):
        desk.accepts(**changed)
        with pytest.raises(RemoteError) as caught:
            await desk.tells(asked)
        assert (caught.value.code, str(caught.value).partition(": ")[2]) == (
            Code.LINK_RESET_REQUIRED,
            "this reset of the link was not accepted here",
        )
    reset = desk.accepts(backup=BACKUP, state=str(ResetState.REQUIRED))
    assert (await desk.tells(reset)).erasures == (an_id(2),)


async def test_nobody_was_ever_reset(desk: Desk) -> None:
    """The link has no row."""
    with pytest.raises(RemoteError) as caught:
        await desk.tells(NAME)
    assert caught.value.code is Code.LINK_RESET_REQUIRED


# --- what is believed -------------------------------------------------------------------------------------------------


async def test_every_page_is_asked_for(desk: Desk) -> None:
    """One after the other, under the name of the reset; then all of it is taken away again, and the log counts it."""
    asked = desk.is_told(page(more=True, erasures=(an_id(1),)), page(page=1, erasures=(an_id(2), an_id(3))))
    found = await desk.takes()
    assert asked == [ask_page(NAME, 0), ask_page(NAME, 1)]
    erased = desk.names("in", 1, 2, 3)
    assert found == [(n, "erased", of, None, "not_needed") for n, of in enumerate(erased, 1)]
    assert desk.again == 1
    (entry,) = desk.here.entries("link.listed")
    assert b'"count":3' in entry and NAME.encode() in entry and PEER.node.encode() in entry
    assert f'"at":{NOW}'.encode() in entry


async def test_a_peer_that_comes_to_no_end(desk: Desk) -> None:
    """It is asked for as many pages as there can be; one that says at the last that more follow makes no page."""
    pages = [page(page=number, more=number < MOST_PAGES - 1) for number in range(MOST_PAGES)]
    asked = desk.is_told(*pages)
    assert await desk.takes() == []
    assert len(asked) == MOST_PAGES


NO_PAGES: dict[str, tuple[dict[str, Any], dict[str, Any], Code]] = {
    "by another node": ({"from_": OTHER.node}, {"signs": page().encode()}, Code.UNKNOWN_SENDER),
    "for another node": ({"to": OTHER.node}, {}, Code.MISDIRECTED),
    "of another reset": ({"reset": ANOTHER}, {}, Code.MALFORMED),
    "another page": ({"page": 1}, {}, Code.MALFORMED),
    "of the future": ({"created": NOW + SKEW + 1}, {}, Code.NOT_YET_VALID),
    "changed after it was signed": ({}, {"signs": page(page=1).encode()}, Code.BAD_SIGNATURE),
    "another document": ({}, {"kind": RESET}, Code.WRONG_TYPE),
    "none": ({}, {"status": 400}, Code.UNREACHABLE),
}


@pytest.mark.parametrize("fault", NO_PAGES)
async def test_what_is_no_page(desk: Desk, fault: str) -> None:
    """Nothing of it is kept, nor of the page before it, and nothing is taken away."""
    changed, told, code = NO_PAGES[fault]
    bad = page(**{"page": 1} | ({"page": 2} if fault == "another page" else changed))
    desk.is_told(page(more=True, erasures=(an_id(1),)), bad)
    if told:
        desk.is_told(page(**changed), **told)
    with pytest.raises((RemoteError, TransientError)) as caught:
        await desk.takes()
    assert caught.value.code is code
    assert (desk.ledger(), desk.again, desk.here.entries("link.listed")) == ([], 0, [])


async def test_a_clock_that_is_a_little_ahead(desk: Desk) -> None:
    """As far as clocks may differ the page is believed."""
    desk.is_told(page(created=NOW + SKEW, erasures=(an_id(1),)))
    assert len(await desk.takes()) == 1


ALL = {"scope": "all", "withdrawn_on": 7}
PART = {"scope": "grants", "grants": [0], "withdrawn_on": 7}
BELIEVED: list[tuple[str, Sequence[dict[str, Any]], tuple[int, ...] | None, str | None]] = [
    ("never heard of", (), None, "null"),
    ("never heard of, in part", (), (1, 0), "[1, 0]"),
    ("taken back whole", (ALL,), None, None),
    ("taken back whole, told in part", (ALL,), (0,), None),
    ("taken back in part, told whole", (PART,), None, "null"),
    ("the same part", (PART,), (0,), None),
    ("another part", (PART,), (1,), "[1]"),
    ("that part and another", (PART,), (0, 1), "[0, 1]"),
]


@pytest.mark.parametrize(("known", "grants", "kept"), [row[1:] for row in BELIEVED], ids=[row[0] for row in BELIEVED])
async def test_a_withdrawal_that_is_told(
    desk: Desk, known: Sequence[dict[str, Any]], grants: tuple[int, ...] | None, kept: str | None
) -> None:
    """It is taken back again unless all of it is taken back here already."""
    index = desk.knows(CONSENTS[0], *known)
    desk.is_told(page(withdrawals=(Withdrawn(consent=CONSENTS[0], grants=grants, at=5),)))
    found = [(1, "withdrawn", index, None if kept == "null" else kept, None)] if kept is not None else []
    assert await desk.takes() == found


async def test_where_nobody_can_tell_what_was_taken_back(desk: Desk) -> None:
    """Everything counts as taken back, so that nothing has to be again."""
    index = desk.knows(CONSENTS[0], PART)
    content_rows.erase(desk.here.connection, local.withdrawals(desk.here.connection, [index])[index])
    desk.is_told(page(withdrawals=(Withdrawn(consent=CONSENTS[0], grants=None, at=5),)))
    assert await desk.takes() == []


async def test_what_a_peer_may_speak_of(desk: Desk) -> None:
    """Its own messages that are not erased here, those it sent and that are not here, and ours about which it is being
    asked. The entries go on behind those of before, each kind by itself.
    """
    connection = desk.here.connection
    ledger.add_mark(connection, at=NOW)
    rows_here = [
        rows.message(21, direction="in", peer=PEER.node, id=an_id(1), state="opened"),
        rows.message(22, direction="out", peer=PEER.node, id=an_id(2), state="voiding"),
        rows.message(23, direction="out", peer=PEER.node, id=an_id(3), state="awaiting_receipt"),
        rows.message(24, direction="out", peer=OTHER.node, id=an_id(4), state="voiding"),
    ]
    messages.add(connection, rows_here)
    four = tuple(an_id(number) for number in (1, 2, 3, 4))
    withdrawn = Withdrawn(consent=CONSENTS[0], grants=(3,), at=5)
    desk.is_told(page(withdrawals=(withdrawn,), erasures=four, voids=four))
    index = desk.content.sealer.consent_index(CONSENTS[0])
    assert await desk.takes() == [
        (2, "withdrawn", index, "[3]", None),
        *((n, "erased", of, None, "not_needed") for n, of in enumerate(desk.names("in", 1, 2, 3, 4), 3)),
        (7, "voided", desk.names("out", 2)[0], None, None),
    ]
    (entry,) = desk.here.entries("link.listed")
    assert b'"count":6' in entry


async def test_what_is_erased_here_already_is_not_taken_away_again(desk: Desk) -> None:
    """It is of this peer; one of the same id that another one sent is not asked about."""
    connection = desk.here.connection
    erased = [(21, PEER, 1), (22, OTHER, 2)]
    came = {"direction": "in", "state": "opened"}
    messages.add(connection, [rows.message(ref, peer=p.node, id=an_id(number), **came) for ref, p, number in erased])
    usual = ErasureRow(ref=0, message=0, at=NOW, reason="declined", epoch=1, place="not_held", told=None)
    erasures.add(connection, [replace(usual, ref=500 + ref, message=ref) for ref, *_ in erased])
    desk.is_told(page(erasures=(an_id(1), an_id(2))))
    assert await desk.takes() == [(1, "erased", desk.names("in", 2)[0], None, "not_needed")]


async def test_each_page_goes_on_behind_the_one_before(desk: Desk) -> None:
    """What a first page named is no news of the second."""
    first = page(more=True, withdrawals=(Withdrawn(consent=CONSENTS[0], grants=None, at=5),), erasures=(an_id(1),))
    desk.is_told(first, page(page=1, voids=(an_id(9),), erasures=(an_id(2),)))
    assert [n for n, *_ in await desk.takes()] == [1, 2, 3]
