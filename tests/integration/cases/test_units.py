"""A caller bound to one unit reaches what its unit looks after; everything else is as if it were not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import id_of
from support.attached import NOTE, pieces
from support.nodeproc import UNIT, enquiry
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referred
from support.tables import table

from gateway.consent.unconfirmed_store import doubt_all
from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.registry import may
from gateway.operations.roles import OWNER, Caller, Role
from keys.primitives.encoding import b64u

HERS = b64u(b"consent of her..")
TALK, NOWHERE = b64u(b"conversation one"), b64u(b"nothing has this")
SHELTER = Caller(
    roles=frozenset({Role.CASE_WORKER, Role.FOCAL_POINT, Role.DATA_PROTECTION_OFFICER}),
    unit="shelter",
    person=id_of("Eva"),
)
FOCAL = Caller(roles=frozenset({Role.CASE_WORKER}), unit=UNIT, person=id_of("Ana"))
AUDITOR = Caller(roles=frozenset({Role.AUDITOR}), person=id_of("Lea"))
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


async def answered(
    party: Party, operation: str, arguments: Mapping[str, Any], caller: Caller = SHELTER
) -> tuple[str, str, str]:
    """How the shelter, or another caller, is refused."""
    with pytest.raises(RefusedError) as caught:
        await asked(party, caller, operation, arguments)
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


async def test_a_unit_gives_its_own_enquiries_to_its_own_cases(two: Two):
    """The enquiry of another unit, and another unit's case, are answered as those that are not there."""
    fr = two.fr
    theirs = (await asked(fr, SHELTER, "case.open", {"label": "Green 2"}))["id"]
    ours, talk = await case_of(fr, TALK), (await fr.call("message.submit", **enquiry("room?", "AL")))["conversation"]
    for caller, wrong, unknown in (
        (SHELTER, {"id": theirs, "conversation": talk}, {"id": theirs, "conversation": NOWHERE}),
        (FOCAL, {"id": theirs, "conversation": talk}, {"id": NOWHERE, "conversation": talk}),
    ):
        refusal = await answered(fr, "case.join", wrong, caller)
        assert refusal == await answered(fr, "case.join", unknown, caller) and refusal[0] == Code.NOT_FOUND
    assert (await fr.call("conversation.show", id=talk))["of_case"] is None
    await asked(fr, FOCAL, "case.join", {"id": ours, "conversation": talk})
    assert await case_of(fr, talk) == ours


async def test_a_unit_sees_the_consents_in_doubt_of_its_cases(two: Two):
    """After a restore without a ledger each unit gets the cases that it looks after, and their number."""
    fr = two.fr
    await fr.running.store.move(lambda c: doubt_all(c, at=fr.clock.now()))
    whole = await fr.call("consent.unconfirmed", by="w-1")
    of_unit = await asked(fr, FOCAL, "consent.unconfirmed", {})
    assert of_unit == whole and [line["of_case"]["id"] for line in whole["cases"]] == [await case_of(fr, TALK)]
    assert await asked(fr, SHELTER, "consent.unconfirmed", {}) == {"cases": [], "consents": 0}


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


async def with_the_shelter_alone(fr: Party) -> bool:
    """Whether the shelter reads her conversation, and the focal point that wrote in it has none of that id."""
    shown = await asked(fr, SHELTER, "conversation.show", {"id": TALK})
    refused = await answered(fr, "conversation.show", {"id": TALK}, FOCAL)
    return len(shown["messages"]) == 2 and refused[0] == Code.NOT_FOUND


async def taken_back(fr: Party, change: str) -> None:
    """Two people take a change back."""
    await fr.call("case.undo", id=change, by=BEN)
    await fr.call("case.confirm", id=change, by=ANA)


@pytest.mark.parametrize("operation", ["case.merge", "case.move"])
async def test_the_former_unit_loses_a_case_wherever_it_goes(two: Two, operation: str):
    """Merged into a case that was never handed over, or moved there, what was handed over is with the shelter alone,
    and whose act that was stands in the history of that case; also after it was taken back.
    """
    fr = two.fr
    hers, other = await case_of(fr, TALK), (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    await fr.call("case.hand_over", id=hers, unit="shelter", reason="she moved there", by=ANA)
    two.clock.advance(60)
    parts = {"id": hers} if operation == "case.merge" else {"source": hers, "conversations": [TALK]}
    change = await changed(fr, operation, into=other, **parts)
    assert await case_of(fr, TALK) == other and await with_the_shelter_alone(fr)
    (keeper,) = (await fr.call("case.show", id=other))["keepers"]
    assert (keeper["unit"], keeper["since"], keeper["reason"]) == ("shelter", fr.clock.now(), "she moved there")
    acts = (await asked(fr, AUDITOR, "audit.case", {"id": other}))["acts"]
    (act,) = [one for one in acts if one["event"] == "case.handed_over"]
    assert act["by"] == [{"kind": "person", "name": BEN}]
    await taken_back(fr, change["change"])
    assert await case_of(fr, TALK) == hers and await with_the_shelter_alone(fr)


async def test_what_was_handed_over_since_does_not_come_back_to_the_former_unit(two: Two):
    """Her conversation was split off and that case handed over: taken back, the case that it was split from is with the
    shelter.
    """
    fr, hers = two.fr, await case_of(two.fr, TALK)
    split = await changed(fr, "case.split", id=hers, conversations=[TALK])
    await fr.call("case.hand_over", id=split["into"], unit="shelter", reason="she moved there", by=ANA)
    await taken_back(fr, split["change"])
    assert await case_of(fr, TALK) == hers and await with_the_shelter_alone(fr)


async def test_a_case_stays_with_its_unit_whatever_is_merged_into_it(two: Two):
    """Where both cases are with a unit, that of the case which is left looks after it, and the other one does not."""
    fr = two.fr
    hers, other = await case_of(fr, TALK), (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    for case, unit in ((hers, UNIT), (other, "shelter")):
        await fr.call("case.hand_over", id=case, unit=unit, reason="she lives there", by=ANA)
    await changed(fr, "case.merge", id=hers, into=other)
    assert await with_the_shelter_alone(fr)
    assert (await fr.call("case.show", id=other))["units"] == ["shelter"]


async def test_a_consent_that_is_moved_alone_brings_no_unit(two: Two):
    """The case to which it goes stays with those who wrote in it."""
    fr = two.fr
    hers, other = await case_of(fr, TALK), (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    await fr.call("case.hand_over", id=hers, unit="shelter", reason="she moved there", by=ANA)
    await changed(fr, "case.move", source=hers, into=other, consents=[HERS])
    assert (await fr.call("case.show", id=other))["keepers"] == []


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


async def waiting(party: Party, caller: Caller) -> str:
    """A file that this caller adds; the id under which it waits."""
    return str((await party.running.desk.attach({}, pieces(NOTE), size=len(NOTE), caller=caller)).value["message"])


async def test_a_unit_does_not_reach_files_that_wait_for_another(two: Two):
    """By the id of files that somebody of the other unit added, or that a draft of it names: they are not shown, not
    added to, not forgotten and not sent; to the unit of the draft they stay open, whoever added them.
    """
    fr = two.fr
    added, named = await waiting(fr, FOCAL), await waiting(fr, OWNER)
    draft = await fr.call("draft.save", draft=enquiry("room?", "AL") | {"message": named})
    for id in (added, named):
        unknown = await answered(fr, "attachment.waiting", {"id": NOWHERE})
        for operation in ("attachment.waiting", "attachment.discard"):
            assert await answered(fr, operation, {"id": id}) == unknown
        with pytest.raises(RefusedError, match="no file waits"):
            await fr.running.desk.attach({"message": id}, pieces(NOTE), size=len(NOTE), caller=SHELTER)
        for operation, arguments in (
            ("message.submit", from_shelter(message=id)),
            ("draft.save", {"draft": from_shelter(message=id)}),
        ):
            assert await answered(fr, operation, arguments) == unknown
        assert len((await asked(fr, FOCAL, "attachment.waiting", {"id": id}))["attachments"]) == 1
    await asked(fr, FOCAL, "draft.discard", {"id": draft["id"]})
    with pytest.raises(RefusedError, match="no file waits"):
        await fr.call("attachment.waiting", id=named)


@table(
    "body_type, content",
    [
        ("erasure.request/1", {"scope": "message", "targets": ["message"], "ground": "not_needed"}),
        ("consent.withdrawal/1", {"consent_id": HERS}),
        ("consent.record/1", {"consent_id": HERS}),
        ("data.correction/1", {"target_message": "message"}),
        ("risk.assessment/1", {"based_on": ["message"]}),
    ],
)
async def test_a_message_of_a_unit_quotes_nothing_of_another(two: Two, body_type: str, content: dict[str, Any]):
    """The peer would erase, take back or correct what the content names: it is refused as if it were not there."""
    fr = two.fr
    (sent,) = [item for item in (await fr.call("message.list"))["messages"] if item["type"] == "referral.request/1"]
    id = sent["id"]
    said = {
        name: id if value == "message" else [id] if value == ["message"] else value for name, value in content.items()
    }
    request = example(body_type, "AL", sender_unit="shelter")
    request["header"].pop("consent_ref", None)
    request["header"].pop("case_ref_sender", None)
    request["content"] = said if "scope" in said else request["content"] | said
    for operation, arguments in (("message.submit", request), ("draft.save", {"draft": request})):
        assert (await answered(fr, operation, arguments))[0] == Code.NOT_FOUND
