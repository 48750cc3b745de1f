"""All consents of a person: which of them are in force, and what becomes of those that do not open."""

from __future__ import annotations

from typing import Any

import pytest
from support import rows
from support.consent_desk import ANOTHER, CASE, CONSENT, OTHER, THIRD, WORKER, Desk, actor, actor_of
from support.nodes import NOW

from gateway.cases.operations.models import OneCase
from gateway.consent import register
from gateway.consent.operations.case_consents import CaseConsentOperations
from gateway.consent.operations.models import WithdrawAll
from gateway.database import content
from gateway.messages.store import local


@pytest.fixture
def consents(desk: Desk) -> CaseConsentOperations:
    """What is asked about the consents of one case."""
    clock: Any = desk.clock
    return CaseConsentOperations(content=desk.content, withdrawer=desk.withdrawer, clock=clock, actor=actor)


async def shown(consents: CaseConsentOperations) -> dict[str | None, tuple[str, int, list[Any]]]:
    """The consents of the case that are in force: by id the state, since when, and the countries that rely on it."""
    value: Any = (await consents.show_consents(OneCase(id=CASE), WORKER)).value
    return {
        one["id"]: (one["state"], one["at"], [line["peer"] for line in one["relied_on"]]) for one in value["consents"]
    }


async def test_the_consents_of_a_case_are_its_own(desk: Desk, consents: CaseConsentOperations):
    """Those that were taken back, and those of another case, are none of them; each is told once, whoever holds it."""

    await desk.keeps(
        desk.of_case(CASE, CONSENT, THIRD),
        desk.of_case(ANOTHER, OTHER),
        desk.recorded(11),
        desk.recorded(12, holder="n1peer"),
        desk.recorded(13, THIRD),
        desk.recorded(14, OTHER),
        desk.said(1),
    )
    known = await register.known(desk.content, THIRD)
    all_of_it = {"consent_id": THIRD, "scope": "all", "withdrawn_on": NOW, "erase_wanted": False}
    await desk.keeps(lambda c: register.take_back(desk.content, c, known, all_of_it))
    assert await shown(consents) == {CONSENT: ("active", NOW, ["AL"])}


async def test_one_that_does_not_open_has_the_name_that_a_message_has_for_it(
    desk: Desk, consents: CaseConsentOperations
):
    """Not every message that is about it names it."""
    await desk.keeps(
        desk.of_case(CASE, CONSENT),
        desk.recorded(11, opens=False),
        desk.said(1),
        desk.said(2, facts={"consent_ref": CONSENT}),
    )
    assert await shown(consents) == {CONSENT: ("damaged", NOW, ["AL"])}


async def test_one_that_nobody_can_name_is_counted(desk: Desk, consents: CaseConsentOperations):
    """Nothing can be said of it to anybody; the others are taken back all the same, and nobody knew of them."""
    await desk.keeps(desk.of_case(CASE, CONSENT, OTHER), desk.recorded(11), desk.recorded(12, OTHER, opens=False))
    assert await shown(consents) == {CONSENT: ("active", NOW, []), None: ("damaged", NOW, [])}
    done = await consents.withdraw_all(WithdrawAll(id=CASE), WORKER)
    taken_back = [{"id": CONSENT, "state": "withdrawn"}]
    assert (done.value, done.created) == ({"id": CASE, "consents": taken_back, "told": [], "unnamed": 1}, False)
    assert await shown(consents) == {None: ("damaged", NOW, [])}


async def test_where_nobody_can_tell_what_was_taken_back_it_is_taken_back_anew(
    desk: Desk, consents: CaseConsentOperations
):
    """Nothing goes on it here, and the country that relies on it may never have heard of that."""
    await desk.keeps(
        desk.of_case(CASE, CONSENT),
        desk.recorded(11),
        desk.said(1),
        lambda c: content.put(c, [rows.sealed(15)]),
        lambda c: local.set_withdrawals(c, desk.index(), 15),
    )
    assert await shown(consents) == {CONSENT: ("withdrawn", NOW, ["AL"])}
    done: Any = await consents.withdraw_all(WithdrawAll(id=CASE, erase_wanted=True), WORKER)
    assert [one["peer"] for one in done.value["told"]] == ["AL"]
    (draft,) = desk.preparation.drafts
    assert (draft.content["erase_wanted"], draft.header["author_ref"], done.created) == (True, actor_of(WORKER), True)


async def test_each_has_its_own_entry_in_the_log(desk: Desk, consents: CaseConsentOperations):
    """By whom it was taken back, as a keyed hash."""
    await desk.keeps(desk.of_case(CASE, CONSENT, OTHER), desk.recorded(11), desk.recorded(12, OTHER))
    await consents.withdraw_all(WithdrawAll(id=CASE), WORKER)
    assert await desk.entries("consent.withdraw") == [{"at": NOW, "actor": actor_of(WORKER), "attested": False}] * 2
