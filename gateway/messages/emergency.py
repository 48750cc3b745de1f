"""A referral in danger to life asks ten things; the rest follows, and is said to follow (pure; domain 7.22).

What the schema wants to be answered and an emergency leaves open is said to be `not_yet`: never a guess, and never a
reason to wait. What was left so is owed until it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.ports import Json

REFERRAL = "referral.request/1"
EMERGENCY = "emergency"
ASKED: tuple[str, ...] = (
    "/content/referral_kind",
    "/header/priority",
    "/content/person/pseudonym",
    "/content/person/age_group",
    "/content/thb_status",
    "/content/immediate_risk",
    "/content/legal_status",
    "/header/consent_ref",
    "/content/services_requested",
    "/content/expected_next_step",
)
"""The ten questions. In danger to life a claim of it stands in the place of the consent."""
INSTEAD = "/header/vital_interest"
LATER: tuple[str, ...] = ("languages", "safe_contact_rule")
"""Members of the person that have to be answered, and may be answered later."""
NOT_YET = "not_yet"


def is_emergency(body_type: str, header: Mapping[str, Json]) -> bool:
    """Whether a message is a referral in danger to life."""
    return body_type == REFERRAL and header.get("priority") == EMERGENCY


def leave_for_later(body_type: str, header: Mapping[str, Json], content: Mapping[str, Json]) -> dict[str, Json]:
    """Say of what an emergency leaves open that it is not known yet; every other content is returned as it is."""
    person = content.get("person")
    if not is_emergency(body_type, header) or not isinstance(person, dict):
        return dict(content)
    said = person.get("unknown")
    unknown = dict(said) if isinstance(said, dict) else {}
    open_ = {name: NOT_YET for name in LATER if name not in person and name not in unknown}
    return {**content, "person": {**person, "unknown": {**unknown, **open_}}} if open_ else dict(content)


def list_owed(referral: Mapping[str, Json], told: Iterable[Mapping[str, Json]]) -> tuple[str, ...]:
    """List the places of an emergency's content that were left for later, without those that a later answer of the same
    side told. ``told`` are the contents of `info.reply`.
    """
    person = referral.get("person")
    unknown = person.get("unknown") if isinstance(person, dict) else None
    left = [name for name, why in unknown.items() if why == NOT_YET] if isinstance(unknown, dict) else []
    answered = {name for reply in told if isinstance(part := reply.get("person_identifying"), dict) for name in part}
    return tuple(f"/content/person/{name}" for name in left if name not in answered)
