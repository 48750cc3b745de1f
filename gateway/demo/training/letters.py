"""What the training messages say where the demonstration (`gateway.demo.journey`) has no words for it."""

from __future__ import annotations

from gateway.demo.journey import SHELTER, Said
from gateway.demo.training.personas import Persona
from gateway.ports import Json

ITEM = "item-1"
"""The only one of a question here."""


def write_referral(persona: Persona, nationality: str, *, returns: bool) -> Said:
    """Refer a person: to be received at home, or to be helped where they are."""
    content: dict[str, Json] = {
        "referral_kind": "return_reception" if returns else "service",
        "person": {
            "pseudonym": persona.pseudonym,
            "age_group": "adult",
            "gender": persona.gender,
            "nationalities": [nationality],
            "languages": [{"language": persona.language, "level": "first"}],
            "safe_contact_rule": {"may_call": False},
        },
        "thb_status": "identified",
        "thb_decision_body": "Police",
        "exploitation": [persona.exploitation],
        "services_requested": [{"service": "safe_accommodation"}, {"service": "legal_aid"}],
        "legal_status": "irregular",
        "immediate_risk": {"level": "medium", "domains": ["debt"]},
        "expected_next_step": "return_planning" if returns else "service_start",
    }
    return Said(type="referral.request/1", purpose="referral", content=content)


def write_question(category: str, question: str, *, blocks: bool) -> Said:
    """Ask one thing; `blocks` says whether the decision waits for the answer."""
    item: dict[str, Json] = {
        "item_id": ITEM,
        "data_category": category,
        "question": question,
        "why_needed": "To prepare the place before the arrival.",
    }
    return Said(type="info.request/1", purpose="referral", content={"items": [item], "blocks_decision": blocks})


def write_papers() -> Said:
    """Answer a question with a file."""
    given: dict[str, Json] = {
        "item_id": ITEM,
        "status": "given",
        "data_category": "documents",
        "value": "A copy is attached.",
        "attachment": {"part": 0, "doc_kind": "travel_document_copy"},
    }
    return Said(type="info.reply/1", purpose="referral", content={"answers": [given]})


def write_acceptance(number: str, worker: str) -> Said:
    """Take the case under a number of one's own."""
    content: dict[str, Json] = {
        "case_ref_recipient": number,
        "lead_unit": "focal-point",
        "case_worker_ref": worker,
        "contact": {"phone": "+355690000000", "hours": "day and night"},
        "services_committed": [{"service": "safe_accommodation"}],
    }
    return Said(type="referral.accept/1", purpose="referral", content=content)


def write_decline(erase_by: str) -> Said:
    """Decline, since there is no place."""
    content: dict[str, Json] = {"reason": "no_capacity", "note": "No place until next month.", "erase_by": erase_by}
    return Said(type="referral.decline/1", purpose="referral", content=content)


def write_offer(until: str) -> Said:
    """Answer an enquiry: there is a place until a day."""
    content: dict[str, Json] = {
        "answer": "yes",
        "services_available": ["safe_accommodation"],
        "offer_valid_until": until,
    }
    return Said(type="enquiry.reply/1", purpose=None, content=content)


def write_plan(agreed: str, review: str) -> Said:
    """Write the plan of assistance that was agreed with the person."""
    content: dict[str, Json] = {
        "needs": [{"service": "housing", "level": "medium"}],
        "actions": [{"action": "Look for a room.", "service": "housing", "unit": SHELTER, "status": "active"}],
        "agreed_with_person": True,
        "agreed_on": agreed,
        "review_on": review,
    }
    return Said(type="assistance.plan/1", purpose="assistance", content=content)


def write_alert(last_contact: int) -> Said:
    """Raise an alert: nobody has heard of the person since."""
    content: dict[str, Json] = {
        "kind": "missing_contact",
        "level": "high",
        "last_contact_at": last_contact,
        "what_happened": "Did not call at the time that was agreed; the telephone is off.",
        "asked_action": ["call_person", "prepare_shelter"],
        "police_informed": "no",
    }
    return Said(type="safety.alert/1", purpose=None, content=content)
