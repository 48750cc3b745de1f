"""What the answers about one case tell of another: nothing to whoever must not see it, or whose unit has it not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.persons import ANA, WORKS, agreed, asked, case_of, changed, employed, referred

from gateway.operations.roles import Caller
from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, OTHER = b64u(b"conversation one"), b64u(b"conversation two")
SHELTER = """
[[units]]
id = "shelter"
name = "Shelter"
kind = "ngo"
roles = ["shelter_provider"]
"""
ANYBODY = Caller(roles=WORKS)


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two persons of a France with two units, each with a consent and a referral."""
    async with two_nodes(tmp_path) as made:
        await made.fr.stop()
        settings = made.fr.folder / "node.toml"
        settings.write_text(settings.read_text() + SHELTER)
        await made.fr.start()
        for number, consent, talk in (("F-1", HERS, TALK), ("F-2", HIS, OTHER)):
            await agreed(made.fr, number, consent)
            await referred(made, number, consent, conversation=talk)
        yield made


async def split_off(fr: Party) -> tuple[str, str]:
    """Her case, and the one to which her conversation alone was split off: it relies on the consent that stayed."""
    hers = await case_of(fr, TALK)
    return hers, (await changed(fr, "case.split", id=hers, conversations=[TALK], label="Second"))["into"]


async def shut_out(fr: Party, case: str) -> Caller:
    """Somebody at work who must not see a case."""
    eva = await employed(fr, "Eva M.")
    await fr.call("case.block", id=case, person=eva.person, reason="a relative", by=ANA)
    return eva


async def handed_over(fr: Party, given: str, kept: str) -> Caller:
    """Somebody of the unit that has one case and not the other."""
    for case, unit in ((kept, UNIT), (given, "shelter")):
        await fr.call("case.hand_over", id=case, unit=unit, reason="near to them", by=ANA)
    return replace(await employed(fr, "Mia L."), unit=UNIT)


async def test_a_consent_tells_nothing_of_another_case_that_relies_on_it(two: Two):
    """Neither before it is taken back nor after: only which countries are told, for they all are."""
    fr = two.fr
    hers, second = await split_off(fr)
    eva, unit = await shut_out(fr, second), await handed_over(fr, second, hers)
    for operation, id in (("consent.of_case", hers), ("consent.show", HERS)):
        everything = await asked(fr, ANYBODY, operation, {"id": id})
        assert lines(everything) == [(TALK, second)] and "Second" in str(everything)
        for who in (eva, unit):
            told = await asked(fr, who, operation, {"id": id})
            assert (lines(told), told["tells"]) == ([], ["AL"])
            assert not [mark for mark in ("Second", TALK, second) if mark in str(told)]
    assert (await asked(fr, eva, "consent.withdraw", {"id": HERS}))["told"] == [{"peer": "AL", "message": None}]
    (told,) = (await asked(fr, ANYBODY, "case.withdrawals", {"id": second}))["withdrawals"]
    assert told["consent"] == HERS


async def test_all_consents_of_a_person_are_told_without_another_case(two: Two):
    """The same where a unit takes all of them back at once."""
    fr = two.fr
    hers, second = await split_off(fr)
    unit = await handed_over(fr, second, hers)
    assert (await asked(fr, unit, "consent.withdraw_all", {"id": hers}))["told"] == [{"peer": "AL", "message": None}]


def lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    """The conversation and the case of every line about what relies on a consent."""
    consents = told.get("consents", [told])
    return [(line["conversation"], line["of_case"]["id"]) for one in consents for line in one["relied_on"]]


async def test_a_case_tells_nothing_of_another_with_which_it_was_changed(two: Two):
    """Neither that somebody wants to merge the two nor in which words, until it may be seen again."""
    fr = two.fr
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    eva = await shut_out(fr, hers)
    await fr.call("case.merge", id=hers, into=his, reason="one and the same", by=ANA)
    unit = await handed_over(fr, hers, his)
    for who, there in ((eva, False), (unit, False), (await employed(fr, "Ben C."), True)):
        told = await asked(fr, who, "case.show", {"id": his})
        assert [mark in str(told) for mark in (hers, "one and the same")] == [there, there]
    await fr.call("case.unblock", id=hers, person=eva.person, reason="it was not so", by=ANA)
    await fr.call("case.hand_over", id=hers, unit=UNIT, reason="near to them", by=ANA)
    for who in (eva, unit):
        (change,) = (await asked(fr, who, "case.show", {"id": his}))["changes"]
        assert (change["from"], change["into"], change["reason"]) == (hers, his, "one and the same")


async def test_a_status_names_no_message_that_went_to_another_case(two: Two):
    """It was noted of a message of the case, whose conversation is of another person by now."""
    fr, hers = two.fr, await case_of(two.fr, TALK)
    said = (await fr.call("message.list", conversation=TALK))["messages"]
    (message,) = [one for one in said if one["type"] == "referral.request/1"]
    noted = {"status": "presumed", "country": "FR", "body": "Police", "on": "2026-01-01", "message": message["id"]}
    await fr.call("case.note_status", id=hers, by=ANA, **noted)
    assert [one["message"] for one in (await fr.call("case.show", id=hers))["statuses"]] == [message["id"]]
    await split_off(fr)
    assert [one["message"] for one in (await fr.call("case.show", id=hers))["statuses"]] == [None]


async def test_no_event_tells_of_a_message_of_a_closed_case_that_was_erased(two: Two):
    """Which conversation it was of is still known, though not what it said."""
    fr = two.fr
    eva = await shut_out(fr, await case_of(fr, TALK))
    ids = [one["id"] for one in (await fr.call("message.list", conversation=TALK))["messages"]]
    assert len(ids) == 2
    await fr.call("message.erase", id=ids[0], reason="not_needed", by=ANA)
    listed = str(await asked(fr, eva, "message.list", {}))
    heard = [str(await anext(aiter(fr.running.desk.events(0, caller=who)))) for who in (eva, ANYBODY)]
    assert [[id in told for id in ids] for told in (listed, *heard)] == [[False, False], [False, False], [True, True]]


async def test_no_count_of_alarms_tells_of_a_closed_case(two: Two):
    """Neither what the node asks of it, nor what became of its messages, of one kind or of all."""
    fr, his = two.fr, await case_of(two.fr, OTHER)
    await fr.call("case.relate", id=await case_of(fr, TALK), other=his, relation="sibling", by=ANA)
    await fr.call("asylum.hold", id=TALK, states=["MA"], by=ANA)
    eva = await shut_out(fr, his)
    for wanted, hidden in (({"kind": "asylum.linked"}, 1), ({}, 1)):
        theirs, everybody = [await asked(fr, who, "alarm.list", wanted) for who in (eva, ANYBODY)]
        assert (len(theirs["alarms"]), theirs["open"]) == (everybody["open"] - hidden,) * 2
