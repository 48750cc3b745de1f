"""Who is asked about a hold once cases were merged: whoever is linked to any of what became one case."""

from __future__ import annotations

import pytest
from support.family import BROTHER, MOTHER, SISTER, STRANGER, Family, changing

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, ChangeKind, ChangeState
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content


@pytest.fixture
async def family(store: Store, vault: ContentSealer) -> Family:
    """A sister, her brother, their mother, and somebody else."""
    made = Family(Content(store, vault))
    await made.begin()
    return made


async def test_a_merged_case_goes_on_asking(family: Family):
    """The hold and the relations go with it, also where a hold is placed on what it became."""
    await family.hold(SISTER, "AL")
    await family.merge(SISTER, STRANGER)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    await family.hold(STRANGER, "MA")
    assert await family.asked() == {BROTHER: {"AL", "MA"}, MOTHER: {"AL", "MA"}}


@pytest.mark.parametrize("state", [ChangeState.DONE, ChangeState.UNDO_ASKED])
async def test_what_a_case_became_has_its_relatives(family: Family, state: ChangeState):
    """A later hold asks of them, and one of theirs asks of what it became; until two people undo it."""
    await family.merge(SISTER, STRANGER, state=state)
    await family.hold(STRANGER, "AL")
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    await family.lift(STRANGER)
    await family.hold(BROTHER, "MA")
    assert await family.asked() == {STRANGER: {"MA"}}


async def test_a_case_keeps_its_relatives_when_another_is_merged_into_it(family: Family):
    """Whether that one has some or none."""
    await family.merge(STRANGER, SISTER)
    await family.hold(SISTER, "AL")
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


async def test_a_case_that_was_merged_twice_has_its_relatives(family: Family):
    """Also with one of them: nobody is asked about a relation to themselves."""
    await family.merge(SISTER, STRANGER, ref=900)
    await family.merge(STRANGER, MOTHER, ref=901)
    await family.hold(MOTHER, "AL")
    assert await family.asked() == {BROTHER: {"AL"}}
    await family.lift(MOTHER)
    await family.hold(BROTHER, "MA")
    assert await family.asked() == {MOTHER: {"MA"}}


async def test_what_was_merged_into_nobody_knows_what_is_asked_nothing(family: Family):
    """Its change is not here any more: there is no case to ask about."""
    await family.content.store.move(lambda c: cases.set_state(c, SISTER, CaseState.MERGED))
    await family.hold(BROTHER, "AL")
    assert await family.asked() == {}


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (ChangeKind.MOVE, ChangeState.DONE),
        (ChangeKind.SPLIT, ChangeState.DONE),
        (ChangeKind.MERGE, ChangeState.ASKED),
        (ChangeKind.MERGE, ChangeState.UNDONE),
    ],
)
async def test_only_a_merge_that_lasts_makes_relatives(family: Family, kind: ChangeKind, state: ChangeState):
    """Something was moved or split off, one person alone asked, or it was undone: they are two people."""
    await family.change(changing(900, SISTER, STRANGER, kind, state))
    await family.hold(STRANGER, "AL")
    assert await family.asked() == {}
    await family.hold(BROTHER, "MA")
    assert await family.asked() == {SISTER: {"MA"}}
