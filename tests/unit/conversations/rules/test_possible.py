"""What may be written now: tried out by the judge of the conversation, for each state and each side."""

from __future__ import annotations

from support import talk
from support.tables import table
from support.talk import HOST, RECEIVING, Talk

from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.machines import Kind
from gateway.conversations.rules.possible import possible
from schemas import load_catalogue
from schemas.types import never_blocked, type_name


def written(said: Talk, side, *, partial: bool = False, later: int = 60) -> dict[str, str | None]:
    """What may be written by a side, with what it answers."""
    around = ConversationContext(conversation=said.conversation(), side=side, partial=partial)
    return {type_name(one.body_type): one.reply_to for one in possible(around, said.now + later)}


@table("later", [0, 60])
@table(
    ("name", "side", "may", "may_not"),
    [
        ("requested", RECEIVING, {"referral.accept", "referral.decline", "info.request"}, {"referral.withdraw"}),
        ("requested", HOST, {"referral.withdraw", "info.request"}, {"referral.accept", "return.proposal"}),
        ("planning", HOST, {"return.proposal", "assistance.plan"}, {"referral.request", "return.response"}),
        ("proposed", RECEIVING, {"return.response"}, {"return.proposal", "departure.notice"}),
        ("confirmed", HOST, {"departure.notice", "return.cancel"}, {"arrival.confirmation"}),
        ("in_transit", RECEIVING, {"arrival.confirmation"}, {"departure.notice"}),
        ("active", RECEIVING, {"monitoring.report", "case.closure"}, {"closure.response"}),
        ("closing", HOST, {"closure.response"}, {"return.proposal"}),
        ("closed", HOST, {"data.correction", "safety.alert"}, {"assistance.plan", "referral.withdraw"}),
    ],
)
def test_the_state_and_the_side_say_what_is_possible(name, side, may, may_not, later):
    """As the table of the conversation has it, also in the second of the last message; an enquiry and a test message
    are never part of a referral.
    """
    found = written(getattr(talk, name)(), side, later=later)
    assert may <= set(found)
    assert not (may_not | {"enquiry.capacity", "enquiry.reply", "link.probe", "directory.update"}) & set(found)


def test_an_answer_quotes_what_it_answers():
    """The question that nobody answered yet; of several each, and what is answered only once more in need."""
    said = talk.accepted()
    first = said.say(RECEIVING, "info.request", flag=True)
    second = said.say(RECEIVING, "info.request", flag=True)
    around = ConversationContext(conversation=said.conversation(), side=HOST)
    replies = [one.reply_to for one in possible(around, said.now) if one.body_type == "info.reply/1"]
    assert replies == [second.id, first.id]
    said.say(HOST, "info.reply", to="info.request")
    around = ConversationContext(conversation=said.conversation(), side=HOST)
    assert [one.reply_to for one in possible(around, said.now) if one.body_type == "info.reply/1"] == [first.id]


def test_an_enquiry_has_one_answer():
    """Of the other side, once."""
    said = Talk(kind=Kind.ENQUIRY)
    asked = said.say(HOST, "enquiry.capacity")
    assert written(said, RECEIVING)["enquiry.reply"] == asked.id
    assert "enquiry.reply" not in written(said, HOST)
    said.say(RECEIVING, "enquiry.reply", to="enquiry.capacity", word="yes")
    assert "enquiry.reply" not in written(said, RECEIVING)


def test_what_is_missing_hides_nothing():
    """Behind a gap everything of the kind is possible; what is never blocked is possible everywhere."""
    all_of_it = {type_name(entry.body_type) for entry in load_catalogue().types if entry.kind in ("referral", "any")}
    alone = {type_name(entry.body_type) for entry in load_catalogue().types if not entry.reply_to}
    assert set(written(talk.requested(), HOST, partial=True)) >= all_of_it & alone
    free = {name for name in all_of_it & alone if never_blocked(name)}
    assert free <= set(written(talk.closed(), RECEIVING))
