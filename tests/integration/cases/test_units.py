"""A caller bound to one unit reaches what its unit looks after; everything else is as if it were not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import id_of
from support.nodeproc import UNIT, enquiry
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, agreed, case_of, referral, referred
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.registry import may
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

HERS = b64u(b"consent of her..")
TALK, NOWHERE = b64u(b"conversation one"), b64u(b"nothing has this")
SHELTER = Caller(
    roles=frozenset({Role.CASE_WORKER, Role.FOCAL_POINT, Role.DATA_PROTECTION_OFFICER}),
    unit="shelter",
    person=id_of("Eva"),
)
FOCAL = Caller(roles=frozenset({Role.CASE_WORKER}), unit=UNIT, person=id_of("Ana"))
SECOND_UNIT = """
[[units]]
id = "shelter"
name = "Shelter"
kind = "ngo"
roles = ["shelter_provider"]
"""


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """France has a second unit; one person's case is with the focal point."""
    async with two_nodes(tmp_path) as made:
        fr = made.fr
        await fr.stop()
        settings = fr.folder / "node.toml"
        settings.write_text(settings.read_text() + SECOND_UNIT)
        await fr.start()
        await agreed(fr, "F-1", HERS)
        await referred(made, "F-1", HERS, conversation=TALK)
        yield made


async def asked(party: Party, caller: Caller, operation: str, arguments: Mapping[str, Any]) -> Any:
    """One operation by a caller."""
    return (await party.running.desk.call(operation, arguments, caller=caller)).value


async def answered(party: Party, operation: str, arguments: Mapping[str, Any]) -> tuple[str, str, str]:
    """How the shelter is refused."""
    with pytest.raises(RefusedError) as caught:
        await asked(party, SHELTER, operation, arguments)
    return caught.value.code, caught.value.what.partition(";")[0], caught.value.hint or ""


def from_shelter(**members: Any) -> dict[str, Any]:
    """A question of the shelter."""
    request = enquiry("room?", "AL") | members
    return request | {"header": request["header"] | {"sender_unit": "shelter"}}


async def test_a_unit_does_not_write_its_way_into_a_case(two: Two):
    """By the id of a conversation, of a message to answer, of a consent, of a case or its number: submitted, previewed
    or as a draft, nothing is stored and nothing can be read afterwards.
    """
    fr = two.fr
    (sent,) = [item for item in (await fr.call("message.list"))["messages"] if item["type"] == "referral.request/1"]
    relies = from_shelter()
    relies["header"]["consent_ref"] = HERS
    numbered = from_shelter()
    numbered["header"]["case_ref_sender"] = "F-1"
    into = [
        from_shelter(conversation=TALK),
        from_shelter(in_reply_to=sent["id"]),
        from_shelter(case=await case_of(fr, TALK)),
        relies,
        numbered,
    ]
    before = await fr.rows("select count(*) from message")
    for request in into:
        for operation, arguments in (
            ("message.submit", request),
            ("message.preview", {"draft": request}),
            ("draft.save", {"draft": request}),
        ):
            assert (await answered(fr, operation, arguments))[0] == Code.NOT_FOUND
    assert await fr.rows("select count(*) from message") == before
    assert (await asked(fr, SHELTER, "conversation.list", {}))["conversations"] == []


@table(
    "operation, own, unknown",
    [
        ("message.show", "message", NOWHERE),
        ("conversation.show", TALK, NOWHERE),
        ("conversation.writable", TALK, NOWHERE),
        ("consent.show", HERS, NOWHERE),
        ("consent.withdraw", HERS, NOWHERE),
        ("conversation.erase", TALK, NOWHERE),
        ("case.grounds", "case", NOWHERE),
        ("content.ask", "message", NOWHERE),
        ("asylum.hold", TALK, NOWHERE),
        ("draft.show", "draft", NOWHERE),
        ("draft.release", "draft", NOWHERE),
        ("attachment.list", "message", NOWHERE),
        ("case.show", "case", NOWHERE),
        ("case.label", "case", NOWHERE),
    ],
)
async def test_an_id_of_another_unit_is_answered_as_unknown(two: Two, operation: str, own: str, unknown: str):
    """With the same code, words and way out; the unit that looks after it is answered."""
    fr = two.fr
    found = {
        "message": (await fr.call("message.list", conversation=TALK))["messages"][0]["id"],
        "case": await case_of(fr, TALK),
        "draft": (await fr.call("draft.save", draft=referral("F-1", HERS)))["id"],
    }
    more = {"label": "Blue 7", "reason": "not_needed"}
    taken = {"case.label": ("label",), "conversation.erase": ("reason",), "content.ask": ("reason",)}
    arguments = {name: more[name] for name in taken.get(operation, ())}
    theirs = await answered(fr, operation, {"id": found.get(own, own), **arguments})
    assert theirs == await answered(fr, operation, {"id": unknown, **arguments})
    assert theirs[0] == Code.NOT_FOUND
    if operation.endswith((".show", ".list", ".writable")):
        assert await asked(fr, FOCAL, operation, {"id": found.get(own, own)})


async def test_a_unit_erases_what_it_looks_after(two: Two):
    """A focal point who is bound to the unit of a conversation may erase it."""
    bound = Caller(roles=frozenset({Role.FOCAL_POINT}), unit=UNIT, person=id_of("Ana"))
    assert may(bound, ROWS["conversation.erase"])
    done = await asked(two.fr, bound, "conversation.erase", {"id": TALK, "reason": "not_needed"})
    assert done["erased"] == 2


async def test_the_former_unit_loses_a_case(two: Two):
    """Handed over with a reason, the case with all its messages is with the shelter alone."""
    fr = two.fr
    case = await case_of(fr, TALK)
    with pytest.raises(RefusedError, match="no such unit"):
        await fr.call("case.hand_over", id=case, unit="nowhere", reason="she moved", by=ANA)
    await fr.call("case.hand_over", id=case, unit="shelter", reason="she moved there", by=ANA)
    shown = await asked(fr, SHELTER, "conversation.show", {"id": TALK})
    assert len(shown["messages"]) == 2
    assert (await asked(fr, SHELTER, "consent.show", {"id": HERS}))["of_case"]["id"] == case
    for operation, id in (("conversation.show", TALK), ("consent.show", HERS), ("case.show", case)):
        with pytest.raises(RefusedError) as caught:
            await asked(fr, FOCAL, operation, {"id": id})
        assert caught.value.code is Code.NOT_FOUND
    lists = [await asked(fr, FOCAL, name, {}) for name in ("conversation.list", "message.list", "case.list")]
    assert [lists[0]["conversations"], lists[1]["messages"], lists[2]["cases"]] == [[], [], []]
    (keeper,) = (await fr.call("case.show", id=case))["keepers"]
    assert (keeper["unit"], keeper["until"], keeper["reason"]) == ("shelter", None, "she moved there")


async def test_a_unit_keeps_the_case_that_it_opens(two: Two):
    """A consent recorded by a worker of the shelter under a new number is of a case of the shelter."""
    fr = two.fr
    content = example("consent.record/1", "AL")["content"]
    recorded = await asked(fr, SHELTER, "consent.record", {"number": "S-9", "content": content})
    (case,) = (await asked(fr, SHELTER, "case.list", {}))["cases"]
    assert (case["name"], case["units"]) == ("S-9", ["shelter"])
    with pytest.raises(RefusedError):
        await asked(fr, FOCAL, "consent.show", {"id": recorded["id"]})
    refused = {"number": "F-1", "content": content}
    assert (await answered(fr, "consent.record", refused))[0] == Code.NOT_FOUND
