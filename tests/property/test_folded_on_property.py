"""A conversation that is folded on from an earlier state of it is folded as if from the beginning.

The earlier state is any other one: without some messages, with other receipts, numbers or refusals, cut anywhere. What
the messages say need not be possible; each side may claim to have read what it likes, and clocks go back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from property.test_conversation_property import SAYABLE, SMOOTH
from support.talk import DAY, HOUR, SETTING, START

from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.fold import Conversation, JudgementPoint, fold, followed, judge
from gateway.conversations.rules.machines import Kind
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.trail import Trail

CASES, MANY = 20, 2_000
"""Conversations for each of the seeds in `./dev test`, and in a round of `./dev deep models`."""

CROSSING = [
    one for one in SAYABLE if one[0].startswith(("return.", "referral.", "consent.", "safety.", "departure.", "case."))
]


def talk(rand: Random) -> list[Message]:
    """The beginning of how a referral goes, then whatever has an effect on what it crosses."""
    said, now, numbers = list[Message](), START, dict.fromkeys(Side, 0)
    smooth = SMOOTH[: rand.randrange(len(SMOOTH))]
    for place in range(rand.randint(2, 18)):
        side, kind, words = smooth[place] if place < len(smooth) else (rand.choice([*Side]), *rand.choice(CROSSING))
        if rand.random() < 0.1:
            side, kind, words = rand.choice([*Side]), *rand.choice(SAYABLE)
        now += rand.choice([0, 60, HOUR, DAY, 5 * DAY, 40 * DAY, -DAY])
        numbers[side] += rand.randint(1, 3)
        said.append(
            Message(
                id=f"m{place}",
                side=side,
                n=numbers[side],
                seen=max(0, numbers[side.other] - rand.choice([0, 0, 0, 1, 3, 6, -1])),
                created=now,
                kind=kind,
                said=words,
                reply_to=rand.choice([None, f"m{rand.randint(0, place + 1)}"]),
                received=rand.choice([None, now + HOUR]),
                rejected=rand.random() < 0.08,
            )
        )
    return said


def changed(rand: Random, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same conversation at another time."""
    some = [message for message in messages if rand.random() < 0.9]
    for place, message in enumerate(some):
        if rand.random() < 0.15:
            at = message.created + rand.randint(-DAY, DAY)
            change: dict[str, Any] = rand.choice(
                [{"received": at}, {"opened": at}, {"created": at}, {"rejected": True}, {"n": message.n + 1}]
            )
            some[place] = replace(message, **change)
    cut = rand.randint(0, len(some))
    return tuple(rand.choice([some, some[:cut], some[cut:] + some[:cut]]))


@pytest.mark.parametrize("seed", range(10))
def test_a_conversation_is_folded_on_as_it_is_folded_whole(seed: int) -> None:
    """Order, outcomes, situation and judgement are the same, from whichever state they are reached; and most of the
    steps are not taken again.
    """
    folded_on(Random(seed), CASES)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_conversations_are_folded_on_as_they_are_folded_whole(
    run_seed: int, record_property: Callable[[str, object], None]
) -> None:
    """The same of many others for each seed."""
    record_property("examples", MANY)
    folded_on(Random(f"deep {run_seed}"), MANY)


def folded_on(rand: Random, cases: int) -> None:
    """Fold so many conversations on, and whole."""
    kept = 0
    for _ in range(cases):
        messages = talk(rand)
        kind = rand.choice([Kind.REFERRAL] * 4 + [Kind.ENQUIRY, Kind.STANDING])
        before = Conversation(kind=kind, setting=SETTING, messages=changed(rand, messages))
        whole = Conversation(kind=kind, setting=SETTING, messages=tuple(messages))
        on, last = replace(whole, trail=followed(before).trail), max(message.created for message in messages)
        assert trail_of(on) == trail_of(whole)
        kept += count_same_steps(on)
        now = last + rand.choice([0, HOUR, 10 * DAY, 90 * DAY])
        assert fold(on, now) == fold(whole, now)
        new = replace(rand.choice(messages), id="next", n=100, seen=rand.choice([100, messages[-1].n]), created=now)
        for step in JudgementPoint:
            assert judge(on, new, step=step) == judge(whole, new, step=step)
    assert kept > cases // 2


@pytest.mark.parametrize("seed", range(5))
def test_what_crosses_is_found_by_the_claims_of_both(seed: int) -> None:
    """`crossing` has each message of the other side that crosses, and no other, and each has its place."""
    rand = Random(seed)
    for _ in range(CASES):
        messages = talk(rand)
        order = Order(messages, Order(changed(rand, messages)))
        assert order == Order(messages)
        for place, message in enumerate(order.messages):
            theirs = {m.id for m in messages if m.side is not message.side and order.cross(message, m)}
            assert order.place_of(message) == place
            assert {m.id for m in order.crossing(message)} == theirs


def trail_of(conversation: Conversation) -> Trail:
    """How it is folded to its end."""
    trail = followed(conversation).trail
    assert trail is not None
    return trail


def count_same_steps(conversation: Conversation) -> int:
    """How many steps its new trail has from the one of before: they are the same objects."""
    assert conversation.trail is not None
    steps = zip(conversation.trail.steps, trail_of(conversation).steps, strict=False)
    return sum(one is two for one, two in steps)
