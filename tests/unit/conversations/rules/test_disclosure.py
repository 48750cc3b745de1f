"""Only states after an acceptance without open conditions open the second step (domain 8.3)."""

from __future__ import annotations

import pytest

from gateway.conversations.rules.disclosure import ACCEPTED_STATES, DisclosureStage, disclosure_stage
from gateway.conversations.rules.machines import Referral

BEFORE, AFTER = DisclosureStage


@pytest.mark.parametrize("state", ["", "DRAFT", "SENT", "UNDER_REVIEW", "ACCEPTED_CONDITIONAL", "WITHDRAWN", "new"])
def test_other_states_are_before_acceptance(state: str) -> None:
    """A state that is not known to mean accepted opens nothing."""
    assert disclosure_stage(state) is BEFORE


def test_accepted_states_open_the_second_step() -> None:
    """An acceptance and what follows it open the second step, however the state is spelled."""
    assert {disclosure_stage(state.lower()) for state in ACCEPTED_STATES} == {AFTER}


def test_the_states_of_a_referral_are_on_one_side_or_the_other() -> None:
    """Before are those without an acceptance, with open conditions, or ended without one; erasure leaves no data."""
    before = {state for state in Referral if disclosure_stage(state) is BEFORE}
    assert before == {
        Referral.DRAFT,
        Referral.SENT,
        Referral.DELIVERED,
        Referral.UNDER_REVIEW,
        Referral.INFO_REQUESTED,
        Referral.ACCEPTED_CONDITIONAL,
        Referral.DECLINED,
        Referral.EXPIRED,
        Referral.WITHDRAWN,
        Referral.ERASED,
    }


@pytest.mark.parametrize("state", [" ACCEPTED", "ACCEPTED ", "ACCEPTED_", "NOT ACCEPTED", "PRE-PLANNING"])
def test_a_state_that_resembles_an_accepted_one_opens_nothing(state: str) -> None:
    """A name counts as a whole, and doubt closes."""
    assert disclosure_stage(state) is BEFORE


def test_every_accepted_state_is_one_of_a_referral() -> None:
    """A misspelt name in the list would close what an acceptance has opened."""
    assert {state.lower() for state in ACCEPTED_STATES} <= set(Referral)
