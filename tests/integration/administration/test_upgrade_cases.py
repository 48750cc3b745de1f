"""A folder of before there were cases: the first start links everything, counts it, and goes on where it stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referral, referred

from gateway.administration import upgrade_cases
from gateway.administration.upgrade_cases import CaseUpgrade
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

HERS, SHARED, UNUSED, NEW = (
    b64u(name) for name in (b"consent of her..", b"consent of two..", b"consent unused..", b"consent of now..")
)
TALKS = [b64u(b"conversation %03d" % n) for n in range(5)]


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two conversations of one number, two of none that rely on one consent, a draft, and a hold; then France stops."""
    async with two_nodes(tmp_path) as made:
        fr = made.fr
        await agreed(fr, "F-1", HERS)
        await agreed(fr, "F-2", SHARED)
        await agreed(fr, "F-3", UNUSED)
        of_two = (await fr.call("consent.show", id=SHARED))["of_case"]["id"]
        for talk in TALKS[:2]:
            await referred(made, "F-1", HERS, conversation=talk)
        for talk in TALKS[2:4]:
            await fr.call("message.submit", **referral(None, SHARED, conversation=talk, case=of_two))
        await fr.call("draft.save", draft=referral("F-1", None))
        await fr.call("asylum.hold", id=TALKS[0], by=ANA)
        await fr.stop()
        of_before(fr)
        yield made


def of_before(party: Party) -> None:
    """Leave the folder as a program without cases left it."""
    with closing(sqlite3.connect(party.folder / "node.db")) as connection:
        for table in ("case_link", "cases"):
            connection.execute(f"delete from {table}")
        connection.execute("delete from meta where key like 'cases.%'")
        connection.commit()


FOUND = {
    "conversations": 4,
    "cases": 3,
    "drafts": 1,
    "holds": 1,
    "consents": 1,
    "consents_of_two": 1,
    "consents_of_none": 1,
}


async def test_a_folder_of_before_gets_its_cases(two: Two):
    """One number is one case, each other conversation its own; a consent on which two rely is of none, with an alarm,
    until two people merge them.
    """
    fr = two.fr
    await fr.start()
    assert fr.running.found == FOUND
    cases = [await case_of(fr, talk) for talk in TALKS[:4]]
    assert len(set(cases)) == 3 and cases[0] == cases[1]
    (draft,) = (await fr.call("draft.list"))["drafts"]
    (hold,) = (await fr.call("asylum.list"))["holds"]
    shown = await fr.call("case.list")
    assert (draft["of_case"]["id"], hold["of_case"]["id"]) == (cases[0], cases[0])
    assert "F-1" in {case["name"] for case in shown["cases"]}
    consents = {item["id"]: item["of_case"] for item in (await fr.call("consent.list"))["consents"]}
    assert (consents[HERS]["id"], consents[SHARED], consents[UNUSED]) == (cases[0], None, None)
    assert "consent.two_cases" in await fr.alarms()
    later = referral(None, SHARED, conversation=TALKS[4], case=cases[2])
    with pytest.raises(RefusedError) as caught:
        await fr.call("message.submit", **later)
    assert caught.value.code is Code.GATE_G2
    await changed(fr, "case.merge", id=cases[3], into=cases[2])
    assert (await fr.call("consent.show", id=SHARED))["of_case"]["id"] == cases[2]
    assert "consent.two_cases" not in await fr.alarms()
    await fr.call("message.submit", **later)
    await changed(fr, "case.move", into=cases[0], consents=[UNUSED])
    assert (await fr.call("consent.show", id=UNUSED))["of_case"]["id"] == cases[0]


async def test_references_that_were_given_stay_and_new_ones_are_short(two: Two):
    """The peer goes on to know a case of before under its 26 letters; one that begins now can be read out on the
    telephone. What the peer answers under either is under our number here.
    """
    fr, al = two.fr, two.al
    await fr.start()
    for by in (ANA, BEN):
        await fr.call("asylum.lift", id=TALKS[0], by=by)
    await agreed(fr, "F-9", NEW)
    seen = {}
    for number, consent in (("F-1", HERS), ("F-9", NEW)):
        done = await referred(two, number, consent)
        (seen[number],) = [d for d in al.deliveries() if d.message_id == done["id"]]
        told = seen[number].header["case_ref_sender"]
        answer = example("info.request/1", "FR", case_ref_recipient=told)
        asked = await al.call(
            "message.submit", **answer, conversation=done["conversation"], in_reply_to=done["id"], purpose="referral"
        )
        await two.until(lambda id=asked["id"]: any(d.message_id == id for d in fr.deliveries()), seconds=60)
        (back,) = [d for d in fr.deliveries() if d.message_id == asked["id"]]
        assert back.header["case_ref_recipient"] == number
    assert {number: len(one.header["case_ref_sender"]) for number, one in seen.items()} == {"F-1": 26, "F-9": 14}


async def test_an_interrupted_upgrade_goes_on(two: Two, monkeypatch: pytest.MonkeyPatch):
    """A start that ends after some of the conversations leaves them linked; the next one counts each thing once."""
    fr = two.fr

    def ends(_self: CaseUpgrade, _connection: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(upgrade_cases, "AT_ONCE", 3)
        patched.setattr(CaseUpgrade, "_link_drafts", ends)
        with pytest.raises(KeyboardInterrupt):
            await fr.open()
    with closing(sqlite3.connect(fr.folder / "node.db")) as connection:
        (linked,) = connection.execute("select count(*) from case_link where kind = 'conversation'").fetchone()
    assert linked == 4
    await fr.start()
    assert fr.running.found == FOUND
    await fr.stop()
    await fr.start()
    assert fr.running.found == {}, "it is done once"
