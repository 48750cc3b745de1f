"""gateway.trust.operations.changes: what people are given to sign, and what is refused before."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.authenticator import Authenticator
from support.change_desk import ANA, EVA, LESS, OTHER, PEER, UNUSED, US, Desk, digits
from support.keystores import fails
from support.nodes import NOW
from support.passkey_cards import SITE
from support.policies import open_on, policy, text_of
from support.trust_homes import SCOPE, Home, answer, first_of

import schemas
from gateway.attachments.rules import FILE_LIMIT
from gateway.changes import store as rows
from gateway.changes.rules import CHANNELS, ROOTS_CHANGED, YEAR
from gateway.changes.store import ChangeRow
from gateway.delivery.outbound.steps import BODY_LIMIT
from gateway.errors import Code, Finding
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import PeerState
from gateway.policy import in_force
from gateway.trust.changes import Shown
from gateway.trust.link_reset import store as resets
from gateway.trust.operations.changes import read_word
from gateway.trust.operations.models import (
    AskChange,
    SignedWord,
)
from keys.documents.change import Approval, Change
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import encode_chain
from keys.documents.link_reset import Reset, reset_hash
from keys.documents.succession import Change as Succession
from keys.primitives.domains import RESET
from keys.primitives.passkey import Assertion, request_options
from keys.primitives.sign import SignedDocument

# --- what is written down ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "wanted", "body"),
    [
        ("peer.suspend", {}, {}),
        ("peer.revoke", {}, {}),
        ("peer.renew", {}, {"expires": NOW + YEAR}),
        ("peer.narrow", {"scope": LESS}, {"scope": LESS}),
        (
            "peer.widen",
            {"scope": SCOPE.to_json() | {"types": ["enquiry.reply", "enquiry.capacity"]}},
            {"scope": SCOPE.to_json() | {"types": ["enquiry.capacity", "enquiry.reply"]}},
        ),
    ],
    ids=["suspend", "revoke", "renew", "narrow", "widen"],
)
async def test_a_change_of_a_peer(desk: Desk, action: str, wanted: dict[str, Any], body: dict[str, Any]) -> None:
    """What is asked for and nothing else, for a year where it has an end; nothing of it is stored."""
    await desk.trust()
    held = rows.all_changes(desk.connection, 9)
    change = await desk.prepare(action, PEER.name, **wanted)
    assert (change.node, change.subject, change.at) == (US.node, PEER.node, NOW)
    assert (change.action, change.body, change.prev) == (action, body, held[0].hash)
    assert rows.all_changes(desk.connection, 9) == held


async def test_a_change_of_the_administrators(desk: Desk) -> None:
    """Whose card is shown becomes one; who is named by the pseudonym is one no longer."""
    enrol = await desk.prepare("admin.enrol", "admins", admin=EVA.card.to_json())
    assert (enrol.subject, enrol.body) == ("admins", {"admin": EVA.card.to_json()})
    await desk.propose(enrol)
    await desk.approve(enrol)
    retire = await desk.prepare("admin.retire", "admins", pseudonym=ANA.card.pseudonym)
    assert (retire.subject, retire.body, retire.prev) == ("admins", {"pseudonym": ANA.card.pseudonym}, enrol.hash)


async def test_a_change_of_the_policy(desk: Desk) -> None:
    """The whole file is in it; it counts as soon as it is approved."""
    in_force.begin(desk.connection, US.node, open_on(("FR", "AL"), name="first"), NOW - 5)
    narrow = text_of(policy(name="narrow"))
    change = await desk.prepare("policy.narrow", "node", policy=narrow)
    assert (change.subject, change.body["name"], change.body["file"]) == ("node", "narrow", narrow)
    await desk.propose(change)
    found = desk.council.policies.at(NOW)
    assert found is not None and found.name == "narrow"
    wide = text_of(open_on(("FR", "AL"), name="wide"))
    assert (await desk.prepare("policy.widen", "node", policy=wide)).body["file"] == wide


async def test_a_link_that_begins_anew(desk: Desk) -> None:
    """With what the peer holds of it; the other side names the request that it accepts."""
    await desk.trust()
    here = ResetRow(peer=PEER.node, state=str(ResetState.REQUIRED), at=NOW, backup=NOW - 9)
    resets.put(desk.connection, here)
    await desk.home.registry.refresh()
    desk.home.line.answers["get_link"] = lambda *_: answer(200, UNUSED.to_json())
    body = (await desk.prepare("link.reset")).body
    assert body == {"view": UNUSED.to_json(), "epoch": 2, "backup": NOW - 9}
    asked = Reset(from_=PEER.node, to=US.node, view=UNUSED, epoch=3, backup=50, change="c" * 43, created=90).encode()
    signature = (await Home.open("b", US)).keys.sign(RESET, asked)
    offer = SignedDocument(payload=asked, payload_type=RESET, signatures=(signature,)).encode()
    resets.put(desk.connection, replace(here, offer=offer))
    await desk.home.registry.refresh()
    assert (await desk.prepare("link.accept_reset")).body == {"reset": reset_hash(asked), "epoch": 3, "backup": 50}


@pytest.mark.parametrize(
    ("action", "said"),
    [
        *((f"person.{what}", "people are asked for by trm person") for what in ("enrol", "change", "invite", "vouch")),
        *((f"{what}.begin", "trm init says how a node begins") for what in ("admins", "policy")),
    ],
)
async def test_a_change_that_is_made_elsewhere(desk: Desk, action: str, said: str) -> None:
    """Where it is made is said."""
    with fails(Code.INVALID, f"^invalid: {said}; nothing was changed$"):
        await desk.prepare(action)


@pytest.mark.parametrize(
    ("action", "wanted", "needed"),
    [
        ("peer.activate", {"channel": "video"}, "digits"),
        ("peer.activate", {"digits": "1"}, "channel"),
        ("peer.widen", {}, "scope"),
        ("admin.enrol", {}, "admin"),
        ("admin.retire", {}, "pseudonym"),
        ("policy.widen", {}, "policy"),
    ],
)
async def test_an_action_without_what_it_needs(desk: Desk, action: str, wanted: dict[str, Any], needed: str) -> None:
    """The argument that is left out is named."""
    with fails(Code.INVALID) as caught:
        await desk.prepare(action, **wanted)
    assert caught.value.what == f"the argument {needed} is missing or wrong; nothing was changed"
    assert caught.value.findings == (Finding(place=f"/{needed}", rule="type", hint="this action needs it"),)


async def test_a_change_that_could_not_be_read(desk: Desk) -> None:
    """It is refused before anybody signs it."""
    with fails(Code.INVALID, "^invalid: this change cannot be made: "):
        await desk.prepare("admin.retire", "admins", pseudonym="Ana")


# --- digits -----------------------------------------------------------------------------------------------------------


def compared(version: int = 1, hash: str = PEER.hash) -> dict[str, Any]:
    """What people of both sides have seen to be the same."""
    return {
        "descriptor": {"version": version, "hash": hash},
        "fingerprint": PEER.fingerprint,
        "channel": "video",
    }


async def test_right_digits_stand_for_what_is_held(desk: Desk) -> None:
    """And permit what people have chosen, for a year; the peer is not asked for anything."""
    change = await desk.activation(scope=LESS)
    assert change.body == compared() | {"scope": LESS, "not_before": None, "expires": NOW + YEAR}
    assert desk.home.line.asked == []
    assert desk.home.entries("peer.digits_wrong") == []


async def test_people_begin_with_the_widest_scope(desk: Desk) -> None:
    """Every type, role and purpose, both ways between both countries, for all units that are here."""
    desk.home.registry._seen[PEER.document.encode()] = replace(PEER, country="AL")
    await desk.home.registry.refresh()
    scope: Any = (await desk.activation()).body["scope"]
    assert scope == {
        "types": sorted({entry.body_type.split("/")[0] for entry in schemas.load_catalogue().types}),
        "directions": ["receive", "send"],
        "corridors": [["AL", "FR"], ["FR", "AL"]],
        "units": ["desk"],
        "roles": sorted(code.code for code in schemas.code_list("role").codes),
        "purposes": sorted(code.code for code in schemas.code_list("purpose").codes),
        "max_bytes": BODY_LIMIT,
        "max_file_bytes": FILE_LIMIT,
    }
    assert {"referral.request", "link.probe"} <= {*scope["types"]}


async def test_new_roots_are_compared_as_the_first_were(desk: Desk) -> None:
    """What was permitted stays as it is: the change says nothing of it."""
    await desk.home.put(PEER, state=str(PeerState.VERIFIED), cause=ROOTS_CHANGED)
    change = await desk.prepare("peer.confirm_roots", digits=digits(PEER), channel="video")
    assert change.body == compared()


@pytest.mark.parametrize(
    "said",
    [
        digits(OTHER),
        digits(PEER, by=OTHER),
        digits(first_of("e"), by=OTHER),
        " ".join([*sorted((US.fingerprint, PEER.fingerprint), reverse=True), "1-1"]),
    ],
    ids=["of another peer", "for another node", "of a pair elsewhere", "the wrong way round"],
)
async def test_wrong_digits(desk: Desk, said: str) -> None:
    """They are in the log, and whoever typed them is told that somebody may be in between."""
    with fails(Code.WRONG_NODE) as caught:
        await desk.activation(digits=said)
    assert caught.value.what == "the digits are not those of this pair; the peer stays proposed"
    assert caught.value.hint == "read them aloud again; if they still differ, somebody is between you: stop"
    (entry,) = map(json.loads, desk.home.entries("peer.digits_wrong"))
    assert entry == {"seq": entry["seq"], "at": NOW, "ev": "peer.digits_wrong", "peer": PEER.node}


@pytest.mark.parametrize("channel", ["mail", "VIDEO"])
async def test_digits_that_were_compared_in_writing(desk: Desk, channel: str) -> None:
    """Nobody could be heard or seen."""
    with fails(Code.INVALID, f"the channel is one of {', '.join(CHANNELS)}"):
        await desk.activation(channel=channel)


async def test_digits_of_a_peer_that_one_person_has_trusted(desk: Desk) -> None:
    """The second one approves what the first has proposed, and prepares nothing; later there is nothing to approve."""
    await desk.propose(await desk.activation())
    with fails(Code.CONFLICT) as caught:
        await desk.activation()
    assert caught.value.what == "the peer is verified; nothing was changed"
    assert caught.value.hint == "the second person approves with trm peer approve"
    await desk.trust()
    with fails(Code.CONFLICT, "the peer is active, so this cannot be done"):
        await desk.activation()


async def publish(desk: Desk) -> Descriptor:
    """The peer has published its second descriptor, and answers with what follows the one that is asked for."""
    there = await Home.open("b", US, clock=desk.home.clock)
    there.honest.change_keys(Succession())
    chain = there.honest.chain
    desk.home.line.answers["get_descriptor"] = lambda _, first: encode_chain(
        [one.document for one in chain[first - 1 :]]
    )
    return chain[-1]


async def test_a_version_that_is_not_held_yet_is_fetched(desk: Desk) -> None:
    """What people have seen is what is signed."""
    newest = await publish(desk)
    change = await desk.activation(digits=digits(PEER, 2), scope=LESS)
    assert {name: change.body[name] for name in compared()} == compared(2, newest.hash)
    assert desk.home.peer(PEER).descriptor.hash == newest.hash


@pytest.mark.parametrize(("there", "ends"), [(False, 1), (True, 2)], ids=["away", "holds it back"])
async def test_a_version_that_is_not_shown(desk: Desk, there: bool, ends: int) -> None:
    """Somebody may have cut the chain before a key was revoked: how far it reaches is said."""
    if there:
        await publish(desk)
    with fails(Code.ROLLBACK) as caught:
        await desk.activation(digits=digits(PEER, 3))
    assert caught.value.what == (
        f"the chain held here ends at version {ends}, and they have published version 3; the peer stays proposed"
    )
    assert caught.value.hint == (
        "if their node can be reached and it stays so, somebody holds back what they published: stop"
    )


# --- what comes back signed -------------------------------------------------------------------------------------------


async def test_a_change_that_is_none(desk: Desk) -> None:
    """What is not read as a change is not kept, whoever signed something."""
    change = await desk.activation()
    for wrong in (change.to_json() | {"action": "peer.trust_all"}, {}):
        with fails(Code.INVALID, "^invalid: this change cannot be made: "):
            await desk.operations.ask(AskChange(change=wrong))


async def test_a_change_about_somebody_who_works_here(desk: Desk) -> None:
    """It is approved where the code of the person is shown, and that is said."""
    body: dict[str, Any] = {"name": "Eva", "roles": ["case_worker"], "unit": None}
    about = Change(
        node=US.node, subject=f"person/{ANA.card.pseudonym}", prev=None, at=NOW, action="person.enrol", body=body
    )
    row = ChangeRow(
        hash=about.hash,
        subject=about.subject,
        seq=None,
        payload=about.encode(),
        state=rows.PENDING,
        at=NOW,
        effective=None,
    )
    with fails(Code.INVALID) as proposed:
        await desk.propose(about)
    rows.add_change(desk.connection, row)
    with fails(Code.INVALID) as approved:
        await desk.approve(about)
    for error in (proposed.value, approved.value):
        assert error.what == "this change is about somebody who works here; nothing was changed"
        assert error.hint.endswith("trm person approve NAME --as KEYFILE")
    assert rows.find_change(desk.connection, about.hash) == row


SIGNED = Change(node=US.node, subject=PEER.node, prev=None, at=NOW, action="peer.suspend", body={})


@pytest.fixture(scope="module")
def approval() -> dict[str, Any]:
    """What a person signs with a key file."""
    document: dict[str, Any] = ANA.approve(SIGNED, at=NOW).document.to_json()
    return document


@pytest.fixture(scope="module")
def assertion() -> dict[str, Any]:
    """What a browser gives for a passkey."""
    return Authenticator().get(request_options(SITE, b"c" * 32))


def test_the_word_of_a_key_file(approval: dict[str, Any]) -> None:
    """As it was signed."""
    assert read_word(SignedWord(approval=approval)) == Approval.from_json(approval)


@pytest.mark.parametrize(("emergency", "asks"), [(True, True), (False, False), (None, False)])
def test_the_word_of_a_passkey(assertion: dict[str, Any], emergency: bool | None, asks: bool) -> None:
    """An emergency is one only where it is said to be."""
    word = read_word(SignedWord(assertion=assertion, emergency=emergency))
    assert word == Shown(assertion=Assertion.from_browser(assertion), emergency=asks)


@pytest.mark.parametrize(
    ("by_file", "by_passkey", "emergency"),
    [
        (False, False, None),
        (False, False, True),
        (True, True, None),
        (True, True, True),
        (True, False, True),
        (True, False, False),
    ],
)
def test_a_word_that_could_be_read_in_two_ways(
    approval: dict[str, Any], assertion: dict[str, Any], by_file: bool, by_passkey: bool, emergency: bool | None
) -> None:
    """None at all, two, or one of a key file that says beside what was signed whether it is an emergency."""
    given = SignedWord(
        approval=approval if by_file else None, assertion=assertion if by_passkey else None, emergency=emergency
    )
    with fails(Code.INVALID, "either an approval, or an assertion that may be an emergency; not both"):
        read_word(given)


@pytest.mark.parametrize(
    ("word", "what"),
    [
        (SignedWord(approval={"x": 1}), "this is no signed approval: "),
        (SignedWord(assertion={"x": 1}), "this is no signature of a passkey: "),
    ],
)
def test_a_word_that_is_none(word: SignedWord, what: str) -> None:
    """It is said what it should have been."""
    with fails(Code.INVALID) as caught:
        read_word(word)
    assert caught.value.what.startswith(what)
