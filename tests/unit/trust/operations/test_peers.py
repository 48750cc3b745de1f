"""gateway.trust.operations.peers: how peers are shown, and what is said where one is added."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from support.keystores import fails
from support.nodes import NOW, Node, Seeds
from support.rows import message as message_row
from support.rows import peer as peer_row
from support.trust_council import Council
from support.trust_homes import Home, agree, first_of

from gateway.changes.rules import Action
from gateway.errors import Code, Finding, TransientError
from gateway.foundation.ids import UnitId, UnitKind
from gateway.messages.store import messages
from gateway.operations.models import Nothing
from gateway.operations.roles import OWNER
from gateway.peers import store as peer_rows
from gateway.peers.link_reset_state import ResetState
from gateway.peers.registry import Peer
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import PeerState
from gateway.trust.link_reset import store as resets
from gateway.trust.operations.changes import everything
from gateway.trust.operations.models import AddPeer, OnePeer
from gateway.trust.operations.peers import PeerOperations
from keys.documents.descriptor import Descriptor, Unit
from keys.documents.descriptor_chain import encode_chain
from keys.documents.fingerprint import Party, pair_code, pair_text
from keys.documents.link_reset import Reset, View, reset_hash
from keys.documents.trust_record import TrustRecord
from keys.offline.roots import new_root
from keys.primitives.domains import RESET
from keys.primitives.encoding import DAY
from keys.primitives.sign import SignedDocument

US, PEER, OTHER, NEW, BEHIND = (first_of(name) for name in "abdef")
URL = "https://e.example:8443"
STOP = "somebody is between you: stop$"
AGAIN = "ask for the pairing file again; .* somebody holds back what they published$"


class Desk:
    """What is asked about peers at a node that has met two."""

    def __init__(self, home: Home) -> None:
        self.home, self.council = home, Council(home)
        clock: Any = home.clock
        config: Any = SimpleNamespace(units=[SimpleNamespace(id="desk")])
        self.operations = PeerOperations(
            store=home.store,
            own=home.own,
            link=home.link,
            config=config,
            lowest={BEHIND.node: 2},
            clock=clock,
            actor=home.keys.actor,
        )

    async def shown(self, of: Descriptor = PEER) -> Any:
        """One of them, whole."""
        return (await self.operations.show(OnePeer(id=of.node))).value

    async def link(self, row: ResetRow) -> Any:
        """What is shown of the link to it where its reset stands so."""
        resets.put(self.home.connection, row)
        await self.home.registry.refresh()
        return (await self.shown())["link"]

    def nodes(self) -> set[str]:
        """Whom the database knows."""
        return {row.node for row in peer_rows.load(self.home.connection)}


@pytest.fixture
async def desk() -> Desk:
    """Nobody has said anything of either."""
    return Desk(await Home.open("a", PEER, OTHER))


# --- in a line --------------------------------------------------------------------------------------------------------

WELL = {
    "country": "FR",
    "state": "active",
    "cause": None,
    "missing": "our administrators have not approved it yet",
    "demo": False,
    "first_form": False,
    "descriptor_version": 1,
    "keyset_seen": None,
    "failing_since": None,
    "attempts": 0,
    "next_try": None,
}


async def test_a_peer_in_a_line(desk: Desk) -> None:
    """Where it stands and why, and since when nothing gets through; nothing of what is not so."""
    await desk.home.put(
        PEER,
        state=str(PeerState.SUSPENDED_FOR_CAUSE),
        cause="equivocation",
        demo=True,
        keyset_seen=NOW - 5,
        failing_since=NOW - 9,
        attempts=3,
        next_try=NOW + 7,
    )
    listed: Any = (await desk.operations.list_peers(Nothing())).value
    well = WELL | {"name": OTHER.name, "node": OTHER.node}
    failing = {
        "name": PEER.name,
        "node": PEER.node,
        "state": "suspended_for_cause",
        "cause": "equivocation",
        "demo": True,
        "keyset_seen": NOW - 5,
        "failing_since": NOW - 9,
        "attempts": 3,
        "next_try": NOW + 7,
    }
    assert listed == {"peers": [WELL | failing, well]}


async def missing(desk: Desk) -> Any:
    """What keeps messages of the first of them from passing, as it is listed."""
    listed: Any = (await desk.operations.list_peers(Nothing())).value
    return listed["peers"][0]["missing"]


# --- whole ------------------------------------------------------------------------------------------------------------


async def test_a_peer_that_is_shown_whole(desk: Desk) -> None:
    """What it says of itself, what people here decided and have yet to approve, and what waits for it."""
    kind = UnitKind.PUBLIC_AUTHORITY
    unit = Unit(id=UnitId("shelter"), name="Shelter", kind=kind, roles=("case_manager", "guardian"))
    desk.home.registry._seen[PEER.document.encode()] = replace(PEER, units=(unit,))
    await desk.home.put(PEER, state=str(PeerState.PROPOSED), verified=None, schemas='["one", "two"]')
    activate = desk.council.activate(PEER)
    for ref, of in enumerate((PEER, PEER, OTHER)):
        messages.add(desk.home.connection, [message_row(ref, peer=of.node)])
        messages.enqueue(desk.home.connection, [(ref, of.node, NOW + 9)])
    for of in (PEER, OTHER):
        desk.council.propose(desk.council.prepare(Action.PEER_REVOKE, of))
    await desk.home.registry.refresh()
    shown = await desk.shown()
    assert [one["action"] for one in shown.pop("pending")] == ["peer.revoke"]
    assert [one["id"] for one in shown.pop("history")] == [activate.hash]
    assert shown == WELL | {
        "name": PEER.name,
        "node": PEER.node,
        "missing": "their administrators have not approved it yet",
        "endpoint": "https://b.example:8443",
        "expires": PEER.expires,
        "contact": "duty desk",
        "units": [{"id": "shelter", "name": "Shelter", "kind": str(kind), "roles": ["case_manager", "guardian"]}],
        "fingerprint": PEER.fingerprint,
        "scope": None,
        "ours": shown_record(desk.home.peer(PEER).trust.mine),
        "theirs": None,
        "faults": [],
        "schemas": ["one", "two"],
        "queued": 2,
        "link": None,
        "verified": NOW,
    }


async def test_a_peer_that_nobody_here_has_trusted(desk: Desk) -> None:
    """Somebody has written into the database that it is active: that is said, and of no other peer."""
    assert (await desk.shown(OTHER))["faults"] == ["the peer counts as active, and the audit log has no entry of that"]
    await desk.home.put(OTHER, state=str(PeerState.PROPOSED))
    assert (await desk.shown(OTHER))["faults"] == []
    assert (await desk.shown(OTHER))["schemas"] is None


BOTH = {
    "types": ["enquiry.capacity", "enquiry.reply"],
    "directions": ["receive", "send"],
    "corridors": [["AL", "FR"], ["FR", "AL"]],
    "roles": ["case_manager", "guardian"],
    "purposes": ["assistance", "referral"],
    "max_bytes": 900,
    "max_file_bytes": 80,
}


def shown_record(record: TrustRecord | None) -> dict[str, Any]:
    """What one side has signed, as it is shown."""
    assert record is not None
    return {
        "state": "active",
        "not_before": NOW,
        "expires": NOW + 300 * DAY,
        "hash": record.hash,
        "scope": record.scope,
    }


async def test_what_both_sides_permit(desk: Desk) -> None:
    """Each record by itself, and what they come to together, in the order of words; nothing once one is over."""
    assert [(await desk.shown())[name] for name in ("ours", "theirs", "scope")] == [None, None, None]
    ours, theirs = BOTH | {"units": ["annex", "desk"]}, BOTH | {"units": ["front", "shelter"], "max_bytes": 700}
    await agree(
        desk.home,
        await Home.open("b", US, clock=desk.home.clock),
        scope=ours,
        theirs={"scope": theirs, "expires": NOW + 299 * DAY},
    )
    peer, shown = desk.home.peer(PEER), await desk.shown()
    assert shown["ours"] == shown_record(peer.trust.mine)
    assert shown["theirs"] == shown_record(peer.trust.theirs) | {"expires": NOW + 299 * DAY}
    assert shown["scope"] == ours | {"peer_units": ["front", "shelter"], "max_bytes": 700}
    assert await missing(desk) is None
    desk.home.clock.at = NOW + 299 * DAY
    assert (await desk.shown())["scope"] is None
    assert await missing(desk) == "their approval has run out and must be renewed"


async def test_where_the_reset_of_a_link_stands(desk: Desk) -> None:
    """Nothing of a link that never was reset; else its state, since when, for which backup, and what the peer asks."""
    assert (await desk.shown())["link"] is None
    needed = ResetRow(peer=PEER.node, state=str(ResetState.REQUIRED), at=70, backup=60)
    assert await desk.link(needed) == {"state": "required", "waits": True, "since": 70, "backup": 60, "offer": None}
    ended = ResetRow(peer=PEER.node, state=str(ResetState.OPEN), at=80)
    assert await desk.link(ended) == {"state": "open", "waits": False, "since": 80, "backup": None, "offer": None}
    view = View(epoch=1, high=0, hash=None)
    asked = Reset(from_=PEER.node, to=US.node, view=view, epoch=2, backup=50, change="c" * 43, created=90).encode()
    signature = (await Home.open("b", US)).keys.sign(RESET, asked)
    offer = SignedDocument(payload=asked, payload_type=RESET, signatures=(signature,)).encode()
    told = {"reset": reset_hash(asked), "epoch": 2, "backup": 50, "at": 90}
    for state, backup in ((ResetState.OPEN, None), (ResetState.REQUIRED, 60)):
        waits = ResetRow(peer=PEER.node, state=str(state), at=80, backup=backup, offer=offer)
        assert await desk.link(waits) == {
            "state": str(state),
            "waits": True,
            "since": 80,
            "backup": backup,
            "offer": told,
        }


# --- adding one -------------------------------------------------------------------------------------------------------


def answering(desk: Desk, *, away: bool = False) -> list[str]:
    """The new node answers with its chain, or is away; which addresses were asked."""
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        if away:
            raise TransientError(Code.UNREACHABLE, "nobody is there")
        return encode_chain([NEW.document])

    vars(desk.home.line)["fetch_descriptor_unpinned"] = fetch
    return asked


async def test_a_peer_is_added_from_its_address(desk: Desk) -> None:
    """It is fetched from there, and proposed: nobody has compared anything yet."""
    asked = answering(desk)
    made = await desk.operations.add(AddPeer(url=URL, name="Eire"), OWNER)
    added: Peer = desk.home.peer(NEW)
    assert (asked, made.created, added.name, added.state) == ([URL], True, "Eire", PeerState.PROPOSED)
    (entry,) = map(json.loads, desk.home.entries("peer.proposed"))
    actor = desk.home.keys.actor(OWNER.actor.encode()).hex()
    assert entry == {"seq": entry["seq"], "at": NOW, "ev": "peer.proposed", "peer": NEW.node, "actor": actor}


async def test_an_address_where_nobody_answers(desk: Desk) -> None:
    """It is said that nothing was changed, and how else it can be done."""
    answering(desk, away=True)
    with pytest.raises(TransientError) as caught:
        await desk.operations.add(AddPeer(url=URL), OWNER)
    error = caught.value
    assert (error.code, error.what) == (Code.UNREACHABLE, "nobody is there; nothing was changed")
    assert error.hint == "check the address, or ask for the pairing file"
    assert desk.nodes() == {PEER.node, OTHER.node}


@pytest.mark.parametrize(
    "held", [{"node": NEW.node, "name": "Eire"}, {"node": "n1" + "z" * 32, "name": NEW.name}], ids=["node", "name"]
)
async def test_a_peer_that_another_worker_has_added_meanwhile(desk: Desk, held: dict[str, Any]) -> None:
    """What is in the database counts, and not what this process knows of it: the same node, or another by its name."""
    answering(desk)
    peer_rows.add(desk.home.connection, peer_row(**held, chain=()))
    with fails(Code.EXISTS, "there is a peer with this name or node id already; nothing was changed") as caught:
        await desk.operations.add(AddPeer(url=URL), OWNER)
    assert caught.value.hint == "choose another name with --name, or see trm peer show"
    assert desk.nodes() == {PEER.node, OTHER.node, held["node"]}
    assert desk.home.entries("peer.proposed") == []


@pytest.mark.parametrize(
    ("asked", "code", "words", "hint"),
    [
        ({"chain": []}, Code.BAD_CHAIN, "this is not a valid descriptor chain", "^ask for the pairing file again$"),
        ({"chain": [US.document.to_json()]}, Code.WRONG_NODE, "this is the descriptor of this node itself", ""),
        ({"fingerprint": OTHER.fingerprint}, Code.WRONG_NODE, "is not the one that was scanned", f"scan .* {STOP}"),
        ({"chain": [BEHIND.document.to_json()]}, Code.ROLLBACK, "that the region pack says", AGAIN),
        ({"version": 2}, Code.ROLLBACK, "ends before the version that was scanned", AGAIN),
        ({"name": "two\nlines"}, Code.INVALID, "the name of a peer is one line of 1 to 100 characters", "--name"),
        ({"name": PEER.node}, Code.INVALID, "and no node id", "--name"),
    ],
    ids=lambda value: None,
)
async def test_a_peer_that_is_not_added(desk: Desk, asked: dict[str, Any], code: Code, words: str, hint: str) -> None:
    """What does not fit is said, with what to do, and nothing is kept of it."""
    with fails(code, words) as caught:
        await desk.operations.add(AddPeer(**{"chain": [NEW.document.to_json()]} | asked), OWNER)
    assert re.search(hint, caught.value.hint) and bool(hint) == bool(caught.value.hint)
    assert desk.nodes() == {PEER.node, OTHER.node}


async def test_a_peer_of_which_nothing_is_given(desk: Desk) -> None:
    """Neither its chain nor where it is."""
    with fails(Code.INVALID, "the argument url is missing or wrong; nothing was changed") as caught:
        await desk.operations.add(AddPeer(name="Eire"), OWNER)
    needed = Finding(place="/url", rule="type", hint="the chain, or an address to fetch it from")
    assert caught.value.findings == (needed,)


async def test_a_peer_that_was_scanned(desk: Desk) -> None:
    """Its fingerprint and its version are those of its chain; it has the name that it gives itself."""
    chain = [NEW.document.to_json()]
    made = await desk.operations.add(AddPeer(chain=chain, fingerprint=NEW.fingerprint, version=1), OWNER)
    assert made.value == WELL | {"name": NEW.name, "node": NEW.node, "state": "proposed"}


async def test_a_node_that_somebody_tries(desk: Desk) -> None:
    """One root makes it one for trying, and it is marked as that."""
    one = Node("g", threshold=1, roots=[new_root(now=NOW - DAY, rand=Seeds("the root of g"))])
    made: Any = (await desk.operations.add(AddPeer(chain=[one.first().document.to_json()]), OWNER)).value
    assert (made["name"], made["demo"]) == ("NRM g", True)


# --- what people start from -------------------------------------------------------------------------------------------


async def test_what_is_permitted_to_a_peer(desk: Desk) -> None:
    """What this side has signed; before it has signed anything, all that can be permitted."""
    config: Any = SimpleNamespace(units=[SimpleNamespace(id="desk")])
    widest = everything(desk.home.own, config, desk.home.peer(PEER)).to_json()
    assert (await desk.operations.scope(OnePeer(id=PEER.name))).value == widest
    ours = BOTH | {"units": ["desk"]}
    await agree(desk.home, await Home.open("b", US), scope=ours)
    assert (await desk.operations.scope(OnePeer(id=PEER.name))).value == ours


async def test_what_two_people_compare(desk: Desk) -> None:
    """Digits of both sides with the versions behind them, to be read out or scanned; of a peer for trying, marked."""
    newest = replace(PEER, version=4)
    desk.home.registry._seen[PEER.document.encode()] = newest
    await desk.home.put(PEER, demo=True)
    assert (await desk.operations.code(OnePeer(id=PEER.name))).value == {
        "name": PEER.name,
        "node": PEER.node,
        "code": pair_code(Party(US.fingerprint, 1), Party(PEER.fingerprint, 4)),
        "scanned": pair_text((US.fingerprint_hash, 1), (PEER.fingerprint_hash, 4)),
        "demo": True,
    }
