"""The messages on the way home: risks, journey, arrival, life afterwards; and the further ones for a child's return.

Contents of messages, each with the purpose it is for. Nobody here exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.demo.cases import MARKS
from gateway.demo.nodes import UNIT, format_day
from gateway.ports import Json
from schemas import code_list

HOUR = 3_600
DAY = 24 * HOUR
SHELTER = f"n1{'a' * 32}/shelter"
"""A unit of no node of the demonstration."""
_GRANDPARENT: dict[str, Json] = {
    "relation": "grandparent",
    "unknown": {"name": "unknown", "address": "unknown", "phone": "unknown"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message type, the purpose it is for, and what it says."""

    type: str
    purpose: str | None
    content: dict[str, Json]


class Journey:
    """Writes on one day; `now` is Unix seconds."""

    def __init__(self, today: date, now: int) -> None:
        self._today = today
        self._now = now

    # --- risks, of both sides and together ------------------------------------------------------------------------

    def assessment(self, part: str, *, based_on: Sequence[Json] = ()) -> Said:
        """Write the sending, the receiving or the joint assessment; the joint one names both others."""
        looked_at: list[Json] = [
            {"risk_domain": code.code, "risk_known": False} for code in code_list("risk_domain").codes
        ]
        content: dict[str, Json] = {
            "part": part,
            "findings": looked_at,
            "person_view": MARKS["view of the person"],
            "conclusion": "proceed",
            "review_on": format_day(self._today, 25),
            "assessors": [SHELTER],
        }
        if based_on:
            content["based_on"] = [*based_on]
        return Said(type="risk.assessment/1", purpose="risk_assessment", content=content)

    # --- the journey ----------------------------------------------------------------------------------------------

    def proposal(self, pseudonym: str, age_group: str, *, start: str, goal: str) -> Said:
        """Propose the journey: two days from now, by air from `start` to `goal`, met at the airport."""
        leaves = self._now + 2 * DAY
        leg: dict[str, Json] = {
            "mode": "air",
            "carrier": "Example Air",
            "number": "XA 318",
            "from": start,
            "to": goal,
            "depart_at": leaves,
            "arrive_at": leaves + 2 * HOUR,
        }
        return Said(
            type="return.proposal/1",
            purpose="return",
            content={
                "version": 1,
                "return_kind": "assisted_voluntary",
                "travellers": [{"pseudonym": pseudonym, "age_group": age_group}],
                "legs": [leg],
                "travel_document": "passport",
                "escort": {"kind": "none"},
                "handover": {
                    "place_kind": "airport",
                    "place": MARKS["place of the handover"],
                    "at": leaves + 3 * HOUR,
                    "recognition_sign": "blue folder",
                    "code_word": "walnut",
                },
                "discreet": True,
                "first_accommodation_unit": SHELTER,
                "person_copy_given": True,
                "unknown": {"medical_needs_travel": "refused"},
            },
        )

    def confirmation(self) -> Said:
        """Confirm that somebody will be there."""
        met_by: dict[str, Json] = {"unit": UNIT, "staff_ref": "al-09", "phone": MARKS["phone of the case worker"]}
        return Said(
            type="return.response/1", purpose="return", content={"version": 1, "answer": "confirm", "met_by": met_by}
        )

    def departure(self) -> Said:
        """Report the departure."""
        return Said(
            type="departure.notice/1",
            purpose="return",
            content={"version": 1, "outcome": "departed", "at": self._now},
        )

    def arrival(self) -> Said:
        """Report that she has arrived and is well."""
        return Said(
            type="arrival.confirmation/1",
            purpose="return",
            content={
                "outcome": "met_safe",
                "arrived_at": self._now,
                "met_by_unit": UNIT,
                "handover_complete": True,
                "immediate_needs": ["safe_accommodation", "food"],
                "person_view": "Tired, glad to be there",
            },
        )

    # --- life afterwards ------------------------------------------------------------------------------------------

    def plan(self) -> Said:
        """Write the plan that was agreed with her."""
        step: dict[str, Json] = {"service": "vocational_training", "unit": SHELTER, "due": format_day(self._today, 60)}
        return Said(
            type="reintegration.plan/1",
            purpose="reintegration",
            content={
                "dimensions": [{"dimension": "economic", "goal": MARKS["goal of the person"], "actions": [step]}],
                "agreed_with_person": True,
                "start": format_day(self._today, 0),
                "planned_end": format_day(self._today, 365),
                "monitoring_points": ["m1", "m12"],
                "unknown": {"baseline_scores": "refused"},
            },
        )

    def monitoring(self) -> Said:
        """Report after the last visit that she is safe."""
        return Said(
            type="monitoring.report/1",
            purpose="monitoring",
            content={
                "point": "final",
                "contact": "in_person",
                "contact_on": format_day(self._today, 0),
                "safe": "safe",
                "location_change": False,
                "services_status": [{"service": "vocational_training", "status": "done"}],
                "unknown": {"scores": "refused", "person_view": "refused"},
            },
        )

    def closure(self) -> Said:
        """Propose closure: the goals are met."""
        return Said(
            type="case.closure/1",
            purpose="monitoring",
            content={
                "reason": "goals_met",
                "closed_on": format_day(self._today, 0),
                "person_informed": True,
                "retain_until": format_day(self._today, 365),
                "claims": {"asked": "none"},
                "statistics_counted": True,
            },
        )

    def agreed(self) -> Said:
        """Agree to the closure."""
        return Said(type="closure.response/1", purpose="monitoring", content={"answer": "agree"})

    # --- a child --------------------------------------------------------------------------------------------------

    def child(self, nationalities: Sequence[Json]) -> Said:
        """Refer an unaccompanied child; `nationalities` are codes of the list of countries, none for of no State."""
        person: dict[str, Json] = {
            "pseudonym": MARKS["pseudonym of the child"],
            "age_group": "child",
            "nationalities": [*nationalities],
            "languages": [{"language": "sq", "level": "first"}],
            "safe_contact_rule": {"may_call": False},
        }
        return Said(
            type="referral.request/1",
            purpose="referral",
            content={
                "referral_kind": "return_reception",
                "person": person,
                "thb_status": "self_reported",
                "services_requested": [{"service": "safe_accommodation"}],
                "legal_status": "irregular",
                "immediate_risk": {"level": "low"},
                "expected_next_step": "return_planning",
                "child": {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"},
            },
        )

    def guardian(self) -> Said:
        """Name the child's guardian."""
        return Said(
            type="guardian.notice/1",
            purpose="referral",
            content={
                "event": "appointed",
                "guardian_unit": "guardians",
                "guardian_contact": {
                    "name": "Office of guardians",
                    "phone": "+33100000000",
                    "hours": "Mo-Fr 09:00-17:00",
                },
                "from": format_day(self._today, -10),
                "until": format_day(self._today, 90),
            },
        )

    def family_asked(self) -> Said:
        """Ask for a family with which the child can live."""
        return Said(
            type="family.inquiry/1",
            purpose="family_inquiry",
            content={
                "child_pseudonym": MARKS["pseudonym of the child"],
                "family_members": [_GRANDPARENT],
                "may_disclose_to_family": "nothing",
                "do_not_contact": ["The brother of the father"],
                "questions": ["housing", "wish_to_receive"],
                "needed_by": format_day(self._today, 20),
            },
        )

    def family_found(self) -> Said:
        """Report that there is a family, and a good one."""
        finding: dict[str, Json] = {"topic": "housing", "rating3": "low", "text": "Two rooms; a bed of its own."}
        return Said(
            type="family.report/1",
            purpose="family_inquiry",
            content={
                "basis": "visit",
                "visited_on": format_day(self._today, -1),
                "findings": [finding],
                "family_willing": "yes",
                "involvement_suspected": False,
                "recommendation": "suitable",
                "author_unit": UNIT,
            },
        )

    def best_interests(self, report: Json) -> Said:
        """Determine the child's best interests and place of care."""
        panel: list[Json] = [
            {"unit": SHELTER, "role": "child_protection_authority"},
            {"unit": SHELTER, "role": "case_manager"},
        ]
        return Said(
            type="bid.report/1",
            purpose="return",
            content={
                "kind": "bid",
                "child_view": "Wishes to live with the grandmother and to go to school there.",
                "factors": [{"factor": "safety", "finding": "No contact of the suspects with the household."}],
                "family_report_id": report,
                "outcome": "family_reunification_origin",
                "reasons": "The household is safe, willing and supported; the child asks for it.",
                "panel": panel,
                "decided_on": format_day(self._today, -1),
                "review_on": format_day(self._today, 60),
                "care_place_confirmed": {"unit": SHELTER, "from": format_day(self._today, 10)},
            },
        )
