"""A conversation as one side finds it when one more message is judged."""

from __future__ import annotations

from dataclasses import replace

from support.talk import HOST, RECEIVING, Talk, requested

from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Message, Side, make_message, quoted_enquiry
from gateway.conversations.rules.fold import Impossible, JudgementPoint, Possible
from gateway.foundation.deadlines import deadline
from schemas.clocks import Duration, Unit
from schemas.region_pack.regions import load_region


def at(talk: Talk, side: Side = HOST, *, partial: bool = False) -> ConversationContext:
    """The conversation when `side` writes."""
    return ConversationContext(conversation=talk.conversation(), side=side, partial=partial)


def a(kind: str, side: Side = HOST, **changes: object) -> Message:
    """One more message of the host."""
    made = make_message(
        id="new", side=side, n=99, created=Talk().now, body_type=f"{kind}/1", reply_to=None, header={}, content={}
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_is_missing_refuses_nothing():
    """The same message is impossible where everything is known, and possible where something is missing."""
    closure = a("arrival.confirmation")
    assert isinstance(at(requested()).judge(closure, step=JudgementPoint.ADMISSION), Impossible)
    assert at(requested(), partial=True).judge(closure, step=JudgementPoint.ADMISSION) == Possible()


def test_nothing_stops_what_is_never_blocked():
    """An acknowledgement of a withdrawal that nobody knows goes, though it answers nothing."""
    ack = a("consent.withdrawal.ack", reply_to="unknown")
    assert at(Talk()).judge(ack, step=JudgementPoint.SUBMISSION) == Possible()
    assert isinstance(at(Talk()).judge(a("info.reply", reply_to="unknown"), step=JudgementPoint.SUBMISSION), Impossible)


def test_what_joined_is_known():
    """A request that goes before lets its withdrawal pass."""
    empty = at(Talk())
    assert (empty.next, at(requested()).next) == (1, 21)
    withdrawal = a("referral.withdraw")
    assert isinstance(empty.judge(withdrawal, step=JudgementPoint.SUBMISSION), Impossible)
    joined = empty.joined(a("referral.request", id="first", n=empty.next))
    assert joined.judge(withdrawal, step=JudgementPoint.SUBMISSION) == Possible()


def test_a_message_is_read_from_its_two_halves():
    """Place and receipts as given; what was seen, priority and deadline from the header."""
    header = {"seen": 7, "priority": "urgent", "respond_by": 1_800_000_000}
    found = make_message(
        id="m",
        side=RECEIVING,
        n=3,
        created=5,
        body_type="return.response/1",
        reply_to="p",
        header=header,
        content={"version": 2, "answer": "confirm"},
        received=6,
        opened=8,
        rejected=True,
    )
    assert (found.kind, found.seen, found.priority, found.respond_by) == ("return.response", 7, "urgent", 1_800_000_000)
    assert (found.said.version, found.said.word) == (2, "confirm")
    assert (found.reply_to, found.received, found.opened, found.rejected) == ("p", 6, 8, True)


def test_only_a_referral_quotes_an_enquiry():
    """The member means something in a request and nowhere else."""
    assert quoted_enquiry("referral.request/1", {"enquiry_id": "e"}) == "e"
    assert quoted_enquiry("referral.request/1", {}) is None
    assert quoted_enquiry("enquiry.reply/1", {"enquiry_id": "e"}) is None


def test_without_a_calendar_days_are_not_certain():
    """A deadline in days of a country nobody wrote a calendar for is used against nobody; hours need none."""
    nowhere = load_region("tact").calendar("XK")
    for unit in (Unit.DAYS, Unit.WORKING_DAYS):
        found = deadline(Duration(count=3, unit=unit), Talk().now, nowhere)
        assert not found.certain
        assert {doubt.country for doubt in found.doubts} == {"XK"}
    assert deadline(Duration(count=3, unit=Unit.HOURS), Talk().now, nowhere).certain
