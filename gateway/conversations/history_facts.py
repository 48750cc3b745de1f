"""What of a message its history and a row of the list of cases need (`gateway.conversations.history`,
`gateway.conversations.person_facts`): the least that is held in memory (pure).

For each type the members that a history reads, whole where a member is named alone. The names, numbers and words of a
person are not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from gateway.conversations.history import Opened
from gateway.foundation.json import Json
from schemas.types import type_name

Shape: TypeAlias = "Mapping[str, Shape | None]"
"""Members by name, each with the shape of what is in it, or None where all of it is needed."""

_PERSON: Shape = dict.fromkeys(("age_group", "birth_date", "birth_year", "gender", "nationalities"))
_RULED_OUT: Shape = {"reason": None}

SHAPES: Mapping[str, Shape | None] = {
    "referral.request": {
        "person": _PERSON,
        "legal_status": None,
        "reflection_period_until": None,
        "child": {"guardian_unit": None},
    },
    "info.reply": {"person_identifying": _PERSON},
    "data.correction": {"path": None, "new_value": None},
    "referral.withdraw": _RULED_OUT,
    "return.cancel": _RULED_OUT,
    "risk.assessment": {"conclusion": None, "part": None, "review_on": None, "measures": {"done_on": None}},
    "bid.report": dict.fromkeys(("kind", "outcome", "review_on", "care_place_confirmed")),
    "family.report": dict.fromkeys(("recommendation", "involvement_suspected")),
    "guardian.notice": dict.fromkeys(("guardian_unit", "event", "from", "until")),
    "consent.record": None,
    "consent.withdrawal": None,
    "return.proposal": {
        "travellers": {"age_group": None},
        "return_kind": None,
        "decision": dict.fromkeys(("remedy_exhausted", "decided_on", "lawyer_unit", "refoulement_statement")),
        "against_advice": dict.fromkeys(("warnings_told", "statement_sha256", "signed_on")),
        "transfer": dict.fromkeys(("appeal_over", "decided_on", "informed_on")),
    },
}

_CORRECTED = frozenset(
    {
        *("legal_status", "reflection_period_until", "child_assent"),
        *("conclusion", "outcome", "recommendation", "involvement_suspected"),
        *(f"{whose}/{name}" for whose in ("person", "person_identifying") for name in _PERSON),
    }
)
"""The places of a content whose correction a history reads."""


def keep_facts(message: Opened) -> Opened | None:
    """The message with what a history reads of it alone; None where that is nothing."""
    name = type_name(message.body_type)
    if name not in SHAPES:
        return None
    shape = SHAPES[name]
    content = message.content if shape is None else _pick(message.content, shape)
    if name == "data.correction" and not _is_read(content.get("path")):
        return None
    bare = replace(message, header={}, content=content, crossed=None)
    return bare if content or name == "referral.request" else None


def _is_read(path: Json) -> bool:
    """Whether a correction of this place is one of a fact, also of an item of a list."""
    place = path.removeprefix("/content/") if isinstance(path, str) else ""
    return place in _CORRECTED or place.rpartition("/")[0] in _CORRECTED


def _pick(content: Mapping[str, Json], shape: Shape) -> dict[str, Json]:
    return {name: _shaped(content[name], inner) for name, inner in shape.items() if name in content}


def _shaped(value: Json, shape: Shape | None) -> Json:
    if shape is None:
        return value
    if isinstance(value, list):
        return [_shaped(item, shape) for item in value]
    return _pick(value, shape) if isinstance(value, dict) else None
