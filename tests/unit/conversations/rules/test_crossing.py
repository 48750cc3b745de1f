"""Of two crossing messages the one that protects counts (domain 4.10)."""

from __future__ import annotations

import pytest
from support.talk import HOST, RECEIVING, START, active, closing, confirmed, proposed, requested, then

from gateway.conversations.rules.crossing import CARRIES_ON, CROSSINGS, beats
from gateway.conversations.rules.facts import Message, Said, Side
from gateway.conversations.rules.machines import Referral
from gateway.conversations.rules.situation import ALWAYS, Outcome

R = Referral


def a(kind: str, word: str = "", side: Side = HOST) -> Message:
    """A message of which only its name matters."""
    return Message(id=kind, side=side, n=1, seen=0, created=START, kind=kind, said=Said(word=word))


@pytest.mark.parametrize(
    ("winner", "loser", "counts"),
    [
        (a("departure.notice", "departed"), a("return.cancel"), True),
        (a("departure.notice", "postponed"), a("return.cancel"), False),
        (a("safety.alert"), a("closure.response", "agree"), True),
        (a("safety.alert"), a("closure.response", "disagree"), False),
        (a("safety.alert"), a("return.proposal"), False),
        (a("return.cancel"), a("return.response", "confirm"), True),
        (a("return.cancel"), a("return.response", "refuse"), True),
        (a("referral.withdraw"), a("info.request"), True),
        (a("referral.withdraw"), a("assistance.plan"), False),
    ],
)
def test_one_message_beats_another_by_type_and_word(winner, loser, counts):
    """Where a word decides, another word of the same type wins nothing and loses nothing; nothing wins both ways."""
    assert beats(winner, loser) is counts
    assert not beats(loser, winner)


def test_a_withdrawn_consent_stops_what_carries_the_case_on_and_nothing_that_protects():
    """An alert, a cancelled return and word of an arrival count beside it, and so does everything always possible."""
    withdrawal = a("consent.withdrawal")
    assert all(beats(withdrawal, a(kind)) for kind in CARRIES_ON)
    protecting = ALWAYS | {"return.cancel", "departure.notice", "arrival.confirmation", "case.closure"}
    assert not [kind for kind in protecting if beats(withdrawal, a(kind))]


def test_what_no_rule_names_beats_nothing():
    """Two messages without a rule both count, and no rule lets a message beat its own type."""
    assert not beats(a("info.request"), a("info.reply"))
    assert not [rule.winner for rule in CROSSINGS if beats(a(*rule.winner.split(":")), a(*rule.winner.split(":")))]


@pytest.mark.parametrize(
    ("make", "winner", "loser", "state"),
    [
        (requested, (HOST, "referral.withdraw", {}), (RECEIVING, "referral.accept", {}), R.WITHDRAWN),
        (requested, (HOST, "referral.withdraw", {}), (RECEIVING, "referral.decline", {}), R.WITHDRAWN),
        (requested, (HOST, "consent.withdrawal", {}), (RECEIVING, "referral.accept", {}), R.WITHDRAWN),
        (
            proposed,
            (HOST, "return.cancel", {"version": 1}),
            (RECEIVING, "return.response", {"version": 1, "word": "confirm"}),
            R.PLANNING,
        ),
        (
            proposed,
            (HOST, "consent.withdrawal", {}),
            (RECEIVING, "return.response", {"version": 1, "word": "confirm"}),
            R.RETURN_PROPOSED,
        ),
        (
            confirmed,
            (HOST, "departure.notice", {"version": 1, "word": "departed"}),
            (RECEIVING, "return.cancel", {"version": 1}),
            R.IN_TRANSIT,
        ),
        (active, (RECEIVING, "safety.alert", {}), (HOST, "case.closure", {}), R.ACTIVE),
        (closing, (RECEIVING, "safety.alert", {}), (HOST, "closure.response", {"word": "agree"}), R.CLOSING),
    ],
)
@pytest.mark.parametrize("winner_first", [True, False])
def test_who_wins_a_crossing(make, winner, loser, state, winner_first):
    """Whichever was written first: the winner is applied, the loser is not, and the state is the winner's."""
    talk = make()
    said = {}
    for side, kind, more in (winner, loser) if winner_first else (loser, winner):
        crossing = bool(said)
        said[kind] = talk.say(side, kind, unread=int(crossing), **more)
    found = talk.fold()
    assert state == found.state
    unapplied = {id: outcome for id, outcome in found.outcomes.items() if outcome is not Outcome.APPLIED}
    assert unapplied == {said[loser[1]].id: Outcome.CROSSED}


def test_what_was_read_does_not_cross():
    """Withdrawal after the acceptance was read comes too late: the referral is no longer the sender's to withdraw."""
    talk = then(requested, RECEIVING, "referral.accept")
    late = talk.say(HOST, "referral.withdraw")
    assert (talk.fold().state, talk.fold().outcomes[late.id]) == (R.ACCEPTED, Outcome.OUT_OF_ORDER)


def test_a_withdrawal_that_was_refused_wins_nothing():
    """A rejected message counts as never written, in a crossing too."""
    talk = then(requested, RECEIVING, "referral.accept")
    talk.amend(talk.say(HOST, "referral.withdraw", unread=1), rejected=True)
    assert talk.fold().state is R.ACCEPTED


def test_closures_that_cross_agree():
    """Both sides want to end the case, so it ends."""
    talk = then(active, HOST, "case.closure")
    talk.say(RECEIVING, "case.closure", unread=1)
    assert talk.fold().state is R.CLOSED
