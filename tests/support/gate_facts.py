"""Facts for the gates: a covered referral, and what tests change of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from gateway.cases.rules import ConsentCase
from gateway.consent.rules import read
from gateway.conversations.history import NOTHING_SAID, History
from gateway.errors import Code
from gateway.foundation.json import Json
from gateway.policy.gates.gate_table import GateFacts, Permit, Recipient, Refuse, UnitKind, evaluate, received

PLACE = re.compile(r"(/[a-z0-9_*-]+)*")
FR, AL, UA = "n1fr", "n1al", "n1ua"
SHELTER = f"{AL}/shelter"
ID = "AAAAAAAAAAAAAAAAAAAAAA"
TODAY = date(2026, 6, 1)
NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())
DAY = 86_400

RECORD: dict[str, Any] = {
    "consent_id": ID,
    "given_by": "person",
    "form": "written",
    "taken_on": "2026-05-20",
    "grants": [
        {"purpose": purpose, "recipient_units": [SHELTER], "data_categories": categories, "until": "2026-12-31"}
        for purpose, categories in (
            ("referral", ["identity", "needs", "immigration"]),
            ("referral", ["exploitation"]),
            ("return", ["identity", "location"]),
        )
    ],
    "told": {"purpose": True},
    "onward_sharing": False,
}
"""What a person agreed to on 20 May: two grants for the referral, one for the return, all to one shelter."""

SIGNED: dict[str, Any] = RECORD | {"signed_form_sha256": "0" * 64}
HEADER: dict[str, Any] = {
    "author_ref": "w-1",
    "recipient_role": "national_focal_point",
    "legal_basis": ["6_1_e", "9_2_a"],
    "transfer_basis": "public_interest_49_1_d",
    "consent_ref": ID,
}
LISTED = Recipient(country="AL", roles=frozenset(), kind=None, current=True)
GOOD = GateFacts(
    body_type="referral.request/1",
    personal=True,
    categories=frozenset({"identity", "exploitation"}),
    sensitivities=frozenset({"identifying", "special"}),
    purpose="referral",
    sender_node=FR,
    recipient_unit=SHELTER,
    recipient=LISTED,
    sender_kind=UnitKind.PUBLIC_AUTHORITY,
    consent=read(RECORD),
    consent_case=ConsentCase.SAME,
    recorded_by=frozenset({FR}),
    handling=(),
    conversation_withdrawn=False,
    asylum_hold=False,
    feared_states=frozenset(),
    history=NOTHING_SAID,
    approver=None,
    header=HEADER,
    content={"legal_status": "irregular"},
    findings=(),
    today=TODAY,
)
ENQUIRY = replace(
    GOOD,
    body_type="enquiry.capacity/1",
    personal=False,
    categories=frozenset(),
    sensitivities=frozenset({"operational"}),
    purpose=None,
    consent=None,
    recorded_by=frozenset(),
    header={"author_ref": "w-1", "recipient_role": "national_focal_point"},
    content={},
)
NOTHING = GateFacts(
    body_type="",
    personal=None,
    categories=frozenset(),
    sensitivities=frozenset(),
    purpose=None,
    sender_node="",
    recipient_unit="",
    recipient=None,
    sender_kind=None,
    consent=None,
    consent_case=ConsentCase.SAME,
    recorded_by=frozenset(),
    handling=(),
    conversation_withdrawn=False,
    asylum_hold=False,
    feared_states=frozenset(),
    history=NOTHING_SAID,
    approver=None,
    header={},
    content={},
    findings=(),
    today=TODAY,
)
"""Facts that know nothing."""


def giver_for(body_type: str, content: Mapping[str, Json], history: History, today: date) -> str:
    """Who may consent at the age that the conversation or this message tells, an adult where nobody told one."""
    return "guardian" if history.said(body_type, content).child(today) else "person"


def headed(facts: GateFacts, **members: Any) -> GateFacts:
    """The facts with other members of the header; None leaves one out."""
    header = {name: value for name, value in {**facts.header, **members}.items() if value is not None}
    return replace(facts, header=header)


def refusals(facts: GateFacts, *, at_receiver: bool = False) -> list[Refuse]:
    """Every refusal, in the order in which they are told. Each names a place of the body, and its hint is worded as all
    are: it begins in lower case and has no full stop.
    """
    found = received(facts) if at_receiver else evaluate(facts)
    told = [] if isinstance(found, Permit) else list(found)
    assert [refusal for refusal in told if not PLACE.fullmatch(refusal.place)] == []
    assert [refusal for refusal in told if not refusal.hint[:1].islower() or refusal.hint.endswith(".")] == []
    return told


def gates(facts: GateFacts, *, at_receiver: bool = False) -> list[Code]:
    """The gates that refuse, in that order."""
    return [refusal.gate for refusal in refusals(facts, at_receiver=at_receiver)]
