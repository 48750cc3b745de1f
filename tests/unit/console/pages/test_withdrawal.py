"""Taking a consent back at the console: one question, whose it is and what stops before it, what is left after it."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.casework import answers
from support.consoles import console
from support.played_cases import CASE, CONSENT, IN_FORCE, TALK, TOLD, WITHDRAWALS
from support.played_consents import ANSWERS, ID, OF_CASE
from support.shapes import misfits, unfit
from support.written import ID as DRAFT

from gateway.console.words import load_words
from gateway.errors import Code, RefusedError


async def test_a_consent_is_taken_back_by_one_button():
    """After one question, on a page that says whose it is, what stops in which country and who is told; all of it, with
    the wish to erase.
    """
    async with console(ANSWERS) as there:
        page = read((await there.get(f"/consents/{ID}/withdraw")).text)
        said = " ".join(page.said.split())
        for what in (
            "Withdraw the consent of Blue 7?",
            "2 messages that wait are not sent.",
            "Who is told Albania No reason",
        ):
            assert what in said
        assert "Withdraw the consent of Blue 7 in 1 country" in said and "Not touched The consent of" in said
        form = next(form for form in page.forms if "erase" in form.offered).filled({"erase": "true"}, act="all")
        seen = await there.post(f"/consents/{ID}/withdraw", form)
        assert seen.headers["Location"] == f"/consents/{ID}/withdrawn"
        assert there.desk.calls[-1][1] == {"id": ID, "erase_wanted": True}
        said = " ".join(read((await there.get(f"/consents/{ID}/withdrawn")).text).said.split())
        for what in ("Confirmed: 1 of 2.", "Albania", "Taken up there", "Not confirmed since", "Left here"):
            assert what in said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([], "No other country knew of this consent."),
        ([TOLD | {"consent": ID}], "Everybody who was told has confirmed."),
        ([TOLD | {"consent": DRAFT}], "No other country knew of this consent."),
    ],
    ids=["nobody", "confirmed", "of another consent"],
)
async def test_it_says_when_nobody_is_waited_for(told: list[dict[str, Any]], said: str) -> None:
    """Where nobody knew of the consent, and where everybody has answered."""
    async with console(ANSWERS | {"case.withdrawals": {"of_case": OF_CASE, "withdrawals": told}}) as there:
        assert said in read((await there.get(f"/consents/{ID}/withdrawn")).text).said


async def test_a_part_is_taken_back():
    """What is ticked; nothing ticked is asked again."""
    async with console(ANSWERS) as there:
        seen = await there.post(f"/consents/{ID}/withdraw", {"act": "part"})
        assert seen.status == 422 and "#grants" in read(seen.text).links
        await there.post(f"/consents/{ID}/withdraw", {"act": "part", "grants": "1"})
        assert there.desk.calls[-1][1] == {"id": ID, "erase_wanted": False, "grants": [1]}
        asked = dict(there.desk.calls[-1][1])
        assert asked.pop("id") == ID and unfit("consent.withdraw", asked) == []


async def test_a_damaged_consent_can_be_taken_back():
    """Nothing of its record is needed; one that is not there is said to be so."""
    async with console(ANSWERS | {"consent.show": RefusedError(Code.UNDECRYPTABLE, "damaged")}) as there:
        page = read((await there.get(f"/consents/{ID}/withdraw")).text)
        assert ("act", "all") in [button for form in page.forms for button in form.buttons]
        there.desk.answers["consent.show"] = RefusedError(Code.NOT_FOUND, "no such consent")
        assert (await there.get(f"/consents/{ID}/withdraw")).status == 404


@pytest.mark.parametrize("there_are", [0, 1, 2])
async def test_a_conversation_leads_to_its_consent(there_are):
    """Straight to it where there is one."""
    shown = {
        "conversation": ID,
        "messages": [],
        "standing": [],
        "asylum_hold": False,
        "consents": [{"id": ID, "state": "active"}] * there_are,
    }
    async with console(ANSWERS | {"conversation.show": shown}) as there:
        seen = await there.get(f"/conversations/{DRAFT}/withdraw")
        if there_are == 1:
            assert seen.headers["Location"] == f"/consents/{ID}/withdraw"
        else:
            assert read(seen.text).links.count(f"/consents/{ID}/withdraw") == there_are


async def test_of_several_each_is_called_by_what_it_covers():
    """By purpose and days, as its case says it; one of another case has only its place in the list."""
    shown = answers()["conversation.show"]
    consents = [{"id": id, "state": "active"} for id in (CONSENT, "M" * 22)]
    async with console(answers() | {"conversation.show": shown | {"consents": consents}}) as there:
        page = read((await there.get(f"/conversations/{TALK}/withdraw")).text)
    covers = load_words("en").code("purpose", "referral")
    assert f"{covers}, until 24 May 2027 (kinds of data: 2); recorded" in page.said and "Consent 2" in page.said
    assert CONSENT[:6] not in page.said
    assert {f"/consents/{one['id']}/withdraw" for one in consents} <= set(page.links)


async def test_every_consent_is_taken_back_by_one_button():
    """It says before whose they are, which conversations with which countries stop, and who is told."""
    done = {"id": CASE, "consents": [{"id": CONSENT, "state": "withdrawn"}], "told": [], "unnamed": 0}
    assert misfits("consent.of_case", IN_FORCE) == misfits("consent.withdraw_all", done) == []
    assert misfits("case.withdrawals", WITHDRAWALS) == []
    async with console(answers() | {"consent.withdraw_all": done}) as there:
        assert f"/cases/{CASE}/withdraw" in read((await there.get(f"/cases/{CASE}")).text).links
        page = read((await there.get(f"/cases/{CASE}/withdraw")).text)
        asks = " ".join(page.said.split())
        for said in ("Withdraw every consent of Blue 7 in 2 countries", "Who is told Albania Morocco No"):
            assert said in asks
        assert f"/conversations/{TALK}" in page.links
        form = page.form(f"/cases/{CASE}/withdraw").filled({"erase": "true"})
        seen = await there.post(f"/cases/{CASE}/withdraw", form)
        assert seen.headers["Location"] == f"/cases/{CASE}/withdrawn"
        name, arguments, key = there.desk.calls[-1]
        assert (name, arguments) == (
            "consent.withdraw_all",
            {"id": CASE, "erase_wanted": True},
        ) and key
        done_page = read((await there.get(f"/cases/{CASE}/withdrawn")).text)
        assert f"/cases/{CASE}" in done_page.links and "Consent withdrawn: Blue 7" in " ".join(done_page.said.split())
        stands = done_page.said.partition("Who was told, who has confirmed")[2]
        assert "Albania" in stands and f"/conversations/{TALK}" in done_page.links


async def test_where_nothing_is_in_force_there_is_no_button():
    """It is said so."""
    async with console(answers(consent__of_case=IN_FORCE | {"consents": [], "tells": []})) as there:
        page = read((await there.get(f"/cases/{CASE}/withdraw")).text)
        assert "No consent of this person is in force." in page.said
        assert f"/cases/{CASE}/withdraw" not in [form.action for form in page.forms]


async def test_after_one_withdrawal_what_rests_on_others_is_listed():
    """With the way to take these back as well; the one that was withdrawn is not among them."""
    of_other = IN_FORCE["consents"][0]
    withdrawn = of_other | {"id": ID, "relied_on": []}
    async with console(ANSWERS | {"consent.of_case": IN_FORCE | {"consents": [withdrawn, of_other]}}) as there:
        page = read((await there.get(f"/consents/{ID}/withdrawn")).text)
        assert "still in force" in page.said and f"/cases/{DRAFT}/withdraw" in page.links
        there.desk.answers["consent.of_case"] = IN_FORCE | {"consents": [withdrawn]}
        page = read((await there.get(f"/consents/{ID}/withdrawn")).text)
        assert "still in force" not in page.said
        there.desk.answers["consent.show"] = RefusedError(Code.UNDECRYPTABLE, "damaged")
        assert (await there.get(f"/consents/{ID}/withdrawn")).status == 200
