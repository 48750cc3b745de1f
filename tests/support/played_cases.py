"""What a desk that a test plays says about cases: a list of two, and one in which everything waits at once."""

from __future__ import annotations

from typing import Any

CASE, OTHER = "G" * 22, "H" * 22
TALK, CONSENT, DRAFT, MERGE, SPLIT = "A" * 22, "C" * 22, "F" * 22, "I" * 22, "J" * 22
AT = 1_790_000_000

LINE: dict[str, Any] = {
    "id": CASE,
    "name": "Blue 7",
    "number": "2026/117",
    "at": AT,
    "units": ["focal-point"],
    "conversations": 1,
    "ours": AT - 60,
    "theirs": AT + 60,
}
CASES: dict[str, Any] = {
    "cases": [LINE, LINE | {"id": OTHER, "name": None, "number": None, "units": [], "ours": None, "theirs": None}],
    "next": None,
    "unsettled": False,
}
CHANGE: dict[str, Any] = {
    "id": MERGE,
    "kind": "merge",
    "state": "asked",
    "at": AT,
    "from": OTHER,
    "into": CASE,
    "reason": "she says so",
}
PERSON: dict[str, Any] = {
    "id": "p" * 22,
    "name": "Eva M.",
    "roles": ["case_worker"],
    "unit": None,
    "language": None,
    "state": "active",
    "made": AT,
    "ended": None,
    "invited_until": None,
    "sessions": 0,
    "passkeys": [],
    "tokens": 0,
    "vouched": [],
    "waits": None,
}
FOUND: dict[str, Any] = {
    "cases": [
        one
        | {
            "peers": [{"peer": "AL", "reference": "4K7N-2QXD-90FT", "began": "us"}],
            "stage": "referral",
            "next": {
                "what": "decision",
                "owes": "us",
                "peer": "AL",
                "until": AT,
                "overdue": True,
                "certain": True,
            },
            "moved": AT,
            "worker": None,
            "flags": ["call before noon"],
            "closed": False,
            "age_group": "adult",
            "child": False,
            "gender": "Feminine",
        }
        for one in CASES["cases"]
    ],
    "counts": {"open": 2, "mine": 0, "overdue": 1, "soon": 0, "ours": 2, "theirs": 0, "flagged": 2, "closed": 0},
    "total": 2,
    "unsettled": False,
    "next": None,
}
COVERED = {"purpose": "referral", "categories": ["identity", "needs"], "units": ["n1/fp"], "until": "2027-05-24"}
SHOWN: dict[str, Any] = {
    "id": CASE,
    "name": "Blue 7",
    "number": "2026/117",
    "at": AT,
    "units": ["focal-point"],
    "worker": None,
    "flags": ["call before noon"],
    "keepers": [
        {"unit": "shelter", "worker": None, "since": AT - 100, "until": AT, "reason": "opened it"},
        {"unit": "focal-point", "worker": "w-7", "since": AT, "until": None, "reason": "she moved"},
    ],
    "group": [{"other": OTHER, "name": None, "relation": "child"}],
    "conversations": [
        {
            "conversation": TALK,
            "peer": "AL",
            "country": "AL",
            "kind": "referral",
            "state": "under_review",
            "untaken": 2,
            "last": AT,
        },
        {
            "conversation": None,
            "peer": "MA",
            "country": "MA",
            "kind": "enquiry",
            "state": None,
            "untaken": 0,
            "last": AT,
        },
    ],
    "drafts": [
        {"id": DRAFT, "type": "referral.accept/1", "to": "AL", "state": "waiting_second", "at": AT},
        {"id": "K" * 22, "type": None, "to": None, "state": "waiting", "at": AT},
    ],
    "consents": [
        {"id": CONSENT, "holder": "own", "state": "active", "at": AT, "lapses": True, "covers": [COVERED]},
        {"id": "L" * 22, "holder": "AL", "state": "withdrawn", "at": AT, "lapses": False, "covers": []},
        {"id": None, "holder": "own", "state": "damaged", "at": AT, "lapses": False, "covers": []},
    ],
    "denials": [
        {"consent": CONSENT, "purpose": "return", "unit": None, "category": None},
        {"consent": CONSENT, "purpose": None, "unit": "n1/fp", "category": "image"},
    ],
    "asylum_holds": [
        {"conversation": TALK, "at": AT, "lift_wanted": True, "states": ["MA"]},
        {"conversation": None, "at": AT, "lift_wanted": False, "states": []},
    ],
    "linked_questions": [{"about": OTHER, "at": AT, "said": 1, "states": ["MA"]}],
    "legal_holds": [{"conversation": TALK, "ground": "restriction_18", "until": "2027-06-30"}],
    "case_holds": [{"ground": "restriction_18", "until": "2027-06-30"}],
    "statuses": [
        {"status": status, "country": country, "body": body, "on": "2026-11-20", "message": None, "at": AT, "now": now}
        for status, country, body, now in (
            ("presumed", "FR", "Police", True),
            ("self_reported", "FR", None, False),
            ("not_identified", "AL", "Other", True),
        )
    ],
    "roles": [
        {"role": "witness", "on": "2026-11-20", "ended": True, "at": AT, "now": False},
        {"role": "asylum_seeker", "on": "2026-11-20", "ended": False, "at": AT, "now": True},
    ],
    "blocks": [
        {"person": "p" * 22, "name": "Eva M.", "unit": None, "reason": "a relative", "at": AT},
        {"person": None, "name": None, "unit": "shelter", "reason": "she works there", "at": AT},
    ],
    "files": [{"message": "B" * 22, "direction": "in", "part": 0, "media_type": "application/pdf", "size": 2_000}],
    "changes": [
        CHANGE,
        CHANGE | {"id": SPLIT, "kind": "split", "state": "done", "from": CASE, "into": OTHER, "reason": None},
    ],
}
OF_CASE = {"id": CASE, "name": "Blue 7"}
RELIES = {"conversation": TALK, "of_case": OF_CASE, "peer": "AL", "country": "AL", "state": "under_review", "stops": 2}
IN_FORCE: dict[str, Any] = {
    "of_case": OF_CASE,
    "consents": [
        {
            "id": CONSENT,
            "state": "active",
            "at": AT,
            "relied_on": [RELIES, RELIES | {"conversation": None, "peer": "MA"}],
        },
        {"id": None, "state": "damaged", "at": AT, "relied_on": []},
    ],
    "tells": ["AL", "MA"],
}
TOLD: dict[str, Any] = {
    "message": "B" * 22,
    "at": AT,
    "consent": CONSENT,
    "whole": True,
    "erase_wanted": True,
    "conversation": TALK,
    "peer": "AL",
    "country": "AL",
    "state": "awaiting_opening",
    "receipts": [{"status": "received", "at": AT, "code": None}, {"status": "delivered", "at": AT + 60, "code": None}],
    "confirmed": {"message": "K" * 22, "at": AT + 120},
    "erased": None,
    "owed": [
        {
            "what": "erasure",
            "owes": "them",
            "because": "B" * 22,
            "until": AT + 86_400,
            "overdue": False,
            "certain": True,
            "doubts": [],
        }
    ],
}
WAITS = TOLD | {
    "peer": "MA",
    "country": "MA",
    "conversation": None,
    "state": "awaiting_receipt",
    "receipts": [],
    "confirmed": None,
    "owed": [one | {"what": what, "overdue": True} for one in TOLD["owed"] for what in ("withdrawal_ack", "erasure")],
}
WITHDRAWALS: dict[str, Any] = {"of_case": OF_CASE, "withdrawals": [TOLD, WAITS]}
"""Of two countries that were told, Albania has confirmed and Morocco has not, in time."""
ANSWERS: dict[str, Any] = {
    "consent.of_case": IN_FORCE,
    "case.withdrawals": WITHDRAWALS,
    "consent.unconfirmed": {"cases": [{"of_case": OF_CASE, "consents": 2}], "consents": 3},
    "person.list": {"people": [PERSON]},
    "case.list": CASES,
    "case.find": FOUND,
    "case.show": SHOWN,
    "case.open": {"id": CASE},
}
PATHS = (
    "/cases",
    "/cases/new",
    f"/cases/{CASE}",
    *(f"/cases/{CASE}/{part}" for part in ("messages", "consents", "files", "holds", "proof")),
    f"/cases/{CASE}/relate",
    f"/cases/{CASE}/change",
    f"/cases/{CASE}/erase",
    f"/cases/{CASE}/withdraw",
    f"/cases/{CASE}/withdrawn",
    f"/cases/{CASE}/confirm",
    "/consents/unconfirmed",
)
