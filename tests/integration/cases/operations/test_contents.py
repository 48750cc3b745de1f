"""One case with everything that is of it, the cases that words find, and what is owed about one person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.nodeproc import UNIT, enquiry
from support.pair import Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, referral, referred

from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, OTHER = b64u(b"conversation one"), b64u(b"conversation two")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes; France has two cases, each with a consent and a referral to Albania."""
    async with two_nodes(tmp_path) as made:
        unit = f"{made.al.running.own.node}/{UNIT}"
        await agreed(made.fr, "F-1", HERS, denials=[{"purpose": "return"}, {"unit": unit, "data_category": "image"}])
        await agreed(made.fr, "F-2", HIS)
        await referred(made, "F-1", HERS, conversation=TALK)
        await referred(made, "F-2", HIS, conversation=OTHER)
        yield made


async def test_a_case_shows_everything_of_it(two: Two):
    """Its conversation with country and state, its draft, its consent and what that denies, both kinds of holds; and
    nothing of the other case.
    """
    fr = two.fr
    draft = (await fr.call("draft.save", draft=referral("F-1", HERS)))["id"]
    await fr.call("asylum.hold", id=TALK, by=ANA, states=["MA"])
    await fr.call("retention.hold", id=TALK, by=ANA, ground="restriction_18", until="2099-01-01")
    shown = await fr.call("case.show", id=await case_of(fr, TALK))
    (talk,) = shown["conversations"]
    assert (talk["conversation"], talk["country"], talk["kind"], talk["untaken"]) == (TALK, "AL", "referral", 0)
    assert [(one["id"], one["state"], one["to"]) for one in shown["drafts"]] == [(draft, "waiting", "AL")]
    assert [(one["id"], one["holder"], one["state"]) for one in shown["consents"]] == [(HERS, "own", "active")]
    unit = f"{two.al.running.own.node}/{UNIT}"
    covered = shown["consents"][0]["covers"][0]
    assert (covered["purpose"], unit in covered["units"], "identity" in covered["categories"]) == (
        "referral",
        True,
        True,
    )
    assert shown["denials"] == [
        {"consent": HERS, "purpose": "return", "unit": None, "category": None},
        {"consent": HERS, "purpose": None, "unit": unit, "category": "image"},
    ]
    assert [(one["conversation"], one["lift_wanted"]) for one in shown["asylum_holds"]] == [(TALK, False)]
    assert "MA" in shown["asylum_holds"][0]["states"]
    assert shown["legal_holds"] == [{"conversation": TALK, "ground": "restriction_18", "until": "2099-01-01"}]
    await fr.call("consent.withdraw", id=HERS, by=ANA)
    withdrawn = await fr.call("case.show", id=shown["id"])
    assert (withdrawn["denials"], [one["state"] for one in withdrawn["consents"]]) == ([], ["withdrawn"])
    assert [one["covers"] for one in withdrawn["consents"]] == [[]]


async def test_what_a_country_decided_is_noted_until_its_message_is_erased(two: Two):
    """Beside what others decided; erased with the message that told it, while the case goes on."""
    al = two.al
    case = await case_of(al, TALK)
    (told,) = (await al.call("case.show", id=case))["statuses"]
    referral_in = next(
        one
        for one in (await al.call("message.list", conversation=TALK))["messages"]
        if one["type"] == "referral.request/1"
    )
    assert (told["country"], told["message"], told["now"]) == ("FR", referral_in["id"], True)
    await al.call(
        "case.note_status", id=case, status="not_identified", country="AL", body="Police", on="2026-01-01", by=ANA
    )
    assert {one["country"] for one in (await al.call("case.show", id=case))["statuses"] if one["now"]} == {"AL", "FR"}
    sealed = await al.rows("select key from case_link where kind = 'entry' order by key")
    await al.call("message.erase", id=referral_in["id"], direction="in", by=ANA, reason="not_needed")
    assert [one["country"] for one in (await al.call("case.show", id=case))["statuses"]] == ["AL"]
    left = await al.rows("select key from case_link where kind = 'entry'")
    (gone,) = set(sealed) - set(left)
    assert await al.rows(f"select ref from sealed where ref = {gone[0].rpartition(b'/')[2].decode()}") == []


async def test_words_find_a_case(two: Two):
    """Of its label or its number, in whatever case they are typed, page after page; nothing of another unit."""
    fr = two.fr
    blue = (await fr.call("case.open", label="Blue Seven", by=ANA))["id"]
    sea = (await fr.call("case.open", label="Sea blue", by=ANA))["id"]

    async def found(text: str, **more: object) -> list[str]:
        return [one["id"] for one in (await fr.call("case.find", text=text, **more))["cases"]]

    assert await found("seven BLUE") == [blue]
    assert await case_of(fr, OTHER) in await found("f-2")  # a part of a reference may begin so too
    assert sorted(await found("blue")) == sorted([blue, sea])
    assert await found("green") == []
    first = await fr.call("case.find", text="blue", limit=1)
    (second,) = (await fr.call("case.find", text="blue", limit=1, cursor=first["next"]))["cases"]
    assert {first["cases"][0]["id"], second["id"]} == {blue, sea}
    elsewhere = Caller(roles=frozenset({Role.CASE_WORKER}), unit="shelter")
    assert (await fr.running.desk.call("case.find", {"text": "f-2"}, caller=elsewhere)).value["cases"] == []


async def test_a_reference_that_is_read_out_finds_a_case(two: Two):
    """The one under which a peer knows it, as people type what they hear; also of a case without a number that began
    with the referral itself, which tells the peer how to call it.
    """
    fr, talk = two.fr, b64u(b"danger to a life")
    request = referral(None, None, conversation=talk)
    for name in ("case_ref_sender", "consent_ref"):
        request["header"].pop(name, None)
    request["header"] |= {"legal_basis": ["6_1_d", "9_2_c"], "transfer_basis": "vital_interest_49_1_f"}
    request["header"]["vital_interest"] = {"ground": "medical_emergency"}
    sent = (await fr.call("message.submit", by=ANA, second_by=BEN, **request))["id"]
    numbered, *_ = (await fr.call("conversation.show", id=TALK))["messages"]
    for id, case in ((sent, await case_of(fr, talk)), (numbered["id"], await case_of(fr, TALK))):
        reference = (await fr.show(id))["header"]["case_ref_sender"]
        for text in (reference, reference.lower().replace("-", " ")):
            assert [one["id"] for one in (await fr.call("case.find", text=text))["cases"]] == [case]
    elsewhere = Caller(roles=frozenset({Role.CASE_WORKER}), unit="shelter")
    assert (await fr.running.desk.call("case.find", {"text": reference}, caller=elsewhere)).value["cases"] == []


async def test_what_is_owed_about_one_person(two: Two):
    """The duties of one case, and their next time in the list of cases."""
    fr, hers = two.fr, await case_of(two.fr, TALK)
    await fr.call("message.submit", **enquiry("room?", "AL"))
    due = (await fr.call("conversation.due", case=hers))["due"]
    assert {one["conversation"] for one in due} == {TALK} and {one["owes"] for one in due} == {"them"}
    (line,) = [one for one in (await fr.call("case.list"))["cases"] if one["id"] == hers]
    assert (line["ours"], line["theirs"]) == (None, min(one["until"] for one in due))
