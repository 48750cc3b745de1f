"""gateway.erasure.rules: what asks to be erased, and a confirmation that says exactly what was done."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.house import ROOT

import schemas
from gateway.erasure.rules import DAY, HOUR, ErasureRequest, Kept, Outcome, What, asked, confirmation

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
OUTCOMES = st.builds(
    Outcome,
    erased_at=st.none() | st.just(NOW),
    local=LOCAL,
    horizon=st.just(NOW + 7 * DAY),
    kept=st.none() | KEPT,
    onward=st.lists(st.just("n1zyxwvutsrqponmlkjihgfedcba765432/foyer-est"), max_size=1),
)


@given(OUTCOMES)
def test_every_confirmation_is_valid(outcome: Outcome):
    """Whatever was done, what is said of it passes the schema, whose rules forbid claiming more than was done."""
    body = {"header": HEADER, "content": confirmation(outcome)}
    assert list(schemas.validate("erasure.confirmation/1", body)) == []


@given(OUTCOMES)
def test_erased_means_all_of_it(outcome: Outcome):
    """`erased` is said only where nothing is kept and no case system is left with anything."""
    left = outcome.kept is not None or set(outcome.local) & {"due", "disabled_only", "not_supported"}
    if confirmation(outcome)["result"] == "erased":
        assert not left
        assert outcome.erased_at is not None
