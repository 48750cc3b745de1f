"""All consents of one person, said before and taken back in one step, between real nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import id_of
from support.pair import Spoiler, Two, example, two_nodes
from support.persons import ANA, case_of, damage, referral, referred_each, stands

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

HERS, HERS_TOO, HIS = b64u(b"consent of her.."), b64u(b"her other one..."), b64u(b"consent of him..")
TALK, SECOND, OTHER = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation 3.."))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """One person with two consents and a referral on each, and another person with one."""
    async with two_nodes(tmp_path) as made:
        await referred_each(made, (("F-1", HERS, TALK), ("F-1", HERS_TOO, SECOND), ("F-2", HIS, OTHER)))
        yield made


async def test_everything_that_a_person_agreed_to_is_taken_back_at_once(two: Two):
    """It says before which conversations with which countries stop and who is told; then both consents are withdrawn,
    what waits on either goes no more, both sides stand still in both conversations, and the other person's goes on.
    """
    fr, al = two.fr, two.al
    case = await case_of(fr, TALK)
    await two.calm()  # what is submitted while a request is unanswered is numbered, wherever the peer is
    wire = Spoiler(fr)
    wire.away = True
    waits = await fr.call("message.submit", **referral("F-1", HERS_TOO))
    said = await fr.call("consent.of_case", id=case)
    assert (said["of_case"], said["tells"]) == ({"id": case, "name": "F-1"}, ["AL"])
    rests = {one["id"]: [(line["country"], line["stops"]) for line in one["relied_on"]] for one in said["consents"]}
    assert rests == {HERS: [("AL", 0)], HERS_TOO: [("AL", 0), ("AL", 1)]}
    done = await fr.call("consent.withdraw_all", id=case, by=ANA, erase_wanted=True)
    assert {one["id"]: one["state"] for one in done["consents"]} == dict.fromkeys((HERS, HERS_TOO), "withdrawn")
    assert ([one["peer"] for one in done["told"]], done["unnamed"]) == (["AL", "AL"], 0)
    assert await fr.state(waits["id"]) == "failed"
    assert (await fr.call("consent.show", id=HIS))["state"] == "active"
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)
    ids = {one["message"] for one in done["told"]}
    await two.until(lambda: ids <= {d.message_id for d in al.deliveries()}, seconds=60, what="both are told")
    for party in (fr, al):
        for talk in (TALK, SECOND):
            assert "consent_withdrawn" in (await stands(party, talk))["overlays"]
        assert (await stands(party, OTHER))["overlays"] == []
    assert (await fr.call("consent.of_case", id=case))["consents"] == []
    again = await fr.call("consent.withdraw_all", id=case, by=ANA)
    assert (again["consents"], again["told"]) == ([], [])


async def test_one_that_does_not_open_is_taken_back_too(two: Two):
    """By the name that the messages on it have for it."""
    fr, case = two.fr, await case_of(two.fr, TALK)
    await damage(fr, "select ref from consent")
    assert sorted(one["id"] for one in (await fr.call("consent.of_case", id=case))["consents"]) == sorted(
        [HERS, HERS_TOO]
    )
    done = await fr.call("consent.withdraw_all", id=case, by=ANA)
    assert {one["id"]: one["state"] for one in done["consents"]} == dict.fromkeys((HERS, HERS_TOO), "withdrawn")
    assert [one["peer"] for one in done["told"]] == ["AL", "AL"]


async def test_another_unit_takes_nothing_back(two: Two):
    """Nor is it told what there is: a case that it does not look after is none."""
    fr, case = two.fr, await case_of(two.fr, TALK)
    elsewhere = Caller(roles=frozenset({Role.CASE_WORKER}), unit="shelter", person=id_of("Eva"))
    for operation in ("consent.of_case", "consent.withdraw_all"):
        with pytest.raises(RefusedError) as caught:
            await fr.running.desk.call(operation, {"id": case}, caller=elsewhere)
        assert caught.value.code is Code.NOT_FOUND
    assert {one["state"] for one in (await fr.call("consent.list"))["consents"]} == {"active"}


async def test_it_is_followed_until_every_country_has_confirmed(two: Two):
    """How far each withdrawal came, what the country owes and until when; a confirmation ends that, for its own
    conversation alone. Of the other person nothing was taken back.
    """
    fr, al = two.fr, two.al
    case, other = await case_of(fr, TALK), await case_of(fr, OTHER)
    assert (await fr.call("case.withdrawals", id=case))["withdrawals"] == []
    wire = Spoiler(fr)
    wire.away = True
    done = await fr.call("consent.withdraw_all", id=case, by=ANA, erase_wanted=True)
    waits = (await fr.call("case.withdrawals", id=case))["withdrawals"]
    assert {line["message"] for line in waits} == {one["message"] for one in done["told"]}
    assert {(line["consent"], line["conversation"]) for line in waits} == {(HERS, TALK), (HERS_TOO, SECOND)}
    for line in waits:
        assert (line["state"], line["receipts"], line["confirmed"]) in (
            ("queued", [], None),
            ("awaiting_receipt", [], None),
        )
        assert (line["peer"], line["whole"], line["erase_wanted"]) == ("AL", True, True)
        assert {owed["what"] for owed in line["owed"]} == {"withdrawal_ack", "erasure"}
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)
    hers = next(line for line in waits if line["consent"] == HERS)
    await two.until(lambda: any(d.message_id == hers["message"] for d in al.deliveries()), seconds=60)
    answer = await al.call("message.submit", **confirmation(hers["message"]))
    await two.until(lambda: any(d.message_id == answer["id"] for d in fr.deliveries()), seconds=60)
    told = await fr.call("case.withdrawals", id=case)
    now = {line["consent"]: line for line in told["withdrawals"]}
    assert told["of_case"] == {"id": case, "name": "F-1"}
    assert now[HERS]["confirmed"]["message"] == answer["id"] and now[HERS_TOO]["confirmed"] is None
    statuses = [one["status"] for one in now[HERS]["receipts"]]  # an answer opens what it answers (nrm1 12.6)
    assert statuses in (["received", "delivered"], ["received", "delivered", "opened"])
    assert [owed["what"] for owed in now[HERS]["owed"]] == ["erasure"]
    assert (await fr.call("case.withdrawals", id=other))["withdrawals"] == []


def confirmation(withdrawal: str) -> dict[str, Any]:
    """Albania says that it has stopped what relied on the consent, and keeps nothing."""
    said = example("consent.withdrawal.ack/1", "FR")
    return said | {"conversation": TALK, "in_reply_to": withdrawal, "purpose": "referral"}
