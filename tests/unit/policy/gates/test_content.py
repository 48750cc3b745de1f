"""G1, G9 and G11 to G15: what the message says and where it goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.gate_facts import ENQUIRY, GOOD, LISTED, NOTHING, TODAY, gates, headed, refusals

import schemas
from gateway.errors import Code, Finding
from gateway.policy.gates.content import CRIMINAL_ROLES, NATIONALITY_CATEGORIES, NATIONALITY_PURPOSES, find_doubts

ALERTED = ("safety.alert/1", "safety.alert.ack/1", "safety.alert.update/1")
SIDES = pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])


# --- G1 -----------------------------------------------------------------------------------------------------------


@SIDES
def test_g1_scans_free_text(at_receiver):
    """The refusal names the place and the kind of token, never the token."""
    facts = replace(ENQUIRY, content={"services": ["legal_aid"], "note": "call +355 69 123 4567 after 6"})
    (refusal,) = refusals(facts, at_receiver=at_receiver)
    assert (refusal.gate, refusal.place) == (Code.GATE_G1, "/content/note")
    assert "a phone number" in refusal.hint
    assert "355" not in refusal.hint


@SIDES
def test_g1_leaves_closed_forms_and_plain_words_alone(at_receiver):
    """Codes, regions, dates of the window and counts are no free text."""
    content = {
        "services": ["legal_aid"],
        "region_preferred": "AL-11",
        "expected_window": {"from": "2026-05-04", "weeks": 2},
        "note": "two sisters, 2 rooms on one floor, no stairs, from 15.07.2026",
    }
    assert gates(replace(ENQUIRY, content=content), at_receiver=at_receiver) == []


def test_g1_scans_what_no_schema_knows():
    """A member beside the schema is scanned, and its name is not told."""
    facts = replace(ENQUIRY, content={"services": ["legal_aid"], "Testina": ["a@example.org"]})
    (refusal,) = refusals(facts)
    assert (refusal.gate, refusal.place) == (Code.GATE_G1, "/content")


def test_g1_refuses_personal_data_in_an_enquiry():
    """A category of data in a message without personal data is refused under this name as well."""
    assert Code.GATE_G1 in gates(replace(ENQUIRY, categories=frozenset({"identity"})))


def test_g1_the_directory_has_public_addresses():
    """An office may be called and written to; a document number is nobody's public address."""
    facts = replace(ENQUIRY, body_type="directory.update/1")
    assert gates(replace(facts, content={"name": "Desk, +33 1 23 45 67 89, desk@example.org"})) == []
    assert gates(replace(facts, content={"name": "Desk AB1234567"})) == [Code.GATE_G1]


def test_g1_is_not_about_referrals():
    """Where personal data are allowed a number is no fault of its own."""
    assert gates(replace(GOOD, content={"summary": "phone 0691234567"})) == []


@pytest.mark.parametrize("body_type", [*ALERTED, "safety.alert/9"])
def test_the_words_of_an_alert_are_looked_through(body_type):
    """A finding for each text that may identify somebody, with its place and never its words (domain 9.1)."""
    words = "call +355 69 123 4567 or write to a@example.org about 2011-05-03"
    content = {"kind": "missing_child", "what_happened": words, "told": ["nobody", "+355 69 123 4567"]}
    found = find_doubts(body_type, content, TODAY)
    assert [(each.rule, each.hint) for each in found] == [
        ("may_identify", "looks like a date that may be one of birth and a phone number and an e-mail address"),
        ("may_identify", "looks like a phone number"),
    ]
    assert found[0].place == "/content/what_happened"
    assert found[1].place.startswith("/content/")


def test_the_words_of_other_messages_are_for_the_gates():
    """What is not an alert is not warned of here."""
    assert find_doubts("enquiry.capacity/1", {"note": "call +355 69 123 4567"}, TODAY) == ()
    assert find_doubts("safety.alert/1", {"what_happened": "nobody came to the door"}, TODAY) == ()


def test_what_a_schema_closes_is_for_the_schema():
    """A code that is none is refused there (G11); also inside of a list."""
    assert find_doubts("safety.alert/1", {"kind": "+355 69 123 4567"}, TODAY) == ()
    assert gates(replace(ENQUIRY, content={"services": ["+355 69 123 4567"]})) == []


# --- G9 -----------------------------------------------------------------------------------------------------------

CRIMINAL = replace(GOOD, categories=frozenset({"criminal"}), consent=None)


@pytest.mark.parametrize("role", sorted(CRIMINAL_ROLES))
@SIDES
def test_g9_official_authority_and_defence(role, at_receiver):
    """Lawyer, prosecutor and police may have them, as far as G9 goes."""
    assert Code.GATE_G9 not in gates(headed(CRIMINAL, recipient_role=role), at_receiver=at_receiver)


@pytest.mark.parametrize("role", ["national_focal_point", "shelter_provider", "guardian", None])
@SIDES
def test_g9_nobody_else(role, at_receiver):
    """Others may not, and the hint says where it may go."""
    found = refusals(headed(CRIMINAL, recipient_role=role), at_receiver=at_receiver)
    (refusal,) = [refusal for refusal in found if refusal.gate is Code.GATE_G9]
    assert refusal.place == "/header/recipient_role"
    assert "lawyer" in refusal.hint


def test_g9_a_case_manager_with_consent():
    """The consent has to name the category, for this unit and purpose."""
    facts = headed(CRIMINAL, recipient_role="case_manager")
    assert Code.GATE_G9 in gates(facts)
    assert Code.GATE_G9 in gates(replace(facts, consent=GOOD.consent))
    grant = replace(GOOD.consent.grants[0], data_categories=frozenset({"criminal"}))
    assert gates(replace(facts, consent=replace(GOOD.consent, grants=(grant,)))) == []
    assert gates(facts, at_receiver=True) == []


def test_g9_the_signed_directory_knows_the_roles():
    """A role that the unit does not have there opens nothing."""
    facts = headed(
        replace(CRIMINAL, recipient=replace(LISTED, roles=frozenset({"guardian"}))), recipient_role="police_liaison"
    )
    assert Code.GATE_G9 in gates(facts)
    right = replace(facts, recipient=replace(LISTED, roles=frozenset({"guardian", "police_liaison"})))
    assert Code.GATE_G9 not in gates(right)


# --- G11 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["unknown_code", "unmapped_code"])
def test_g11_refuses_unknown_codes_at_their_place(rule):
    """The first code without meaning is named by its place."""
    findings = (Finding(place="/content/a", rule="required"), Finding(place="/content/b", rule=rule))
    (refusal,) = refusals(replace(GOOD, findings=findings))
    assert (refusal.gate, refusal.place) == (Code.GATE_G11, "/content/b")


@SIDES
def test_g11_refuses_a_type_the_catalogue_does_not_know(at_receiver):
    """Whether an unknown type is personal nobody can say."""
    assert gates(replace(GOOD, personal=None), at_receiver=at_receiver) == [Code.GATE_G11]


# --- G12 ----------------------------------------------------------------------------------------------------------


def cells(**counts):
    """Cells of one dimension."""
    return [{"key": {} if key == "total" else {"sex": key}} | n_of(n) for key, n in counts.items()]


def n_of(count):
    """A count, or the mark of a suppressed one."""
    return {"suppressed": True} if count is None else {"n": count}


YEAR = {"period": "2025-01-01/2025-12-31"}
COUNTS = {"dimensions": ["sex"], "cells": cells(f=12, m=0)}
STATS = replace(ENQUIRY, body_type="stats.submission/1", content=YEAR | COUNTS)


@SIDES
@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"dimensions": ["sex"], "cells": cells(f=9, m=12)}, "/content/cells"),
        ({"dimensions": ["sex"], "cells": cells(f=None, m=12, total=17)}, "/content/cells"),
        ({"dimensions": ["a", "b", "c", "d"], "cells": [{"key": {"a": "x"}, "n": 12}]}, "/content/dimensions"),
        ({"dimensions": ["sex"]}, "/content/cells"),
    ],
    ids=["small", "reconstructed", "four dimensions", "no cells"],
)
def test_g12_a_table_gives_no_small_count_away(content, place, at_receiver):
    """Both sides judge the table as a stranger would."""
    assert gates(STATS, at_receiver=at_receiver) == []
    found = refusals(replace(STATS, content=YEAR | content), at_receiver=at_receiver)
    assert [(refusal.gate, refusal.place) for refusal in found] == [(Code.GATE_G12, place)]


@SIDES
@pytest.mark.parametrize("period", ["2025-01-01/2025-12-30", "2025-01-02/2026-01-01", "2025-01-01/2025-01-31", None])
def test_g12_a_table_is_of_a_whole_period(period, at_receiver):
    """Tables of times that differ by a day can be subtracted: only whole years and quarters are sent or taken."""
    found = refusals(replace(STATS, content=COUNTS | {"period": period}), at_receiver=at_receiver)
    assert [(refusal.gate, refusal.place) for refusal in found] == [(Code.GATE_G12, "/content/period")]


# --- G13 ----------------------------------------------------------------------------------------------------------


@SIDES
@pytest.mark.parametrize(
    ("body_type", "content", "expected"),
    [
        ("referral.decline/1", {"reason": "no_capacity"}, []),
        ("referral.decline/1", {}, [Code.GATE_G13]),
        ("referral.decline/1", {"reason": ""}, [Code.GATE_G13]),
        ("enquiry.reply/1", {"answer": "no"}, [Code.GATE_G13]),
        ("enquiry.reply/1", {"answer": "no", "decline_reason": "no_capacity"}, []),
        ("enquiry.reply/1", {"answer": "yes"}, []),
        ("return.response/1", {"answer": "refuse"}, [Code.GATE_G13]),
        ("return.response/1", {"answer": "refuse", "reason": "no_capacity"}, []),
    ],
)
def test_g13_who_declines_says_why(body_type, content, expected, at_receiver):
    """A decline without a reason code is refused."""
    facts = ENQUIRY if body_type == "enquiry.reply/1" else GOOD
    assert gates(replace(facts, body_type=body_type, content=content), at_receiver=at_receiver) == expected


# --- G14 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipient", [None, replace(LISTED, current=False)], ids=["not listed", "expired"])
def test_g14_the_unit_is_in_the_signed_directory(recipient):
    """A unit that is not there, or whose directory has expired, gets nothing; also no enquiry."""
    for facts in (GOOD, ENQUIRY):
        (refusal,) = refusals(replace(facts, recipient=recipient))
        assert (refusal.gate, refusal.place) == (Code.GATE_G14, "/header/recipient_unit")


# --- G15 ----------------------------------------------------------------------------------------------------------

NATIONALITY = replace(
    GOOD,
    body_type="nationality.request/1",
    purpose="consular",
    categories=frozenset({"identity"}),
    content={"context": "documentation"},
)


@SIDES
@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"content": {}}, "/content/context"),
        ({"content": {"context": "trafficking"}}, "/content/context"),
        ({"purpose": "referral"}, "/purpose"),
        ({"categories": frozenset({"identity", "exploitation"})}, "/content"),
        ({"header": {"vital_interest": {}}}, "/header/vital_interest"),
    ],
    ids=["no context", "context", "purpose", "category", "danger"],
)
def test_g15_a_question_of_nationality_tells_nothing_else(changed, place, at_receiver):
    """Context, purpose, categories and header are neutral, or it stays here."""
    told = [(r.gate, r.place) for r in refusals(replace(NATIONALITY, **changed), at_receiver=at_receiver)]
    assert (Code.GATE_G15, place) in told
    neutral = gates(NATIONALITY, at_receiver=at_receiver)
    assert Code.GATE_G15 not in neutral


def test_what_the_tables_name_are_codes():
    """Roles, categories and purposes are those of the lists."""
    for name, named in (
        ("role", CRIMINAL_ROLES | {"case_manager"}),
        ("data_category", NATIONALITY_CATEGORIES),
        ("purpose", NATIONALITY_PURPOSES),
    ):
        assert {code.code for code in schemas.code_list(name).codes} >= named


def test_a_type_without_a_name_is_no_reason_to_fail():
    """Gates answer whatever they are asked."""
    assert Code.GATE_G11 in gates(replace(NOTHING, content={"": [None, {"x": "AB1234567"}]}))
