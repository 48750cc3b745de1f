"""A hold on a sister asks about her brother, between two real nodes: what stops, who answers, and what then goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.enrolled import enrol
from support.pair import Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referral, referred

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role
from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
HER_TALK, HIS_TALK, NEXT = (b64u(name) for name in (b"conversation her", b"conversation him", b"conversation nxt"))


class Siblings:
    """Two siblings whom France referred to Albania; their cases are linked unless a test does that later."""

    def __init__(self, two: Two, her: str, him: str) -> None:
        self.two, self.fr = two, two.fr
        self.her, self.him = her, him

    async def relate(self, **relation: str) -> None:
        """Say that they are siblings, or not any more."""
        await self.fr.call("case.relate", id=self.him, other=self.her, by=ANA, **relation)

    async def hold(self, talk: str = HER_TALK, *states: str) -> None:
        """She seeks asylum, or he does."""
        await self.fr.call("asylum.hold", id=talk, by=ANA, states=[*(states or ("AL",))])

    async def asked(self) -> list[tuple[str, list[str], int]]:
        """What is asked of his case: about whom, of which States, and how many said no; the alarm says the same."""
        shown = await self.fr.call("case.show", id=self.him, by=ANA)
        found = [(one["about"], one["states"], one["said"]) for one in shown["linked_questions"]]
        alarms = (await self.fr.call("alarm.list", kind="asylum.linked"))["alarms"]
        assert [one["of_case"]["id"] for one in alarms] == [self.him for _ in found]
        return found

    async def apart(self, by: str, *states: str) -> Any:
        """Somebody says that her fear does not concern him."""
        return (await self.fr.call("asylum.apart", id=self.him, by=by, states=[*states]))["unanswered"]

    async def refuses(self) -> RefusedError:
        """A further referral of him to Albania is refused."""
        with pytest.raises(RefusedError) as caught:
            await self.fr.call("message.submit", **referral("F-2", HIS, conversation=NEXT))
        return caught.value


@pytest_asyncio.fixture
async def siblings(tmp_path: Path) -> AsyncIterator[Siblings]:
    """Two nodes, and a sister and a brother who were both referred."""
    async with two_nodes(tmp_path) as two:
        for number, consent, talk in (("F-1", HERS, HER_TALK), ("F-2", HIS, HIS_TALK)):
            await agreed(two.fr, number, consent)
            await referred(two, number, consent, conversation=talk)
        made = Siblings(two, *[await case_of(two.fr, talk) for talk in (HER_TALK, HIS_TALK)])
        yield made


async def test_until_somebody_answers_nothing_goes_there(siblings: Siblings) -> None:
    """Refused by G5 with what to do; the alarm names his case; an alert goes in codes. After two people it goes."""
    fr = siblings.fr
    await siblings.relate(relation="sibling")
    assert await siblings.asked() == []
    await siblings.hold()
    assert await siblings.asked() == [(siblings.her, ["AL"], 0)]
    refusal = await siblings.refuses()
    (finding,) = refusal.findings
    assert (refusal.code, finding.place) == (Code.GATE_G5, "/header/recipient_unit")
    assert "lies on a linked case" in finding.hint and "trm asylum apart" in finding.hint
    alert = example("safety.alert/1", "AL") | {"conversation": HIS_TALK}
    assert (await fr.call("message.submit", **alert))["warnings"] == ["tells_feared_state"]

    assert await siblings.apart(ANA, "AL") == ["AL"]
    assert await siblings.asked() == [(siblings.her, ["AL"], 1)]
    with pytest.raises(RefusedError) as caught:
        await siblings.apart(ANA, "AL")
    assert (caught.value.code, "the same person" in caught.value.what) == (Code.CONFLICT, True)
    with pytest.raises(RefusedError) as caught:
        await siblings.apart(BEN, "MA")
    assert (caught.value.code, "nobody asks this" in caught.value.what) == (Code.CONFLICT, True)
    assert (await siblings.refuses()).code is Code.GATE_G5

    assert await siblings.apart(BEN, "AL") == []
    assert await siblings.asked() == []
    assert (await fr.call("message.submit", **referral("F-2", HIS, conversation=NEXT)))["id"]


@pytest.mark.parametrize(
    ("operation", "more"), [("person.end", {}), ("person.invite", {"instead": True})], ids=["left", "a stolen passkey"]
)
async def test_what_somebody_answered_first_is_over_when_they_are_shut_out(
    siblings: Siblings, operation: str, more: dict[str, Any]
) -> None:
    """Two people begin anew, for each State of which no second person had said so; what two said stays."""
    await siblings.relate(relation="sibling")
    await siblings.hold(HER_TALK, "AL", "MA")
    assert await siblings.apart(ANA, "AL", "MA") == ["AL", "MA"]
    assert await siblings.apart(BEN, "MA") == ["AL"]
    ana = next(one["id"] for one in (await siblings.fr.call("person.list"))["people"] if one["name"] == ANA)
    await siblings.fr.call(operation, id=ana, **more)

    assert await siblings.apart(BEN, "AL") == ["AL"]
    assert (await siblings.refuses()).code is Code.GATE_G5
    assert await siblings.apart("Cleo D.", "AL") == []
    assert (await siblings.fr.call("message.submit", **referral("F-2", HIS, conversation=NEXT)))["id"]


async def test_what_was_answered_first_ends_with_its_question(siblings: Siblings) -> None:
    """A hold on him answers for good: when it is lifted two people answer anew, whoever said no before it was placed.
    Here that was a thief, and nobody who answers later can know.
    """
    fr = siblings.fr
    await siblings.relate(relation="sibling")
    await siblings.hold()
    assert await siblings.apart(ANA, "AL") == ["AL"]
    await siblings.hold(HIS_TALK)
    assert await siblings.asked() == []
    siblings.two.clock.advance(60)
    ana = next(one["id"] for one in (await fr.call("person.list"))["people"] if one["name"] == ANA)
    await fr.call("person.end", id=ana)
    for by in (BEN, "Cleo D."):
        await fr.call("asylum.lift", id=HIS_TALK, by=by)
    assert await siblings.asked() == [(siblings.her, ["AL"], 0)]

    assert await siblings.apart(BEN, "AL") == ["AL"]
    assert await siblings.asked() == [(siblings.her, ["AL"], 1)]
    assert (await siblings.refuses()).code is Code.GATE_G5
    assert await siblings.apart("Cleo D.", "AL") == []
    assert (await fr.call("message.submit", **referral("F-2", HIS, conversation=NEXT)))["id"]


async def test_who_answered_is_counted_once_and_alike(siblings: Siblings) -> None:
    """What is shown, who may answer and what ends the question go by the same words: those since the fear is known of a
    State that was asked about all the time, also when another one is not asked about any more.
    """
    await siblings.relate(relation="sibling")
    await siblings.hold(HER_TALK, "AL", "MA")
    siblings.two.clock.advance(60)
    assert await siblings.apart(ANA, "AL", "MA") == ["AL", "MA"]
    siblings.two.clock.advance(60)
    assert await siblings.apart(BEN, "MA") == ["AL"]
    assert await siblings.asked() == [(siblings.her, ["AL"], 1)]
    with pytest.raises(RefusedError) as caught:
        await siblings.apart(ANA, "AL")
    assert "the same person" in caught.value.what
    assert await siblings.apart(BEN, "AL") == []


async def test_what_was_answered_of_a_case_counts_for_what_it_became(siblings: Siblings) -> None:
    """Her case becomes one with another between the two answers: the second one ends the question."""
    other = (await siblings.fr.call("case.open", label="Blue 7", by=ANA))["id"]
    await siblings.relate(relation="sibling")
    await siblings.hold()
    assert await siblings.apart(ANA, "AL") == ["AL"]
    await changed(siblings.fr, "case.merge", id=siblings.her, into=other)
    assert [(states, said) for _, states, said in await siblings.asked()] == [(["AL"], 1)]
    assert await siblings.apart(BEN, "AL") == []
    assert await siblings.asked() == []


async def test_two_of_one_administrator_answer_nothing_though_it_was_asked_anew_between(siblings: Siblings) -> None:
    """Since another one confirmed a part of it: what the first one said counts, so the second is asked whether they are
    two.
    """
    node = siblings.fr.running
    eva, tom = [await enrol(node, name, Role.CASE_WORKER) for name in ("Eva M.", "Tom")]
    await siblings.relate(relation="sibling")
    await siblings.hold(HER_TALK, "AL", "MA")
    said = {"id": siblings.him, "states": ["AL", "MA"]}
    await node.desk.call("asylum.apart", said, caller=eva.caller)
    siblings.two.clock.advance(1)
    assert await siblings.apart(BEN, "MA") == ["AL"]
    with pytest.raises(RefusedError, match="one administrator, or none"):
        await node.desk.call("asylum.apart", said | {"states": ["AL"]}, caller=tom.caller)
    assert await siblings.apart(BEN, "AL") == []


async def test_a_hold_on_him_answers_yes(siblings: Siblings) -> None:
    """Whoever believes that he fears the same State places one, and the question ends until two people lift it."""
    await siblings.relate(relation="sibling")
    await siblings.hold()
    await siblings.hold(HIS_TALK)
    assert await siblings.asked() == []
    assert "nothing goes to a feared State" in (await siblings.refuses()).findings[0].hint
    for by in (ANA, BEN):
        await siblings.fr.call("asylum.lift", id=HIS_TALK, by=by)
    assert await siblings.asked() == [(siblings.her, ["AL"], 0)]


async def test_who_is_linked_later_is_asked_about_too(siblings: Siblings) -> None:
    """When people say that two belong together while a hold lies; to take it back answers nothing, nor does a split."""
    await siblings.hold()
    assert await siblings.asked() == []
    await siblings.relate(relation="sibling")
    await siblings.relate()
    assert await siblings.asked() == [(siblings.her, ["AL"], 0)]
    apart = await changed(siblings.fr, "case.split", id=siblings.him, conversations=[HIS_TALK], consents=[HIS])
    new = (await siblings.fr.call("case.show", id=apart["into"], by=ANA))["linked_questions"]
    assert [(one["about"], one["states"]) for one in new] == [(siblings.her, ["AL"])]
    assert (await siblings.refuses()).code is Code.GATE_G5


async def test_what_waits_is_stopped_when_it_departs(siblings: Siblings) -> None:
    """What was released before the hold was placed, and has not left yet."""
    two, fr = siblings.two, siblings.fr
    await siblings.relate(relation="sibling")
    await two.al.rest()
    waiting = (await fr.call("message.submit", **referral("F-2", HIS, conversation=NEXT)))["id"]
    await siblings.hold()
    await two.al.stop()
    await two.al.start()

    async def stopped() -> bool:
        return await fr.state(waiting) == "failed"

    await two.until(stopped, seconds=120, what="it is stopped")
    assert (await fr.show(waiting))["reason"] == "gate_g5"


async def test_what_became_of_a_held_case_asks_too(siblings: Siblings) -> None:
    """Hers becomes one with a case that is linked to his, and that one asks about him."""
    other = (await siblings.fr.call("case.open", label="Blue 7", by=ANA))["id"]
    await siblings.fr.call("case.relate", id=siblings.him, other=other, relation="sibling", by=ANA)
    await siblings.hold()
    assert await siblings.asked() == []
    await changed(siblings.fr, "case.merge", id=siblings.her, into=other)
    assert await siblings.asked() == [(other, ["AL"], 0)]


async def test_two_cases_that_were_one_both_ask(siblings: Siblings) -> None:
    """A hold was placed while hers was one with another case: both are held when that is taken back, and he is asked
    about her as long as hers is.
    """
    fr = siblings.fr
    other = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    await siblings.relate(relation="sibling")
    merged = await changed(fr, "case.merge", id=siblings.her, into=other)
    await siblings.hold()
    assert await siblings.asked() == [(other, ["AL"], 0)]
    await fr.call("case.undo", id=merged["change"], by=ANA)
    await fr.call("case.confirm", id=merged["change"], by=BEN)
    assert sorted(await siblings.asked()) == sorted([(other, ["AL"], 0), (siblings.her, ["AL"], 0)])
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=HER_TALK, by=by)
    assert await siblings.asked() == [(other, ["AL"], 0)]
