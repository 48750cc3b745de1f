"""A data protection officer sees on what a case rests and no person, and content one message at a time for a reason."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.persons import ANA, agreed, case_of, referred
from support.shapes import misfits
from support.tables import Faults, table

from gateway.audit import store
from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.registry import visible
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

HERS, TALK = b64u(b"consent of her.."), b64u(b"conversation one")
LABEL, WHY = "Blaue Tulpe", "she asks who was told of her illness"
OFFICER = Caller(roles=frozenset({Role.DATA_PROTECTION_OFFICER}), person=b64u(b"officer of data."))
FOCAL = Caller(roles=frozenset({Role.FOCAL_POINT}), person=b64u(b"the focal point."))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A referral from France to Albania that relies on a consent; the case has a label."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", HERS)
        await referred(made, "F-1", HERS, conversation=TALK)
        await made.fr.call("case.label", id=await case_of(made.fr, TALK), label=LABEL, by=ANA)
        yield made


async def shown(party: Party, operation: str, caller: Caller = OFFICER, **arguments: Any) -> Any:
    """The answer as the API gives it to this caller."""
    done = await party.running.desk.call(operation, arguments, caller=caller)
    return visible(caller, ROWS[operation], done.value)


async def entries(party: Party, event: str) -> list[dict[str, Any]]:
    """The entries of the log about this."""
    leaves = await party.running.store.read(lambda c: [json.loads(leaf) for _, leaf in store.leaves(c)])
    return [leaf for leaf in leaves if leaf["ev"] == event]


async def referral_of(party: Party) -> str:
    """The id of the referral."""
    found = (await party.call("message.list", conversation=TALK))["messages"]
    return next(str(one["id"]) for one in found if one["type"] == "referral.request/1")


async def test_a_case_is_shown_without_the_person(two: Two) -> None:
    """Legal bases, consents with their records and erasures; no label, number, conversation or word of a message."""
    fr, id = two.fr, await case_of(two.fr, TALK)
    said = [one["content"] for one in [await fr.call("message.show", id=await referral_of(fr))]]
    answers = {
        "case.list": await shown(fr, "case.list"),
        "case.show": await shown(fr, "case.show", id=id),
        "case.grounds": await shown(fr, "case.grounds", id=id),
        "consent.list": await shown(fr, "consent.list"),
        "consent.show": await shown(fr, "consent.show", id=HERS),
    }
    with Faults() as faults:
        for name, value in answers.items():
            with faults.row(name):
                told = json.dumps(value)
                assert not [word for word in (LABEL, "F-1", TALK, said[0]["person"]["pseudonym"]) if word in told]
    grounds = {one["type"]: one for one in answers["case.grounds"]["messages"]}
    assert set(grounds) == {"consent.record/1", "referral.request/1"}
    assert grounds["referral.request/1"]["consent"] == HERS
    assert grounds["referral.request/1"]["legal_basis"] == (await header(fr))["legal_basis"]
    assert grounds["referral.request/1"]["transfer_basis"] == (await header(fr))["transfer_basis"]
    (consent,) = answers["case.grounds"]["consents"]
    assert consent["record"]["grants"] == answers["consent.show"]["record"]["grants"] != []
    assert [one["id"] for one in answers["case.list"]["cases"]] == [id]
    assert LABEL in json.dumps(await shown(fr, "case.show", FOCAL, id=id))


async def test_a_case_with_holds_and_blocks_is_shown_as_the_document_says(two: Two) -> None:
    """Which States the person fears, whom they belong to and why a colleague is kept out are left out, and no more."""
    fr, id = two.fr, await case_of(two.fr, TALK)
    his = (await fr.call("case.open", label="Her brother", by=ANA))["id"]
    await fr.call("asylum.hold", id=TALK, states=["MA"], by=ANA)
    await fr.call("case.relate", id=id, other=his, relation="sibling", by=ANA)
    await fr.call("case.block", id=id, unit=UNIT, reason="a relative works there", by=ANA)
    told = await shown(fr, "case.show", id=id)
    assert misfits("case.show", told) == []
    assert [sorted(told[name][0]) for name in ("asylum_holds", "group", "blocks")] == [
        ["at", "lift_wanted"],
        ["other", "relation"],
        ["at", "person"],
    ]


async def header(party: Party) -> Any:
    """The header of the referral."""
    return (await party.call("message.show", id=await referral_of(party)))["header"]


async def test_content_is_shown_for_a_reason_and_the_focal_point_reads_it(two: Two) -> None:
    """The whole message, once; the log has who, what and a hash of the reason, the alarm and the list tell the rest."""
    fr, id = two.fr, await referral_of(two.fr)
    answer = await shown(fr, "content.ask", id=id, reason=WHY)
    whole = await fr.call("message.show", id=id)
    assert (answer["header"], answer["content"]) == (whole["header"], whole["content"])
    assert answer["of_case"]["name"] == LABEL
    (leaf,) = await entries(fr, "content.asked")
    assert (leaf["id"], {*leaf}) == (id, {"seq", "at", "ev", "id", "of", "actor"})
    assert WHY not in json.dumps(leaf) and leaf["of"] != leaf["actor"]
    assert [one["kind"] for one in (await shown(fr, "alarm.list", FOCAL, kind="content.asked"))["alarms"]] == [
        "content.asked"
    ]
    (told,) = (await shown(fr, "content.reasons", FOCAL))["reasons"]
    assert (told["message"], told["reason"], told["reader"]) == (id, WHY, f"person/{OFFICER.person}")
    assert told["of_case"]["name"] == LABEL
    (own,) = (await shown(fr, "content.reasons"))["reasons"]
    assert (own["reason"], {*own}) == (WHY, {"at", "message", "reader", "name", "reason"})
    of_unit = [replace(FOCAL, unit=unit) for unit in (UNIT, "shelter")]
    assert [len((await shown(fr, "content.reasons", one))["reasons"]) for one in of_unit] == [1, 0]
    reads = (await fr.call("audit.reads", message=id))["reads"]
    assert (f"person/{OFFICER.person}", "message") in [(one["reader"], one["what"]) for one in reads]


async def test_each_look_has_its_own_reason(two: Two) -> None:
    """A second look at the same message is asked for again, and listed again; one alarm tells of both."""
    fr, id = two.fr, await referral_of(two.fr)
    await shown(fr, "content.ask", id=id, reason=WHY)
    await shown(fr, "content.ask", id=id, reason="a complaint of the lawyer")
    listed = (await shown(fr, "content.reasons", FOCAL))["reasons"]
    assert [one["reason"] for one in listed] == ["a complaint of the lawyer", WHY]
    assert len(await entries(fr, "content.asked")) == 2
    assert (await shown(fr, "alarm.list", FOCAL, kind="content.asked"))["open"] == 1
    (first,) = (await shown(fr, "content.reasons", FOCAL, limit=1))["reasons"]
    assert first["reason"] == "a complaint of the lawyer"


@table(
    ("arguments", "code"),
    [
        ({}, Code.INVALID),
        ({"reason": ""}, Code.INVALID),
        ({"reason": "because"}, Code.INVALID),
        ({"reason": "x" * 401}, Code.INVALID),
        ({"reason": ["a list of words"]}, Code.INVALID),
        ({"reason": WHY, "id": b64u(b"nothing has this")}, Code.NOT_FOUND),
    ],
    ids=["no reason", "empty", "too short", "too long", "a list", "no such message"],
)
async def test_without_a_reason_nothing_is_shown(two: Two, arguments: dict[str, Any], code: Code) -> None:
    """And nothing is kept: no entry, no alarm, no reason."""
    fr = two.fr
    with pytest.raises(RefusedError) as refused:
        await shown(fr, "content.ask", **{"id": await referral_of(fr), **arguments})
    assert refused.value.code is code
    assert await entries(fr, "content.asked") == []
    assert await fr.rows("select count(*) from content_reason") == [(0,)]


async def test_the_reason_goes_with_the_message(two: Two) -> None:
    """Erasing a message erases why it was shown, since that may repeat what it said; then nothing is shown of it."""
    fr, id = two.fr, await referral_of(two.fr)
    await shown(fr, "content.ask", id=id, reason=WHY)
    ((ref,),) = await fr.rows("select ref from content_reason")
    await fr.call("message.erase", id=id, by=ANA, reason="not_needed")
    assert (await shown(fr, "content.reasons", FOCAL))["reasons"] == []
    assert await fr.rows(f"select count(*) from sealed where ref = {ref}") == [(0,)]
    assert await fr.rows(f"select count(*) from datakey where ref = {ref}") == [(0,)]
    gone = {one["id"]: one for one in (await shown(fr, "case.grounds", id=await one_case(fr)))["messages"]}[id]
    assert (gone["erased"]["reason"], gone["legal_basis"], gone["type"]) == ("not_needed", [], None)
    with pytest.raises(RefusedError, match="was erased; nothing was shown") as refused:
        await shown(fr, "content.ask", id=id, reason=WHY)
    assert refused.value.code is Code.CONFLICT


async def one_case(party: Party) -> str:
    """The only case."""
    (case,) = (await party.call("case.list"))["cases"]
    return str(case["id"])
