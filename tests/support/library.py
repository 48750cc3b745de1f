"""What the desk says to the pages of the directory and the guidance library, played."""

from __future__ import annotations

from typing import Any

from support.consoles import NODE, NOW

DAY = 86_400
SCRIPT = "<script>alert(1)</script>"

TEXT: dict[str, Any] = {
    "id": "withdrawal",
    "title": "When the person withdraws consent",
    "summary": "Record it at once.",
    "draft": True,
    "origin": "general",
    "stages": ["referral", "return"],
    "roles": ["case_manager"],
    "topics": ["consent", "data"],
    "countries": [],
    "between": [],
    "version": 2,
    "written": "2026-11-27",
    "review_by": "2027-11-27",
    "overdue": False,
}
OWN_TEXT = TEXT | {
    "id": "lyon",
    "title": f"La cellule de Lyon {SCRIPT}",
    "origin": "own",
    "draft": False,
    "countries": ["FR"],
    "topics": ["law"],
    "overdue": True,
    "review_by": "2026-01-01",
}
WHOLE_TEXT = OWN_TEXT | {
    "body": f"Call **first**.\n\n1. One {SCRIPT}\n2. Two\n\n## After\n\n[law](https://example.org/law)",
    "body_language": "fr",
    "body_draft": False,
    "body_older": False,
    "written_in": "fr",
    "sources": [{"id": "law", "title": "Example law", "issuer": "Parliament", "year": None, "where": "gazette 1"}],
}
FACT: dict[str, Any] = {
    "kind": "reporting_duty",
    "text": f"Whoever knows of it has to report it {SCRIPT}",
    "source": "Example code, article 1",
    "year": 2016,
    "confirmed_by": None,
    "review_by": "2026-01-01",
    "overdue": True,
    "roles": ["case_manager", "duty_contact"],
}
COUNTRY: dict[str, Any] = {
    "country": "AL",
    "draft": True,
    "facts": [
        FACT,
        FACT | {"kind": "line", "confirmed_by": "The ministry", "year": None, "overdue": False, "roles": []},
    ],
    "missing": ["compensation", "residence"],
}
GUIDANCE: dict[str, Any] = {
    "guidance.list": {"texts": [TEXT, OWN_TEXT], "countries": ["AL", "MA"], "faults": []},
    "guidance.search": {"texts": [OWN_TEXT]},
    "guidance.show": WHOLE_TEXT,
    "guidance.country": COUNTRY,
}
OFFICE: dict[str, Any] = {
    "country": "AL",
    "peer": "AL",
    "state": "active",
    "unit": "kujdestaria",
    "name": f"Kujdestaria {SCRIPT}",
    "roles": ["duty_contact", "child_protection_authority"],
    "services": ["guardian"],
    "groups_served": ["children"],
    "languages": ["sq", "en"],
    "for": ["child"],
    "capacity": "open",
    "hours": "Mo-Fr 09:00-16:00",
    "at": NOW + DAY,
    "open": False,
    "contact": {"duty": True, "phone": "+355690000001", "email": None, "hours": None},
    "duty_phone": "+355690000001",
    "region": None,
    "made": NOW - DAY,
    "current": True,
    "expires": NOW + 80 * DAY,
}
OPEN = OFFICE | {
    "unit": "onac",
    "name": "Zyra",
    "open": True,
    "for": [],
    "contact": {"duty": False, "phone": "+355690000002", "email": "zyra@example.org", "hours": "always"},
}
SILENT = OFFICE | {
    "unit": "grants",
    "name": "Grants",
    "open": None,
    "contact": None,
    "duty_phone": None,
    "region": None,
    "hours": None,
    "services": [],
    "groups_served": [],
}
OVER = OPEN | {"unit": "old", "name": "Old", "current": False, "expires": NOW - DAY, "state": "suspended"}
ENTRY: dict[str, Any] = {
    "peer": "AL",
    "state": "active",
    "number": 3,
    "made": NOW - DAY,
    "expires": NOW + 80 * DAY,
    "current": True,
    "units": [OFFICE, OPEN, SILENT, OVER],
    "foreign": 2,
    "procedures": [{"kind": "reflection_period", "text": f"Three months\n{SCRIPT}", "url": "https://example.org/r"}],
}
SIGNED = [
    {
        "peer": country,
        "state": state,
        "node": f"n1{country}",
        "country": country,
        "unit": "focal-point",
        "name": "Focal point",
        "kind": "public_authority",
        "roles": ["national_focal_point"],
        "contact": "+33100000000",
    }
    for country, state in (("FR", "own"), ("AL", "active"), ("RO", "active"))
]
TOLD: dict[str, Any] = {
    "units": [
        {
            "unit_id": "focal-point",
            "name": [{"language": "fr", "text": "Point focal"}],
            "country": "FR",
            "roles": ["national_focal_point"],
            "languages": ["fr"],
            "capacity_status": "open",
            "hours": "Mo-Fr 09:00-16:00",
            "valid_until": "2026-11-01",
        },
    ],
    "focal_points": [
        {"unit_id": "focal-point", "for": "national", "public_contact": {"phone": "+33100000000"}},
    ],
    "keys": [],
}
DIRECTORY: dict[str, Any] = {
    "directory.search": {
        "understood": {"countries": ["AL"], "child": True, "timed": True},
        "units": [OFFICE, OPEN, SILENT, OVER],
    },
    "directory.show": {"country": "AL", "entries": [ENTRY, ENTRY | {"state": "own", "current": False, "expires": NOW}]},
    "directory.list": {"units": SIGNED},
    "directory.own": {
        "content": TOLD,
        "number": 2,
        "made": NOW - 70 * DAY,
        "expires": NOW + 20 * DAY,
        "last": "2026-12-20",
    },
    "directory.publish": {
        "number": 3,
        "expires": NOW + 90 * DAY,
        "sent": [{"peer": "AL", "message": "A" * 22}],
        "left_out": [{"peer": "RO", "code": "out_of_scope", "hint": "widen <it>"}],
    },
    "peer.list": {
        "peers": [
            {
                "name": name,
                "node": "n1",
                "country": name,
                "state": state,
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
            for name, state in (("AL", "active"), ("MA", "suspended"))
        ]
    },
}
PATHS = [
    "/directory",
    "/directory/AL",
    "/directory/FR",
    "/directory/own",
    "/guidance",
    "/guidance?stage=return",
    "/guidance/lyon",
    "/guidance/country/AL",
]


def answers() -> dict[str, Any]:
    """Everything that these pages ask for."""
    return {**DIRECTORY, **GUIDANCE, "node.show": NODE}
