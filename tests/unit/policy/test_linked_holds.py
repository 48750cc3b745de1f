"""A hold asks about those who are linked to the person: of whom, of which States, until when."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.federation import SteeredClock

from gateway.cases import entries, questions, register
from gateway.cases import store as cases
from gateway.cases.history import EVERY, ApartEntry
from gateway.cases.rules import Card, CaseState, ChangeKind, ChangeState, LinkKind
from gateway.cases.store import CaseRow, ChangeRow, Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import Named
from gateway.policy.linked_holds import LinkedHolds
from gateway.policy.store import AsylumHold
from gateway.policy.told_asylum import Fear, name_states

NOW = 1_800_000_000
SISTER, BROTHER, MOTHER, STRANGER = (CaseId(letter * 22) for letter in "ABCD")
GROUPS = {SISTER: (BROTHER, MOTHER), BROTHER: (SISTER,), MOTHER: (SISTER,), STRANGER: ()}
ANA, BEN = "a" * 22, "b" * 22


class Family:
    """Cases with cards that name each other, and the acts of people on them."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.sealer = content.sealer
        self.told = dict[CaseId, list[Fear]]()
        """What the conversations of each case tell."""

    def at(self, now: int) -> LinkedHolds:
        """What asks, at that second."""
        told: Any = SimpleNamespace(read_fears=lambda _, case: self.told.get(case, []))
        return LinkedHolds(content=self.content, told=told, clock=SteeredClock(at=now))

    async def tell(self, case: CaseId, *states: str, at: int = NOW) -> None:
        """A message tells that the person seeks asylum, and no States: that it is over."""
        fear = Fear(states=name_states(frozenset(states)), since=at)
        self.told[case] = [fear] if states else []
        await self.content.store.move(lambda c: self.at(at).settle_case(c, case))

    async def begin(self) -> None:
        """Open the cases; a sister is linked to her brother and her mother."""

        def move(connection: Connection) -> None:
            for case, others in GROUPS.items():
                card = Card(group=dict.fromkeys(others, "household"))
                row = self.sealer.seal(self.content.store.new_ref(), register.encode(card))
                content_rows.put(connection, [row])
                cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=row.ref)])

        await self.content.store.move(move)

    async def hold(self, case: CaseId, *states: str, at: int = NOW) -> None:
        """Place a hold on a case, or name other States."""
        label = f"hold {case}".encode()

        def move(connection: Connection) -> None:
            row = asylum_holds.sealed(self.content, Named(conversation="talk", consents=(), states=states))
            content_rows.put(connection, [row])
            known = store.get(connection, label)
            if known is not None:
                store.replace(connection, known.ref, row.ref)
            store.place(connection, AsylumHold(ref=row.ref, at=at, lift=None), [label])
            cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=case)])
            self.at(at).settle_case(connection, case)

        await self.content.store.move(move)

    async def lift(self, case: CaseId) -> None:
        """Lift the hold on a case."""

        def move(connection: Connection) -> None:
            known = store.get(connection, f"hold {case}".encode())
            assert known is not None
            store.lift(connection, known.ref)
            self.at(NOW).settle_case(connection, case)

        await self.content.store.move(move)

    async def say_no(self, of: CaseId, about: CaseId, by: str, *states: str, at: int = NOW) -> None:
        """Somebody says that these States do not concern the person."""

        def move(connection: Connection) -> None:
            entry = ApartEntry(about=about, states=[*states], by=by, at=at)
            entries.add(self.content, connection, of, entry)
            self.at(at).settle_open(connection)

        await self.content.store.move(move)

    async def asked(self) -> dict[CaseId, set[str]]:
        """Of which States each case is asked; each question has its alarm, and nothing else has one."""

        def read(connection: Connection) -> dict[CaseId, set[str]]:
            there = questions.opened(self.sealer, connection, questions.places(connection))
            assert journal.open_about(connection, [questions.ALARM]) == {one.ref for one in there}
            assert len({one.of for one in there}) == len(there)
            return {one.of: {*one.states} for one in there}

        return await self.content.store.read(read)


@pytest.fixture
async def family(store: Store, vault: ContentSealer) -> Family:
    """A sister, her brother, their mother, and somebody else."""
    made = Family(Content(store, vault))
    await made.begin()
    return made


async def test_a_hold_asks_of_each_linked_case(family: Family):
    """Of the States that it names; not of the person's own, nor of others, nor of whom the linked are linked to."""
    await family.hold(SISTER, "AL", "XK")
    assert await family.asked() == {BROTHER: {"AL", "XK"}, MOTHER: {"AL", "XK"}}


async def test_a_hold_of_a_brother_asks_nothing_of_the_mother(family: Family):
    """People linked him to his sister alone; a hold on her asks her mother."""
    await family.hold(BROTHER, "AL")
    assert await family.asked() == {SISTER: {"AL"}}
    await family.hold(SISTER, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}


@pytest.mark.parametrize(
    ("named", "left"), [(("AL", "XK"), set()), (("AL",), {"XK"}), ((), set()), (("MA",), {"AL", "XK"})]
)
async def test_a_hold_on_the_linked_case_answers_yes(family: Family, named: Collection[str], left: set[str]):
    """As far as it keeps away from the same States, and one that names none keeps from every one."""
    await family.hold(SISTER, "AL", "XK")
    await family.hold(BROTHER, *named)
    found = await family.asked()
    assert found.get(BROTHER, set()) == left
    assert found[MOTHER] == {"AL", "XK"}


async def test_a_yes_that_is_taken_back_is_asked_again(family: Family):
    """The hold on the brother is lifted, and that on his sister still lies."""
    await family.hold(SISTER, "AL")
    await family.hold(BROTHER, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}
    await family.lift(BROTHER)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


@pytest.mark.parametrize("named", [(), ("PS",)])
async def test_a_hold_that_names_no_state_asks_of_every_one(family: Family, named: Collection[str]):
    """Nobody knows which is feared; once one is named, that one is asked about."""
    await family.hold(SISTER, *named)
    assert await family.asked() == {case: {EVERY} for case in (BROTHER, MOTHER)}
    await family.hold(SISTER, *named, "AL")
    assert await family.asked() == {case: {"AL", *named} for case in (BROTHER, MOTHER)}


async def test_two_different_people_answer_no(family: Family):
    """One of them twice is one; what is answered for the brother is not for the mother."""
    await family.hold(SISTER, "AL")
    for by in (ANA, ANA):
        await family.say_no(BROTHER, SISTER, by, "AL")
        assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    await family.say_no(BROTHER, SISTER, BEN, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}


async def test_a_further_state_is_asked_about_anew(family: Family):
    """What two people answered of one State says nothing of another, nor of another person's fear."""
    await family.hold(SISTER, "AL")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL")
        await family.say_no(MOTHER, STRANGER, by, "AL")
    await family.hold(SISTER, "AL", "XK")
    assert await family.asked() == {BROTHER: {"XK"}, MOTHER: {"AL", "XK"}}


async def test_a_lifted_hold_asks_nothing_and_a_new_one_asks_anew(family: Family):
    """Answers of before are of a hold that is no more."""
    await family.hold(SISTER, "AL")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL")
    await family.lift(SISTER)
    assert await family.asked() == {}
    await family.hold(SISTER, "AL", at=NOW + 1)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


async def test_what_a_message_told_asks_as_a_hold_does(family: Family):
    """Of the States that it named, or of every one; until it is over, a hold says yes, or two people say no."""
    await family.tell(SISTER, "AL", "XK")
    assert await family.asked() == {BROTHER: {"AL", "XK"}, MOTHER: {"AL", "XK"}}
    await family.hold(BROTHER, "AL")
    for by in (ANA, BEN):
        await family.say_no(MOTHER, SISTER, by, "XK")
    assert await family.asked() == {BROTHER: {"XK"}, MOTHER: {"AL"}, SISTER: {"AL"}}  # of her, by the hold on him
    await family.tell(SISTER, "PS", at=NOW + 1)
    assert await family.asked() == {BROTHER: {EVERY}, MOTHER: {EVERY}, SISTER: {"AL"}}
    await family.tell(SISTER)
    assert await family.asked() == {SISTER: {"AL"}}


async def test_a_hold_on_what_was_told_asks_anew(family: Family):
    """What two people answered when a message told it was not about the hold that a person placed later; and what they
    answered under an earlier hold is not about what is told now.
    """
    await family.tell(SISTER, "AL")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}
    await family.hold(SISTER, "AL", at=NOW + 1)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL", at=NOW + 1)
    assert await family.asked() == {MOTHER: {"AL"}}
    await family.tell(SISTER, "AL", at=NOW + 2)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


async def test_to_end_the_relation_answers_nothing(family: Family):
    """The question stays until the hold is lifted, or people answer."""
    await family.hold(SISTER, "AL")

    def part(connection: Connection) -> None:
        for case in GROUPS:
            cases.set_cards(connection, {case: 0})
        family.at(NOW).settle_case(connection, SISTER)

    await family.content.store.move(part)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    await family.lift(SISTER)
    assert await family.asked() == {}


async def test_a_merged_case_goes_on_asking(family: Family):
    """The hold and the relations go with it, also where a hold is placed on what it became."""

    def merge(connection: Connection) -> None:
        row = ChangeRow(
            ref=900,
            id="E" * 22,
            kind=ChangeKind.MERGE,
            state=ChangeState.DONE,
            at=NOW,
            first=b"",
            source=SISTER,
            target=STRANGER,
        )
        cases.add_change(connection, row, [])
        cases.set_state(connection, SISTER, CaseState.MERGED)
        held = [link.key for link in cases.links(connection, SISTER)]
        cases.move_links(connection, held, was=SISTER, to=STRANGER)
        family.at(NOW).settle_open(connection)

    await family.hold(SISTER, "AL")
    await family.content.store.move(merge)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    await family.hold(STRANGER, "MA")
    assert await family.asked() == {BROTHER: {"AL", "MA"}, MOTHER: {"AL", "MA"}}


async def test_with_the_asked_case_the_alarm_ends(family: Family):
    """Nothing is left of the brother here; his mother is still asked about."""

    def erase(connection: Connection) -> None:
        for ref in cases.forget_empty(connection, BROTHER):
            content_rows.erase(connection, ref)

    await family.hold(SISTER, "AL")
    await family.content.store.move(erase)
    await family.at(NOW).forget()
    assert await family.asked() == {MOTHER: {"AL"}}


async def test_a_question_that_does_not_open_asks_of_every_state(family: Family):
    """Nobody can read of which, so nothing goes there until people see to the damage."""
    damaged = rows.sealed(901)
    await family.content.store.move(lambda c: entries.keep(c, LinkKind.QUESTION, [(BROTHER, damaged)]))
    on = {901: BROTHER}

    def states(connection: Connection) -> frozenset[str]:
        assert questions.places(connection) == on
        return questions.states_of(family.sealer, connection, on, towards="AL")

    assert await family.content.store.read(states) == {EVERY}
    await family.at(NOW).forget()
    assert await family.content.store.read(states) == {EVERY}
