"""What the fold takes from the body of a message."""

from __future__ import annotations

from datetime import date

from support.tables import table

from gateway.conversations.rules.facts import Said, extract, priority, respond_by
from gateway.conversations.rules.situation import MAY

PROPOSAL = {
    "version": 2,
    "travellers": [{"pseudonym": "Mali", "age_group": "adult"}, {"pseudonym": "Bo", "age_group": "presumed_child"}],
    "legs": [{"depart_at": 200, "arrive_at": 300}, {"depart_at": 100, "arrive_at": 250}],
    "handover": {"at": 350},
}


@table(
    ("kind", "content", "said"),
    [
        (
            "enquiry.reply",
            {"answer": "yes", "offer_valid_until": "2026-11-09"},
            Said(word="yes", day=date(2026, 11, 9)),
        ),
        ("enquiry.reply", {"answer": "no", "decline_reason": "no_capacity"}, Said(word="no")),
        ("referral.accept", {"conditions": ["an interpreter"]}, Said(flag=True)),
        ("referral.accept", {"services_committed": []}, Said()),
        ("referral.withdraw", {"reason": "other", "erase": True}, Said(erase=True)),
        ("info.request", {"items": [], "blocks_decision": True}, Said(flag=True)),
        ("info.reply", {"answers": [], "person_identifying": {"pseudonym": "Mali"}}, Said(flag=True)),
        ("info.reply", {"answers": []}, Said()),
        (
            "consent.record",
            {"consent_id": "c", "grants": [{"purpose": "referral"}, {"purpose": "return"}]},
            Said(consent="c", purposes=("referral", "return")),
        ),
        (
            "consent.withdrawal",
            {"consent_id": "c", "scope": "all", "erase_wanted": True},
            Said(consent="c", erase=True),
        ),
        (
            "consent.withdrawal",
            {"consent_id": "c", "scope": "grants", "grants": [1], "erase_wanted": False},
            Said(consent="c", grants=(1,)),
        ),
        ("risk.assessment", {"part": "sending"}, Said(word="sending")),
        ("assistance.plan", {"actions": [{"status": "active"}], "agreed_with_person": True}, Said(flag=True)),
        ("assistance.plan", {"actions": [{"status": "planned"}], "agreed_with_person": True}, Said()),
        ("assistance.plan", {"actions": [{"status": "active"}], "agreed_with_person": False}, Said()),
        ("return.proposal", PROPOSAL, Said(version=2, child=True, departs=100, arrives=350)),
        ("return.proposal", {"version": 3, "against_advice": {"warnings_told": True}}, Said(version=3, flag=True)),
        ("return.response", {"version": 2, "answer": "confirm"}, Said(version=2, word="confirm")),
        ("return.cancel", {"version": 2, "reason": "medical"}, Said(version=2, word="medical")),
        ("departure.notice", {"version": 2, "outcome": "departed", "at": 9}, Said(version=2, word="departed")),
        ("arrival.confirmation", {"outcome": "met_safe", "arrived_at": 9}, Said(word="met_safe", arrives=9)),
        (
            "reintegration.plan",
            {"monitoring_points": ["m1", "final"], "start": "2026-11-30"},
            Said(points=("m1", "final"), day=date(2026, 11, 30)),
        ),
        ("monitoring.report", {"point": "m1"}, Said(word="m1")),
        ("safety.alert", {"kind": "threat", "what_happened": "a call"}, Said(word="threat")),
        ("safety.alert.ack", {"taken_by": "w1", "next_update_by": 9}, Said(by=9)),
        ("safety.alert.update", {"status": "ongoing"}, Said(word="ongoing")),
        ("closure.response", {"answer": "agree"}, Said(word="agree")),
        ("data.correction", {"path": "/content/x", "safety_relevant": True}, Said(flag=True)),
        ("erasure.request", {"scope": "message", "ground": "misdirected"}, Said(word="misdirected")),
        ("subject.access", {"kind": "access", "answer_by": "2026-12-01"}, Said(day=date(2026, 12, 1))),
        ("subject.access", {"kind": "access", "holdings": []}, Said(flag=True)),
        ("stats.request", {"table_id": "t", "due": "2026-12-01"}, Said(day=date(2026, 12, 1))),
        ("case.closure", {"reason": "goals_met"}, Said()),
        ("reminder.due", {"level": "half"}, Said()),
    ],
)
def test_what_counts_is_taken_and_nothing_else(kind, content, said):
    """Each type that has something, and two that have nothing."""
    assert said == extract(kind, content)


@table("kind", sorted(MAY))
@table("junk", [{}, {"legs": 1, "grants": [{}], "version": True, "actions": {}, "handover": []}])
def test_extraction_never_fails(kind, junk):
    """A body that its schema has not passed gives less, and no error."""
    assert extract(kind, junk).version is None


def test_the_header_gives_priority_and_the_time_that_is_wanted():
    """What is not there is normal, and no time."""
    assert (priority({"priority": "urgent"}), priority({})) == ("urgent", "normal")
    assert (respond_by({"respond_by": 7}), respond_by({})) == (7, None)
