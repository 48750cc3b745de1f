"""Cards and approvals of passkeys: what is taken, what is not, and that nothing in them can be altered."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from support.authenticator import Authenticator
from support.ceremony import ADMINS
from support.passkey_cards import NOW, card_of, signed

from gateway.errors import Code, RemoteError
from keys.documents.approvals import PasskeyApproval, PasskeyCard, read_approval, read_card
from keys.documents.change import Change
from keys.primitives.encoding import canon, parse, sha256

CHANGE = Change(node="n1" + "a" * 32, subject="n1" + "b" * 32, prev=None, at=NOW, action="peer.suspend", body={})


def approval_of(device: Authenticator, card: PasskeyCard, change: Change = CHANGE, *, emergency: bool = False) -> Any:
    """The approval of a change by a device."""
    said = signed(device, PasskeyApproval.challenge(change, emergency=emergency))
    return PasskeyApproval.make(change, card, said, at=NOW, emergency=emergency)


def test_a_card_and_an_approval_are_read_as_they_were_written():
    """Both kinds by the same two functions."""
    device = Authenticator()
    card = card_of(device)
    assert read_card(card.to_json()) == card
    assert read_card(ADMINS[0].card.to_json()) == ADMINS[0].card
    approval = approval_of(device, card)
    assert read_approval(approval.encode()) == approval
    by_file = ADMINS[0].approve(CHANGE, at=NOW)
    assert read_approval(by_file.encode()) == by_file
    assert approval.check(card, CHANGE) == 3
    by_file.check(ADMINS[0].card, CHANGE)
    assert len({approval.kid, by_file.kid, approval.hash, by_file.hash}) == 4


def test_the_challenge_is_the_hash_of_the_change():
    """As the protocol has it (nrm1 8.16); with another word where no delay is asked for."""
    bytes_of = CHANGE.encode()
    assert PasskeyApproval.challenge(CHANGE, emergency=False) == sha256(b"nrm1/approve\0" + bytes_of)
    assert PasskeyApproval.challenge(CHANGE, emergency=True) == sha256(b"nrm1/approve_now\0" + bytes_of)


def test_neither_kind_counts_for_the_other():
    """A card of a passkey and an approval by a key file do not meet, nor the other way round."""
    device = Authenticator()
    card = card_of(device)
    for approval, other in ((approval_of(device, card), ADMINS[0].card), (ADMINS[0].approve(CHANGE, at=NOW), card)):
        with pytest.raises(RemoteError) as caught:
            approval.check(other, CHANGE)
        assert caught.value.code is Code.BAD_SIGNATURE


def test_an_approval_is_of_one_change_and_one_wish():
    """Another change, and an emergency made of it or taken from it afterwards."""
    device = Authenticator()
    card = card_of(device)
    for emergency in (False, True):
        approval = approval_of(device, card, emergency=emergency)
        for spoilt, change in (
            (approval, replace(CHANGE, at=NOW + 1)),
            (replace(approval, change=replace(CHANGE, at=NOW + 1).hash), replace(CHANGE, at=NOW + 1)),
            (replace(approval, emergency=not emergency), CHANGE),
        ):
            with pytest.raises(RemoteError) as caught:
                spoilt.check(card, change)
            assert caught.value.code is Code.CONFLICT


def test_an_approval_names_the_key_that_signed():
    """Another key is not named afterwards: two people are told apart by their keys."""
    device = Authenticator()
    card = card_of(device)
    with pytest.raises(RemoteError) as caught:
        replace(approval_of(device, card), kid=ADMINS[0].card.kid).check(card, CHANGE)
    assert caught.value.code is Code.BAD_SIGNATURE


def test_the_counter_goes_on():
    """From the last one that was seen."""
    device = Authenticator()
    card = card_of(device)
    approval = approval_of(device, card)
    assert approval.check(card, CHANGE, counter=2) == 3
    with pytest.raises(RemoteError) as caught:
        approval.check(card, CHANGE, counter=3)
    assert caught.value.code is Code.ROLLBACK


def test_a_synced_passkey_makes_no_card():
    """Whatever is said of it beside: the authenticator's own flag decides."""
    with pytest.raises(RemoteError) as caught:
        card_of(Authenticator(synced=True))
    assert caught.value.code is Code.BAD_KEY


PLACES: list[tuple[tuple[str, ...], Any]] = [
    (("card", "pseudonym"), "B" * 21 + "A"),
    (("card", "label"), "Eve"),
    (("card", "at"), NOW + 1),
    (("card", "site", "origin"), "https://desk.example.com"),
    (("card", "site", "rp"), "example.org"),
    (("card", "passkey", "id"), "AAAA"),
    (("card", "passkey", "key"), "AAAA"),
    (("card", "type"), "nrm.admin/1"),
    (("card", "more"), 1),
    (("assertion", "client"), "AAAA"),
    (("assertion", "authenticator"), "AAAA"),
    (("assertion", "signature"), "AAAA"),
    (("assertion", "more"), 1),
    (("more",), 1),
    (("card", "label"), "a\u202eb"),
    (("card", "passkey", "key"), "A" * 3_000),
    (("assertion", "signature"), ""),
]


@pytest.mark.parametrize(("place", "value"), PLACES, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_nothing_on_a_card_can_be_altered(place: tuple[str, ...], value: Any):
    """Each member is signed or has its shape."""
    document: Any = copy.deepcopy(card_of(Authenticator()).to_json())
    holder = document
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    with pytest.raises(RemoteError):
        read_card(document)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d | {"more": 1},
        lambda d: d | {"type": "nrm.approval/1"},
        lambda d: d | {"emergency": 1},
        lambda d: d | {"at": -1},
        lambda d: d | {"admin": "x"},
        lambda d: d | {"passkey": "="},
        lambda d: {name: value for name, value in d.items() if name != "kid"},
        lambda d: d | {"assertion": {}},
    ],
)
def test_an_approval_has_its_shape(spoil: Any):
    """Exactly its members; what else stands in the place of an approval is refused."""
    device = Authenticator()
    approval = approval_of(device, card_of(device))
    value: Any = parse(approval.encode(), limit=100_000)
    with pytest.raises(RemoteError):
        read_approval(canon(spoil(value)))
