"""What practitioners asked of the messages at each stage: sayable now, with the rule that each needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import code_list, find_categories, load_catalogue, validate
from schemas.validation import Finding

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"


def judged(name: str, example: str, header: dict[str, Any] | None = None, **content: Any) -> list[tuple[str, str]]:
    """The findings on a valid example with these members changed, each as rule and place; None takes one away."""
    body = json.loads((EXAMPLES / f"{name}.1" / f"{example}.json").read_bytes())
    changed = body["content"] | content
    body["content"] = {name: value for name, value in changed.items() if value is not None}
    body["header"] |= header or {}
    return [said(finding) for finding in validate(f"{name}/1", body)]


def said(finding: Finding) -> tuple[str, str]:
    """The rule and the place of a finding."""
    return finding.rule, finding.place


def test_finding_b_a_country_helps_another_to_identify() -> None:
    """The authority that decides asks what is known abroad, and gets a decision of before with what became of it."""
    assert judged("info.request", "valid-help-to-identify") == []
    senders = load_catalogue().get("info.request/1").senders
    assert {"identification_authority", "delegated_focal_point"} <= set(senders)
    assert "identification_authority" in load_catalogue().get("identification.certificate/1").receivers


@pytest.mark.parametrize("event", ["appealed", "upheld", "overturned", "revoked"])
def test_finding_b_what_became_of_a_decision_is_said(event: str) -> None:
    """An appeal, its outcome, or that the decision was revoked, always with its day."""
    name, example = "identification.certificate", "valid-conclusive"
    assert judged(name, example, since_then={"event": event, "event_on": "2027-02-01"}) == []
    assert judged(name, example, since_then={"event": event}) == [("required", "/content/since_then/event_on")]


def test_finding_a11_health_is_asked_from_clinician_to_clinician() -> None:
    """What is asked for treatment goes to nobody else, and asks for nothing else."""
    assert judged("info.request", "valid-between-clinicians") == []
    for side in ("sender_role", "recipient_role"):
        assert judged("info.request", "valid-between-clinicians", {side: "case_manager"}) == [
            ("enum", f"/header/{side}")
        ]
    item = {"item_id": "q1", "data_category": "criminal", "question": "x", "why_needed": "x"}
    assert judged("info.request", "valid-between-clinicians", items=[item]) == [("enum", "/content/about")]


def test_finding_b_a_report_on_the_family_from_the_desk_alone() -> None:
    """Nobody has to visit relatives who may have taken part; then nobody says that the family is suitable either."""
    assert judged("family.inquiry", "valid-full", may_make_inquiries="desk_only") == []
    assert judged("family.report", "valid-desk-only") == []
    assert judged("family.report", "valid-desk-only", visited_on="2026-12-09") == [("forbidden", "/content/visited_on")]
    for member, value in (("recommendation", "suitable"), ("family_willing", "yes")):
        assert judged("family.report", "valid-desk-only", **{member: value}) == [("enum", f"/content/{member}")]
    assert ("enum", "/content/basis") in judged("family.report", "valid-visit", family_willing="not_asked")


@pytest.mark.parametrize(
    ("event", "member", "proceeding"),
    [
        ("claim_deadline", "deadline", "compensation"),
        ("payment", "payment_route", "compensation"),
        ("non_punishment_decided", "non_punishment", "criminal_defendant"),
        ("protection_order", "order", "criminal_witness"),
    ],
)
def test_finding_b_a_notice_of_proceedings_says_what_counts(event: str, member: str, proceeding: str) -> None:
    """The last day of a claim, how the money comes, what was decided on punishment, what an order forbids."""
    found = judged("proceedings.notice", "valid-award", event=event, proceeding=proceeding)
    assert found == [("required", f"/content/{member}")]


def test_finding_b_prosecutors_and_police_get_the_notice() -> None:
    """And a compensation body, and legal aid; non-punishment is about somebody who is charged."""
    entry = load_catalogue().get("proceedings.notice/1")
    wanted = {"prosecutor_liaison", "police_liaison", "compensation_body", "legal_aid_body"}
    assert wanted <= set(entry.receivers)
    assert judged("proceedings.notice", "valid-non-punishment-asked", proceeding="compensation") == [
        ("enum", "/content/proceeding")
    ]


def test_finding_b_what_an_order_forbids_is_criminal_data_in_each_proceeding() -> None:
    """It tells of an offender, so gate G9 decides who reads it."""
    body = json.loads((EXAMPLES / "proceedings.notice.1" / "valid-protection-order.json").read_bytes())
    content = body["content"] | {"proceeding": "residence"}
    assert "criminal" in find_categories("proceedings.notice/1", content)


def test_finding_b_who_reported_somebody_missing() -> None:
    """The unit that filed the report with its day, the number at the police, the hotline 116 000 and the SIS."""
    assert judged("safety.alert.update", "valid-reported-missing") == []
    report = {"filed_on": "2026-12-02", "line_116000": True, "sis_alert": False}
    assert judged("safety.alert.update", "valid-reported-missing", missing_report=report) == [
        ("required", "/content/missing_report/filed_by")
    ]


def test_finding_b_a_child_comes_along_only_with_the_rights_of_the_other_parent() -> None:
    """An agreement or a decision with its day; that the other parent is not asked because it would endanger is an
    answer too.
    """
    assert judged("return.proposal", "valid-mother-and-child") == []
    assert judged("return.proposal", "valid-mother-and-child", custody={"other_parent": "danger"}) == []
    assert judged("return.proposal", "valid-mother-and-child", custody=None) == [("required", "/content/custody")]
    assert judged("return.proposal", "valid-mother-and-child", custody={"other_parent": "court"}) == [
        ("required", "/content/custody/decided_on")
    ]


def test_finding_b_trafficked_again_is_an_outcome() -> None:
    """Of a case, and in the tables."""
    assert judged("case.closure", "valid-trafficked-again") == []
    outcomes = load_catalogue().get("stats.submission/1").document["$defs"]["code.closure_reason"]["enum"]
    assert "re_trafficked" in outcomes


def test_finding_b_military_exploitation_is_that_of_non_state_actors() -> None:
    """As in HTCDS; what a State does is another form, said in words."""
    (found,) = [entry for entry in code_list("exploitation").codes if "Military" in entry.code]
    assert found.code == "ForcedMilitaryByNonStateActors"
    assert "of a State" in found.note


@pytest.mark.parametrize(
    "kind", ["compensation", "residence", "reporting_duty", "missing_persons", "child_authority", "hotline"]
)
def test_finding_e_a_country_says_how_more_is_done_there(kind: str) -> None:
    """In its own directory, beside the four kinds of before; the released revision does not know the newer ones."""
    told = [{"kind": kind, "text": [{"language": "en", "text": "x"}]}]
    assert judged("directory.update", "valid-full", procedures=told) == []
    first = next(one for one in load_catalogue().held if (one.body_type, one.revision) == ("directory.update/1", 1))
    body = json.loads((EXAMPLES / "directory.update.1" / "valid-full.json").read_bytes())
    body["content"]["procedures"] = told
    assert ("unknown_code", "/content/procedures/0/kind") in map(said, validate(first.schema, body))
