"""A change in words: whoever signs reads all that is signed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from support.authenticator import ORIGIN, Authenticator
from support.ceremony import ADMINS
from support.passkey_cards import card_of
from support.policies import policy, text_of

from gateway.foundation.json import Json
from gateway.policy.comparison import rules_in_words
from gateway.trust.change_text import words

AT = 1_800_000_000
POLICY = policy(("FR", "AL"), before=["routing"], purposes=["referral"])


def told(action: str, body: Json, **changed: Any) -> list[str]:
    """The words of a change of this node about a peer."""
    usual = {"type": "nrm.change/1", "node": "n1me", "subject": "n1peer", "prev": None, "at": AT}
    return words(usual | {"action": action, "body": body} | changed)


def about(action: str, body: Json) -> list[str]:
    """Only what the body says: the words between how many people it needs and when it was prepared."""
    return told(action, body)[4:-2]


def test_the_words_say_everything_that_is_signed():
    """Each member of the change has its line; an activation tells how many sign and how long it waits."""
    body: dict[str, Any] = {
        "descriptor": {"version": 3, "hash": "HASH"},
        "fingerprint": "12345 67890",
        "channel": "video",
        "scope": {"types": [], "corridors": [["FR", "AL"], ["AL", "FR"]], "max_bytes": 1_000},
        "not_before": None,
        "expires": AT + 365 * 86_400,
    }
    assert told("peer.activate", body) == [
        "change: trust this peer (peer.activate)",
        "of node: n1me",
        "about: n1peer",
        "needs: 2 different administrators; takes effect 24 hours after the last of them, unless all mark it as an "
        "emergency",
        "channel: video",
        "descriptor: version 3, HASH",
        "expires: 2028-01-15 08:00:00 UTC",
        "fingerprint: 12345 67890",
        "may types: nothing",
        "may corridors: FR-AL, AL-FR",
        "may max_bytes: 1000",
        "prepared: 2027-01-15 08:00:00 UTC",
        "follows: nothing, it is the first",
    ]


@pytest.mark.parametrize(
    ("action", "people"),
    [
        ("peer.suspend", "one administrator"),
        ("peer.resume", "2 different administrators"),
        ("policy.begin", "nobody's approval"),
    ],
)
def test_how_many_people_a_change_needs(action: str, people: str):
    """What has no delay says nothing of one; a change that follows another one names it."""
    found = told(action, {}, prev="HASH")
    assert (found[3], found[-1]) == (f"needs: {people}", "follows: HASH")


def test_who_becomes_an_administrator():
    """The words name person and key, read from the signed card itself, and of a passkey its site."""
    device = card_of(Authenticator(), label="Zoe D.")
    assert about("admin.enrol", {"admin": device.to_json()}) == [
        f"administrator: Zoe D., pseudonym {device.pseudonym}, key {device.kid}, with a passkey at {ORIGIN}"
    ]
    lines = [f"administrator: {a.card.label}, pseudonym {a.card.pseudonym}, key {a.card.kid}" for a in ADMINS]
    cards = [admin.card.to_json() for admin in ADMINS]
    assert about("admin.enrol", {"admin": cards[0]}) == lines[:1]
    assert about("admins.begin", {"admins": cards}) == lines


def test_what_a_policy_lets_leave():
    """Rule by rule; a file that this program can not read is said to be none."""
    lets = [f"lets {line}" for line in rules_in_words(POLICY)]
    assert about("policy.narrow", {"file": text_of(POLICY), "name": "open"}) == [*lets, "name: open"]
    assert about("policy.narrow", {"file": "{}"}) == ["file: no policy that this program can read"]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({"roots": ["one", "two"]}, ["roots: one, two"]),
        ({"last": {"epoch": 2, "numbers": [3, 4]}}, ["last: epoch 2, numbers 3, 4"]),
        ({"until": None, "expires": None, "backup": True}, ["backup: -", "expires: -"]),
        ({"backup": AT, "keyset": 7}, ["backup: 2027-01-15 08:00:00 UTC", "keyset: 7"]),
        ({"descriptor": "words", "file": 7, "admins": 1}, ["admins: 1", "descriptor: words", "file: 7"]),
        ({"admin": "words"}, ["administrator: no card that this program can read"]),
        ("no object", []),
    ],
    ids=["a list", "an object", "no time", "a time and a number", "another shape than usual", "no card", "no body"],
)
def test_whatever_else_a_body_says(body: Json, lines: list[str]):
    """In the order of the names; what is None says nothing, and what has another shape is told as it is."""
    assert about("link.reset", body) == lines
