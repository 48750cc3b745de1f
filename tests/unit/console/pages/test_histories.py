"""The histories of cases at the console: the verdict first, four answers, who is named and who is not."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.consoles import Console, console, person
from support.operated import answers
from support.played_history import CASE, HISTORY, LOG

from gateway.console.papers import pdf
from gateway.operations.roles import Role

HERE = f"/histories/{CASE}"


async def seen(there: Console, path: str = HERE, role: Role = Role.AUDITOR) -> str:
    """What a page says to somebody with this role."""
    there.sign_in.sessions["secret"] = person(role, name="Ada M.")
    return " ".join(read((await there.get(path)).text).said.split())


async def test_the_verdict_comes_first_and_then_four_answers():
    """Before any table; and the acts with who, basis and entry."""
    async with console(answers()) as there:
        said = await seen(there)
        places = [
            said.index(word) for word in ("Complete and unchanged", "8 acts", "1 consent", "1 of 7 messages", "4171")
        ]
        assert places == sorted(places)
        for word in (
            "FR-2026-0412",
            "K7P-4QD",
            "Fay D. <b>, a user of the case system",
            "danger to life",
            "Albania",
            "Legal hold",
            "1 Dec 2027",
            "Older ones",
        ):
            assert word in said, word


async def test_a_log_that_does_not_hold_is_said_at_once():
    """With the place, and that nothing below is proven."""
    fault = {"place": "leaf 17", "rule": "is missing", "hint": ""}
    broken = HISTORY | {"verdict": "broken", "broken_at": fault, "log": LOG | {"ok": False, "findings": [fault]}}
    for told, words in (
        (broken, "The log does not hold. The first bad place of the log is leaf 17."),
        (HISTORY | {"verdict": "incomplete", "missing": 2}, "The log has no entry of 2 messages of this case."),
    ):
        async with console(answers(audit__case=told)) as there:
            said = await seen(there)
            assert words in said and "Complete" not in said


async def test_what_is_not_witnessed_is_not_called_so():
    """By the weakest of the entries."""
    for covered, words in (("signed", "have not witnessed all"), ("open", "wait for the next checkpoint")):
        acts = [HISTORY["acts"][0] | {"covered": covered}, *HISTORY["acts"][1:]]
        async with console(answers(audit__case=HISTORY | {"acts": acts})) as there:
            assert words in await seen(there)


async def test_it_is_for_auditors_and_data_protection_officers():
    """A focal point and an operator have no such page; what a case has not is told as such."""
    async with console(answers()) as there:
        assert "History of case" in await seen(there, role=Role.DATA_PROTECTION_OFFICER)
        for role in (Role.FOCAL_POINT, Role.OPERATOR):
            there.sign_in.sessions["secret"] = person(role)
            assert (await there.get(HERE)).status == 403
    empty: dict[str, Any] = {"acts": [], "looks": [], "more_looks": False, "references": [], "number": None}
    async with console(answers(audit__case=HISTORY | empty)) as there:
        said = await seen(there)
        assert "There is nothing here." in said and "Nobody was shown any of it." in said


async def test_it_is_taken_along_as_a_file():
    """Named without the case, kept nowhere, with the words of the page; the log that proves it is beside it."""
    async with console(answers()) as there:
        assert "Download as a PDF file" in await seen(there) and "verify_audit.py" in await seen(there)
        assert f"{HERE}/file" in read((await there.get(HERE)).text).links
        got = await there.get(f"{HERE}/file")
        assert got.headers["Content-Type"] == "application/pdf"
        assert got.headers["Content-Disposition"] == 'attachment; filename="FR-history.pdf"'
        assert got.headers["Cache-Control"] == "no-store"


async def test_without_the_extra_there_is_no_file(monkeypatch: pytest.MonkeyPatch):
    """The page has no button, and its address says what to install."""
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    async with console(answers()) as there:
        assert "Download as a PDF file" not in await seen(there)
        got = await there.get(f"{HERE}/file")
        assert got.status == 422 and "extra pdf" in got.text


async def test_cases_are_listed_by_number_and_reference():
    """Each leads to its history."""
    async with console(answers()) as there:
        said = await seen(there, "/histories")
        assert "FR-2026-0412" in said and "C9R-6TD" in said
        there.sign_in.sessions["secret"] = person(Role.AUDITOR)
        page = read((await there.get("/histories?cursor=1.x")).text)
        assert HERE in page.links
        assert [args for name, args, _ in there.desk.calls if name == "audit.cases"][-1] == {
            "limit": 50,
            "cursor": "1.x",
        }
