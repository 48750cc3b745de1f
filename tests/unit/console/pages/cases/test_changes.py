"""What two people change of cases at the console: asked with a reason, confirmed, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.browsing import read
from support.casework import answers
from support.consoles import PlayedDesk, console
from support.played_cases import CASE, CONSENT, MERGE, OTHER, SHOWN, SPLIT, TALK

from gateway.errors import Code, RefusedError
from gateway.ports import Json, OperationResult

HERE = f"/cases/{CASE}"
ASKED = {"change": MERGE, "state": "asked", "into": OTHER}


@pytest.mark.parametrize(
    ("path", "fields", "operation", "wanted"),
    [
        ("merge", {"into": OTHER, "reason": "she says so"}, "case.merge", {"id": CASE, "into": OTHER}),
        (
            "parts",
            {"conversations": [TALK], "consents": [CONSENT], "to": OTHER, "why": "she says so"},
            "case.move",
            {"source": CASE, "into": OTHER, "conversations": [TALK], "consents": [CONSENT]},
        ),
        (
            "parts",
            {"numbers": ["2026/117"], "label": "She", "why": "she says so"},
            "case.split",
            {"id": CASE, "numbers": ["2026/117"], "label": "She"},
        ),
    ],
)
async def test_a_first_person_asks(path: str, fields: dict[str, Any], operation: str, wanted: dict[str, Any]):
    """With what the page offers, the reason, and once."""
    async with console(answers() | {operation: ASKED}) as there:
        page = read((await there.get(f"{HERE}/change")).text)
        seen = await there.post(f"{HERE}/{path}", page.form(f"{HERE}/{path}").filled(fields))
        assert seen.headers["Location"] == HERE
        name, arguments, key = there.desk.calls[-1]
        assert (name, arguments) == (operation, wanted | {"reason": "she says so"}) and key


@pytest.mark.parametrize(
    ("path", "fields", "place"),
    [
        ("merge", {"reason": "x"}, "#into"),
        ("merge", {"into": OTHER}, "#reason"),
        ("parts", {"why": "x"}, "#parts"),
        ("parts", {"drafts": ["F" * 22]}, "#why"),
    ],
)
async def test_what_is_missing_is_told_and_nothing_is_asked(path: str, fields: dict[str, Any], place: str):
    """What was filled in stays."""
    async with console(answers()) as there:
        seen = await there.post(f"{HERE}/{path}", fields)
        assert seen.status == 422 and place in read(seen.text).links
        assert [name for name, _, _ in there.desk.calls if name in ("case.merge", "case.move", "case.split")] == []


async def test_a_refusal_is_told_on_the_page():
    """With what was filled in."""
    refused = RefusedError(Code.CONFLICT, "it is one case already; nothing was changed")
    async with console(answers() | {"case.merge": refused}) as there:
        seen = await there.post(f"{HERE}/merge", {"into": OTHER, "reason": "she says so"})
        page = read(seen.text)
        assert seen.status == 422 and page.form(f"{HERE}/merge").sent()["reason"] == ("she says so",)


class Merging(PlayedDesk):
    """A node at which the case is not there any more once somebody has agreed."""

    async def call(self, operation: str, arguments: Mapping[str, Json], **about: Any) -> OperationResult:
        """As played; the case of the page is gone afterwards."""
        agreed = any(name == "case.confirm" for name, *_ in self.calls)
        if agreed and (operation, arguments.get("id")) == ("case.show", CASE):
            raise RefusedError(Code.NOT_FOUND, "no such case")
        return await super().call(operation, arguments, **about)


async def test_who_agrees_reads_which_cases_and_is_led_to_the_one_that_is_left():
    """Also where the case of the page has become part of the other one."""
    change = SHOWN["changes"][0] | {"from": CASE, "into": OTHER}
    played = {"case.show": SHOWN | {"changes": [change]}, "case.confirm": {"change": MERGE, "state": "done"}}
    async with console(desk=Merging(answers=answers() | played)) as there:
        page = read((await there.get(HERE)).text)
        assert "What is of Blue 7 becomes part of Blue 7." in page.said
        form = page.form(f"{HERE}/changes/{MERGE}/confirm").sent()
        assert (await there.post(f"{HERE}/changes/{MERGE}/confirm", form)).headers["Location"] == f"/cases/{OTHER}"


async def test_a_second_person_agrees_or_leaves_it():
    """By buttons beside what waits; what is done can be taken back."""
    played = {
        "case.confirm": {"change": MERGE, "state": "done"},
        "case.undo": {"change": SPLIT, "state": "undo_asked"},
    }
    async with console(answers() | played) as there:
        actions = [form.action for form in read((await there.get(HERE)).text).forms]
        assert {f"{HERE}/changes/{MERGE}/confirm", f"{HERE}/changes/{MERGE}/undo"} <= set(actions)
        actions = [form.action for form in read((await there.get(f"{HERE}/proof")).text).forms]
        assert f"{HERE}/changes/{SPLIT}/undo" in actions and f"{HERE}/changes/{SPLIT}/confirm" not in actions
        assert (await there.post(f"{HERE}/changes/{SPLIT}/undo")).headers["Location"] == HERE
        there.desk.answers["case.show"] = RefusedError(Code.NOT_FOUND, "no such case")
        assert (await there.post(f"{HERE}/changes/{MERGE}/confirm")).headers["Location"] == "/cases"
        done = [(name, arguments) for name, arguments, _ in there.desk.calls if name in played]
        assert done == [
            ("case.undo", {"id": SPLIT}),
            ("case.confirm", {"id": MERGE}),
        ]
