"""Consent at the console: taken in two languages, printed for the person."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from aiohttp import FormData
from support.browsing import read
from support.consoles import console
from support.pagelook import faults
from support.played_cases import CASE
from support.played_consents import ANSWERS, GRANT, HELD, ID, OF_CASE, RECORD, UNIT
from support.shapes import misfits, unfit
from support.written import ID as DRAFT
from support.written import SCRIPT, draft

from gateway.console.pages.consent import FREE, SHEET, TOLD
from gateway.console.words import load_words
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import CorridorSection
from schemas.codelists import code_list
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


KINDS = [entry.code for entry in code_list("data_category").codes]


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


REST = {name: value for name, value in GIVEN.items() if "/grants/" not in name}
"""What is filled in beside the answers."""
ASKS = ("identity", "contact", "exploitation", "immigration", "risk", "needs")


def with_photo(fields: list[tuple[str, str]], photo: bytes) -> FormData:
    """The form as a browser sends it with a photo of the sheet."""
    sent = FormData(quote_fields=False, default_to_multipart=True)
    for name, value in fields:
        if name != "signed":
            sent.add_field(name, value)
    sent.add_field("signed", photo, filename="sheet.png", content_type="image/png")
    return sent


async def asked(there: Any, lang: str = "sq", **other: Any) -> Any:
    """The questions for a referral to one unit."""
    fields = {"with": lang, "case": DRAFT, "key": "k", "for_purpose": "referral", "for_unit": UNIT, "act": "begin"}
    seen = await there.post("/consents/new", fields | other)
    return seen, read(seen.text)


@pytest.mark.parametrize("lang", ["sq", "ar"])
async def test_a_preset_chooses_questions_and_no_answer(lang):
    """Each question in both languages beside each other, each with a yes and a no, and neither is chosen."""
    async with console(ANSWERS) as there:
        seen, page = await asked(there, lang)
        form, other = page.form("/consents/new"), load_words(lang)
        assert faults(seen.text) == []
        assert {name for name in form.offered if name.startswith("ask:")} == {f"ask:{kind}" for kind in ASKS}
        assert not [name for name in form.sent() if name.startswith(("ask:", "/content/grants"))]
        assert all(
            words.code("data_category", kind) in page.said for kind in ASKS for words in (load_words("en"), other)
        )
        assert form.sent().get("until", ("",)) == ("",) and form.choices("until")[0] == ""
        every = read((await there.post("/consents/new", form.filled({}, act="every"))).text).form("/consents/new")
        assert len({name for name in every.offered if name.startswith("ask:")}) == 15


async def test_a_country_may_ask_about_other_kinds():
    """As node.toml says; what the message holds already is asked about too."""
    set_for = {"AL": CorridorSection(to="AL", consent_asks=("needs",))}
    content = {"legal_status": "residence_art14"}
    shown = draft(
        "referral.request/1", draft={"content": content, "purpose": "referral", "header": {"recipient_unit": "fp"}}
    )
    async with console(ANSWERS | {"draft.show": shown}, corridors=set_for) as there:
        begin = read((await there.get(f"/consents/new?draft={DRAFT}")).text).form("/consents/new")
        assert begin.sent()["for_purpose"] == ("referral",) and begin.sent()["for_unit"] == (UNIT,)
        _, page = await asked(there, draft=DRAFT)
        offered = page.form("/consents/new").offered
        assert {name for name in offered if name.startswith("ask:")} == {"ask:immigration", "ask:needs"}


async def test_answers_become_a_grant_and_denials_and_a_photo_its_digest():
    """Nothing of the photo is kept; a no is recorded."""
    async with console(ANSWERS) as there:
        _, page = await asked(there)
        form = page.form("/consents/new")
        said = {f"ask:{kind}": "false" if kind == "exploitation" else "true" for kind in ASKS}
        end = form.choices("until")[1]
        fields = form.filled({**REST, **said, "until": end}, act="record")
        sent = with_photo(fields, b"\x89PNG\xff" * 9_000)
        seen = await there.post("/consents/new", sent)
        assert seen.headers.get("Location") == f"/consents/{ID}", read(seen.text).wrong
        (recorded,) = [given for operation, given, _ in there.desk.calls if operation == "consent.record"]
        content = recorded["content"]
        assert content["signed_form_sha256"] == sha256(b"\x89PNG\xff" * 9_000).hexdigest()
        assert content["grants"][0]["data_categories"] == [kind for kind in KINDS if said.get(f"ask:{kind}") == "true"]
        assert content["denials"] == [{"purpose": "referral", "unit": UNIT, "data_category": "exploitation"}]
        assert unfit("consent.record", recorded) == []


async def test_what_the_person_was_not_asked_is_told_and_nothing_is_recorded():
    """At each question; the answers that were given stay, and the digest of the photo too."""
    async with console(ANSWERS) as there:
        _, page = await asked(there)
        form = page.form("/consents/new")
        fields = form.filled({**REST, "ask:identity": "true"}, act="record")
        sent = with_photo(fields, b"photo")
        seen = await there.post("/consents/new", sent)
        page = read(seen.text)
        assert seen.status == 422 and faults(seen.text) == []
        assert {"#ask:contact", "#ask:needs", "#until"} <= set(page.links) and "#ask:identity" not in page.links
        kept = page.form("/consents/new").sent()
        assert kept["ask:identity"] == ("true",)
        assert kept["/content/signed_form_sha256"] == (sha256(b"photo").hexdigest(),)
        no = {f"ask:{kind}": "false" for kind in ASKS} | {"until": form.choices("until")[1]}
        seen = await there.post("/consents/new", page.form("/consents/new").filled(no, act="record"))
        assert seen.status == 422 and "said no to everything" in read(seen.text).said
        assert "consent.record" not in [operation for operation, *_ in there.desk.calls]


async def test_the_questions_are_printed_for_the_person():
    """In their language, with an empty box for each answer; what was filled in comes back with the questions."""
    async with console(ANSWERS) as there:
        _, page = await asked(there, "ar")
        form = page.form("/consents/new")
        seen = await there.post("/consents/new", form.filled({"ask:identity": "true"}, act="sheet"))
        sheet, arabic = seen.text.partition("<article")[2], load_words("ar")
        assert faults(seen.text) == [] and sheet.count("☐") == 2 * len(ASKS) and 'dir="rtl"' in sheet
        assert all(arabic.code("data_category", kind) in sheet for kind in ASKS)
        back = read(seen.text).form("/consents/new").filled({}, act="again")
        page = read((await there.post("/consents/new", back)).text)
        assert page.form("/consents/new").sent()["ask:identity"] == ("true",)


async def test_a_purpose_without_a_receiver_is_half_a_question():
    """Both or neither; with neither, grants are written one by one."""
    async with console(ANSWERS) as there:
        seen, page = await asked(there, for_unit="")
        assert seen.status == 422 and "#for_purpose" in page.links
        seen, page = await asked(there, for_unit="", for_purpose="")
        assert seen.status == 200 and not [name for name in page.form("/consents/new").offered if name[:4] == "ask:"]


async def test_a_session_that_ends_over_a_photo_loses_no_answer():
    """The photo has to be chosen again; the answers come back."""
    async with console(ANSWERS) as there:
        _, page = await asked(there)
        fields = page.form("/consents/new").filled({"ask:identity": "true"}, act="record")
        sent = with_photo(fields, b"\xff" * 200_000)
        seen = await there.post("/consents/new", sent, session="ended")
        form = read(seen.text).form("/consents/new")
        assert seen.status == 403 and form.sent()["ask:identity"] == ("true",) and "signed" not in form.sent()
