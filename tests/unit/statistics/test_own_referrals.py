"""Referrals as cases: each person once, on the day of the first referral and by what the last one says."""

from __future__ import annotations

from datetime import date

from gateway.statistics.own_referrals import Referral, merge_persons
from gateway.statistics.tallies import Case


def referral(name: str, at: int, day: int, **codes: str) -> Referral:
    """A referral of a person who has this reference."""
    said = {dimension: frozenset({code}) for dimension, code in codes.items()}
    return Referral(
        key=(f"conversation {at}", "n1x"),
        name=name,
        at=at,
        case=Case(registered=date(2026, 1, day), codes=said),
        erased=False,
    )


def test_a_person_counts_once() -> None:
    """Whatever order the referrals come in."""
    first, last = referral("F-1", 10, 1, sex="f"), referral("F-1", 30, 9, sex="x", corridor="AL")
    other = referral("F-2", 20, 5)
    for listed in ([first, last, other], [last, other, first]):
        found = merge_persons(listed)
        assert sorted((case.registered.day, {**case.codes}) for case in found if case.codes) == [
            (1, {"sex": frozenset({"x"}), "corridor": frozenset({"AL"})})
        ]
        assert sorted(case.registered.day for case in found) == [1, 5]


def test_no_referral_is_no_case() -> None:
    """Nothing is counted for nobody."""
    assert merge_persons([]) == []
