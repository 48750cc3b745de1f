"""A standing conversation: quiet, or something is owed in it (domain 4.16)."""

from __future__ import annotations

from support.talk import HOST, RECEIVING, Talk

from gateway.conversations.rules.machines import Kind, OpenQuestionState
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import Outcome
from gateway.conversations.rules.standing import fold_standing

QUIET, OPEN = OpenQuestionState


def standing(talk: Talk) -> OpenQuestionState:
    """Fold the state alone."""
    return fold_standing(Order(tuple(talk.messages)))[0]


def test_a_standing_conversation_is_open_while_something_is_owed():
    """Two requests for an aggregate; the second answer settles it."""
    talk = Talk(kind=Kind.STANDING)
    talk.say(HOST, "directory.update")
    assert standing(talk) is QUIET
    talk.say(HOST, "stats.request")
    talk.say(HOST, "stats.request")
    talk.say(RECEIVING, "stats.submission")
    assert standing(talk) is OPEN
    talk.say(RECEIVING, "stats.submission", to="stats.request")
    assert standing(talk) is QUIET


def test_a_breach_is_open_until_a_person_opened_it():
    """The receipt is its answer."""
    talk = Talk(kind=Kind.STANDING)
    notice = talk.say(HOST, "breach.notice")
    assert standing(talk) is OPEN
    talk.amend(notice, opened=talk.now + 1)
    assert standing(talk) is QUIET


def test_personal_data_have_no_place_in_a_standing_conversation():
    """Nothing about a person is applied, not even what no state of a referral blocks."""
    talk = Talk(kind=Kind.STANDING)
    talk.say(HOST, "reminder.due")
    for kind in ("referral.request", "consent.withdrawal", "safety.alert"):
        talk.say(HOST, kind)
    _, outcomes = fold_standing(Order(tuple(talk.messages)))
    assert list(outcomes.values()) == [Outcome.APPLIED] + [Outcome.OUT_OF_ORDER] * 3


def test_only_the_other_side_answers_a_question():
    """A table of the side that asked for one is news and settles nothing."""
    talk = Talk(kind=Kind.STANDING)
    talk.say(HOST, "stats.request")
    talk.say(HOST, "stats.submission")
    assert standing(talk) is OPEN
    talk.say(RECEIVING, "stats.submission")
    assert standing(talk) is QUIET


def test_an_answer_that_quotes_nothing_settles_what_its_writer_had_read():
    """A table that crossed the question does not answer it, unless it quotes it (domain 4.17)."""
    talk = Talk(kind=Kind.STANDING)
    asked = talk.say(HOST, "stats.request")
    told = talk.say(RECEIVING, "stats.submission", unread=1)
    assert standing(talk) is OPEN
    talk.amend(told, reply_to=asked.id)
    assert standing(talk) is QUIET


def test_an_answer_settles_the_question_that_it_quotes():
    """With two questions open, the quoted one is settled by its first answer only."""
    talk = Talk(kind=Kind.STANDING)
    talk.say(HOST, "stats.request")
    talk.say(HOST, "stats.request")
    talk.say(RECEIVING, "stats.submission", to="stats.request")
    again = talk.say(RECEIVING, "stats.submission", to="stats.request")
    assert standing(talk) is OPEN
    talk.amend(again, reply_to=talk.messages[0].id)
    assert standing(talk) is QUIET


def test_what_was_refused_asks_and_answers_nothing():
    """A rejected answer leaves the question open, and a rejected question was never put."""
    talk = Talk(kind=Kind.STANDING)
    asked = talk.say(HOST, "stats.request")
    talk.amend(talk.say(RECEIVING, "stats.submission"), rejected=True)
    assert standing(talk) is OPEN
    talk.amend(asked, rejected=True)
    state, outcomes = fold_standing(Order(tuple(talk.messages)))
    assert (state, set(outcomes.values())) == (QUIET, {Outcome.REJECTED})
