"""What a desk that a test plays says about consents: a list of two, and one on which a conversation relies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.played_cases import IN_FORCE, SHOWN, WITHDRAWALS
from support.written import ID as DRAFT
from support.written import KNOWN, PEER, SCRIPT

from gateway.console.pages.consent import TOLD

ID = "CCCCCCCCCCCCCCCCCCCCCA"
UNIT = f"{PEER['node']}/fp"
GRANT = {"purpose": "referral", "recipient_units": [UNIT], "data_categories": ["identity"], "until": "2030-01-01"}
RECORD = {
    "consent_id": ID,
    "given_by": "person",
    "form": "written",
    "taken_on": "2026-11-20",
    "language": "ar",
    "interpreter": True,
    "grants": [GRANT, GRANT | {"purpose": "return"}],
    "told": dict.fromkeys(TOLD, True),
    "onward_sharing": False,
}
OF_CASE = {"id": DRAFT, "name": "Blue 7"}
RELIES = {"conversation": DRAFT, "of_case": OF_CASE, "peer": "AL", "country": "AL", "state": "under_review", "stops": 2}
HELD = {
    "id": ID,
    "of_case": OF_CASE,
    "relied_on": [RELIES],
    "tells": ["AL"],
    "holder": "own",
    "state": "active",
    "record": RECORD,
    "withdrawals": [],
}
ANSWERS: Mapping[str, Any] = KNOWN | {
    "consent.list": {
        "consents": [
            {"id": ID, "of_case": OF_CASE, "holder": "own", "state": "active", "at": 1},
            {"id": None, "of_case": None, "holder": SCRIPT, "state": "damaged", "at": 1},
        ],
        "next": "5",
    },
    "consent.show": HELD,
    "consent.of_case": IN_FORCE,
    "case.withdrawals": {
        "of_case": OF_CASE,
        "withdrawals": [one | {"consent": ID} for one in WITHDRAWALS["withdrawals"]],
    },
    "case.show": SHOWN | OF_CASE,
    "consent.record": {"id": ID, "state": "active"},
    "consent.withdraw": {"id": ID, "state": "withdrawn", "told": []},
}
