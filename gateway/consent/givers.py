"""Who may consent for whom (domain 7.17). Pure.

a child    a guardian, a parent, guardian and child together; while there is no guardian the child protection
           authority, for a time; what the child refuses only that authority decides
an adult   the person, or the representative of an adult who cannot consent

A consent ends with whoever gave it: that of a guardian when another one takes over or none is left, that of the
authority when a guardian is there (domain 7.23).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.consent.rules import Consent

INTERIM = "child_authority_interim"
INTERIM_DAYS = 60
"""How long the child protection authority consents in the place of a guardian (domain 7.17)."""

FOR_A_CHILD: frozenset[str] = frozenset({"guardian", "person_and_guardian", "parent", INTERIM})
FOR_AN_ADULT: frozenset[str] = frozenset({"person", "legal_representative"})
OF_A_GUARDIAN: frozenset[str] = frozenset({"guardian", "person_and_guardian"})
WHILE_GUARDED: frozenset[str] = OF_A_GUARDIAN | {INTERIM}
"""Those whose consent ends by what is told of the guardian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardianship:
    """What was told of a child's guardians on the side that recorded a consent: the first days on which one of them
    acted, and the first days on which one of them acted no more.
    """

    began: frozenset[date] = frozenset()
    left: frozenset[date] = frozenset()

    def joined(self, other: Guardianship) -> Guardianship:
        """Both together."""
        return Guardianship(began=self.began | other.began, left=self.left | other.left)


NOTHING_TOLD = Guardianship()
"""Nobody told of a guardian: then none has begun or left."""


def unfit_giver(
    consent: Consent, *, child: bool | None, today: date, guardianship: Guardianship = NOTHING_TOLD
) -> str | None:
    """Why whoever gave this consent cannot give it for a person of that age, or any more, and what to do; None where
    they can.

    `child` is None where nobody told an age: then only what holds at every age is looked at. `guardianship` is that of
    the side that recorded the consent.
    """
    if child is True and consent.given_by not in FOR_A_CHILD:
        return "a child does not consent alone: record the consent of a guardian or parent, and the child's assent"
    if child is False and consent.given_by not in FOR_AN_ADULT:
        return "an adult consents in person: ask the person, also who was a child when the consent was taken"
    if consent.given_by == INTERIM and today > consent.taken_on + timedelta(days=INTERIM_DAYS):
        return (
            f"the child protection authority consents for {INTERIM_DAYS} days at most: ask the guardian, record it anew"
        )
    if lapsed := _lapsed(consent, guardianship, today):
        return lapsed
    if consent.assent == "refused" and consent.given_by != INTERIM:
        return "the child said no: the child protection authority decides, record its consent or leave it"
    return None


def _lapsed(consent: Consent, guardianship: Guardianship, today: date) -> str | None:
    """Why it ended with whoever gave it; None where it did not. What a child refused stays for the authority."""
    if consent.given_by in OF_A_GUARDIAN and _between(guardianship.left, consent.taken_on, today):
        return (
            "the guardian who consented acts for the child no more: ask the guardian of now, or the child protection "
            "authority while there is none, then trm consent record"
        )
    if (
        consent.given_by == INTERIM
        and consent.assent != "refused"
        and _between(guardianship.began, consent.taken_on, today)
    ):
        return "a guardian is there since the authority consented: ask the guardian, then trm consent record"
    return None


def days_of_lapse(
    consent: Consent, *, adult_on: date | None, guardianship: Guardianship = NOTHING_TOLD
) -> frozenset[date]:
    """The first days on which a part of it, or all, carries nothing any more: of what was told by now, past days and
    such as are to come. `adult_on` is the first day on which the person is an adult, None where nobody can say.
    """
    days = {grant.until + timedelta(days=1) for grant in consent.in_force if grant.until is not None}
    if consent.given_by == INTERIM:
        days.add(consent.taken_on + timedelta(days=INTERIM_DAYS + 1))
        days |= guardianship.began if consent.assent != "refused" else frozenset()
    if consent.given_by in OF_A_GUARDIAN:
        days |= guardianship.left
    if consent.given_by in FOR_A_CHILD and adult_on is not None:
        days.add(adult_on)
    return frozenset(day for day in days if day > consent.taken_on)


def _between(days: Collection[date], taken_on: date, today: date) -> bool:
    return any(taken_on < day <= today for day in days)
