"""Who may consent for whom (domain 7.17). Pure.

a child    a guardian, a parent, guardian and child together; while there is no guardian the child protection
           authority, for a time; what the child refuses only that authority decides
an adult   the person, or the representative of an adult who cannot consent
"""

from __future__ import annotations

from datetime import date, timedelta

from gateway.consent.rules import Consent

INTERIM = "child_authority_interim"
INTERIM_DAYS = 60
"""How long the child protection authority consents in the place of a guardian (domain 7.17)."""

FOR_A_CHILD: frozenset[str] = frozenset({"guardian", "person_and_guardian", "parent", INTERIM})
FOR_AN_ADULT: frozenset[str] = frozenset({"person", "legal_representative"})


def unfit_giver(consent: Consent, *, child: bool | None, today: date) -> str | None:
    """Why whoever gave this consent cannot give it for a person of that age, and what to do; None where they can.

    `child` is None where nobody told an age: then only what holds at every age is looked at.
    """
    if child is True and consent.given_by not in FOR_A_CHILD:
        return "a child does not consent alone: record the consent of a guardian or parent, and the child's assent"
    if child is False and consent.given_by not in FOR_AN_ADULT:
        return "an adult consents in person: ask the person, also who was a child when the consent was taken"
    if consent.given_by == INTERIM and today > consent.taken_on + timedelta(days=INTERIM_DAYS):
        return (
            f"the child protection authority consents for {INTERIM_DAYS} days at most: ask the guardian, record it anew"
        )
    if consent.assent == "refused" and consent.given_by != INTERIM:
        return "the child said no: the child protection authority decides, record its consent or leave it"
    return None
