"""Consents as people record and list them: of which case each is, who looks after a case that begins, who holds it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.consent_desk import AL, CASE, CONSENT, GONE, OTHER, RECORD, THIRD, WORKER, Desk, actor, actor_of
from support.nodes import NOW, Seeds

from gateway.cases import store as cases
from gateway.cases.register import CaseRegister, cards_in
from gateway.cases.rules import Card, Keeper
from gateway.consent.operations.consents import ConsentOperations
from gateway.consent.operations.models import ConsentPage, OneConsent, RecordConsent
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import UnitId
from gateway.operations.roles import Caller


@pytest.fixture
def consents(desk: Desk) -> ConsentOperations:
    """What is asked about consents."""
    clock: Any = desk.clock
    config: Any = SimpleNamespace(node=SimpleNamespace(name="FR"))
    return ConsentOperations(
        content=desk.content,
        own=desk.own,
        peers=desk.peers,
        withdrawer=desk.withdrawer,
        cases=CaseRegister(desk.content, Seeds("cases")),
        config=config,
        clock=clock,
        rand=Seeds("consents"),
        actor=actor,
    )


async def card_of(desk: Desk, consent: str) -> tuple[str, Card]:
    """The case of a consent, and what is on its card."""

    def query(connection: Any) -> tuple[str, Card]:
        of = cases.cases_of(connection, [desk.index(consent)])[desk.index(consent)]
        rows = cases.get(connection, [of]).values()
        return of, cards_in(desk.content.sealer, connection, rows)[of]

    return await desk.content.store.read(query)


@pytest.mark.parametrize("whose", [{}, {"case": CASE, "number": "F-1"}], ids=["nobody's", "named twice"])
async def test_whose_consent_it_is_has_to_be_said_once(desk: Desk, consents: ConsentOperations, whose: dict[str, Any]):
    """By the case or by its number, and whoever asks is told so; nothing is stored."""
    await desk.keeps(desk.of_case(CASE))
    with pytest.raises(RefusedError, match="nothing was stored") as caught:
        await consents.record(RecordConsent(content=RECORD, **whose), WORKER)
    assert (caught.value.code, caught.value.findings) == (
        Code.INVALID,
        (Finding(place="/case", rule="required", hint="an id of a case here, or else /number"),),
    )
    assert "trm case list" in caught.value.hint
    assert (await consents.list_consents(ConsentPage())).value == {"consents": [], "next": None}


async def test_grants_that_are_no_list_are_for_the_schema_to_refuse(consents: ConsentOperations):
    """As they were written, at their own place, and so are denials."""
    for wrong in ({"grants": "all"}, {"denials": 7}):
        with pytest.raises(RefusedError, match="nothing was stored") as caught:
            await consents.record(RecordConsent(number="F-1", content=RECORD | wrong), WORKER)
        assert caught.value.code is Code.SCHEMA
        assert [finding.place for finding in caught.value.findings] == [f"/content/{name}" for name in wrong]


async def test_a_case_that_begins_is_looked_after_from_now_on(desk: Desk, consents: ConsentOperations):
    """By who records the consent and their unit; the next consent under that number is of the same case, whoever
    records it.
    """
    bound = Caller(roles=WORKER.roles, person=WORKER.person, unit=UnitId("desk"))
    done = await consents.record(RecordConsent(number="F-1", content=RECORD), bound)
    assert (done.value, done.created) == ({"id": CONSENT, "state": "active"}, True)
    keeper = Keeper(unit=UnitId("desk"), worker=WORKER.person, since=NOW, reason="opened it")
    case, card = await card_of(desk, CONSENT)
    assert card == Card(number="F-1", keepers=(keeper,), group={})
    await consents.record(RecordConsent(number="F-1", content=RECORD | {"consent_id": OTHER}), WORKER)
    assert await card_of(desk, OTHER) == (case, card)
    assert await desk.entries("consent.recorded") == [{"at": NOW, "actor": actor_of(WORKER), "attested": False}] * 2


async def test_who_is_of_no_unit_keeps_no_case(desk: Desk, consents: ConsentOperations):
    """Whoever looks after it is said later."""
    await consents.record(RecordConsent(number="F-1", content=RECORD), WORKER)
    assert (await card_of(desk, CONSENT))[1] == Card(number="F-1", group={})


async def test_who_holds_a_consent_is_told_by_name(desk: Desk, consents: ConsentOperations):
    """The own node is `own`, and a node of which nothing is held any more is told by its id."""
    await desk.keeps(
        desk.recorded(11), desk.recorded(12, OTHER, AL.node), desk.recorded(13, THIRD, GONE), desk.of_case(CASE, OTHER)
    )
    value: Any = (await consents.list_consents(ConsentPage())).value
    assert [(one["id"], one["holder"]) for one in value["consents"]] == [
        (THIRD, GONE),
        (OTHER, "AL"),
        (CONSENT, "own"),
    ]
    one: Any = (await consents.show(OneConsent(id=OTHER), WORKER)).value
    assert (one["holder"], one["of_case"]) == ("AL", {"id": CASE, "name": None})
