"""What a node counts of one case: the codes of its referral by dimension (`schemas.region_pack.statistics.COUNTED`),
pure.

    sex, age_group, citizenship_group    of the person, the last word counting; child as the gates read the age
    exploitation, registering_body       of the referral
    thb_status                           of the referral and of the decisions on it, what holds now
    corridor                             the country of the other side

Nothing is guessed: what nobody said has no code, and counts as not stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from gateway.conversations.history import Opened, history_of, in_order
from gateway.foundation.json import Json
from gateway.statistics.tallies import CORRIDOR, Case
from schemas.types import type_name

STATUS = "thb_status"
"""The dimension that tells who is identified from who is presumed to be a victim (domain 12.15)."""

_CORRECTED: Mapping[str, str] = {
    "/content/person/gender": "sex",
    "/content/person_identifying/gender": "sex",
    "/content/thb_decision_body": "registering_body",
    "/content/thb_status": STATUS,
}
_NO_LONGER = frozenset({"overturned", "revoked"})


def case_of(messages: Iterable[Opened], registered: date, country: str | None) -> Case:
    """One case by the messages of its conversation, in any order. ``country`` is that of the other side."""
    ordered = in_order(messages)
    history = history_of(ordered)
    child = history.child(registered)
    found: dict[str, frozenset[str]] = {
        "age_group": frozenset(() if child is None else {"child" if child else "adult"}),
        "citizenship_group": history.nationalities or frozenset(),
        CORRIDOR: frozenset(() if country is None else {country}),
    }
    for message in ordered:
        found |= _said(type_name(message.body_type), message.content)
    return Case(registered=registered, codes=found)


def _said(name: str, content: Mapping[str, Json]) -> dict[str, frozenset[str]]:
    """Read sex, exploitation and registering body from one message, by dimension; what it leaves out is not there."""
    match name:
        case "referral.request":
            told = {"exploitation": content.get("exploitation"), "registering_body": content.get("thb_decision_body")}
            return _codes(told | {STATUS: content.get("thb_status")} | _of_person(content.get("person")))
        case "identification.certificate":
            return _codes({STATUS: _decided(content)})
        case "info.reply":
            return _codes(_of_person(content.get("person_identifying")))
        case "data.correction":
            path = content.get("path")
            dimension = _CORRECTED.get(path) if isinstance(path, str) else None
            return {} if dimension is None else _codes({dimension: content.get("new_value")})
        case _:
            return {}


def _decided(content: Mapping[str, Json]) -> Json:
    """A decision that identified a victim and was taken back or overturned identifies nobody any more."""
    since = content.get("since_then")
    over = isinstance(since, dict) and since.get("event") in _NO_LONGER
    if over:
        return "not_identified" if content.get("decision") != "not_identified" else None
    return content.get("decision")


def _of_person(person: Json) -> dict[str, Json]:
    return {"sex": person.get("gender")} if isinstance(person, dict) else {}


def _codes(told: Mapping[str, Json]) -> dict[str, frozenset[str]]:
    """Codes by dimension, without those of which nothing was said."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in told.items()}
    found = {name: frozenset(item for item in value if isinstance(item, str)) for name, value in listed.items()}
    return {name: codes for name, codes in found.items() if codes}
