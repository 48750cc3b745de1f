"""The common order of the messages of two sides, and what crosses (domain 4.9)."""

from __future__ import annotations

from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.order import Order, place

HOST, RECEIVING = Side.HOST, Side.RECEIVING


def at(side: Side, n: int, seen: int = 0, created: int = 0, **more: object) -> Message:
    """A message of which only its place matters."""
    return Message(id=f"{side}{n}", side=side, n=n, seen=seen, created=created, kind="reminder.due", **more)  # type: ignore[arg-type]


def ids(*messages: Message) -> list[str]:
    """In the common order."""
    return [message.id for message in Order(messages).messages]


def test_what_was_read_comes_first():
    """A later signed time does not put a message before what its writer had read."""
    assert ids(at(HOST, 1, created=9), at(RECEIVING, 4, seen=1, created=5)) == ["host1", "receiving4"]
    assert ids(at(RECEIVING, 4, created=9), at(HOST, 1, seen=4, created=5)) == ["receiving4", "host1"]


def test_crossing_messages_follow_their_signed_times():
    """The earlier first, the host's at the same second; numbers of two senders are not compared."""
    assert ids(at(HOST, 1, created=6), at(RECEIVING, 9, created=5)) == ["receiving9", "host1"]
    assert ids(at(HOST, 9, created=5), at(RECEIVING, 1, created=5)) == ["host9", "receiving1"]


def test_a_sender_never_forgets():
    """A message that says less than the one before it has seen what that had; and a reply knows what it quotes."""
    later = [at(HOST, 1, seen=7), at(HOST, 2, seen=0)]
    order = Order((*later, at(RECEIVING, 7)))
    assert order.knows(later[1], at(RECEIVING, 7))
    reply = at(HOST, 1, reply_to="receiving7", created=1)
    assert ids(reply, at(RECEIVING, 7, created=9)) == ["receiving7", "host1"]


def test_claims_that_contradict_each_other_are_ordered_all_the_same():
    """Each says it had read the other: a fault, and still one order."""
    assert ids(at(HOST, 1, seen=1, created=5), at(RECEIVING, 1, seen=1, created=4)) == ["receiving1", "host1"]


def test_numbers_go_on_over_the_epochs_of_a_link():
    """A message of a later epoch stands behind all of the one before, whatever its number."""
    assert place(1, 17) == 17
    early, late = at(HOST, place(1, 5_000)), at(HOST, place(2, 1))
    assert ids(late, early) == [early.id, late.id]


def test_messages_cross_until_one_writer_has_read_the_other():
    """The number in `seen` is the boundary, and two messages of one side never cross."""
    question = at(RECEIVING, 4)
    ignorant, informed = at(HOST, 1, seen=3), at(HOST, 2, seen=4)
    order = Order((ignorant, informed, question))
    assert order.cross(ignorant, question)
    assert order.cross(question, ignorant)
    assert not order.cross(informed, question)
    assert not order.cross(ignorant, informed)
    assert not order.cross(question, question)
    assert list(order.crossing(question)) == [ignorant]


def test_a_message_that_is_given_twice_stands_in_the_order_once():
    """The order in which messages are given has no effect either."""
    first, answer, last = at(HOST, 1), at(RECEIVING, 1, seen=1), at(HOST, 2, seen=1)
    assert Order((last, answer, first, answer, last)) == Order((first, answer, last))
    assert ids(last, answer, first, answer, last) == [first.id, answer.id, last.id]
