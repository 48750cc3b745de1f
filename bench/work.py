"""The messages of the benchmark: one referral of about 4 KB about nobody, and the consent on which it relies."""

from __future__ import annotations

from collections.abc import Sequence

import schemas
from gateway.ports import Json

UNIT = "focal-point"
REFERRAL, QUESTION = "referral.request/1", "info.request/1"
SUMMARY = "This person does not exist. " * 68
CASE = "BENCH-1"
"""The number of the case that is measured with where one is enough."""
RETAIN, UNTIL = "2035-11-30", "2035-01-01"


def make_consent(countries: Sequence[str]) -> dict[str, Json]:
    """Make a consent that covers every category of data, for these countries."""
    told = ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal")
    return {
        "given_by": "person",
        "form": "written",
        "taken_on": "2026-01-15",
        "language": "sq",
        "interpreter": True,
        "grants": [
            {
                "purpose": "referral",
                "recipient_units": [f"{country}/{UNIT}" for country in countries],
                "data_categories": [code.code for code in schemas.code_list("data_category").codes],
                "until": UNTIL,
            }
        ],
        "told": dict.fromkeys(told, True),
        "onward_sharing": False,
    }


def make_question(referral: dict[str, Json], conversation: str, number: int) -> dict[str, Json]:
    """Make a further message of the conversation that a referral began."""
    item: Json = {
        "item_id": f"q-{number}",
        "data_category": "identity",
        "question": "Which of the two names is the one in the passport?",
        "why_needed": "The ticket is in one of them.",
    }
    content: Json = {"items": [item], "blocks_decision": False}
    return {**referral, "type": QUESTION, "conversation": conversation, "content": content}


def make_referral(to: str, consent_ref: str, case: str = CASE) -> dict[str, Json]:
    """Make the request that the local API takes, about the person of this case and on that person's consent."""
    services: list[Json] = [{"service": name} for name in ("safe_accommodation", "reception_on_arrival")]
    return {
        "type": REFERRAL,
        "to": to,
        "purpose": "referral",
        "header": {
            "sender_unit": UNIT,
            "sender_role": "national_focal_point",
            "recipient_unit": UNIT,
            "recipient_role": "national_focal_point",
            "author_ref": "bench",
            "priority": "normal",
            "handling": {"onward_sharing": "none", "retain_until": RETAIN, "export_to_local": "full"},
            "language": "fr",
            "legal_basis": ["6_1_e", "9_2_g"],
            "transfer_basis": "admin_arrangement_46_3_b",
            "transfer_instrument": "An arrangement of two coordinators",
            "consent_ref": consent_ref,
            "case_ref_sender": case,
        },
        "content": {
            "referral_kind": "return_reception",
            "person": {
                "pseudonym": "Bench",
                "age_group": "adult",
                "nationalities": ["AL"],
                "languages": [{"language": "sq", "level": "first"}, {"language": "fr", "level": "basic"}],
                "safe_contact_rule": {"may_call": False, "who_answers": "nobody", "safe_hours": "never"},
            },
            "thb_status": "self_reported",
            "services_requested": services,
            "legal_status": "irregular",
            "immediate_risk": {"level": "low"},
            "expected_next_step": "return_planning",
            "summary": SUMMARY,
        },
    }
