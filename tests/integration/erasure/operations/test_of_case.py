"""A legal hold on a whole person, and the erasure of everything of one, between real nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referred

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, SECOND, OTHER = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation 3.."))
HELD = {"ground": "restriction_18", "until": "2099-01-01", "by": ANA}


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """One person with two conversations, another one with one."""
    async with two_nodes(tmp_path) as made:
        for number, consent, talk in (("F-1", HERS, TALK), ("F-1", HERS, SECOND), ("F-2", HIS, OTHER)):
            if talk != SECOND:
                await agreed(made.fr, number, consent)
            await referred(made, number, consent, conversation=talk)
        yield made


async def kept(two: Two, operation: str, id: str) -> bool:
    """Whether erasing is refused because of a hold."""
    try:
        await two.fr.call(operation, id=id, by=ANA, reason="not_needed")
    except RefusedError as error:
        assert error.code is Code.CONFLICT and "legal hold" in error.what
        return True
    return False


async def test_a_hold_on_a_case_keeps_all_of_it(two: Two):
    """Each conversation, also one that begins later, and nothing of another person; lifted, all of it can be erased."""
    fr, case = two.fr, await case_of(two.fr, TALK)
    await fr.call("case.hold", id=case, **HELD)
    await fr.call("case.hold", id=case, **HELD | {"until": "2099-06-30"})
    later = (await referred(two, "F-1", HERS, conversation=b64u(b"conversation 4..")))["conversation"]
    for talk in (TALK, SECOND, later):
        assert await kept(two, "conversation.erase", talk)
    assert await kept(two, "case.erase", case)
    assert not await kept(two, "conversation.erase", OTHER)
    assert (await fr.call("case.show", id=case))["case_holds"] == [{"ground": "restriction_18", "until": "2099-06-30"}]
    (listed,) = (await fr.call("retention.list"))["holds"]
    assert (listed["id"], listed["of_case"]["id"], listed["until"]) == (None, case, "2099-06-30")
    await fr.call("case.release", id=case, by=ANA)
    with pytest.raises(RefusedError, match="no legal hold"):
        await fr.call("case.release", id=case, by=ANA)
    assert not await kept(two, "case.erase", case)


async def test_a_hold_goes_where_the_case_goes(two: Two):
    """Into the case that two became, and into the one that a split makes."""
    fr = two.fr
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    await fr.call("case.hold", id=hers, **HELD)
    await changed(fr, "case.merge", id=hers, into=his)
    assert await kept(two, "conversation.erase", OTHER)
    await changed(fr, "case.split", id=his, conversations=[OTHER], consents=[HIS], label="He")
    assert await kept(two, "conversation.erase", OTHER) and await kept(two, "conversation.erase", TALK)


async def test_a_hold_goes_along_with_a_conversation(two: Two):
    """Two people move it to another case: it stays kept there, and so does what that case has."""
    fr = two.fr
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    await fr.call("case.hold", id=hers, **HELD)
    await changed(fr, "case.move", source=hers, into=his, conversations=[TALK])
    assert [await kept(two, "conversation.erase", talk) for talk in (TALK, SECOND, OTHER)] == [True] * 3


@pytest.mark.parametrize("kind", ["case.merge", "case.move"])
async def test_a_hold_stays_on_both_sides(two: Two, kind: str):
    """One that was placed meanwhile, when two people take a change back; it is lifted on each."""
    fr = two.fr
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    wanted: dict[str, Any] = {"id": hers} if kind == "case.merge" else {"source": hers, "conversations": [TALK]}
    change = (await changed(fr, kind, into=his, **wanted))["change"]
    await fr.call("case.hold", id=his, **HELD)
    await fr.call("case.undo", id=change, by=ANA)
    await fr.call("case.confirm", id=change, by=BEN)
    assert [await kept(two, "conversation.erase", talk) for talk in (TALK, OTHER)] == [True] * 2
    await fr.call("case.release", id=hers, by=ANA)
    assert [await kept(two, "conversation.erase", talk) for talk in (TALK, OTHER)] == [False, True]


async def test_everything_of_a_person_is_erased_at_once(two: Two):
    """Both conversations with their contents and the case with its notes; the other person's stay."""
    fr, case = two.fr, await case_of(two.fr, TALK)
    await fr.call("case.note_role", id=case, role="witness", on="2026-01-01", by=ANA)
    (note,) = await fr.rows("select key from case_link where kind = 'entry'")
    done = await fr.call("case.erase", id=case, by=ANA, reason="not_needed")
    assert done["erased"] == 3  # two referrals, and the consent record that went before the first
    with pytest.raises(RefusedError):
        await fr.call("case.show", id=case)
    assert await fr.rows(f"select ref from sealed where ref = {note[0].rpartition(b'/')[2].decode()}") == []
    assert (await fr.call("conversation.show", id=OTHER))["messages"][0]["type"] is not None


async def gone(party: Party, case: str) -> bool:
    """Whether a case is no more."""
    with suppress(RefusedError):
        await party.call("case.show", id=case)
        return False
    return True


async def test_a_consent_goes_with_the_last_message_whatever_that_says(two: Two):
    """At AL all that named a consent was erased, and an alert that names none is the last."""
    al, case = two.al, await case_of(two.al, OTHER)
    came = [one.message_id for one in al.deliveries() if one.conversation == OTHER]
    alert = example("safety.alert/1", "AL") | {"conversation": OTHER}
    last = (await two.fr.call("message.submit", **alert))["id"]
    await two.until(lambda: al.deliveries()[-1].message_id == last, seconds=60)
    await al.call("alert.acknowledge", id=last, by=ANA, actions=["call_person"])
    for id in came:
        await al.call("message.erase", id=id, by=ANA, reason="not_needed")
    assert not await gone(al, case)
    await al.call("conversation.erase", id=OTHER, by=ANA, reason="not_needed")
    assert await al.rows("select count(*) from consent") == [(1,)]  # hers
    assert await gone(al, case)


async def test_a_case_ends_with_its_consent_that_another_one_relied_on_last(two: Two):
    """At AL each of her conversations is a case: the consent stays while the second relies on it, and then both go."""
    al = two.al
    cases = [await case_of(al, talk) for talk in (TALK, SECOND)]
    assert len({*cases}) == 2
    for talk in (TALK, SECOND):
        await al.call("conversation.erase", id=talk, by=ANA, reason="not_needed")
    assert await al.rows("select count(*) from consent") == [(1,)]  # his
    assert [await gone(al, case) for case in cases] == [True, True]


async def test_what_an_erased_message_said_goes_from_the_case_it_was_noted_on(two: Two):
    """Two persons were held for one at AL, and parted: the status of the one was noted while they were one case."""
    al = two.al
    first, second = await case_of(al, TALK), await case_of(al, OTHER)
    await changed(al, "case.merge", id=second, into=first)
    await changed(al, "case.split", id=first, conversations=[OTHER], consents=[HIS], label="He")
    (his,) = [one.message_id for one in al.deliveries() if one.header.get("consent_ref") == HIS]
    entries = len(await al.rows("select key from case_link where kind = 'entry'"))
    await al.call("conversation.erase", id=OTHER, by=ANA, reason="not_needed")
    shown = await al.call("case.show", id=first)
    assert his not in [one["message"] for one in shown["statuses"]]
    assert len(await al.rows("select key from case_link where kind = 'entry'")) == entries - 1
