"""The person's own copy at the console: made only when asked for, in the person's language, with no name of staff."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.casework import answers
from support.consoles import Console, console, person
from support.pagelook import faults
from support.played_cases import CASE
from support.played_copy import COPY

from gateway.console.papers import pdf
from gateway.operations.roles import Role
from schemas.labels import load_languages

HERE = f"/cases/{CASE}/copy"


def made(there: Console) -> list[Any]:
    """How often a copy was made."""
    return [arguments for name, arguments, _ in there.desk.calls if name == "case.copy"]


async def test_a_look_at_the_page_makes_nothing_and_the_button_makes_one():
    """It says what was said and to whom, who opened it, which offices saw it, and how to complain."""
    async with console(answers() | {"case.copy": COPY}) as there:
        assert HERE in read((await there.get(f"/cases/{CASE}")).text).links
        assert "What is known about me" not in (await there.get(HERE)).text and made(there) == []
        page = (await there.post(HERE, {"language": "en"})).text
        assert made(there) == [{"id": CASE}]
        said = " ".join(read(page).said.split())
        for words in (
            "This copy is yours",
            "Referral request. To Albania",
            "Mental health",
            "30 Jun 2027",
            "Point focal",
            "How I complain",
            "What I said no to",
            "K7P-4QD <b>",
            "3 messages",
        ):
            assert words in said, words
        assert "erased" in said and "<b>" not in page.partition("<article")[2]


@pytest.mark.parametrize("language", load_languages())
async def test_it_is_in_the_language_of_the_person(language: str):
    """Whatever the worker reads; the page is well made in each of them, and no text is left in English."""
    async with console(answers() | {"case.copy": COPY}) as there:
        seen = await there.post(HERE, {"language": language})
        assert seen.status == 200 and faults(seen.text) == []
        assert f'<article lang="{language}"' in seen.text and "[no label]" not in seen.text
        assert ("What is known about me" in seen.text) is (language == "en")


async def test_it_is_taken_along_as_a_file():
    """Named without the case, and kept nowhere."""
    async with console(answers() | {"case.copy": COPY}) as there:
        got = await there.post(HERE, {"language": "fr", "act": "file"})
        assert got.headers["Content-Type"] == "application/pdf"
        assert got.headers["Content-Disposition"] == 'attachment; filename="FR-own-copy.pdf"'
        assert got.headers["Cache-Control"] == "no-store"


async def test_without_the_extra_there_is_a_page_and_no_file(monkeypatch: pytest.MonkeyPatch):
    """The browser prints it then."""
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    async with console(answers() | {"case.copy": COPY}) as there:
        assert "Download as a PDF file" not in (await there.get(HERE)).text


async def test_it_is_made_by_who_works_on_cases():
    """A data protection officer sees the history; an operator sees nothing of a case."""
    async with console(answers() | {"case.copy": COPY}) as there:
        for role in (Role.DATA_PROTECTION_OFFICER, Role.OPERATOR, Role.AUDITOR):
            there.sign_in.sessions["secret"] = person(role)
            assert (await there.get(HERE)).status == 403
