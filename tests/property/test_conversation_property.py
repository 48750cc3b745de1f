"""Two sides, a wire that loses, doubles, reorders and delays, and any legal sequence of what people may do: the core
alone, where a failure is shrunk to its smallest case. With gates and bodies: test_two_nodes_property.

At quiescence both folds agree, at any later time; no honest message was refused by its receiver; every crossing was
decided by its rule; and what no rule allows was refused on both sides.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support.talk import DAY, HOUR, START, End

from gateway.conversations.rules.crossing import CARRIES_ON, beats
from gateway.conversations.rules.facts import Message, Said, Side
from gateway.conversations.rules.fold import (
    REPLIES,
    Fold,
    Impossible,
    JudgementPoint,
    Possible,
    fold,
    followed,
    judge,
)
from gateway.conversations.rules.machines import NUMBERS, REFERRAL, Referral
from gateway.conversations.rules.situation import MAY, Outcome, Situation, events

HOST, RECEIVING = Side.HOST, Side.RECEIVING
PRIORITIES = ["emergency", "urgent", "normal"]

# Everything that either side might want to say: a type with each content that makes a difference.
SAYABLE: list[tuple[str, Said]] = [
    *((kind, Said()) for kind in sorted({*MAY, "referral.request", "referral.decline", "case.closure"})),
    ("consent.record", Said(consent="c", purposes=("referral", "return"))),
    ("consent.withdrawal", Said(consent="c", grants=(1,))),
    ("referral.withdraw", Said(erase=True)),
    ("referral.accept", Said()),
    ("referral.accept", Said(flag=True)),
    ("info.request", Said(flag=True)),
    ("info.reply", Said(flag=True)),
    ("assistance.plan", Said(flag=True)),
    *(("return.proposal", Said(version=version)) for version in (1, 2, 3)),
    *(("return.response", Said(version=version, word=word)) for version in (1, 2, 3) for word in ("confirm", "change")),
    ("return.cancel", Said(version=1)),
    *(("departure.notice", Said(version=v, word=word)) for v in (1, 2, 3) for word in ("departed", "postponed")),
    *(("arrival.confirmation", Said(word=word)) for word in ("met_safe", "not_met")),
    *(("safety.alert.update", Said(word=word)) for word in ("ongoing", "resolved_safe")),
    *(("closure.response", Said(word=word)) for word in ("agree", "disagree", "reopen")),
]
STOPS = frozenset({"referral.withdraw", "referral.decline", "consent.withdrawal", "return.cancel"})


SMOOTH = [
    (HOST, "referral.request", Said()),
    (RECEIVING, "info.request", Said(flag=True)),
    (HOST, "info.reply", Said()),
    (RECEIVING, "referral.accept", Said()),
    (HOST, "risk.assessment", Said()),
    (HOST, "return.proposal", Said(version=1)),
    (RECEIVING, "return.response", Said(version=1, word="confirm")),
    (HOST, "departure.notice", Said(version=1, word="departed")),
    (RECEIVING, "arrival.confirmation", Said(word="met_safe")),
    (RECEIVING, "reintegration.plan", Said()),
    (HOST, "case.closure", Said()),
    (RECEIVING, "closure.response", Said(word="agree")),
    (HOST, "consent.record", Said(consent="d", purposes=("referral",))),
]


class TwoSides(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.ends = {side: End(side=side) for side in Side}
        self.flying: list[tuple[str, Side]] = []
        self.count = 0

    @initialize(
        skews=st.tuples(st.integers(-300, 300), st.integers(-300, 300)),
        priority=st.sampled_from(PRIORITIES),
        depth=st.integers(0, 12),
    )
    def begin(self, skews: tuple[int, int], priority: str, depth: int) -> None:
        """A case that has come some way without trouble, so that late states are met as often as early ones."""
        for end, skew in zip(self.ends.values(), skews, strict=True):
            end.skew = skew
        for side, kind, said in SMOOTH[: 1 + depth]:
            self.now += HOUR
            self._write(self._message(self.ends[side], kind, said, priority))
            if depth:
                self.depart(side=side, gap=0)
                self._arrive(*self.flying.pop())
                self._arrive(*self.flying.pop())

    @rule(side=st.sampled_from(Side), data=st.data(), priority=st.sampled_from(PRIORITIES))
    def say_something_possible(self, side: Side, data: st.DataObject, priority: str) -> None:
        """What has a row in the table; guards may still refuse it, and then nothing happens."""
        end = self.ends[side]
        situation = fold(end.conversation(), self.now + end.skew).situation
        found = [m for m in self._sayable(end, priority) if likely(m, situation)]
        # What stops or repeats is always possible: draw first whether to go on, so that cases grow old.
        onward = [m for m in found if m.kind in MOVES]
        message = data.draw(st.sampled_from(onward if onward and data.draw(st.integers(0, 3)) < 3 else found))
        if isinstance(self._judged(end, message), Possible):
            self._write(message)

    @rule(side=st.sampled_from(Side), what=st.sampled_from(SAYABLE))
    def say_something_impossible(self, side: Side, what: tuple[str, Said]) -> None:
        """Refused at its sender with a reason; and at the receiver, where that knows as much and forgives nothing: what
        came in the same second would be forgiven.
        """
        end = self.ends[side]
        message = self._message(end, *what, "normal")
        message = replace(message, created=message.created + 1)
        found = self._judged(end, message)
        if isinstance(found, Impossible):
            assert found.what
            if self._in_step():
                forged = replace(message, n=end.n + 1)
                assert isinstance(judge(end.conversation(), forged, step=JudgementPoint.ADMISSION), Impossible)

    @precondition(lambda self: any(end.queue for end in self.ends.values()))
    @rule(side=st.sampled_from(Side), gap=st.integers(0, 3))
    def depart(self, side: Side, gap: int) -> None:
        """The oldest written message is judged again, numbered and signed; other conversations use numbers of the link
        as well. What came behind it meanwhile may stop it.
        """
        end = self.ends[side]
        if end.queue:
            message = replace(end.queue.pop(0), created=self.now + end.skew)
            if isinstance(judge(end.conversation(), message, step=JudgementPoint.ADMISSION), Impossible):
                return
            end.n += 1 + gap
            end.known[message.id] = replace(message, n=end.n)
            self.flying.append((message.id, side.other))

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), again=st.booleans())
    def arrive(self, data: st.DataObject, again: bool) -> None:
        """In any order, perhaps twice."""
        place = data.draw(st.integers(0, len(self.flying) - 1))
        self._arrive(*(self.flying[place] if again else self.flying.pop(place)))

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A loss; it is repeated when all is quiet."""
        self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))

    @rule(side=st.sampled_from(Side), data=st.data())
    def open_or_refuse(self, side: Side, data: st.DataObject) -> None:
        """A person opens a message, or it can not be handed over: a signed word of the receiver either way.

        What was built upon was handed over, and is not refused any more.
        """
        end = self.ends[side]
        fresh = [m for m in end.known.values() if m.side is not side and m.opened is None and not m.rejected]
        if fresh:
            message = data.draw(st.sampled_from(fresh))
            opened = message.n <= end.used() or data.draw(st.integers(0, 4))
            change = {"opened": self.now + end.skew} if opened else {"rejected": True}
            end.known[message.id] = replace(message, **change)
            self.flying.append((message.id, side.other))

    @rule(length=st.sampled_from([60, HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 25 * DAY]))
    def wait(self, length: int) -> None:
        self.now += length

    def teardown(self) -> None:
        """Everything written departs, everything lost is repeated, and then the two sides agree."""
        for side in Side:
            while self.ends[side].queue:
                self.depart(side=side, gap=0)
        for side, end in self.ends.items():
            for id in [m.id for m in end.known.values() if m.side is side]:
                self._arrive(id, side.other)
        for side, end in self.ends.items():
            for id in [m.id for m in end.known.values() if m.side is not side]:
                self._arrive(id, side.other)
        self._agree()

    # --- how it works

    def _message(self, end: End, kind: str, said: Said, priority: str) -> Message:
        wanted = REPLIES.get(kind)
        asked = [m.id for m in end.known.values() if m.kind == wanted and m.side is not end.side and not m.rejected]
        return Message(
            id=f"m{self.count + 1}",
            side=end.side,
            n=end.n + 100 + len(end.queue),
            seen=end.seen(),
            created=self.now + end.skew,
            kind=kind,
            priority=priority,
            reply_to=asked[-1] if asked else ("nothing" if wanted else None),
            said=said,
        )

    def _sayable(self, end: End, priority: str) -> list[Message]:
        return [self._message(end, kind, said, priority) for kind, said in SAYABLE]

    def _judged(self, end: End, message: Message) -> Possible | Impossible:
        return judge(end.conversation(), message, step=JudgementPoint.SUBMISSION)

    def _write(self, message: Message) -> None:
        self.count += 1
        self.ends[message.side].queue.append(message)

    def _in_step(self) -> bool:
        """Both know the same, nothing was refused, and silence has had no effect: no reason to be lenient is left."""
        one, two = self.ends.values()
        same = one.known == two.known and not one.queue and not two.queue
        calm = fold(one.conversation(), max(self.now + one.skew, self.now + two.skew)).situation
        return same and calm.before is None and not any(m.rejected for m in one.known.values())

    def _arrive(self, id: str, to: Side) -> None:
        """A message or a receipt: what the other side knows of the message."""
        end, sender = self.ends[to], self.ends[to.other]
        theirs = sender.known[id]
        if theirs.side is to:
            mine = end.known[id]
            end.known[id] = replace(mine, received=theirs.received, opened=theirs.opened, rejected=theirs.rejected)
            return
        if id not in end.known:
            missing = any(
                m.n < theirs.n and m.side is theirs.side and m.id not in end.known for m in sender.known.values()
            )
            found = judge(
                replace(end.conversation(), messages=tuple(end.known.values())),
                theirs,
                step=JudgementPoint.ADMISSION,
                behind_gap=missing,
            )
            refused = isinstance(found, Impossible)
            if refused:  # only over a refusal of the sender's own that is still on its way
                assert self._refusal_on_its_way(sender, end), found
            end.known[id] = replace(theirs, received=self.now + end.skew, rejected=refused)
        self.flying.append((id, to.other))

    def _refusal_on_its_way(self, sender: End, end: End) -> bool:
        """The sender has refused something of the other side, which does not know of it yet."""
        return any(m.rejected and not end.known[m.id].rejected for m in sender.known.values() if m.side is end.side)

    def _agree(self) -> None:
        one, two = (end.conversation() for end in self.ends.values())
        assert {m.id: m for m in one.messages} == {m.id: m for m in two.messages}
        mixed = followed(replace(two, messages=tuple(reversed(two.messages)), trail=None))
        for later in (0, DAY, 10 * DAY, 40 * DAY, 400 * DAY):
            found, same = fold(one, self.now + later), fold(mixed, self.now + later)
            assert found == same
            assert found.order.messages == same.order.messages
        check(fold(one, self.now))


def likely(message: Message, situation: Situation) -> bool:
    """Whether the table has a row for it, or expects it there."""
    rows = [NUMBERS.get((situation.state, event)) for event in events(message, situation)]
    return any(row and row.by.allows(message.side) for row in rows) or situation.state in MAY.get(message.kind, ())


def check(found: Fold) -> None:
    """The rules that hold for every fold, looked at from outside."""
    messages, outcomes = found.order.messages, found.outcomes
    applied = [m for m in messages if outcomes[m.id] is Outcome.APPLIED]
    assert set(outcomes) == {m.id for m in messages}
    assert all((outcomes[m.id] is Outcome.REJECTED) == m.rejected for m in messages)
    for winner in applied:
        partial = winner.kind == "consent.withdrawal" and winner.said.grants is not None
        for loser in applied:
            if not partial and beats(winner, loser) and found.order.cross(winner, loser):
                raise AssertionError(f"{loser.kind} was applied although it crossed {winner.kind}")
    kinds = [m.kind for m in applied]
    if found.state in (Referral.DECLINED, Referral.WITHDRAWN):
        end = max(i for i, m in enumerate(applied) if m.kind in STOPS)
        first = min(i for i, m in enumerate(applied) if m.kind in STOPS and m.kind != "return.cancel")
        assert not any(m.kind in CARRIES_ON for m in applied[end + 1 :]) and first <= end
    if found.state in ACCEPTED:
        assert "referral.accept" in kinds
    if found.state is Referral.IN_TRANSIT:
        confirmed = [m.said.version for m in applied if m.said.word == "confirm"]
        departed = [m.said.version for m in applied if m.said.word == "departed"]
        proposed = [m.said.version for m in applied if m.kind == "return.proposal"]
        assert confirmed[-1] == departed[-1] == proposed[-1]


ACCEPTED = frozenset(Referral) - REFERRAL.final - {Referral.DRAFT, Referral.SENT, Referral.DELIVERED}
ACCEPTED -= {Referral.UNDER_REVIEW, Referral.INFO_REQUESTED}
MOVES = {
    "referral.request",
    "referral.accept",
    "info.request",
    "info.reply",
    "risk.assessment",
    "assistance.plan",
    "return.proposal",
    "return.response",
    "departure.notice",
    "arrival.confirmation",
    "reintegration.plan",
    "monitoring.report",
    "case.closure",
    "closure.response",
}
LONG = {"stateful_step_count": 50, "deadline": None, "suppress_health_check": list(HealthCheck)}
PIECES = 8


def test_two_sides_agree():
    """40 conversations, the same ones each time; the deep form takes others."""
    run_state_machine_as_test(TwoSides, settings=settings(max_examples=40, derandomize=True, database=None, **LONG))


@pytest.mark.deep
@pytest.mark.timeout(3_600)  # also on a machine that does other things
@pytest.mark.parametrize("piece", range(PIECES))
def test_two_sides_agree_always(piece, run_seed, record_property):
    """2 000 conversations for each seed, in pieces of 250."""
    record_property("examples", 2_000 // PIECES)
    sides = seed(run_seed * PIECES + piece)(type("TwoSides", (TwoSides,), {}))
    run_state_machine_as_test(sides, settings=settings(max_examples=2_000 // PIECES, database=None, **LONG))
