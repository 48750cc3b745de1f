"""Administrators, changes and approvals: every member covered by a signature, every other shape refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from support.ceremony import ADMINS, CARDS
from support.nodes import Seeds, edited, refused

from gateway.errors import Code
from keys.documents.admin_card import AdminCard
from keys.documents.change import Approval, Change
from keys.offline.administrator_key import new_admin
from keys.primitives.domains import APPROVAL
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

NODE, PEER = "n1" + "a" * 32, "n1" + "b" * 32
CHANGE = Change(node=NODE, subject=PEER, prev=None, at=1_000, action="peer.suspend", body={})
ANA, BEN = ADMINS


# --- cards -----------------------------------------------------------------------------------------------------------


# --- changes and approvals -------------------------------------------------------------------------------------------


def test_an_approval_covers_exactly_its_change():
    """The hash of the change is inside the signature; another change has another hash."""
    approval = ANA.approve(CHANGE, at=1_001, emergency=True)
    approval.document.verify(CARDS[0].key)
    assert (approval.change, approval.admin, approval.emergency) == (CHANGE.hash, CARDS[0].pseudonym, True)
    for other in (
        replace(CHANGE, node=PEER),
        replace(CHANGE, subject=NODE),
        replace(CHANGE, prev=CHANGE.hash),
        replace(CHANGE, at=1_002),
        replace(CHANGE, action="peer.revoke"),
        replace(CHANGE, action="peer.renew", body={"expires": 5}),
    ):
        assert other.hash != CHANGE.hash
        assert Change.parse(other.encode()) == other
        with refused(Code.CONFLICT):
            approval.check(CARDS[0], other)
    approval.check(CARDS[0], CHANGE)
    with refused(Code.BAD_SIGNATURE):
        approval.check(CARDS[1], CHANGE)


def test_a_change_is_read_under_its_own_hash_alone():
    """The bytes of another change, and bytes of no change, are refused under it."""
    other = replace(CHANGE, action="peer.resume")
    assert Change.parse_named(CHANGE.encode(), CHANGE.hash) == CHANGE
    with refused(Code.CONFLICT):
        Change.parse_named(other.encode(), CHANGE.hash)
    with refused(Code.MALFORMED):
        Change.parse_named(b"{}", CHANGE.hash)


def test_the_digits_of_a_change_are_those_of_its_hash():
    """Six groups, each five bytes of the hash modulo 100 000, so that a second program can print them too."""
    digest = base64.urlsafe_b64decode(CHANGE.hash + "=")
    numbers = [int(digest[at : at + 5].hex(), 16) % 100_000 for at in range(0, 30, 5)]
    assert CHANGE.digits == " ".join(f"{number:05d}" for number in numbers)
    assert CHANGE.digits != replace(CHANGE, at=1_001).digits


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(change=replace(CHANGE, action="peer.revoke").hash),
        lambda v: v.update(admin=CARDS[1].pseudonym),
        lambda v: v.update(at=2),
        lambda v: v.update(emergency=True),
    ],
    ids=["another change", "another person", "another time", "an emergency"],
)
def test_row_37_nothing_of_an_approval_can_be_altered(change):
    """Every member is signed, also the mark of an emergency."""
    approval = ANA.approve(CHANGE, at=1_001)
    spoiled = replace(approval.document, payload=edited(approval.document.payload, change))
    with refused(Code.BAD_SIGNATURE):
        Approval.read(spoiled).document.verify(CARDS[0].key)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(action="peer.trust"),
        lambda v: v.update(more=1),
        lambda v: v.update(type="nrm.change/2"),
        lambda v: v["body"].update(reason="free text"),
        lambda v: v.update(body=[]),
        lambda v: v.update(subject="everybody"),
        lambda v: v.update(prev="x"),
        lambda v: v.update(at="now"),
        lambda v: v.pop("prev"),
    ],
    ids=["action", "more", "type", "free text", "body", "subject", "prev", "time", "missing"],
)
def test_a_change_of_another_shape(change):
    """Exact members, known actions, and no place for a word of a case."""
    with refused(Code.MALFORMED):
        Change.parse(edited(CHANGE.encode(), change))


def test_row_13_an_approval_is_no_other_document():
    """The payload type keeps an approval from being read as a card, and a card as an approval."""
    with refused(Code.WRONG_TYPE):
        Approval.from_json(CARDS[0].document.to_json())
    with refused(Code.WRONG_TYPE):
        AdminCard.from_json(ANA.approve(CHANGE, at=1).document.to_json())


def test_the_hash_of_an_approval_is_of_the_whole_document():
    """Another signature over the same words is another assertion."""
    approval = ANA.approve(CHANGE, at=1_001)
    again = Approval.read(SignedDocument.decode(approval.document.encode(), APPROVAL))
    assert again.hash == approval.hash != BEN.approve(CHANGE, at=1_001).hash


def test_a_fixed_key_makes_a_fixed_card():
    """Randomness comes in as an argument."""
    one, other = (new_admin(label="Ana B.", now=1, rand=Seeds("ana")) for _ in range(2))
    assert one.card.pseudonym == other.card.pseudonym
    assert canon(json.loads(one.card.document.payload)) == one.card.document.payload
