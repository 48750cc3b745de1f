"""A mapping file of referrals, good as it stands, and with one rule changed."""

from __future__ import annotations

from copy import deepcopy

REFERRAL_FILE = {
    "format": "trm-mapping/1",
    "name": "office",
    "body_type": "referral.request/1",
    "aliases": {"Birthdate": ["Date of Birth", "Né(e) le"]},
    "ignored": ["Case Owner"],
    "constants": {"to": "n1al", "purpose": "referral", "header.legal_basis[]": ["6_1_e"], "header.language": "fr"},
    "fields": {
        "header.case_ref_sender": {"from": "Case", "type": "text", "required": True},
        "content.person.birth_date": {"from": "Birthdate", "type": "date", "year_to": "content.person.birth_year"},
        "content.person.gender": {
            "from": "Gender",
            "type": "code",
            "list": "gender",
            "values": ["Feminine", "Masculine", "Declined"],
            "codes": {"Feminine": "Feminine", "Masculine": "Masculine"},
            "unknown_values": {"Declined": "refused"},
        },
        "content.person.nationalities[]": {"from": "Citizenship", "type": "country", "split": ";"},
        "content.person.languages[].language": {
            "from": ["Primary Language", "Secondary Language"],
            "type": "language",
            "codes": {"Albanian": "sq", "French": "fr"},
            "unknown_values": {"N/K": "unknown"},
        },
        "content.exploitation[]": {
            "from": "Exploitation",
            "type": "codes",
            "list": "exploitation",
            "values": ["Forced labour", "Criminal"],
            "codes": {
                "Forced labour": "ForcedLabour",
                "Water supply; sewerage": "ForcedLabour",
                "Criminal": {
                    "code": "Other",
                    "lossy": True,
                    "note": "forced criminality has no code here",
                    "reviewed": "A. B.",
                },
            },
            "unknown_values": {"Not known": "unknown", "Ask later": "not_yet"},
        },
        "content.services_requested[].service": {
            "from": "Support",
            "type": "codes",
            "list": "service",
            "codes": {"Shelter": "safe_accommodation", "Food": "food", "Legal": "legal_aid"},
        },
        "content.services_requested[].urgency": {
            "from": "Urgency",
            "type": "codes",
            "list": "priority",
            "codes": {"High": "urgent", "Low": "normal"},
        },
        "content.immediate_risk.level": {
            "from": "Risk",
            "type": "code",
            "list": "rating3",
            "codes": {"High": "high"},
            "unknown_values": {"Not assessed": "not_yet"},
            "unknown_for": "content.immediate_risk",
        },
        "content.children": {"from": "Children", "type": "integer"},
        "content.since": {"from": "Since", "type": "year"},
        "content.pregnant": {"from": "Pregnant", "type": "boolean", "codes": {"Yes": True, "No": False}},
        "content.told": {"from": "Told", "type": "boolean"},
    },
}


def ruled(path: str, **keys: object) -> dict[str, object]:
    """The good file with keys of one rule changed; a key set to None is left out."""
    found = deepcopy(REFERRAL_FILE)
    rule = found["fields"].setdefault(path, {"from": "Other", "type": "text"})
    for key, value in keys.items():
        rule[key.rstrip("_")] = value
    found["fields"][path] = {key: value for key, value in rule.items() if value is not None}
    return found
