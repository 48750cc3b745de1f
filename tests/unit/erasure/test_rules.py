"""gateway.erasure.rules: what asks to be erased, and a confirmation that says exactly what was done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.house import ROOT

import schemas
from gateway.erasure.rules import (
    DAY,
    HOUR,
    Backups,
    ErasureRequest,
    Kept,
    Outcome,
    What,
    asked,
    confirmation,
    list_places,
)
from schemas.catalogue import MessageType

NOW = 1_800_000_000
HEADER = json.loads((ROOT / "schemas/examples/erasure.confirmation.1/valid-erased.json").read_text())["header"]
ID = "AAECAwQFBgcICQoLDA0ODw"

QUESTIONS = [
    pytest.param(
        "erasure.request/1",
        {"scope": "conversation", "ground": "objection"},
        ErasureRequest(what=What.CONVERSATION, ground="objection", wait=24 * HOUR, due=30 * DAY),
        id="a conversation",
    ),
    pytest.param(
        "erasure.request/1",
        {"scope": "message", "targets": [ID], "ground": "misdirected"},
        ErasureRequest(what=What.MESSAGES, ground="misdirected", wait=0, due=24 * HOUR, targets=frozenset({ID})),
        id="misdirected messages, at once",
    ),
    pytest.param(
        "erasure.request/1",
        {"scope": "message", "targets": ID, "ground": "objection"},
        ErasureRequest(what=What.MESSAGES, ground="objection", wait=24 * HOUR, due=30 * DAY),
        id="messages that are no list",
    ),
    pytest.param(
        "erasure.request/1",
        {"scope": "data_category", "data_categories": ["image"], "ground": "objection"},
        ErasureRequest(what=What.PART, ground="objection", wait=24 * HOUR, due=30 * DAY),
        id="a part of what messages say",
    ),
    pytest.param(
        "consent.withdrawal/1",
        {"consent_id": ID, "scope": "all", "withdrawn_on": NOW, "erase_wanted": True},
        ErasureRequest(what=What.CONSENT, ground="consent_withdrawn", wait=24 * HOUR, due=30 * DAY, consent=ID),
        id="all that relied on a consent",
    ),
    pytest.param(
        "consent.withdrawal/1",
        {"consent_id": ID, "scope": "grants", "grants": [0], "withdrawn_on": NOW, "erase_wanted": True},
        ErasureRequest(what=What.PART, ground="consent_withdrawn", wait=24 * HOUR, due=30 * DAY, consent=ID),
        id="some grants",
    ),
    pytest.param(
        "consent.withdrawal/1",
        {"consent_id": ID, "scope": "all", "withdrawn_on": NOW, "erase_wanted": False},
        None,
        id="a withdrawal that wants nothing erased",
    ),
    pytest.param(
        "referral.withdraw/1",
        {"reason": "person_changed_mind", "erase": True},
        ErasureRequest(what=What.CONVERSATION, ground="not_needed", wait=24 * HOUR, due=30 * DAY),
        id="a referral taken back",
    ),
    pytest.param("referral.withdraw/1", {"reason": "person_changed_mind"}, None, id="a referral that is kept"),
    pytest.param("referral.request/1", {}, None, id="anything else"),
]


@pytest.mark.parametrize(("body_type", "content", "expected"), QUESTIONS)
def test_what_asks(body_type: str, content: dict[str, object], expected: ErasureRequest | None):
    """Each request with its ground and its times (domain 10.6, 10.7)."""
    assert asked(body_type, content) == expected  # type: ignore[arg-type]


LOCAL = st.lists(st.sampled_from(["erased", "not_held", "due", "disabled_only", "not_supported"]), max_size=4)
KEPT = st.builds(
    Kept,
    categories=st.sets(st.sampled_from(["criminal", "image", "identity"]), min_size=1),
    ground=st.sampled_from(["legal_claims_17_3_e", "restriction_18"]),
    until=st.just("2029-01-01"),
)
STORED = st.sampled_from(["content", "inbox", "draft", "envelope", "attachment"])
FIRST, NEWEST = (entry for entry in schemas.load_catalogue().held if entry.body_type == "erasure.confirmation/1")
OUTCOMES = st.builds(
    Outcome,
    erased_at=st.none() | st.just(NOW),
    local=LOCAL,
    horizon=st.just(NOW + 7 * DAY),
    found=st.frozensets(STORED),
    held=st.frozensets(STORED),
    backups=st.builds(Backups, made=st.booleans(), until=st.none() | st.just(NOW + 14 * DAY)),
    recipients=st.dictionaries(st.just("n1zyxwvutsrqponmlkjihgfedcba765432"), st.booleans()),
    kept=st.none() | KEPT,
    onward=st.lists(st.just("n1zyxwvutsrqponmlkjihgfedcba765432/foyer-est"), max_size=1),
)


@pytest.mark.parametrize("held", [FIRST, NEWEST], ids=["the first", "the newest"])
@given(outcome=OUTCOMES)
def test_every_confirmation_is_valid(held: MessageType, outcome: Outcome):
    """Whatever was done, what is said of it passes the schema of either revision, whose rules forbid claiming more than
    was done.
    """
    body = {"header": HEADER, "content": confirmation(outcome, revision=held.revision)}
    assert list(schemas.validate(held.schema, body)) == []


@given(OUTCOMES)
def test_the_first_revision_says_no_more_than_the_newest(outcome: Outcome):
    """Of the node the worst of its places, and nothing of what it has no word for."""
    first, newest = (
        {place["place"]: place["done"] for place in confirmation(outcome, revision=number)["places"]}  # type: ignore[union-attr, index, call-overload]
        for number in (1, 2)
    )
    assert set(first) <= set(newest)
    assert "unknown" not in first.values()
    if outcome.erased_at is not None and outcome.held and outcome.kept is None:
        assert first["gateway"] == "due"


@given(OUTCOMES)
def test_nothing_is_not_held_that_was_not_looked_for(outcome: Outcome):
    """A place is `not_held` only where nothing was found, nothing is, no case system has or may have it, no backup was
    ever made and nobody had it from here.
    """
    if outcome.erased_at is None:
        return
    said = {place["place"]: place["done"] for place in list_places(outcome)}
    looked = {
        "draft": not {"draft"} & (outcome.found | outcome.held),
        "envelope": not {"envelope"} & (outcome.found | outcome.held),
        "attachment": not {"attachment"} & (outcome.found | outcome.held),
        "local_system": not set(outcome.local) - {"not_held"},
        "journal": not set(outcome.local) - {"not_held"},
        "backup": not outcome.backups.made,
        "recipient": not outcome.recipients,
    }
    assert {place for place, done in said.items() if done == "not_held"} == {name for name, no in looked.items() if no}


def test_what_is_known_of_backups_and_recipients():
    """A day where the office has said how long copies are kept; not known where it has not, or nobody has signed."""
    outcome = Outcome(
        erased_at=NOW,
        local=["erased"],
        horizon=NOW,
        backups=Backups(made=True, until=NOW + 7 * DAY),
        recipients={"one": True, "two": False},
    )
    said = list_places(outcome)
    assert {"place": "backup", "done": "due", "by_date": "2027-01-22"} in said
    assert {"place": "recipient", "done": "unknown"} in said
    for backups, done in ((Backups(made=True), "unknown"), (Backups(made=False), "not_held")):
        assert {"place": "backup", "done": done} in list_places(replace(outcome, backups=backups))
    assert {"place": "recipient", "done": "erased"} in list_places(replace(outcome, recipients={"one": True}))


@given(OUTCOMES)
def test_erased_means_all_of_it(outcome: Outcome):
    """`erased` is said only where nothing is kept and no case system is left with anything."""
    left = outcome.kept is not None or set(outcome.local) & {"due", "disabled_only", "not_supported"}
    if confirmation(outcome)["result"] == "erased":
        assert not left
        assert outcome.erased_at is not None
