"""What a referral in danger to life asks, and what it leaves for later (domain 7.22)."""

from __future__ import annotations

from support.gate_facts import HEADER

from gateway.messages.emergency import ASKED, LATER, REFERRAL, is_emergency, leave_for_later, list_owed
from schemas import validate

EMERGENCY = {"priority": "emergency"}
BODY = {
    "header": {
        "sender_unit": "desk",
        "sender_role": "national_focal_point",
        "recipient_unit": "desk",
        "recipient_role": "national_focal_point",
        "author_ref": "w-1",
        "priority": "emergency",
        "legal_basis": ["6_1_e", "9_2_g"],
        "transfer_basis": "public_interest_49_1_d",
        "consent_ref": HEADER["consent_ref"],
        "handling": {"onward_sharing": "none", "retain_until": "2028-12-31", "export_to_local": "full"},
        "language": "en",
        "seen": 0,
    },
    "content": {
        "referral_kind": "return_reception",
        "person": {"pseudonym": "Mali", "age_group": "adult"},
        "thb_status": "self_reported",
        "services_requested": [{"service": "safe_accommodation"}],
        "legal_status": "unknown",
        "immediate_risk": {"level": "high"},
        "expected_next_step": "service_start",
    },
}


def test_the_emergency_path_asks_at_most_ten_things_and_is_a_whole_message():
    """With the ten answered and the rest of the header known to the node, the schema has nothing against it."""
    assert len(ASKED) <= 10
    content = leave_for_later(REFERRAL, BODY["header"], BODY["content"])
    assert validate(REFERRAL, {"header": BODY["header"], "content": content}) == ()
    assert content["person"]["unknown"] == dict.fromkeys(LATER, "not_yet")


def test_only_an_emergency_leaves_anything_for_later():
    """A normal referral, another type and a content without a person stay as they are, faults included."""
    for body_type, header in ((REFERRAL, {"priority": "normal"}), (REFERRAL, {}), ("info.reply/1", EMERGENCY)):
        assert not is_emergency(body_type, header)
        assert leave_for_later(body_type, header, BODY["content"]) == BODY["content"]
    assert leave_for_later(REFERRAL, EMERGENCY, {"person": "x"}) == {"person": "x"}


def test_what_is_answered_is_not_overwritten():
    """An answer, and why there is none, stand."""
    person = {"languages": [{"language": "sq"}], "unknown": {"safe_contact_rule": "refused"}}
    assert leave_for_later(REFERRAL, EMERGENCY, {"person": person}) == {"person": person}


def test_what_was_left_is_owed_until_it_is_told():
    """By an answer with the identifying part; what the person refused is not owed."""
    left = leave_for_later(REFERRAL, EMERGENCY, BODY["content"])
    assert list_owed(left, []) == ("/content/person/languages", "/content/person/safe_contact_rule")
    told = {"person_identifying": {"languages": [{"language": "sq"}]}}
    assert list_owed(left, [{}, told]) == ("/content/person/safe_contact_rule",)
    assert list_owed({"person": {"unknown": {"languages": "refused"}}}, []) == ()
    assert list_owed({}, []) == ()
