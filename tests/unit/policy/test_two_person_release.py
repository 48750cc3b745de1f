"""What two different people release."""

from __future__ import annotations

from support.tables import table

import schemas
from gateway.policy.two_person_release import approved, needs_two

CLAIM = {"ground": "medical_emergency"}


@table("body_type", [entry.body_type for entry in schemas.load_catalogue().held])
def test_a_referral_needs_two(body_type):
    """Every other type needs one, unless it claims danger to life."""
    assert needs_two(body_type, {}) == (body_type == "referral.request/1")
    assert needs_two(body_type, {"vital_interest": CLAIM})


def test_the_second_person_is_the_approver():
    """Also where a draft names somebody else: a typed name approves nothing (gate G2)."""
    assert approved({"vital_interest": CLAIM}, "w-2")["vital_interest"] == {**CLAIM, "approver_ref": "w-2"}
    named = {"vital_interest": {**CLAIM, "approver_ref": "w-9"}}
    assert approved(named, "w-2")["vital_interest"] == {**CLAIM, "approver_ref": "w-2"}


def test_a_header_without_a_claim_gets_none():
    """Nothing is added to what needs no approver."""
    assert approved({"author_ref": "w-1"}, "w-2") == {"author_ref": "w-1"}
    assert approved({"vital_interest": "words"}, "w-2") == {"vital_interest": "words"}
