"""What people note of a case at the console: status, roles, who is kept out, holds on all of it, erasing it."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.casework import answers
from support.consoles import console, person
from support.played_cases import CASE, PERSON

from gateway.operations.ports import Person
from gateway.operations.roles import Caller, Role

HERE = f"/cases/{CASE}"
HOLDS = f"{HERE}/holds"
WORDS = (
    "presumed victim",
    "(Police)",
    "decided not to be a victim",
    "asks for asylum",
    "no longer",
    "Eva M.",
    "a relative",
    "Legal hold on the whole case",
)


async def test_the_history_and_who_is_kept_out_stand_on_the_page():
    """Every note, also where countries differ; what holds now has a page of its own."""
    async with console(answers()) as there:
        said = read((await there.get(HERE)).text).said + read((await there.get(f"{HERE}/holds")).text).said
        assert [word for word in WORDS if word not in said] == []


@pytest.mark.parametrize(
    ("path", "fields", "operation", "wanted", "to"),
    [
        (
            "status",
            {"status": "presumed", "country": "FR", "body": "Police", "on": "2026-11-20"},
            "case.note_status",
            {"status": "presumed", "country": "FR", "body": "Police", "on": "2026-11-20"},
            HERE,
        ),
        ("role", {"role": "witness", "role_on": "2026-11-20"}, "case.note_role", {"role": "witness"}, HERE),
        ("block", {"who": "unit/shelter", "why": "x"}, "case.block", {"unit": "shelter", "reason": "x"}, HERE),
        (
            "block",
            {"who": f"person/{PERSON['id']}", "why": "x"},
            "case.block",
            {"person": PERSON["id"], "reason": "x"},
            HERE,
        ),
        ("hold", {"ground": "restriction_18", "until": "2027-01-01"}, "case.hold", {"ground": "restriction_18"}, HOLDS),
        ("release", {}, "case.release", {}, HOLDS),
        ("erase", {"reason": "not_needed"}, "case.erase", {"reason": "not_needed"}, "/cases"),
    ],
)
async def test_what_is_filled_in_is_noted(path: str, fields: Any, operation: str, wanted: Any, to: str):
    """By who is signed in, from a form of the page."""
    async with console(answers() | {operation: {}}) as there:
        on = {"erase": f"{HERE}/erase", "hold": HOLDS, "release": HOLDS}.get(path, HERE)
        page = read((await there.get(on)).text)
        seen = await there.post(f"{HERE}/{path}", page.form(f"{HERE}/{path}").filled(fields))
        assert seen.headers["Location"] == to
        name, arguments, _ = there.desk.calls[-1]
        assert name == operation and arguments.items() >= (wanted | {"id": CASE}).items()


async def test_a_role_begins_or_has_ended_by_its_button():
    """With its day."""
    async with console(answers() | {"case.note_role": {}}) as there:
        form = read((await there.get(HERE)).text).form(f"{HERE}/role")
        for act, ended in (("begins", None), ("ended", True)):
            fields = form.filled({"role": "witness", "role_on": "2026-11-20"}, act=act)
            await there.post(f"{HERE}/role", fields)
            arguments = there.desk.calls[-1][1]
            assert (arguments["on"], arguments.get("ended")) == ("2026-11-20", ended)


async def test_who_is_let_in_again_is_let_in_with_a_reason():
    """Each by its own form."""
    async with console(answers() | {"case.unblock": {}}) as there:
        forms = [form for form in read((await there.get(HERE)).text).forms if form.action == f"{HERE}/unblock"]
        await there.post(f"{HERE}/unblock", forms[1].filled({"why2": "she left"}))
        arguments = there.desk.calls[-1][1]
        assert (arguments["unit"], arguments["reason"]) == ("shelter", "she left")


async def test_somebody_says_it_of_themselves():
    """A case worker sees no list of people; afterwards there is no page of the case to come back to."""
    async with console(answers() | {"case.block": {}}) as there:
        there.sign_in.sessions["secret"] = person(Role.CASE_WORKER)
        form = read((await there.get(HERE)).text).form(f"{HERE}/block")
        assert form.choices("who") == ["", "person/p1", "unit/focal-point", "unit/shelter"]
        seen = await there.post(f"{HERE}/block", form.filled({"who": "person/p1", "why": "my cousin"}))
        assert seen.headers["Location"] == "/cases" and there.desk.calls[-1][1]["person"] == "p1"
        bound = Caller(roles=frozenset({Role.CASE_WORKER}), unit="shelter", person="p1")
        there.sign_in.sessions["secret"] = Person(id="p1", name="Ana Doe", caller=bound)
        seen = await there.post(f"{HERE}/block", {"who": "unit/shelter", "why": "my cousin"})
        assert seen.headers["Location"] == "/cases"
