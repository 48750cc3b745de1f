"""gateway.erasure.rules: what asks to be erased, and a confirmation that says exactly what was done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.house import ROOT
from support.zones import standing_in

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
    key_place=st.sampled_from(["file", "tpm", "pkcs11"]),
    key_gone=st.booleans(),
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


KEEPS = Kept(categories={"image", "criminal"}, ground="legal_claims_17_3_e", until="2029-01-01")
WHOLE = Outcome(erased_at=NOW, local=["not_held", "erased"], horizon=NOW + 7 * DAY, key_place="file", key_gone=True)


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (WHOLE, "erased"),
        (replace(WHOLE, local=["not_held"]), "erased"),
        (replace(WHOLE, local=[]), "erased"),
        (replace(WHOLE, local=["erased", "due"]), "partly_erased"),
        (replace(WHOLE, held=frozenset({"draft"})), "partly_erased"),
        (replace(WHOLE, kept=KEEPS), "partly_erased"),
        (replace(WHOLE, erased_at=None), "not_held"),
        (replace(WHOLE, erased_at=None, kept=KEEPS), "refused"),
    ],
    ids=["whole", "no case system had it", "nobody asked", "due there", "held here", "kept", "nothing", "all kept"],
)
def test_the_result_is_no_less_than_what_was_done(outcome: Outcome, result: str):
    """Neither more nor less: the office that asked may have to erase nothing else on it."""
    assert confirmation(outcome)["result"] == result


def test_every_word_of_a_confirmation():
    """One of each: what is due has its day, what is kept its ground, and the rest is as it was given."""
    certificate = {"node": "n1", "certificate": "", "signature": "", "descriptors": []}
    outcome = replace(
        WHOLE,
        key_place="tpm",
        local=["erased", "due"],
        found=frozenset({"content", "draft", "envelope"}),
        held=frozenset({"envelope"}),
        backups=Backups(made=True, until=NOW + 14 * DAY),
        kept=KEEPS,
        onward=["n1one/desk"],
        recipients={"n1one": True},
        certificates=[certificate],
    )
    kept = {"ground": "legal_claims_17_3_e", "until": "2029-01-01"}
    said = {
        "result": "partly_erased",
        "told_onward": ["n1one/desk"],
        "erased_at": NOW,
        "kept": [{"data_category": "criminal", **kept}, {"data_category": "image", **kept}],
        "onward_certificates": [certificate],
    }
    last = {"place": "gateway", "done": "kept"}
    backup = {"place": "backup", "done": "due", "by_date": "2027-01-29"}
    assert confirmation(outcome) == said | {
        "places": [
            {"place": "gateway", "done": "erased"},
            {"place": "draft", "done": "erased"},
            {"place": "envelope", "done": "due", "by_date": "2027-01-22"},
            {"place": "attachment", "done": "not_held"},
            {"place": "key_tpm", "done": "erased"},
            {"place": "local_system", "done": "due", "by_date": "2027-01-22"},
            {"place": "journal", "done": "due", "by_date": "2027-01-22"},
            backup,
            {"place": "recipient", "done": "erased"},
            last,
        ]
    }
    assert confirmation(outcome, revision=1) == said | {
        "places": [
            {"place": "gateway", "done": "due", "by_date": "2027-01-22"},
            {"place": "local_system", "done": "due", "by_date": "2027-01-22"},
            backup,
            last,
        ]
    }


@pytest.mark.parametrize(
    ("local", "said", "journal"),
    [
        (["erased", "not_supported", "disabled_only", "due"], "not_supported", "unknown"),
        (["erased", "disabled_only", "due"], "disabled_only", "unknown"),
        (["erased", "due"], "due", "due"),
        (["not_held", "erased"], "erased", "erased"),
        (["not_held"], "not_held", "not_held"),
        ([], "not_held", "not_held"),
    ],
)
def test_the_worst_answer_of_a_case_system_counts(local: list[str], said: str, journal: str):
    """One copy that is left is what counts; the journal of the adapter goes with the record or nobody knows of it."""
    places = {place["place"]: place["done"] for place in list_places(replace(WHOLE, local=local))}
    assert (places["local_system"], places["journal"]) == (said, journal)


def test_what_is_due_has_its_day_in_utc():
    """Wherever the node stands: the other side compares it with its own clock."""
    with standing_in("America/Anchorage"):
        places = list_places(replace(WHOLE, local=["due"], backups=Backups(made=True, until=NOW + 14 * DAY)))
    days = {place["place"]: place["by_date"] for place in places if "by_date" in place}
    assert days == {"local_system": "2027-01-22", "journal": "2027-01-22", "backup": "2027-01-29"}


@pytest.mark.parametrize(("place", "said"), [("file", "key_file"), ("tpm", "key_tpm"), ("pkcs11", "key_token")])
def test_the_key_and_its_place_are_named(place: str, said: str):
    """Threat 193: whoever asked learns where the key lay, and the day by which it goes where an epoch has not ended."""
    gone, left = (
        [one for one in list_places(replace(WHOLE, key_place=place, key_gone=gone)) if "key" in str(one["place"])]
        for gone in (True, False)
    )
    assert gone == [{"place": said, "done": "erased"}]
    assert left == [{"place": said, "done": "due", "by_date": "2027-01-22"}]


def test_what_was_not_erased_names_one_place():
    """The node either had nothing or keeps it."""
    nothing = replace(WHOLE, erased_at=None)
    assert confirmation(nothing) == {
        "result": "not_held",
        "places": [{"place": "gateway", "done": "not_held"}],
        "told_onward": [],
    }
    assert confirmation(replace(nothing, kept=KEEPS))["places"] == [{"place": "gateway", "done": "kept"}]


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
        key_place="file",
        key_gone=True,
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
