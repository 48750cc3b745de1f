"""What the person said no to in any consent of a case, where danger to life is claimed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from support.gate_facts import RECORD, SHELTER, TODAY, UA

from gateway.consent.rules import Denial, read
from gateway.consent.said_no import NOTHING_REFUSED, SaidNo

CONSENT = read(RECORD)
GRANT = CONSENT.grants[0]
WANTED = frozenset({"identity", "needs", "health_mental"})
GONE = SaidNo(taken_back=(GRANT,))


def took_back(said: SaidNo, *, purpose: str = "referral", unit: str = SHELTER, today: date = TODAY) -> frozenset[str]:
    """What of the categories that are wanted counts as taken back."""
    return said.took_back(purpose, unit, WANTED, today)


def test_what_nobody_said_no_to():
    """Danger to life carries it."""
    assert not NOTHING_REFUSED.refuses("referral", SHELTER, "identity")
    assert took_back(NOTHING_REFUSED) == frozenset()


def test_a_denial_is_about_whom_and_what_it_names():
    """What it leaves open it denies for every value; no yes of another consent beats it."""
    said = SaidNo(denials=(Denial(purpose=None, unit=SHELTER, category="identity"),), standing=(CONSENT,))
    assert said.refuses("assistance", SHELTER, "identity")
    assert not said.refuses("referral", f"{UA}/desk", "identity")
    assert not said.refuses("referral", SHELTER, "needs")


def test_what_was_taken_back_is_about_whom_and_what_its_grant_names():
    """Also after its last day; not another unit, purpose or category."""
    assert took_back(GONE) == took_back(GONE, today=date(2030, 1, 1)) == {"identity", "needs"}
    assert took_back(GONE, purpose="assistance") == took_back(GONE, unit=f"{UA}/desk") == frozenset()


def test_what_another_consent_grants_was_agreed_to_again():
    """As long as that grant holds, and only what it covers."""
    again = replace(GONE, standing=(read(RECORD | {"grants": [RECORD["grants"][0] | {"data_categories": ["needs"]}]}),))
    assert took_back(again) == {"identity"}
    assert took_back(replace(again, standing=(*again.standing, CONSENT))) == frozenset()
    assert took_back(again, today=date(2030, 1, 1)) == {"identity", "needs"}


def test_what_no_record_says_may_have_been_all_of_it():
    """Doubt goes to the person, but for what stands in another consent."""
    assert took_back(SaidNo(unread=True)) == WANTED
    assert took_back(SaidNo(unread=True, standing=(CONSENT,))) == {"health_mental"}
