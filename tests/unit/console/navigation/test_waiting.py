"""How much waits beside every page: asked with the rights of the person, and not again for every page."""

from __future__ import annotations

from typing import Any

import pytest
from support.casework import answers
from support.consoles import NOW, PlayedDesk, person
from support.played_cases import FOUND

from gateway.console.navigation.counts import Count
from gateway.console.navigation.waiting import KEPT, NOTHING, Waiting
from gateway.errors import Code, TransientError
from gateway.node.rows import ROWS
from gateway.operations.roles import Role

ANA = person(Role.FOCAL_POINT)


def waiting(**other: Any) -> tuple[Waiting, PlayedDesk, list[int]]:
    """What counts, the desk that it asks, and the clock, to be set."""
    desk, clock = PlayedDesk(answers=answers(**other)), [NOW]
    return Waiting(desk, lambda: clock[0]), desk, clock


async def test_what_waits_is_counted_by_section():
    """The page says that there are more where the list was longer; what nobody else may release waits for nobody."""
    counts = FOUND | {"counts": FOUND["counts"] | {"overdue": 3}}
    there, desk, _ = waiting(case__find=counts, alarm__list={"alarms": [], "next": None})
    found = await there.count(ANA)
    for name, arguments, _ in desk.calls:
        ROWS[name].arguments.model_validate(
            arguments
        )  # what a real node would refuse leaves every page without numbers
    assert found.counts["/cases"] == Count(3) and found.counts["/inbox"] == Count(12, more=True)
    assert found.counts["/drafts"] == Count(1) and "/operations" not in found.counts
    assert [alert["owes"] for alert in found.alerts] == ["us"] * found.counts["/alerts"].n
    own = [one | {"first_by_caller": True} for one in desk.answers["draft.list"]["drafts"]]
    desk.answers["draft.list"] = {"drafts": own, "next": None}
    there.forget(ANA)
    assert "/drafts" not in (await there.count(ANA)).counts


@pytest.mark.parametrize(("later", "asked"), [(0, False), (KEPT - 1, False), (KEPT, True), (-1, True)])
async def test_a_count_stays_for_a_while(later, asked):
    """And no longer, also where the clock was set back."""
    there, desk, clock = waiting(alarm__list={"alarms": [], "next": None})
    await there.count(ANA)
    desk.calls.clear()
    clock[0] += later
    await there.count(ANA)
    assert ("inbox.list" in [name for name, *_ in desk.calls]) is asked


async def test_only_who_did_something_waits_for_what_has_changed():
    """A number that is only too old is counted as the cases stand."""
    there, desk, clock = waiting(alarm__list={"alarms": [], "next": None})
    await there.count(ANA)
    clock[0] += KEPT
    await there.count(ANA)
    there.forget(ANA)
    await there.count(ANA)
    assert [asked["at_once"] for name, asked, _ in desk.calls if name == "case.find"] == [False, True, False]


async def test_an_alert_that_has_just_come_is_there_at_once():
    """It is asked for with each page."""
    there, desk, _ = waiting(alarm__list={"alarms": [], "next": None}, alert__list={"alerts": []})
    assert (await there.count(ANA)).alerts == []
    desk.answers["alert.list"] = answers()["alert.list"]
    assert (await there.count(ANA)).alerts


async def test_whoever_does_something_sees_it_at_once():
    """Each person has numbers of their own."""
    there, desk, _ = waiting(alarm__list={"alarms": [], "next": None})
    await there.count(ANA)
    there.forget(ANA)
    desk.calls.clear()
    await there.count(ANA)
    assert "inbox.list" in [name for name, *_ in desk.calls]
    desk.calls.clear()
    await there.count(person(Role.AUDITOR))
    assert {name for name, *_ in desk.calls} == {"change.list"}


async def test_a_node_that_does_not_answer_has_no_numbers():
    """The page itself says why; the next one asks again. What cannot be counted hides no alert."""
    there, desk, _ = waiting(case__find=TransientError(Code.LOCKED, "busy"))
    found = await there.count(ANA)
    assert found.counts.keys() == {"/alerts"} and found.alerts
    desk.calls.clear()
    await there.count(ANA)
    assert "case.find" in [name for name, *_ in desk.calls]
    desk.answers["alert.list"] = TransientError(Code.LOCKED, "busy")
    assert await there.count(ANA) == NOTHING


async def test_an_alert_comes_with_the_telephone_of_the_country():
    """Looked up once for a while; a directory that does not answer hides no alert."""
    there, desk, _ = waiting(alarm__list={"alarms": [], "next": None})
    assert (await there.count(ANA)).phones == {"AL": ["+35540000002", "+35540000001"]}
    desk.calls.clear()
    assert (await there.count(ANA)).phones["AL"] and "directory.search" not in [name for name, *_ in desk.calls]
    there, desk, _ = waiting(directory__search=TransientError(Code.LOCKED, "busy"))
    found = await there.count(ANA)
    assert found.alerts and found.phones == {"AL": ()}
