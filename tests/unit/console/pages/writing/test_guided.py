"""Writing step by step at the console: what a step saves, where it leads, and what it says is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.consoles import console
from support.played_cases import CASE, CONSENT
from support.written import HERE, KNOWN, SCRIPT, draft

from gateway.console.forms.steps import plan_steps
from gateway.console.words import load_words
from gateway.errors import Code, RefusedError
from schemas import load_catalogue

STEP = f"{HERE}/step"
REFERRAL = KNOWN | {"draft.show": draft("referral.request/1")}
SET = {
    "sender_unit": "fp",
    "sender_role": "national_focal_point",
    "recipient_unit": "fp",
    "recipient_role": "national_focal_point",
    "legal_basis": ["6_1_e"],
    "transfer_basis": "adequacy_45",
    "language": "en",
    "handling": {"onward_sharing": "none", "retain_until": "2027-11-30", "export_to_local": "full"},
}
"""What node.toml may set for a country."""
PERSON = {
    "/content/person/pseudonym": "Merle",
    "/content/person/age_group": "adult",
    "/content/person/unknown/gender": "refused",
}


def saved(there: Any) -> list[dict[str, Any]]:
    """What was saved, in order."""
    return [arguments["draft"] for operation, arguments, _ in there.desk.calls if operation == "draft.change"]


async def test_a_draft_opens_where_something_is_missing():
    """A new one at its first step; one with nothing missing at what would leave."""
    async with console(KNOWN) as there:
        assert (await there.get(HERE)).headers["Location"] == f"{STEP}/purpose"
        header = {"priority": "normal"}
        content = {"services": ["legal_aid"], "referral_kind": "return_reception"}
        there.desk.answers["draft.show"] = draft(draft={"header": header, "content": content})
        assert (await there.get(HERE)).headers["Location"] == f"{STEP}/person"


async def test_a_step_asks_its_own_questions_and_saves_them_alone():
    """What other steps hold stays as it is; then comes the next step."""
    held = {"content": {"note": "kept"}, "purpose": "referral"}
    async with console(KNOWN | {"draft.show": draft(draft=held)}) as there:
        page = read((await there.get(f"{STEP}/person")).text)
        form = page.form(f"{STEP}/person")
        assert "/content/note" not in form.offered | set(form.sent())
        seen = await there.post(f"{STEP}/person", form.filled({"/content/age_group": "adult"}, act="continue"))
        assert seen.headers["Location"] == f"{STEP}/needs"
        (draft_saved,) = saved(there)
        assert draft_saved["content"] == {"note": "kept", "age_group": "adult"}
        assert draft_saved["purpose"] == "referral"


async def test_a_field_of_another_step_is_not_taken():
    """Whoever sends one with a step changes nothing by it."""
    async with console(KNOWN) as there:
        await there.post(f"{STEP}/person", {"version": "v1", "/content/note": "x", "/content/age_group": "adult"})
        assert saved(there)[0]["content"] == {"age_group": "adult"}


async def test_only_what_is_wrong_in_this_step_is_told_and_nothing_is_lost():
    """It is saved all the same; the summary leads to each field, and on to the next step."""
    async with console(REFERRAL) as there:
        form = read((await there.get(f"{STEP}/person")).text).form(f"{STEP}/person")
        seen = await there.post(f"{STEP}/person", form.filled({"/content/person/pseudonym": SCRIPT}, act="continue"))
        page = read(seen.text)
        assert seen.status == 422 and SCRIPT not in seen.text and "#/content/person/age_group" in page.links
        told = {link for link in page.links if link.startswith("#/")}
        assert {link for link in told if "/person/" not in link} == {"#/content/thb_status"}, "of no other step"
        assert page.form(f"{STEP}/person").sent()["/content/person/pseudonym"] == (SCRIPT,)
        assert page.form(f"{STEP}/person").sent()["version"] == ("v2",)
        assert f"{STEP}/happened" in page.links and len(saved(there)) == 1
        assert "#/content/person/pseudonym" not in page.links, "what is right is not marked"


async def test_a_step_can_be_left_with_something_missing():
    """Saving and leaving says nothing about faults; the draft is kept unfinished."""
    async with console(REFERRAL) as there:
        form = read((await there.get(f"{STEP}/person")).text).form(f"{STEP}/person")
        seen = await there.post(f"{STEP}/person", form.filled({"/content/person/pseudonym": "Merle"}, act="leave"))
        assert seen.headers["Location"] == "/drafts"
        assert saved(there)[0]["content"] == {"person": {"pseudonym": "Merle"}}


async def test_a_step_of_which_nothing_applies_is_passed_over():
    """What was answered decides it; an address that was kept leads on."""
    held = {"content": {"answer": "yes"}}
    async with console(KNOWN | {"draft.show": draft("return.proposal/1", draft=held)}) as there:
        content = {"version": 1, "return_kind": "assisted_voluntary"}
        there.desk.answers["draft.show"] = draft("return.proposal/1", draft={"content": content})
        assert f"{STEP}/message-2" not in read((await there.get(f"{STEP}/message")).text).links
        assert (await there.get(f"{STEP}/message-2")).headers["Location"] == f"{STEP}/message-3"


async def test_an_unknown_step_is_not_there():
    """For reading and for sending."""
    async with console(KNOWN) as there:
        assert (await there.get(f"{STEP}/nothing")).status == 404
        assert (await there.post(f"{STEP}/nothing", {"version": "v1"})).status == 404 and saved(there) == []


async def test_rows_come_and_go_without_being_saved():
    """By buttons that send the step; other answers of it stay."""
    async with console(REFERRAL) as there:
        path = f"{STEP}/person"
        form = read((await there.get(path)).text).form(path)
        fields = form.filled({"/content/person/pseudonym": "Mali"}, act="add:/content/person/languages")
        form = read((await there.post(path, fields)).text).form(path)
        given = {"/content/person/languages/0/language": "sq"}
        form = read((await there.post(path, form.filled(given, act="add:/content/person/languages"))).text).form(path)
        assert form.sent()["/content/person/languages/0/language"] == ("sq",)
        form = read((await there.post(path, form.filled({}, act="remove:/content/person/languages/0"))).text).form(path)
        assert "/content/person/languages/0/language" not in form.sent()
        assert form.sent()["/content/person/pseudonym"] == ("Mali",) and saved(there) == []


async def test_the_summary_says_what_was_answered_in_the_words_of_the_reader():
    """Codes by their labels, with the way back; what others wrote is escaped."""
    content = {"person": {"pseudonym": SCRIPT, "age_group": "adult"}, "thb_status": "presumed"}
    async with console(KNOWN | {"draft.show": draft("referral.request/1", draft={"content": content})}) as there:
        seen = await there.get(f"{STEP}/contact")
        page = read(seen.text)
        assert (
            SCRIPT in page.said and SCRIPT not in seen.text and load_words("en").code("age_group", "adult") in page.said
        )
        assert {f"{STEP}/person", f"{STEP}/happened"} <= set(page.links)
        assert "Step 5 of 10" in page.said, "basis and units are asked where nothing is set for the country"
        shown = draft("referral.request/1", draft={"header": SET, "content": content})
        there.desk.answers["draft.show"] = shown
        page = read((await there.get(f"{STEP}/contact")).text)
        assert "Step 5 of 8" in page.said and {f"{STEP}/basis", f"{STEP}/units"} <= set(page.links)


async def test_two_people_in_one_draft_see_both():
    """What the other one saved, and what was written here; saving again takes the place of it."""
    theirs = draft(version="v9", draft={"content": {"note": f"theirs {SCRIPT}"}})
    changed = RefusedError(Code.CHANGED_MEANWHILE, "the draft is not the one you have seen")
    async with console(KNOWN | {"draft.show": theirs, "draft.change": changed}) as there:
        seen = await there.post(f"{STEP}/needs", {"version": "v1", "/content/note": "mine", "act": "continue"})
        page = read(seen.text)
        assert seen.status == 409 and "theirs" in page.said and SCRIPT not in seen.text
        assert page.form(f"{STEP}/needs").sent()["/content/note"] == ("mine",)
        assert page.form(f"{STEP}/needs").sent()["version"] == ("v9",)


async def test_what_is_written_into_a_draft_that_is_gone_is_shown():
    """A colleague has sent it meanwhile: the step that was left open loses nothing."""
    async with console(KNOWN) as there:
        form = read((await there.get(f"{STEP}/needs")).text).form(f"{STEP}/needs")
        there.desk.answers["draft.show"] = draft(state="released") | {"draft": {}, "type": None, "to": None}
        seen = await there.post(f"{STEP}/needs", form.filled({"/content/note": f"first {SCRIPT}"}, act="continue"))
        assert seen.status == 409 and f"first {SCRIPT}" in read(seen.text).said and saved(there) == []


async def test_a_session_that_ends_over_a_step_takes_nothing_of_it():
    """Whoever signs in looks at it before anything is done with it."""
    async with console(KNOWN) as there:
        path = f"{STEP}/needs"
        fields = read((await there.get(path)).text).form(path).filled({"/content/note": "x"}, act="continue")
        kept = read((await there.post(path, fields, session="ended")).text)
        page = read((await there.post(path, kept.form(path).filled({}, act="again"))).text)
        assert page.form(path).sent()["/content/note"] == ("x",) and saved(there) == []


async def test_whose_case_it_is_stands_in_the_first_step():
    """And nowhere else; once it is known there is nothing to choose, and its consents are offered."""
    async with console(REFERRAL) as there:
        form = read((await there.get(f"{STEP}/purpose")).text).form(f"{STEP}/purpose")
        assert CASE in form.choices("case")
        await there.post(f"{STEP}/purpose", form.filled({"case": CASE}, act="leave"))
        assert saved(there)[0]["case"] == CASE
        assert "case" not in read((await there.get(f"{STEP}/person")).text).form(f"{STEP}/person").lists
        there.desk.answers["draft.show"] = draft("referral.request/1", of_case={"id": CASE, "name": "Blue 7"})
        page = read((await there.get(f"{STEP}/consent")).text)
        assert page.form(f"{STEP}/consent").choices("/header/consent_ref") == ["", CONSENT]
        assert any(link.startswith("/consents/new?draft=") for link in page.links)


async def test_files_are_added_from_the_step_that_names_them():
    """What was filled in is saved first."""
    async with console(REFERRAL) as there:
        form = read((await there.get(f"{STEP}/files")).text).form(f"{STEP}/files")
        seen = await there.post(f"{STEP}/files", form.filled({}, act="files"))
        assert seen.headers["Location"] == f"{HERE}/files?step=files" and len(saved(there)) == 1
        page = read((await there.get(seen.headers["Location"])).text)
        assert f"{STEP}/files" in page.links and f"{HERE}/files?step=files" in [form.action for form in page.forms]
        assert ("act", "files") not in read((await there.get(f"{STEP}/person")).text).form(f"{STEP}/person").buttons


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_every_step_of_every_type_is_a_page(lang):
    """With a heading, labels and links as every page has them, and with its own faults."""
    async with console(KNOWN) as there:
        for entry in load_catalogue().types:
            there.desk.answers["draft.show"] = draft(entry.body_type) | {"type": entry.body_type}
            step = plan_steps(entry.body_type)[len(entry.body_type) % 2]
            seen = await there.get(f"{STEP}/{step.name}", **{"Accept-Language": lang})
            if seen.status == 200:
                read(seen.text)
                sent = await there.post(f"{STEP}/{step.name}", {"version": "v1", "act": "continue"})
                assert sent.status == 303 or read(sent.text).wrong


async def test_what_may_be_left_out_is_folded_until_it_is_there():
    """Name and birth of a person stand open once they are known; what is needed or wrong is never folded."""
    async with console(REFERRAL) as there:
        main = (await there.get(f"{STEP}/person")).text.partition("<main")[2]
        folded = main.partition('<details class="panel">')[2]
        assert 'name="/content/person/name_given"' in folded and 'name="/content/person/pseudonym"' not in folded
        known = {"content": {"person": {"name_given": "Merle"}}}
        there.desk.answers["draft.show"] = draft("referral.request/1", draft=known)
        main = (await there.get(f"{STEP}/person")).text.partition("<main")[2]
        assert 'name="/content/person/name_given"' in main.partition('<details class="panel">')[0]
        form = read((await there.get(f"{STEP}/person")).text).form(f"{STEP}/person")
        sent = form.filled({"/content/person/birth_date": "1999-99-99"}, act="continue")
        main = (await there.post(f"{STEP}/person", sent)).text.partition("<main")[2]
        assert 'name="/content/person/birth_date"' in main.partition('<details class="panel">')[0]


async def test_a_telephone_has_the_way_on_at_its_foot():
    """One button, the way back, and the way to what was said so far; no other navigation lies over it."""
    async with console(REFERRAL) as there:
        seen = await there.get(f"{STEP}/happened")
        foot = seen.text.partition('<div class="send">')[2].partition("</div>")[0]
        assert 'value="continue"' in foot and 'href="#sofar"' in foot and f'href="{STEP}/person"' in foot
        assert 'class="bottom"' not in seen.text and 'id="sofar"' in seen.text
