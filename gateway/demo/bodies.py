"""The messages that people and case systems of the demonstration write, as drafts in the form of the local API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.demo.cases import MARKS
from gateway.demo.journey import Said
from gateway.demo.nodes import ROLE, UNIT, format_day
from gateway.demo.places import Country
from gateway.ports import Json

PURPOSE = "referral"
PURPOSES = (PURPOSE, "family_inquiry", "risk_assessment", "return", "reintegration", "monitoring")
INSTRUMENT = "Arrangement 2024/3 of the two coordinators"
CATEGORIES = (
    "identity",
    "contact",
    "documents",
    "family",
    "health_physical",
    "exploitation",
    "immigration",
    "risk",
    "location",
    "needs",
    "monitoring",
)


class Writer:
    """Writes for one country, on one day."""

    def __init__(self, country: Country, today: date) -> None:
        self._country = country
        self._today = today

    def _draft(
        self,
        type: str,
        to: Country,
        answers: Mapping[str, Json],
        content: dict[str, Json],
        *,
        consent: str | None = None,
    ) -> dict[str, Json]:
        """Make a draft. `answers` has the conversation and the message that is answered, as far as there are any;
        `consent` is named by messages about a person.
        """
        header: dict[str, Json] = {
            "sender_unit": UNIT,
            "sender_role": ROLE,
            "recipient_unit": UNIT,
            "recipient_role": ROLE,
            "priority": "normal",
            "handling": {
                "onward_sharing": "none",
                "retain_until": format_day(self._today, 180),
                "export_to_local": "full",
            },
            "language": self._country.language,
        }
        draft: dict[str, Json] = {
            "type": type,
            "to": to.code,
            "header": header,
            "content": content,
        }
        if "conversation" in answers:
            draft["conversation"] = answers["conversation"]
        if "id" in answers:
            draft["in_reply_to"] = answers["id"]
        if consent is not None:
            header |= {
                "legal_basis": ["6_1_e", "9_2_g"],
                "transfer_basis": "admin_arrangement_46_3_b",
                "transfer_instrument": INSTRUMENT,
                "consent_ref": consent,
            }
            draft["purpose"] = PURPOSE
        return draft

    def said(self, said: Said, to: Country, case: Mapping[str, Json] | None, consent: str) -> dict[str, Json]:
        """Write a message of a case, or the first one of a new case; `case` has its conversation, and an `id` to
        answer.
        """
        draft = self._draft(said.type, to, case or {}, said.content, consent=consent)
        return draft | {"purpose": said.purpose}

    def consent(self, *countries: Country, onward: bool = False) -> dict[str, Json]:
        """Write the consent: the purposes of the way home, the focal points of these countries, these categories;
        `onward` says whether they may pass it on to whoever helps there.
        """
        return {
            "given_by": "person",
            "form": "written",
            "taken_on": self._today.isoformat(),
            "language": "sq",
            "interpreter": True,
            "grants": [
                {
                    "purpose": purpose,
                    "recipient_units": [f"{country.code}/{UNIT}" for country in countries],
                    "data_categories": list(CATEGORIES),
                    "until": format_day(self._today, 180),
                }
                for purpose in PURPOSES
            ],
            "told": dict.fromkeys(
                ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal"), True
            ),
            "onward_sharing": onward,
        }

    def enquiry(self, to: Country) -> dict[str, Json]:
        """Ask whether there is a place; it names nobody."""
        content: dict[str, Json] = {
            "services": ["safe_accommodation"],
            "age_group": "adult",
            "referral_kind": "return_reception",
        }
        return self._draft("enquiry.capacity/1", to, {}, content)

    def question(self, to: Country, answers: dict[str, Json], consent: str) -> dict[str, Json]:
        """Ask what she needs in the first days. Her identity is kept back by the policy until the case is taken."""
        item: dict[str, Json] = {
            "item_id": "first-days",
            "data_category": "needs",
            "question": "What is needed in the first days?",
            "why_needed": "To prepare the place before she comes.",
        }
        return self._draft("info.request/1", to, answers, {"items": [item], "blocks_decision": True}, consent=consent)

    def answer(self, to: Country, answers: dict[str, Json], consent: str) -> dict[str, Json]:
        """Answer what she needs."""
        given: dict[str, Json] = {
            "item_id": "first-days",
            "status": "given",
            "data_category": "needs",
            "value": MARKS["answer about needs"],
        }
        return self._draft("info.reply/1", to, answers, {"answers": [given]}, consent=consent)

    def acceptance(self, to: Country, answers: dict[str, Json], consent: str, *, number: str) -> dict[str, Json]:
        """Take the case, which has this number here from now on."""
        return self._draft(
            "referral.accept/1",
            to,
            answers,
            {
                "case_ref_recipient": number,
                "lead_unit": UNIT,
                "case_worker_ref": self._country.person,
                "contact": {"phone": MARKS["phone of the case worker"], "hours": "day and night"},
                "services_committed": [{"service": "safe_accommodation"}, {"service": "reception_on_arrival"}],
            },
            consent=consent,
        )

    def decline(self, to: Country, answers: dict[str, Json], consent: str) -> dict[str, Json]:
        """Decline, with the reason."""
        return self._draft(
            "referral.decline/1",
            to,
            answers,
            {
                "reason": "no_capacity",
                "note": MARKS["note of the decline"],
                "erase_by": format_day(self._today, 30),
            },
            consent=consent,
        )

    def stopped(self, to: Country, answers: dict[str, Json], now: int) -> dict[str, Json]:
        """Confirm that processing stopped at `now` and that nothing is kept."""
        content: dict[str, Json] = {"stopped_on": now, "kept": [], "passed_on_to": []}
        draft = self._draft("consent.withdrawal.ack/1", to, answers, content)
        return draft | {"purpose": PURPOSE}
