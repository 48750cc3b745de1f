"""Consents that are in doubt after a restore: which cases wait for a worker, and what a worker confirms."""

from __future__ import annotations

from typing import Any

import pytest
from support.consent_desk import ANOTHER, CASE, CONSENT, OTHER, THIRD, WORKER, Desk, actor, actor_of
from support.nodes import NOW

from gateway.cases import store as cases
from gateway.cases.register import encode
from gateway.cases.rules import Card, Keeper
from gateway.consent import unconfirmed_store
from gateway.consent.operations.confirming import ConfirmConsents, ConfirmingOperations
from gateway.database import content
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId, UnitId
from gateway.messages.store import local
from gateway.operations.models import Nothing
from gateway.operations.roles import Caller
from keys.primitives.encoding import b64u

OF_NONE = b64u(b"of no case at al")


@pytest.fixture
async def doubted(desk: Desk) -> Desk:
    """A case with two consents, one with a third one, which the shelter looks after, and a consent of no case: all in
    doubt.
    """
    keeper = Keeper(unit=UnitId("shelter"), worker=None, since=1, reason="she lives there")
    card = desk.content.sealer.seal(90, encode(Card(label="Bird", keepers=(keeper,))))
    await desk.keeps(
        desk.of_case(CASE, CONSENT, OTHER),
        desk.of_case(ANOTHER, THIRD),
        desk.recorded(11),
        desk.recorded(12, holder="n1peer"),
        *(desk.recorded(ref, consent) for ref, consent in ((13, OTHER), (14, THIRD), (15, OF_NONE))),
        lambda c: content.put(c, [card]),
        lambda c: cases.set_cards(c, {ANOTHER: 90}),
        lambda c: unconfirmed_store.doubt_all(c, at=NOW),
    )
    return desk


@pytest.fixture
def confirming(doubted: Desk) -> ConfirmingOperations:
    """What is asked about them."""
    clock: Any = doubted.clock
    return ConfirmingOperations(content=doubted.content, clock=clock, actor=actor)


async def waiting(confirming: ConfirmingOperations, unit: str | None = None) -> tuple[dict[Any, tuple[Any, int]], int]:
    """By case what it is called and how many of its consents wait, and how many that are in all."""
    caller = Caller(roles=WORKER.roles, person=WORKER.person, unit=None if unit is None else UnitId(unit))
    value: Any = (await confirming.list_unconfirmed(Nothing(), caller)).value
    lines = {one["of_case"]["id"]: (one["of_case"]["name"], one["consents"]) for one in value["cases"]}
    return lines, value["consents"]


async def test_each_case_that_waits_is_told(confirming: ConfirmingOperations):
    """With its name and how many consents, however many hold one; one of no case is among all."""
    assert await waiting(confirming) == ({CASE: (None, 2), ANOTHER: ("Bird", 1)}, 4)


async def test_a_unit_is_told_of_its_own_cases(confirming: ConfirmingOperations):
    """And of no others, nor how many those are."""
    assert await waiting(confirming, "shelter") == ({ANOTHER: ("Bird", 1)}, 1)
    assert await waiting(confirming, "police") == ({}, 0)


async def test_a_worker_confirms_the_consents_of_one_case(doubted: Desk, confirming: ConfirmingOperations):
    """The log says how many, by whom; the alarm stands until the last one of all."""
    doubted.clock.at = NOW + 5
    done = await confirming.confirm(ConfirmConsents(case=CASE), WORKER)
    assert done.value == {"case": CASE, "confirmed": 2}
    assert await doubted.entries("consent.confirmed") == [{"at": NOW + 5, "actor": actor_of(WORKER), "count": 2}]
    doubted.clock.at = NOW
    assert (await waiting(confirming), await doubted.alarms()) == (
        ({ANOTHER: ("Bird", 1)}, 2),
        [("consent.unconfirmed", None, None)],
    )


@pytest.mark.parametrize(
    ("case", "code"), [(ANOTHER, Code.CONFLICT), (CaseId(b64u(b"case of nobody..")), Code.NOT_FOUND)]
)
async def test_where_nothing_waits_nothing_is_confirmed(
    doubted: Desk, confirming: ConfirmingOperations, case: CaseId, code: Code
):
    """Somebody else was faster, or there is no such case: no entry says that a consent was confirmed."""
    await doubted.keeps(lambda c: unconfirmed_store.end_doubt(c, [doubted.index(THIRD)], at=NOW))
    with pytest.raises(RefusedError, match="nothing was") as caught:
        await confirming.confirm(ConfirmConsents(case=case), WORKER)
    assert caught.value.code is code
    assert await doubted.entries("consent.confirmed") == []
    assert await waiting(confirming) == ({CASE: (None, 2)}, 3)


async def test_what_was_taken_back_is_not_confirmed(doubted: Desk, confirming: ConfirmingOperations):
    """A worker takes back one that the person had taken back: the others of the case are those that wait."""
    await doubted.keeps(lambda c: local.set_consent(c, 13, state=local.WITHDRAWN))
    assert await waiting(confirming) == ({CASE: (None, 1), ANOTHER: ("Bird", 1)}, 3)
    assert (await confirming.confirm(ConfirmConsents(case=CASE), WORKER)).value == {"case": CASE, "confirmed": 1}
