"""Who must not see a case: to them nothing of it is there, by no id and in no list, until a focal point says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.attached import NOTE, pieces
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.persons import ANA, BEN, WORKS, agreed, asked, case_of, changed, damage, employed, referral, referred
from support.tables import Faults

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Caller
from keys.primitives.encoding import b64u

HERS, HIS, NOWHERE = b64u(b"consent of her.."), b64u(b"consent of him.."), b64u(b"nothing has this")
TALK, OTHER = b64u(b"conversation one"), b64u(b"conversation two")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two persons, each with a consent and a referral."""
    async with two_nodes(tmp_path) as made:
        for number, consent, talk in (("F-1", HERS, TALK), ("F-2", HIS, OTHER)):
            await agreed(made.fr, number, consent)
            await referred(made, number, consent, conversation=talk)
        yield made


async def answered(party: Party, caller: Caller, operation: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """How a caller is refused."""
    with pytest.raises(RefusedError) as caught:
        await asked(party, caller, operation, arguments)
    return caught.value.code, caught.value.what.partition(";")[0]


LISTS = {
    "case.list": "cases",
    "conversation.list": "conversations",
    "conversation.due": "due",
    "message.list": "messages",
    "draft.list": "drafts",
    "consent.list": "consents",
    "asylum.list": "holds",
    "retention.list": "holds",
}


async def test_a_relative_sees_nothing_of_the_case(two: Two):
    """By the id of anything in it, read, written or withdrawn, in the words for what is not there, and in no list; the
    other person's case and all other people are as before. Afterwards a focal point lets them in again.
    """
    fr, case = two.fr, await case_of(two.fr, TALK)
    eva, ben = await employed(fr, "Eva M."), await employed(fr, "Ben C.")
    draft = (await fr.call("draft.save", draft=referral("F-1", HERS)))["id"]
    message = (await fr.call("message.list", conversation=TALK))["messages"][0]["id"]
    await fr.call("asylum.hold", id=TALK, by=ANA)
    await fr.call("retention.hold", id=TALK, by=ANA, ground="restriction_18", until="2099-01-01")
    before = {name: len((await asked(fr, eva, name, {}))[member]) for name, member in LISTS.items()}
    await asked(fr, ben, "case.block", {"id": case, "person": eva.person, "reason": "a relative"})
    for operation, id, more in (
        ("case.show", case, {}),
        ("case.unblock", case, {"person": eva.person, "reason": "x"}),
        ("consent.of_case", case, {}),
        ("conversation.show", TALK, {}),
        ("conversation.erase", TALK, {"reason": "not_needed"}),
        ("message.show", message, {}),
        ("consent.show", HERS, {}),
        ("consent.withdraw", HERS, {}),
        ("draft.show", draft, {}),
        ("draft.release", draft, {}),
    ):
        theirs = await answered(fr, eva, operation, {"id": id, **more})
        assert theirs == await answered(fr, eva, operation, {"id": NOWHERE, **more}), operation
        assert theirs[0] == Code.NOT_FOUND
    for request in (referral("F-1", HERS), referral(None, HERS), referral(None, HIS, conversation=TALK)):
        for operation, arguments in (("message.submit", request), ("draft.save", {"draft": request})):
            assert (await answered(fr, eva, operation, arguments))[0] == Code.NOT_FOUND
    for name, member in LISTS.items():
        theirs, all_of_it = [(await asked(fr, who, name, {}))[member] for who in (eva, ben)]
        assert (len(all_of_it), case in str(theirs)) == (before[name], False), name
        assert len(theirs) < len(all_of_it), name
    assert (await asked(fr, eva, "case.find", {"text": "F-1"}))["cases"] == []
    assert (await asked(fr, eva, "conversation.show", {"id": OTHER}))["of_case"]["name"] == "F-2"
    heard = [await anext(aiter(fr.running.desk.events(0, caller=who))) for who in (eva, ben)]
    assert [any(what.get("conversation") == TALK for _, what in one) for one in heard] == [False, True]
    (block,) = (await asked(fr, ben, "case.show", {"id": case}))["blocks"]
    assert (block["name"], block["unit"], block["reason"]) == ("Eva M.", None, "a relative")
    await asked(fr, ben, "case.unblock", {"id": case, "person": eva.person, "reason": "it was not so"})
    assert (await asked(fr, eva, "case.show", {"id": case}))["blocks"] == []


async def test_what_is_closed_is_told_like_what_nobody_has(two: Two):
    """To the letter, also where an operation would say of an unknown id what was not done; neither who reads in the
    case nor its files that move are listed.
    """
    fr, case = two.fr, await case_of(two.fr, TALK)
    message = (await fr.call("message.list", conversation=TALK))["messages"][0]["id"]
    files = str((await fr.running.desk.attach({}, pieces(NOTE), size=len(NOTE))).value["message"])
    await fr.call("draft.save", draft=referral("F-1", HERS) | {"message": files})
    await fr.call("message.show", id=message)
    eva, ben = await employed(fr, "Eva M."), await employed(fr, "Ben C.")
    await asked(fr, ben, "case.block", {"id": case, "person": eva.person, "reason": "a relative"})
    with Faults() as faults:
        for operation, id, more in (
            ("attachment.discard", files, {}),
            ("attachment.waiting", files, {}),
            ("message.cancel", message, {}),
            ("message.erase", message, {"reason": "not_needed"}),
            ("alert.acknowledge", message, {"actions": ["visit"]}),
            ("retention.hold", TALK, {"ground": "restriction_18", "until": "2027-12-01"}),
            ("asylum.lift", TALK, {}),
            ("contact.advise", TALK, {"channel": "call"}),
            ("case.show", case, {}),
        ):
            with faults.row(operation):
                told = [await words(fr, eva, operation, {"id": one, **more}) for one in (id, NOWHERE)]
                assert told[0] == told[1]
    for name, member, ids in (("attachment.moving", "moving", {files}), ("audit.reads", "reads", {message})):
        theirs, all_of_it = [{one["id"] for one in (await asked(fr, who, name, {}))[member]} for who in (eva, ben)]
        assert ids <= all_of_it - theirs


async def test_no_count_tells_of_a_closed_case(two: Two):
    """A relative who searches for the number, the country or all of it is told no more than that nothing is there: not
    how many cases are meant, nor where the list goes on behind the closed one.
    """
    fr, case = two.fr, await case_of(two.fr, TALK)
    eva, ben = await employed(fr, "Eva M."), await employed(fr, "Ben C.")
    await fr.call("case.flag", id=case, text="call before noon", by=ANA)
    await fr.call("case.block", id=case, person=eva.person, reason="a relative", by=ANA)
    for wanted, there, left in (
        ({"text": "F-1"}, 1, 0),
        ({"text": "F-1", "peer": "AL"}, 1, 0),
        ({"flagged": True}, 1, 0),
        ({"limit": 1}, 2, 1),
    ):
        theirs, all_of_it = [await asked(fr, who, "case.find", wanted) for who in (eva, ben)]
        assert (all_of_it["total"], theirs["total"]) == (there, left), wanted
        assert all_of_it["counts"]["flagged"] == 1 and theirs["counts"]["flagged"] == 0, wanted
        assert theirs["counts"]["open"] == all_of_it["counts"]["open"] - 1, wanted
        assert (len(theirs["cases"]), theirs["next"]) == (left, None), wanted


async def test_who_is_kept_out_dismisses_no_alarm_of_the_case(two: Two):
    """Nor one that is about no message: what the node asks of the case, since a linked person fears a State."""
    fr, case = two.fr, await case_of(two.fr, OTHER)
    eva, ben = await employed(fr, "Eva M."), await employed(fr, "Ben C.")
    await fr.call("case.relate", id=await case_of(fr, TALK), other=case, relation="sibling", by=ANA)
    await fr.call("asylum.hold", id=TALK, states=["MA"], by=ANA)
    await fr.call("case.block", id=case, person=eva.person, reason="a relative", by=ANA)
    (alarm,) = (await asked(fr, ben, "alarm.list", {"kind": "asylum.linked"}))["alarms"]
    assert (await asked(fr, eva, "alarm.list", {"kind": "asylum.linked"}))["alarms"] == []
    told = [await words(fr, eva, "alarm.dismiss", {"id": id}) for id in (alarm["id"], "999999")]
    assert told[0] == told[1]
    assert (await asked(fr, ben, "alarm.list", {"kind": "asylum.linked"}))["alarms"] == [alarm]


async def test_a_long_list_opens_what_waits_once(two: Two, monkeypatch: pytest.MonkeyPatch):
    """Which lines are of a closed case is found with one look at the drafts, however many lines there are."""
    fr = two.fr
    for _ in range(7):
        await fr.call("draft.save", draft=referral("F-1", HERS))
    for message in (await fr.call("message.list"))["messages"]:
        await fr.call("message.show", id=message["id"])
    eva = await employed(fr, "Eva M.")
    await fr.call("case.block", id=await case_of(fr, OTHER), person=eva.person, reason="a relative", by=ANA)
    sealer, opened = fr.running.sealer, list[int]()
    open_each = sealer.open_each

    def counted(rows: Any) -> Any:
        opened.append(len(rows))
        return open_each(rows)

    monkeypatch.setattr(sealer, "open_each", counted)
    assert len((await asked(fr, eva, "audit.reads", {}))["reads"]) == 2
    assert opened.count(7) == 1


async def words(party: Party, caller: Caller, operation: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """All that a refusal says."""
    with pytest.raises(RefusedError) as caught:
        await asked(party, caller, operation, arguments)
    return caught.value.code, caught.value.what, caught.value.hint or "", *map(str, caught.value.findings)


async def test_a_block_goes_where_the_case_goes(two: Two):
    """Into the case that two became, and into the one that a split makes."""
    fr = two.fr
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    focal = Caller(roles=WORKS, unit=UNIT)
    await fr.call("case.block", id=hers, unit=UNIT, reason="a relative works there", by=ANA)
    assert (await asked(fr, focal, "case.show", {"id": his}))["id"] == his
    await changed(fr, "case.merge", id=hers, into=his)
    assert (await answered(fr, focal, "case.show", {"id": his}))[0] == Code.NOT_FOUND
    split = await changed(fr, "case.split", id=his, conversations=[OTHER], consents=[HIS], label="He")
    assert (await answered(fr, focal, "case.show", {"id": split["into"]}))[0] == Code.NOT_FOUND
    assert (await answered(fr, focal, "conversation.show", {"id": OTHER}))[0] == Code.NOT_FOUND


async def test_a_block_stays_on_both_sides(two: Two):
    """One that was laid while two cases were one, when two people take that back; a focal point ends it on each."""
    fr, focal = two.fr, Caller(roles=WORKS, unit=UNIT)
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    merged = await changed(fr, "case.merge", id=hers, into=his)
    await fr.call("case.block", id=his, unit=UNIT, reason="a relative works there", by=ANA)
    await fr.call("case.undo", id=merged["change"], by=ANA)
    await fr.call("case.confirm", id=merged["change"], by=BEN)
    for case in (hers, his):
        assert (await answered(fr, focal, "case.show", {"id": case}))[0] == Code.NOT_FOUND
    await fr.call("case.unblock", id=hers, unit=UNIT, reason="she left", by=ANA)
    assert (await asked(fr, focal, "case.show", {"id": hers}))["id"] == hers
    assert (await answered(fr, focal, "case.show", {"id": his}))[0] == Code.NOT_FOUND


async def test_a_block_goes_along_with_a_conversation(two: Two):
    """Whoever must not see it does not see it in the case to which two people move it."""
    fr, focal = two.fr, Caller(roles=WORKS, unit=UNIT)
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    await fr.call("case.block", id=hers, unit=UNIT, reason="a relative works there", by=ANA)
    await changed(fr, "case.move", source=hers, into=his, conversations=[TALK], consents=[HERS])
    for operation, id in (("conversation.show", TALK), ("case.show", hers), ("case.show", his)):
        assert (await answered(fr, focal, operation, {"id": id}))[0] == Code.NOT_FOUND


async def test_who_was_let_into_one_case_is_kept_out_of_the_other(two: Two):
    """When two cases become one, what was ended on the one goes on for the other."""
    fr, focal = two.fr, Caller(roles=WORKS, unit=UNIT)
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    for case in (his, hers):
        await fr.call("case.block", id=case, unit=UNIT, reason="a relative works there", by=ANA)
    await fr.call("case.unblock", id=hers, unit=UNIT, reason="not of hers", by=ANA)
    await changed(fr, "case.merge", id=hers, into=his)
    assert (await answered(fr, focal, "case.show", {"id": his}))[0] == Code.NOT_FOUND


async def test_what_is_wrong_with_a_block_is_told(two: Two):
    """Nobody and two, somebody who is not there, and twice; nothing is noted."""
    fr, case = two.fr, await case_of(two.fr, TALK)
    for whom, code in (
        ({}, Code.INVALID),
        ({"person": NOWHERE, "unit": UNIT}, Code.INVALID),
        ({"person": NOWHERE}, Code.INVALID),
        ({"unit": "nowhere"}, Code.INVALID),
    ):
        with pytest.raises(RefusedError) as caught:
            await fr.call("case.block", id=case, reason="x", by=ANA, **whom)
        assert caught.value.code is code
    assert (await fr.call("case.show", id=case))["blocks"] == []


async def test_a_note_that_does_not_open_hides_no_other(two: Two):
    """What is damaged is left out of the history."""
    fr, case = two.fr, await case_of(two.fr, TALK)
    await fr.call("case.note_role", id=case, role="witness", on="2026-01-01", by=ANA)
    await damage(fr, "select max(ref) from sealed")
    await fr.call("case.note_role", id=case, role="accused", on="2026-01-01", by=ANA)
    assert [one["role"] for one in (await fr.call("case.show", id=case))["roles"]] == ["accused"]
