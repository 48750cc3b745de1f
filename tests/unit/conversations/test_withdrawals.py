"""What became of a withdrawal in one conversation."""

from __future__ import annotations

import pytest
from support.talk import HOST, RECEIVING, Talk, planning

from gateway.conversations.rules.facts import Side
from gateway.conversations.withdrawals import ToldWithdrawal, list_withdrawals

ACK, ERASED = "consent.withdrawal.ack", "erasure.confirmation"


def of(talk: Talk, side: Side = HOST) -> list[ToldWithdrawal]:
    """The withdrawals of a side, as they stand now."""
    return list_withdrawals(talk.conversation(), side, talk.now)


def owing(told: ToldWithdrawal) -> set[str]:
    """The clocks of what is still owed for it."""
    return {duty.clock for duty in told.owed}


@pytest.mark.parametrize("erase", [True, False])
@pytest.mark.parametrize("quotes", [True, False])
def test_each_answer_ends_what_it_answers(erase: bool, quotes: bool) -> None:
    """The confirmation first, and what was erased where that was asked; each as soon as nothing is owed for it."""
    talk = planning()
    asked = talk.say(HOST, "consent.withdrawal", consent="c1", erase=erase)
    (told,) = of(talk)
    assert (told.withdrawal, told.confirmed, told.erased) == (asked, None, None)
    assert owing(told) == ({"withdrawal_ack", "erasure"} if erase else {"withdrawal_ack"})
    confirmed = talk.say(RECEIVING, ACK, to="consent.withdrawal" if quotes else None)
    (told,) = of(talk)
    assert (told.confirmed, told.erased, owing(told)) == (confirmed, None, {"erasure"} if erase else set())
    erased = talk.say(RECEIVING, ERASED, to="consent.withdrawal" if quotes else None)
    (told,) = of(talk)
    assert (told.confirmed, told.erased, owing(told)) == (confirmed, erased if erase else None, set())


def test_each_withdrawal_has_its_own_answer() -> None:
    """A part first, then all of it; what the other side took back is not among them."""
    talk = planning()
    first = talk.say(HOST, "consent.withdrawal", consent="c1", grants=(1,))
    confirmed = talk.say(RECEIVING, ACK, to="consent.withdrawal")
    second = talk.say(HOST, "consent.withdrawal", consent="c1")
    theirs = talk.say(RECEIVING, "consent.withdrawal", consent="c2")
    assert [(told.withdrawal, told.confirmed) for told in of(talk)] == [(first, confirmed), (second, None)]
    assert [told.withdrawal for told in of(talk, RECEIVING)] == [theirs]
