"""What the sender of a message may have known of a conversation when it wrote it."""

from __future__ import annotations

import pytest
from support.talk import HOST, RECEIVING, Talk, planning, requested

from gateway.conversations.rules.facts import Message
from gateway.conversations.rules.fold import JudgementPoint, Possible, judge
from gateway.conversations.rules.views import MOST_UNSURE, list_views


def written(talk: Talk, side, kind: str) -> Message:
    """One more message of a side, which is not in the conversation."""
    message = talk.say(side, kind)
    talk.messages.remove(message)
    return message


def known(talk: Talk, message: Message) -> list[dict[str, bool]]:
    """The views: by the id of each message in one whether it counts there as refused."""
    return [{m.id: m.rejected for m in view} for view in list_views(tuple(talk.messages), message)]


def test_who_has_read_everything_has_one_view():
    """However often it is tried."""
    talk = requested()
    assert {tuple(view) for view in known(talk, written(talk, RECEIVING, "info.request"))} == {("m1", "m2")}


def test_of_several_refusals_some_may_still_be_on_their_way():
    """The receiving side took the return back and closed the case; it knew that the closure was refused, and not that
    the cancellation was. So for it the case could be closed.
    """
    talk = planning()
    talk.say(HOST, "return.proposal", version=1)
    cancelled = talk.say(RECEIVING, "return.cancel", word="person_withdrew")
    closed = talk.say(RECEIVING, "case.closure")
    for message in (cancelled, closed):
        talk.amend(message, rejected=True)
    again = written(talk, RECEIVING, "case.closure")
    assert any({cancelled.id: False, closed.id: True}.items() <= view.items() for view in known(talk, again))
    assert judge(talk.conversation(), again, step=JudgementPoint.ADMISSION) == Possible()


def test_a_refusal_of_ones_own_is_known():
    """What the sender refused itself it knows, whenever the other side hears of it."""
    talk = planning()
    refused = talk.say(HOST, "info.request")
    talk.amend(refused, rejected=True)
    views = known(talk, written(talk, RECEIVING, "info.request"))
    assert all(view[refused.id] for view in views)


@pytest.mark.parametrize("many", [MOST_UNSURE, MOST_UNSURE + 1, 60])
def test_no_message_costs_more_views_than_a_few(many):
    """A peer that has had much refused, and sends no receipts, costs no more; each view is another one."""
    talk = planning()
    for _ in range(many):
        talk.amend(talk.say(RECEIVING, "nationality.request"), rejected=True)
        talk.amend(talk.say(HOST, "nationality.request"), received=None)
    views = known(talk, written(talk, RECEIVING, "case.closure"))
    assert len(views) == 3 + 2 * 2**MOST_UNSURE
    assert len({tuple(view.items()) for view in views}) >= len(views) - 3, "some are tried again"
