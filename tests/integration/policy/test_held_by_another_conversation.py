"""An asylum hold on one conversation lies over its case: what is said of the others says so too (domain 9.11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.nodeproc import enquiry
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, case_of, changed, referral, referred_each, stands

from gateway.cases import store as cases
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.errors import Code, RefusedError
from gateway.policy.asylum_holds import lay_again
from keys.primitives.encoding import b64u

ONE, MORE, HERS = b64u(b"consent of then."), b64u(b"consent of now.."), b64u(b"consent of her..")
THEN, NOW, OTHER = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation her"))

STEP = "Hold everything towards the States that the person fears"
"""The first words of the step of the procedure that comes with a hold."""


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A person of France with two conversations, each on a consent of its own, and somebody else with one."""
    async with two_nodes(tmp_path) as made:
        await referred_each(made, (("F-1", ONE, THEN), ("F-1", MORE, NOW), ("F-2", HERS, OTHER)))
        yield made


async def said(two: Two, talk: str) -> tuple[bool, bool, bool, bool]:
    """Whether a conversation is said to be held: as a whole, where it stands, in its case, and before a call."""
    fr = two.fr
    shown = await fr.call("conversation.show", id=talk)
    course = await fr.call("case.course", id=await case_of(fr, talk), by=ANA)
    (in_case,) = [one for one in course["standing"] if one["conversation"] == talk]
    advice: Any = await fr.call("contact.advise", id=talk, channel="call", by=ANA)
    return (
        shown["asylum_hold"],
        STEP in str((await stands(two.fr, talk))["procedure"]),
        STEP in str(in_case["procedure"]),
        "state_of_nationality" in {one["party"] for one in advice["do_not_notify"] if "asylum" in one["why"]},
    )


async def test_each_conversation_of_the_case_is_said_to_be_held(two: Two) -> None:
    """Also the one on which it was not placed, above all before somebody calls an embassy; nobody else's is."""
    assert [await said(two, talk) for talk in (THEN, NOW, OTHER)] == [(False,) * 4] * 3
    await two.fr.call("asylum.hold", id=THEN, by=ANA, states=["AL"])
    assert [await said(two, talk) for talk in (THEN, NOW, OTHER)] == [(True,) * 4, (True,) * 4, (False,) * 4]


async def test_a_lost_hold_goes_with_its_case(two: Two) -> None:
    """It was named on a conversation of a case that its own was merged into by mistake. When that is taken back it lies
    over its own case, and people there can name it on theirs.
    """
    fr = two.fr
    ours, other = await case_of(fr, THEN), await case_of(fr, OTHER)
    label, content = b"a lost label" * 2, fr.running.content

    def lay(connection: Connection) -> None:
        lay_again(connection, content, {label: [label]}, at=two.clock.now())
        cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=ours)])

    await fr.running.store.move(lay)
    merged = await changed(fr, "case.merge", id=ours, into=other)
    assert (await fr.call("asylum.hold", id=OTHER, by=ANA, states=["MA"], lost=True))["lost"] == 0
    await fr.call("case.undo", id=merged["change"], by=ANA)
    await fr.call("case.confirm", id=merged["change"], by=BEN)
    assert [await said(two, talk) for talk in (THEN, OTHER)] == [(True,) * 4] * 2
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=OTHER, by=by)
    assert [await said(two, talk) for talk in (THEN, OTHER)] == [(True,) * 4, (False,) * 4]
    assert (await fr.call("asylum.hold", id=THEN, by=ANA, states=["DZ"]))["lost"] == 1
    assert (await fr.call("asylum.hold", id=THEN, by=ANA, lost=True))["lost"] == 0
    assert [one["states"] for one in (await fr.call("asylum.list"))["holds"]] == [["DZ"], ["DZ", "MA"]]
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=THEN, by=by)
    assert [await said(two, talk) for talk in (THEN, OTHER)] == [(False,) * 4] * 2


async def test_an_enquiry_brings_its_hold(two: Two) -> None:
    """It was placed while nobody had said whom the enquiry is about; from then on it lies over the case, and two people
    lift it where it was placed.
    """
    fr, ours = two.fr, await case_of(two.fr, THEN)
    talk = (await fr.call("message.submit", **enquiry("room?", "AL")))["conversation"]
    await fr.call("asylum.hold", id=talk, by=ANA, states=["MA"])
    assert [(await said(two, one))[0] for one in (THEN, OTHER)] == [False, False]
    await fr.call("case.join", id=ours, conversation=talk, by=ANA)
    assert [(await said(two, one))[0] for one in (THEN, NOW, OTHER)] == [True, True, False]
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=talk, by=by)
    assert [(await said(two, one))[0] for one in (THEN, NOW)] == [False, False]


@pytest.mark.parametrize("side", ["FR", "AL"])
async def test_a_referral_that_quotes_an_enquiry_takes_its_hold_along(two: Two, side: str) -> None:
    """Whoever placed it did so for the person whom the enquiry turns out to be about: nothing more of the case goes
    where it keeps from, not even the referral that says so.
    """
    fr, place = two.fr, {party.name: party for party in two}[side]
    asked = await fr.call("message.submit", **enquiry("room?", "AL"))
    await two.until(lambda: "room?" in two.al.notes(), seconds=60, what="it arrives")
    await place.call("asylum.hold", id=asked["conversation"], by=ANA, states=["AL" if side == "FR" else "FR"])
    content = example("referral.request/1", "AL")["content"] | {"enquiry_id": asked["id"]}
    done = await fr.call("message.submit", **referral("F-1", ONE, content=content))
    if place is fr:

        async def stopped() -> bool:
            return await fr.state(done["id"]) == "failed"

        await two.until(stopped, seconds=60, what="it is judged where it departs")
        assert (await fr.show(done["id"]))["reason"] == "gate_g5"
    else:
        await two.until(lambda: any(d.message_id == done["id"] for d in place.deliveries()), seconds=60)
    held = [done["conversation"], *((THEN, NOW) if place is fr else ())]
    assert [(await said_of(place, talk)) for talk in (*held, OTHER)] == [*[True for _ in held], False]
    for by in (ANA, BEN):
        await place.call("asylum.lift", id=asked["conversation"], by=by)
    assert [(await said_of(place, talk)) for talk in held] == [False for _ in held]


async def said_of(party: Party, talk: str) -> bool:
    """Whether a conversation is said to be held."""
    return bool((await party.call("conversation.show", id=talk))["asylum_hold"])


async def lifted_where_lost(party: Party, talk: str) -> None:
    """Two people who work on the case of a conversation lift what lies over that case without one of its own."""
    assert (await party.call("asylum.hold", id=talk, by=ANA, lost=True))["lost"] == 0
    for by in (ANA, BEN):
        await party.call("asylum.lift", id=talk, by=by)


@pytest.mark.parametrize("kind", ["case.split", "case.move"])
async def test_what_goes_to_another_case_stays_held(two: Two, kind: str) -> None:
    """Nobody has said whom of the two the fear concerns: both cases are held, what begins in them later too, until two
    people lift it in each.
    """
    fr = two.fr
    await fr.call("asylum.hold", id=THEN, by=ANA, states=["MA", "AL"])
    ours, other = await case_of(fr, THEN), await case_of(fr, OTHER)
    if kind == "case.split":
        done = await changed(fr, kind, id=ours, conversations=[THEN], consents=[ONE], label="She")
    else:
        done = await changed(fr, kind, source=ours, into=other, conversations=[THEN], consents=[ONE])
    there = await case_of(fr, THEN)
    assert there == done["into"] != ours
    for case in (ours, there):
        shown = await fr.call("case.show", id=case, by=ANA)
        assert [sorted(one["states"]) for one in shown["asylum_holds"]] == [["AL", "MA"]]
    assert [await said(two, talk) for talk in (THEN, NOW)] == [(True,) * 4] * 2
    assert (await said(two, OTHER))[0] is (kind == "case.move")
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=THEN, by=by)
    assert [(await said(two, talk))[0] for talk in (THEN, NOW, OTHER)] == [False, True, False]
    await lifted_where_lost(fr, NOW)
    assert (await fr.call("asylum.list"))["holds"] == []


async def given(party: Party, kind: str) -> str:
    """Two people give the first person's case, or a conversation of it, to another case; the change."""
    ours, other = await case_of(party, THEN), await case_of(party, OTHER)
    parts = {"conversations": [THEN], "consents": [ONE]}
    wanted: dict[str, Any] = {
        "case.merge": {"id": ours, "into": other},
        "case.split": {"id": ours, **parts},
        "case.move": {"source": ours, "into": other, **parts},
    }[kind]
    return str((await changed(party, kind, **wanted))["change"])


@pytest.mark.parametrize(
    ("kind", "talk"),
    [("case.merge", THEN), ("case.merge", OTHER), ("case.split", THEN), ("case.move", THEN), ("case.move", OTHER)],
)
async def test_what_was_held_meanwhile_stays_held_on_both_sides(two: Two, kind: str, talk: str) -> None:
    """A hold is placed while a case, or part of it, is of another one, and two people take that back: it lies over
    both, a further referral is refused, and two people lift it in each.
    """
    fr = two.fr
    change = await given(fr, kind)
    await fr.call("asylum.hold", id=talk, by=ANA, states=["AL"])
    await fr.call("case.undo", id=change, by=ANA)
    await fr.call("case.confirm", id=change, by=BEN)
    both = kind != "case.split"  # of the case that the split had made nothing is left
    assert [await said(two, one) for one in (THEN, NOW, OTHER)] == [(True,) * 4] * 2 + [(both,) * 4]
    for number, consent in (("F-1", MORE), ("F-2", HERS))[: 1 + both]:
        with pytest.raises(RefusedError) as caught:
            await fr.call("message.submit", **referral(number, consent, conversation=b64u(b"conversation new")))
        assert caught.value.code is Code.GATE_G5
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=talk, by=by)
    left = [(await said(two, one))[0] for one in (THEN, NOW, OTHER)]
    assert left == ([False, False, both] if talk == THEN else [True, True, False])
    if both:
        await lifted_where_lost(fr, OTHER if talk == THEN else NOW)
        assert [(await said(two, one))[0] for one in (THEN, NOW, OTHER)] == [False] * 3


async def test_a_hold_of_before_goes_back_and_stays(two: Two) -> None:
    """It goes back with the case on which it was placed, and goes on lying over the other one, which may have got a
    conversation of hers meanwhile. To join the two and take that back once more lays nothing anew.
    """
    fr = two.fr
    await fr.call("asylum.hold", id=THEN, by=ANA, states=["MA"])
    for _ in range(2):
        change = await given(fr, "case.merge")
        assert await case_of(fr, THEN) == await case_of(fr, OTHER)
        await fr.call("case.undo", id=change, by=ANA)
        await fr.call("case.confirm", id=change, by=BEN)
        assert [await said(two, talk) for talk in (THEN, NOW, OTHER)] == [(True,) * 4] * 3
        assert [one["states"] for one in (await fr.call("asylum.list"))["holds"]] == [["MA"]] * 2


@pytest.mark.parametrize("kind", ["case.split", "case.move", "case.merge"])
async def test_what_lies_over_both_cases_ends_with_each(two: Two, kind: str) -> None:
    """Also where it has no conversation of its own: nothing tells whom a person fears of whom nothing is left."""
    fr = two.fr
    merged = await given(fr, kind) if kind == "case.merge" else None
    await fr.call("asylum.hold", id=THEN, by=ANA, states=["MA"])
    if merged is None:
        await given(fr, kind)
    else:
        await fr.call("case.undo", id=merged, by=ANA)
        await fr.call("case.confirm", id=merged, by=BEN)
    assert len((await fr.call("asylum.list"))["holds"]) == 2
    for talk in (NOW, THEN, OTHER):
        await fr.call("conversation.erase", id=talk, by=ANA, reason="not_needed")
    assert (await fr.call("asylum.list"))["holds"] == []
    assert await fr.rows("select * from asylum_hold") == []
