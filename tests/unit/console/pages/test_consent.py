"""Consent at the console: taken in two languages, printed for the person."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.consoles import console
from support.played_cases import CASE
from support.played_consents import ANSWERS, GRANT, HELD, ID, OF_CASE, RECORD, UNIT
from support.shapes import misfits, unfit
from support.written import ID as DRAFT
from support.written import SCRIPT, draft

from gateway.console.pages.consent import FREE, SHEET, TOLD
from gateway.console.words import load_words
from gateway.errors import Code, Finding, RefusedError
from schemas.labels import load_languages
from schemas.walk import list_fields

GIVEN = {
    "/content/given_by": "person",
    "/content/form": "written",
    "/content/taken_on": "2026-11-20",
    "/content/interpreter": "true",
    "/content/onward_sharing": "false",
    "/content/grants/0/purpose": "referral",
    "/content/grants/0/recipient_units/0": UNIT,
    "/content/grants/0/data_categories": ["identity"],
    "/content/grants/0/until": "2030-01-01",
    **{f"/content/told/{name}": "true" for name in TOLD},
}


def test_what_the_desk_is_played_to_say_is_what_it_says():
    """The answers of this file have the shapes of the API."""
    for operation in ("consent.list", "consent.show", "consent.record", "consent.withdraw"):
        assert misfits(operation, ANSWERS[operation]) == []


def test_each_of_the_seven_things_has_its_sentence():
    """Those that the schema asks for."""
    asked = [f.path.rpartition("/")[2] for f in list_fields("consent.record/1") if f.path.startswith("/content/told/")]
    assert list(TOLD) == asked


async def begun(there: Any, lang: str, *, draft: str = "") -> Any:
    """The form in the language of the reader and in another one."""
    await there.get("/consents/new")
    seen = await there.post("/consents/new", {"with": lang, "case": DRAFT, "draft": draft, "key": "k", "act": "begin"})
    return seen, read(seen.text)


@pytest.mark.parametrize("lang", load_languages())
async def test_a_consent_is_told_in_two_languages(lang):
    """The seven things, and each question; in its own direction; nothing is filled in but the language."""
    async with console(ANSWERS) as there:
        seen, page = await begun(there, lang)
        other = load_words(lang)
        for text in (FREE, *TOLD.values()):
            assert text in page.said and other(text) in page.said
        label = other.labels.field("consent.record/1", "/content/interpreter").text
        assert f'lang="{lang}" dir="{other.language.direction}">{label}' in seen.text.replace("&#39;", "'")
        sent = page.form("/consents/new").sent()
        assert {name: value for name, value in sent.items() if name[0] == "/"} == {"/content/language": (lang,)}


async def test_a_consent_is_recorded_and_the_draft_relies_on_it():
    """In the name of who took it; back at the draft that needed it, which is of the same case now."""
    shown = draft("referral.request/1", draft={"header": {"priority": "normal"}})
    async with console(ANSWERS | {"draft.show": shown}) as there:
        _, page = await begun(there, "sq", draft=DRAFT)
        seen = await there.post("/consents/new", page.form("/consents/new").filled(GIVEN, act="record"))
        assert seen.headers["Location"] == f"/consents/{ID}?draft={DRAFT}"
        calls = {operation: (arguments, key) for operation, arguments, key in there.desk.calls}
        recorded, key = calls["consent.record"]
        assert unfit("consent.record", recorded) == [] and key == "k"
        assert recorded["case"] == DRAFT
        assert recorded["content"]["grants"] == [GRANT] and recorded["content"]["language"] == "sq"
        noted = calls["draft.change"][0]["draft"]
        assert noted["header"] == {"priority": "normal", "consent_ref": ID} and noted["case"] == OF_CASE["id"]
        page = read((await there.get(f"/consents/{ID}?draft={DRAFT}")).text)
        assert f"/drafts/{DRAFT}" in page.links and f"/consents/{ID}/sheet" in page.links


async def test_what_is_missing_of_a_consent_is_told():
    """At its place; nothing is recorded, and what was filled in is there."""
    async with console(ANSWERS) as there:
        _, page = await begun(there, "ar")
        given = {name: value for name, value in GIVEN.items() if "told/withdrawal" not in name}
        seen = await there.post("/consents/new", page.form("/consents/new").filled(given, act="record"))
        page = read(seen.text)
        assert seen.status == 422 and "#/content/told/withdrawal" in page.links
        assert page.form("/consents/new").sent()["/content/grants/0/until"] == ("2030-01-01",)
        assert "consent.record" not in [call[0] for call in there.desk.calls]
        refusal = RefusedError(Code.SCHEMA, "no", findings=[Finding(place="/content/grants/0/until", rule="format")])
        there.desk.answers["consent.record"] = refusal
        form = page.form("/consents/new").filled({"/content/told/withdrawal": "true"}, act="record")
        seen = await there.post("/consents/new", form)
        assert seen.status == 422 and "#/content/grants/0/until" in read(seen.text).links


async def test_grants_are_added_one_by_one():
    """And taken out; the two languages stay beside each other."""
    async with console(ANSWERS) as there:
        _, page = await begun(there, "uk")
        form = page.form("/consents/new").filled(GIVEN, act="add:/content/grants")
        page = read((await there.post("/consents/new", form)).text)
        form = page.form("/consents/new").filled(
            {"/content/grants/1/purpose": "return"}, act="remove:/content/grants/0"
        )
        page = read((await there.post("/consents/new", form)).text)
        assert page.form("/consents/new").sent()["/content/grants/0/purpose"] == ("return",)
        assert load_words("uk")(FREE) in page.said


@pytest.mark.parametrize("fields", [{}, {"with": "xx", "act": "begin"}])
async def test_a_language_has_to_be_chosen(fields):
    """One that there is."""
    async with console(ANSWERS) as there:
        assert (await there.post("/consents/new", fields)).status == 422


async def test_whose_consent_it_is_has_to_be_said():
    """A case that is listed, or the number of one that is not; what was chosen is kept."""
    async with console(ANSWERS) as there:
        seen = await there.post("/consents/new", {"with": "sq", "act": "begin"})
        assert seen.status == 422 and "#case_label" in read(seen.text).links
        seen = await there.post("/consents/new", {"with": "sq", "number": "2026/117", "act": "begin"})
        assert read(seen.text).form("/consents/new").sent()["number"] == ("2026/117",)
        page = read((await there.get(f"/consents/new?case={CASE}")).text)
        assert page.form("/consents/new").sent()["case"] == (CASE,)


async def test_a_new_case_begins_with_its_consent():
    """Not before the consent is recorded, and once however often the form is sent."""
    async with console(ANSWERS) as there:
        chosen = {"with": "sq", "case_label": "Blue 8", "case_key": "k2", "act": "begin"}
        page = read((await there.post("/consents/new", chosen)).text)
        assert "case.open" not in [call[0] for call in there.desk.calls]
        await there.post("/consents/new", page.form("/consents/new").filled(GIVEN, act="record"))
        (opened,), (recorded,) = [
            [(arguments, key) for name, arguments, key in there.desk.calls if name == operation]
            for operation in ("case.open", "consent.record")
        ]
        assert (opened[0]["label"], opened[1], recorded[0]["case"]) == ("Blue 8", "k2", CASE)


async def test_the_sheet_is_in_the_language_of_the_person():
    """From right to left for Arabic; units by their names; another language can be chosen."""
    async with console(ANSWERS) as there:
        seen = await there.get(f"/consents/{ID}/sheet")
        page = read(seen.text)
        assert '<article class="sheet" lang="ar" dir="rtl">' in seen.text
        assert load_words("ar")(SHEET["title"]) in page.said and load_words("ar").country("AL") in page.said
        assert UNIT not in page.said and 'lang="en"' in seen.text
        seen = await there.get(f"/consents/{ID}/sheet?language=fr")
        assert '<article class="sheet" lang="fr" dir="ltr">' in seen.text
        there.desk.answers["consent.show"] = HELD | {"record": RECORD | {"language": "xx"}}
        assert '<article class="sheet" lang="en"' in (await there.get(f"/consents/{ID}/sheet")).text


async def test_the_list_leads_to_what_is_there():
    """A damaged one has no id; whose they are is not said."""
    async with console(ANSWERS) as there:
        seen = await there.get("/consents")
        page = read(seen.text)
        assert f"/consents/{ID}" in page.links and f"/consents/{ID}/withdraw" in page.links
        assert SCRIPT not in seen.text and "/consents?cursor=5" in page.links
