"""The guidance library at the console: found by words and by what is chosen, read in the language of the reader."""

from __future__ import annotations

from itertools import product

from support.casework import CASE
from support.casework import answers as case_answers
from support.consoles import console, person
from support.library import GUIDANCE, OWN_TEXT, PATHS, TEXT, WHOLE_TEXT, answers
from support.pagelook import faults
from support.tables import Faults

from gateway.console.pages.guidance import TOPICS
from gateway.operations.roles import Role
from schemas import guidance

LISTED = GUIDANCE["guidance.list"]


def test_every_topic_has_its_words():
    """A topic of a text that had none would stop the page."""
    assert set(TOPICS) == set(guidance.TOPICS)


async def test_a_page_is_well_made():
    """For everybody who works at a node; what somebody wrote is never markup."""
    async with console(answers()) as there:
        with Faults() as wrong:
            for path, language in product(PATHS, ["en", "ar"]):
                with wrong.row(path, language):
                    there.sign_in.sessions["secret"] = person(Role.FOCAL_POINT, language=language)
                    seen = await there.get(path)
                    assert seen.status == 200 and faults(seen.text) == []
                    assert "<script>alert" not in seen.text and "[no label]" not in seen.text


async def test_a_question_stands_in_no_address():
    """It is sent as a form, answered on the page, and asked in the language of the reader."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(language="fr")
        seen = await there.post("/guidance", {"text": "la cellule", "stage": "return", "role": "", "topic": ""})
        assert seen.status == 200 and "Lyon" in seen.text and 'value="la cellule"' in seen.text
        asked = {"text": "la cellule", "stage": "return", "language": "fr"}
        assert there.desk.calls[-1][:2] == ("guidance.search", asked)


async def test_what_is_chosen_narrows_the_list():
    """A stage may stand in an address; without anything the whole library is there."""
    async with console(answers()) as there:
        await there.get("/guidance?stage=return&country=FR&text=secret")
        assert there.desk.calls[-1][1] == {"stage": "return", "country": "FR", "language": "en"}
        await there.get("/guidance")
        assert [arguments for _, arguments, _ in there.desk.calls[-1:]] == [{"language": "en"}]


async def test_where_a_text_holds_is_said():
    """Everywhere, in countries, or between two; the countries of all of them can be chosen."""
    treaty = TEXT | {"id": "treaty", "between": ["AL", "GR"]}
    async with console(answers() | {"guidance.list": LISTED | {"texts": [TEXT, OWN_TEXT, treaty]}}) as there:
        seen = await there.get("/guidance")
        assert "between Albania and Greece" in seen.text and "– France" in seen.text
        assert all(f'<option value="{code}">' in seen.text for code in ("AL", "FR", "GR"))
        there.desk.answers["guidance.show"] = WHOLE_TEXT | {"countries": [], "between": ["AL", "GR"]}
        assert "<dd>between Albania and Greece</dd>" in (await there.get("/guidance/treaty")).text
        there.desk.answers["guidance.show"] = WHOLE_TEXT | {"countries": []}
        assert "<dd>everywhere</dd>" in (await there.get("/guidance/lyon")).text


async def test_own_texts_with_a_fault_are_told():
    """Each with its place, so that somebody mends them."""
    fault = {"place": "texts/<b>.md", "rule": "twice", "hint": "another name"}
    async with console(answers() | {"guidance.list": LISTED | {"texts": [TEXT], "faults": [fault]}}) as there:
        assert "texts/&lt;b&gt;.md" in (await there.get("/guidance")).text


async def test_a_text_is_shown_with_what_it_rests_on():
    """Its own language is told where it is not the reader's; what is overdue and whose it is, too."""
    async with console(answers()) as there:
        seen = await there.get("/guidance/lyon")
        assert '<article class="prose" lang="fr" dir="ltr">' in seen.text and "French" in seen.text
        assert "<ol>\n<li>One &lt;script&gt;" in seen.text and "Parliament" in seen.text
        assert "of this mechanism" in seen.text and "overdue" in seen.text
        there.sign_in.sessions["secret"] = person(language="fr")
        assert WHOLE_TEXT["body_language"] == "fr"
        assert 'class="notice"' not in (await there.get("/guidance/lyon")).text


async def test_a_translation_says_what_it_is():
    """A draft leads to the text as it was written; so does one that is older than the text."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(language="fr")
        draft = WHOLE_TEXT | {"written_in": "en", "body_draft": True}
        for told, words in (
            (draft, "aucune personne de langue maternelle"),
            (draft | {"body_older": True}, "depuis sa traduction"),
        ):
            there.desk.answers["guidance.show"] = told
            article = (await there.get("/guidance/lyon")).text.partition("<main")[2]
            assert words in article and 'href="?original"' in article and "anglais" in article
        await there.get("/guidance/lyon?original")
        assert there.desk.calls[-1][1] == {"id": "lyon", "language": "fr", "original": True}


async def test_a_conversation_has_guidance_for_its_stage():
    """Texts of this mechanism first, few, and the way to all of them."""
    texts = [*({**TEXT, "id": f"general-{n}"} for n in range(5)), OWN_TEXT]
    async with console(case_answers(guidance__list=LISTED | {"texts": texts})) as there:
        seen = await there.get(f"/conversations/{CASE}")
        own, first = seen.text.index("/guidance/lyon"), seen.text.index("/guidance/general-0")
        assert own < first and "/guidance/general-2" in seen.text and "/guidance/general-3" not in seen.text
        assert 'href="/guidance?stage=referral"' in seen.text
        wanted = {"stage": "referral", "country": "FR", "other": "AL", "language": "en"}
        assert ("guidance.list", wanted, None) in there.desk.calls
    assert GUIDANCE["guidance.list"]["texts"] == [TEXT, OWN_TEXT]


async def test_a_country_has_a_page_with_what_it_did_not_confirm():
    """A fact is marked until the country confirmed it, a duty to report is said at the top, a blank is named."""
    async with console(answers()) as there:
        seen = (await there.get("/guidance/country/AL")).text
        assert seen.count("to be confirmed by the country") == 1 and "The ministry" in seen
        assert "In Albania whoever learns of trafficking may have to report it" in seen
        assert "Not found" in seen and "<li>Compensation</li>" in seen
        assert "Example code, article 1" in seen and ", 2016. " in seen and "overdue" in seen
        assert "/guidance/country/MA" in (await there.get("/guidance")).text


async def test_a_case_has_its_countries_beside_it():
    """With the duty to report before anything else."""
    async with console(case_answers()) as there:
        seen = (await there.get(f"/cases/{CASE}")).text
        assert seen.index("may have to report it") < seen.index("What waits for whom")
        assert "/guidance/country/AL" in seen
