"""gateway.trust.operations.changes: what all learn of a change that somebody signed, and of those that there were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.authenticator import Authenticator
from support.change_desk import ANA, BEN, EVA, OTHER, PEER, Desk
from support.keystores import fails
from support.nodes import NOW
from support.passkey_cards import card_of

from gateway.access import people_store as people
from gateway.access.people_store import PersonRow
from gateway.changes import store as rows
from gateway.changes.rules import DAY
from gateway.changes.store import ChangeRow
from gateway.errors import Code
from gateway.operations.models import Nothing
from gateway.peers.scope import PeerState
from gateway.trust.change_text import words
from gateway.trust.operations.changes import MOST_LISTED
from gateway.trust.operations.models import (
    AskChange,
    OneChange,
    WantedChanges,
)
from keys.primitives.encoding import canon

# --- what everybody learns --------------------------------------------------------------------------------------------


async def test_a_change_is_shown_with_who_approved_it(desk: Desk) -> None:
    """What is signed and its words, how many people it takes, and until when; then from when on it counts."""
    change = await desk.activation()
    made = await desk.propose(change)
    first = {"admin": ANA.card.pseudonym, "label": "Ana B.", "at": NOW, "emergency": True}
    proposed = {
        "id": change.hash,
        "subject": PEER.name,
        "action": "peer.activate",
        "state": "pending",
        "peer": {"name": PEER.name, "node": PEER.node, "state": "verified"},
        "needed": 2,
        "approvals": [first],
        "at": NOW,
        "effective": None,
        "ends": NOW + DAY,
        "change": change.to_json(),
        "digits": change.digits,
        "words": words(change.to_json()),
    }
    assert (made.value, made.created) == (proposed, True)
    assert await desk.shown(change) == proposed
    desk.home.clock.at += 60
    done = await desk.approve(change)
    second = {"admin": BEN.card.pseudonym, "label": "Ben C.", "at": NOW + 60, "emergency": True}
    assert (done.value, done.created) == (
        proposed
        | {
            "state": "done",
            "peer": {"name": PEER.name, "node": PEER.node, "state": "active"},
            "approvals": [first, second],
            "effective": NOW + 60,
            "ends": None,
        },
        False,
    )


async def test_a_change_that_nobody_has_approved_yet(desk: Desk) -> None:
    """It is kept to be read elsewhere, and the peer stays where it is."""
    change = await desk.activation()
    asked = await desk.operations.ask(AskChange(change=change.to_json()))
    shown: Any = asked.value
    assert (asked.created, shown["state"], shown["approvals"]) == (True, "pending", [])
    assert shown["peer"]["state"] == "proposed"


async def test_a_change_of_administrators_is_about_no_peer(desk: Desk) -> None:
    """It wakes nobody who sends to one."""
    change = await desk.prepare("admin.enrol", "admins", admin=EVA.card.to_json())
    shown: Any = (await desk.propose(change)).value
    assert (shown["subject"], shown["peer"], shown["needed"]) == ("admins", None, 2)
    assert (desk.home.line.asked, desk.home.wakeups.called) == ([], set())


async def test_the_loops_of_a_node_learn_of_a_change_at_once(desk: Desk) -> None:
    """Who sends to the peer looks again; no connection is kept to one that is not listened to."""
    change, wakeups = await desk.activation(), desk.home.wakeups
    await desk.propose(change)
    assert (wakeups.called, wakeups.trust.is_set()) == ({PEER.node}, True)
    assert (desk.home.peer(PEER).state, desk.home.line.asked) == (PeerState.VERIFIED, [("forget", PEER.node)])
    desk.home.line.asked.clear()
    await desk.approve(change)
    assert (desk.home.peer(PEER).state, desk.home.line.asked) == (PeerState.ACTIVE, [])
    revoke = await desk.prepare("peer.revoke")
    await desk.propose(revoke)
    assert desk.home.line.asked == []
    await desk.approve(revoke)
    assert (desk.home.peer(PEER).state, desk.home.line.asked) == (PeerState.REVOKED, [("forget", PEER.node)])


async def test_a_time_that_was_wrongly_believed(desk: Desk) -> None:
    """It counts until two people have taken it back, whatever else they change; then the node goes on by its clock."""
    await desk.trust()
    time = desk.home.time
    time._believed = NOW + DAY
    await desk.propose(await desk.prepare("peer.suspend"))
    reset = await desk.prepare("clock.reset", "clock")
    assert reset.body == {"until": NOW + DAY, "keyset": 1}
    await desk.propose(reset)
    assert (time.floor, time.standing().confirmed) == (NOW + DAY, False)
    await desk.approve(reset)
    assert (time.floor, time.standing().confirmed) == (NOW, True)


@pytest.mark.parametrize("of_peer", [True, False], ids=["of a peer", "of the administrators"])
async def test_a_change_that_was_altered_on_the_disk(desk: Desk, of_peer: bool) -> None:
    """It is shown as damaged, with what is known of it beside its bytes, and nobody can sign it."""
    change = (
        await desk.activation() if of_peer else await desk.prepare("admin.enrol", "admins", admin=EVA.card.to_json())
    )
    await desk.propose(change)
    other = replace(change, at=NOW + 1).encode()
    desk.connection.exec_driver_sql("update change set payload = ? where hash = ?", (other, change.hash))
    assert await desk.shown(change) == {
        "id": change.hash,
        "subject": PEER.name if of_peer else "admins",
        "action": "damaged",
        "state": "pending",
        "peer": {"name": PEER.name, "node": PEER.node, "state": "verified"} if of_peer else None,
        "needed": 0,
        "approvals": [],
        "at": NOW,
        "effective": None,
        "ends": None,
        "change": None,
        "digits": None,
        "words": [
            "this change is damaged on the disk: this is another change than the one that its hash names",
        ],
    }


# --- lists ------------------------------------------------------------------------------------------------------------


async def listed(desk: Desk, **wanted: Any) -> list[str]:
    """The changes that are found, by their actions."""
    found: Any = (await desk.operations.list_changes(WantedChanges(**wanted))).value
    return [one["action"] for one in found["changes"]]


async def test_changes_of_a_subject_and_in_a_state(desk: Desk) -> None:
    """Newest first: of a peer, of the administrators, or all."""
    await desk.trust()
    desk.home.clock.at += 1
    await desk.propose(await desk.prepare("peer.suspend"))
    desk.home.clock.at += 1
    await desk.propose(await desk.prepare("admin.enrol", "admins", admin=EVA.card.to_json()))
    assert await listed(desk) == ["admin.enrol", "peer.suspend", "peer.activate", "admins.begin"]
    assert await listed(desk, subject=PEER.name) == ["peer.suspend", "peer.activate"]
    assert await listed(desk, subject="admins") == ["admin.enrol", "admins.begin"]
    assert await listed(desk, state="pending") == ["admin.enrol"]
    assert await listed(desk, subject=PEER.node, state="pending") == []


async def test_an_old_change_is_found_by_its_subject(desk: Desk) -> None:
    """However many others there have been since."""
    await desk.trust()
    for place in range(MOST_LISTED):
        other = ChangeRow(
            hash=str(place),
            subject=OTHER.node,
            seq=None,
            payload=b"x",
            state=rows.EXPIRED,
            at=NOW + 1,
            effective=None,
        )
        rows.add_change(desk.connection, other)
    assert await listed(desk, subject=PEER.node) == ["peer.activate"]
    assert await listed(desk, state="done") == ["peer.activate", "admins.begin"]
    assert len(await listed(desk)) == MOST_LISTED


async def test_a_change_that_is_not_there(desk: Desk) -> None:
    """It is said where those are that can be approved."""
    with fails(Code.NOT_FOUND, "there is no such change") as caught:
        await desk.operations.show(OneChange(id="A" * 43))
    assert caught.value.hint == "trm peer show lists what is pending"


async def test_who_the_administrators_are(desk: Desk) -> None:
    """Each with the key that they sign by, and where it is; who offers to be one, and what waits, but of no peer."""
    card = card_of(Authenticator())
    enrol = await desk.prepare("admin.enrol", "admins", admin=card.to_json())
    await desk.propose(enrol)
    await desk.approve(enrol)
    offer = card_of(Authenticator(), pseudonym="D" * 21 + "A", label="Zoe F.")
    who = PersonRow(id="p", name="Zoe F.", roles="case_worker", unit=None, language=None, made=1, ended=None)
    people.add(desk.connection, who)
    people.offer(desk.connection, who.id, offer.pseudonym, canon(offer.to_json()))
    waits = await desk.prepare("admin.enrol", "admins", admin=EVA.card.to_json())
    await desk.propose(waits)
    await desk.propose(await desk.activation())

    def told(of: Any, kind: str) -> dict[str, Any]:
        return {"pseudonym": of.pseudonym, "label": of.label, "kid": of.kid, "at": of.at, "kind": kind}

    assert (await desk.operations.list_admins(Nothing())).value == {
        "admins": [told(ANA.card, "file"), told(BEN.card, "file"), told(card, "passkey")],
        "offered": [told(offer, "passkey") | {"card": offer.to_json()}],
        "pending": [await desk.shown(waits)],
    }
