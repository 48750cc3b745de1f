"""What the desk says to the pages about cases, played: one case in which everything happens at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support import played_cases
from support.consoles import NODE, NOW, READY
from support.library import GUIDANCE

import schemas
from schemas.region_pack.procedures import ANY_TIME, STAGES

CASE, MESSAGE, CONSENT = "A" * 22, "B" * 22, "C" * 22
EXAMPLES = Path(schemas.__file__).parent / "examples"
OF_CASE = {"id": "G" * 22, "name": "Blue 7"}
WHERE = {"peer": "AL", "kind": "referral", "state": "under_review", "provisional": True}
DUTY = {
    "what": "decision",
    "owes": "us",
    "because": MESSAGE,
    "until": NOW - 60,
    "overdue": True,
    "certain": False,
    "doubts": [{"country": "AL", "year": 2027, "why": "year"}],
}
LINE: dict[str, Any] = {
    "id": MESSAGE,
    "direction": "in",
    "peer": "AL",
    "type": "referral.request/1",
    "conversation": CASE,
    "of_case": OF_CASE,
    "in_reply_to": None,
    "purpose": "referral",
    "unit": "focal-point",
    "state": "awaiting_handover",
    "reason": None,
    "held": None,
    "n": 1,
    "at": NOW,
    "expires": None,
    "out_of_order": False,
}
STEP: dict[str, Any] = {
    "id": "referral.decide",
    "stage": "referral",
    "title": {"en": "Decide on the request", "fr": "Décider"},
    "standing": "due",
    "seen": False,
    "stopped_by": [],
    "by": "us",
    "responsible": "national_focal_point",
    "with": ["case_manager"],
    "messages": ["referral.accept"],
    "gates": ["G2"],
    "safeguards": [{"en": "Nobody decides alone"}],
    "tell_person": [{"en": "How long it takes"}],
    "clock": "decision",
    "until": NOW,
}
STANDING: dict[str, Any] = WHERE | {
    "side": "receiving",
    "overlays": ["alert"],
    "owed": [DUTY],
    "missing": 2,
    "no_calendar": ["AL"],
    "ask_elsewhere": True,
    "owed_later": ["/content/person/languages"],
    "procedure": {
        "region": "tact",
        "drafts": ["ar"],
        "stage": "referral",
        "title": {"en": "Referral"},
        "steps": [
            STEP,
            STEP | {"id": "return.propose", "standing": "stopped", "stopped_by": ["reflection_period"], "until": None},
            *(STEP | {"id": f"a.{word}", "standing": word} for word in ("done", "possible", "ahead", "behind")),
        ],
    },
}
SHOWN = {
    "conversation": CASE,
    "of_case": OF_CASE,
    "asylum_hold": True,
    "consents": [{"id": CONSENT, "state": "active"}],
    "standing": [STANDING],
    "messages": [
        LINE | {"outcome": "applied"},
        LINE
        | {
            "id": "D" * 22,
            "direction": "out",
            "state": "failed",
            "reason": "gate_g2",
            "outcome": "late",
            "held": "our side has suspended it",
        },
        LINE | {"id": "E" * 22, "type": None, "conversation": None, "of_case": None, "unit": None, "outcome": None},
    ],
}
ADVICE = {
    "contact": "never",
    "why": "the person must not be called",
    "check_who_answers": True,
    "do_not_notify": [{"party": "family", "why": "the family must not be told anything"}],
}
PEER = {
    "name": "AL",
    "node": "n1",
    "country": "AL",
    "state": "active",
    "cause": None,
    "missing": None,
    "demo": False,
    "first_form": False,
    "descriptor_version": 1,
    "keyset_seen": None,
    "failing_since": None,
    "attempts": 0,
    "next_try": None,
}
WHOLE = LINE | {
    "receipts": [{"status": "received", "at": NOW, "code": None}, {"status": "opened", "at": NOW + 60, "code": None}],
    "erased": None,
    "case": "77",
    "dropped": ["/content/person/name_given"],
}
ALERT = {
    "id": MESSAGE,
    "of_case": OF_CASE,
    "peer": "AL",
    "kind": "violence",
    "owes": "us",
    "until": NOW + 60,
    "overdue": False,
    "woken": [{"contact": "al-1", "at": NOW}],
    "next": {"contact": "al-2", "at": NOW + 30},
}
COURSE: dict[str, Any] = {
    "of_case": OF_CASE,
    "peers": [{"peer": "AL", "reference": "4F7M-2KQX-9TRB"}],
    "person": {
        "age_group": "adult",
        "child": False,
        "gender": None,
        "nationalities": ["AL"],
        "languages": [{"language": "sq", "level": "first"}],
    },
    "stages": [{"name": name, "title": {"en": name}} for name in STAGES if name != ANY_TIME],
    "stage": "assistance",
    "standing": [STANDING | {"conversation": CASE}],
    "messages": [
        LINE | {"outcome": "applied", "receipts": [{"status": "received", "at": NOW, "code": None}]},
        LINE | {"direction": "out", "state": "awaiting_receipt", "outcome": None, "receipts": []},
    ],
    "total": 3,
    "next": "7",
}
"""What happened in a case."""
ANSWERS: dict[str, Any] = {
    **played_cases.ANSWERS,
    "case.course": COURSE,
    "alert.list": {"alerts": [ALERT]},
    "node.ready": READY,
    "conversation.due": {
        "due": [
            WHERE | DUTY | {"conversation": CASE, "of_case": OF_CASE, "type": "referral.request/1", "unit": None},
        ],
        "next": "17.aa.n1",
        "unsettled": False,
    },
    "conversation.list": {
        "next": "17",
        "unsettled": False,
        "conversations": [
            {
                "conversation": CASE,
                "of_case": OF_CASE,
                "kind": "referral",
                "state": "under_review",
                "peer": "AL",
                "unit": "focal-point",
                "messages": 3,
                "began": NOW,
                "last": NOW,
                "last_type": "referral.request/1",
                "last_state": "opened",
            },
        ],
    },
    "conversation.show": SHOWN,
    "conversation.writable": {
        "conversation": CASE,
        "peers": [
            {
                "peer": "AL",
                "types": [],
                "header": {"case_ref_sender": "FR-2026-77"},
                "known_as": ["4F7M-2KQX-9TRB"],
            }
        ],
    },
    "contact.advise": ADVICE,
    "asylum.list": {"holds": [{"id": CASE, "at": NOW, "lift_wanted": True, "states": ["AL"]}]},
    "retention.list": {
        "holds": [
            {
                "id": CASE,
                "of_case": OF_CASE,
                "ground": "restriction_18",
                "until": "2027-06-30",
                "over": False,
                "at": NOW,
            }
        ]
    },
    "directory.list": {
        "units": [
            {
                "peer": peer,
                "state": state,
                "node": f"n1{peer.lower() * 16}",
                "country": peer,
                "unit": unit,
                "name": name,
                "kind": "public_authority",
                "roles": ["national_focal_point"],
                "contact": "duty desk",
            }
            for peer, state, unit, name in (
                ("FR", "own", "focal-point", "Point focal"),
                ("FR", "own", "shelter", "Foyer"),
                ("AL", "active", "focal-point", "Zyra kombëtare"),
            )
        ]
    },
    "directory.search": {
        "understood": {"countries": ["AL"], "child": None, "timed": False},
        "units": [
            {
                "country": "AL",
                "peer": "AL",
                "state": "active",
                "unit": "focal-point",
                "name": "Zyra kombëtare",
                "roles": ["national_focal_point"],
                "services": [],
                "groups_served": [],
                "languages": ["sq"],
                "capacity": "open",
                "hours": "Mo-Fr 09:00-16:00",
                "at": NOW,
                "open": True,
                "contact": {"duty": True, "phone": "+35540000001", "email": None, "hours": None},
                "duty_phone": "+35540000002",
                "region": "AL-11",
                "made": NOW,
                "current": False,
                "expires": NOW,
                "for": [],
            },
        ],
    },
    "guidance.list": GUIDANCE["guidance.list"],
    "guidance.country": GUIDANCE["guidance.country"],
    "inbox.list": {"messages": [LINE] * 12, "next": "12"},
    "draft.list": {
        "drafts": [
            {
                "id": "F" * 22,
                "of_case": OF_CASE,
                "state": "waiting_second",
                "at": NOW,
                "type": "referral.accept/1",
                "to": "AL",
                "unit": None,
                "record": None,
                "version": "v",
                "first_by": "Bea",
                "first_by_caller": False,
            }
        ],
        "next": None,
    },
    "peer.list": {"peers": [PEER, PEER | {"name": "MA", "country": "MA"}]},
    "attachment.list": {
        "attachments": [
            {
                "part": 1,
                "media_type": "application/pdf",
                "size": 2_000,
                "sha256": "00",
                "doc_kind": "consent_form",
                "stored": True,
            }
        ]
    },
    "erasure.list": {
        "requests": [
            {
                "id": MESSAGE,
                "of_case": OF_CASE,
                "peer": "AL",
                "state": state,
                "what": "part",
                "ground": ground,
                "at": NOW,
                "follow": NOW,
                "due": NOW,
                "erased_at": None,
                "answered": None,
                "told_onward": 0,
            }
            for state, ground in (("waiting", "objection"), ("kept", "restriction_18"))
        ]
    },
    "evidence.fields": {
        "messages": [
            {
                "id": MESSAGE,
                "type": "referral.request/1",
                "direction": "in",
                "at": NOW,
                "fields": ["/content/person/age_group", "/content/exploitation/0", "/header/sender_unit"],
            }
        ]
    },
    "review.list": {"reviews": [{"message": MESSAGE, "of_case": OF_CASE, "peer": "AL", "kid": "k", "received": NOW}]},
    "statistics.list": {"releases": [{"period": "2026", "at": NOW}]},
    "statistics.show": {
        "version": 1,
        "period": "2026",
        "threshold": 10,
        "total": None,
        "tables": {"victims": [{"key": ["woman", None], "n": None}], "corridors": None},
    },
}
PATHS = (
    *played_cases.PATHS,
    "/desk/owed?owes=them",
    "/inbox",
    "/conversations?kind=referral",
    f"/conversations/{CASE}",
    f"/conversations/{CASE}/sheet",
    f"/conversations/{CASE}/erase",
    f"/conversations/{CASE}/evidence?peer=AL",
    f"/messages/{MESSAGE}?way=in",
    f"/messages/{MESSAGE}/erase?way=in",
    "/alerts",
    f"/alerts/{MESSAGE}",
    "/records",
    "/records/erasures",
    "/records/holds",
    "/records/reviews",
    "/records/statistics",
    "/records/statistics/2026",
)


def body(body_type: str, name: str = "valid-minimal") -> dict[str, Any]:
    """An example of the catalogue."""
    read: dict[str, Any] = json.loads((EXAMPLES / body_type.replace("/", ".") / f"{name}.json").read_text("utf-8"))
    return {half: read[half] for half in ("header", "content")}


def answers(**other: Any) -> dict[str, Any]:
    """What the desk says to every question of these pages."""
    whole = WHOLE | body("referral.request/1", "valid-child-full")
    played = {name.replace("__", "."): value for name, value in other.items()}
    return ANSWERS | {"node.show": NODE, "message.show": whole} | played
