"""The directory at the console: whom to call, what a country tells, and how this one tells of its own offices."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from aiohttp import ClientSession
from support.browsing import read
from support.consoles import NOW, console, person
from support.library import DAY, DIRECTORY, ENTRY, OFFICE, OPEN, OVER, SCRIPT, SILENT, TOLD, answers
from support.pagelook import faults

from gateway.console.cookies import SESSION
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.workdays import offset
from gateway.operations.roles import Role
from schemas.region_pack.regions import load_region

SUNDAY = "who do I ask in Albania for a child case on a Sunday?"
UNIT = "/content/units/0"


def found(*units: Any) -> dict[str, Any]:
    """What the node says to a question."""
    understood = {"countries": [], "child": None, "timed": False}
    return answers() | {"directory.search": {"understood": understood, "units": [*units]}}


async def test_a_question_stands_in_no_address():
    """It is asked by a form; how it was read and the first answer stand on the page."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(Role.AUDITOR, language="fr")
        seen = await there.post("/directory", {"text": SUNDAY, "country": "", "people": "child", "at": ""})
        assert seen.status == 200 and faults(seen.text) == []
        assert ("directory.search", {"text": SUNDAY, "child": True, "language": "fr"}, None) in there.desk.calls
        assert 'href="tel:+355690000001"' in seen.text and "Albanie" in seen.text
        assert "<script>alert" not in seen.text
        form = read(seen.text).form("/directory")
        assert form.method == "post" and ("people", "child") in form.fields


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        (
            {"country": "AL", "role": "duty_contact", "service": "guardian", "spoken": "sq"},
            {"country": "AL", "role": "duty_contact", "service": "guardian", "unit_language": "sq"},
        ),
        ({"people": "adult"}, {"child": False}),
        ({"people": "other"}, {}),
        ({"at": "2026-11-29T14:00"}, {"at": 1_795_957_200}),
    ],
)
async def test_what_is_chosen_is_a_condition(fields, asked):
    """Times are those of this country."""
    async with console(answers()) as there:
        await there.post("/directory", fields)
        assert ("directory.search", asked | {"language": "en"}, None) in there.desk.calls


@pytest.mark.parametrize("at", ["Sunday", "2026-02-30T10:00", "0001-01-01T00:30"])
async def test_a_time_that_is_none_is_told_at_its_field(at):
    """And nothing is asked."""
    zone = load_region("tact").calendar("FR").zone
    async with console(answers(), offset=lambda moment: int(offset(zone, moment).total_seconds())) as there:
        seen = await there.post("/directory", {"text": SUNDAY, "at": at})
        assert seen.status == 422 and faults(seen.text) == [] and 'id="at-fault"' in seen.text
        assert "directory.search" not in [name for name, *_ in there.desk.calls]


@pytest.mark.parametrize(
    ("office", "said"),
    [
        (OFFICE, "Duty contact, day and night:"),
        (OPEN, "Open then:"),
        (OPEN | {"open": False}, "Closed then:"),
        (OPEN | {"open": None}, "Office:"),
        (SILENT, "write to it with a message"),
        (SILENT | {"duty_phone": "+355690000009"}, "tel:+355690000009"),
        (OVER, "expired: it may be wrong"),
        (OVER, "Nothing is exchanged with this country"),
    ],
)
async def test_whom_to_call(office, said):
    """An office while it is open, else its duty telephone; what is over is marked and never large."""
    async with console(found(office)) as there:
        seen = await there.post("/directory", {"text": "x"})
        assert said in seen.text and faults(seen.text) == []
        assert ('class="panel first"' in seen.text) is office["current"]


async def test_nobody_is_an_answer():
    """No other country is shown in place of one that tells nothing."""
    async with console(found()) as there:
        assert "Nobody was found." in (await there.post("/directory", {"text": "Romania"})).text


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "has not published its offices yet"),
        ([ENTRY | {"state": "own", "expires": NOW + 29 * DAY}], "published about its offices expires on"),
        ([ENTRY | {"state": "own", "expires": NOW - 1}], "its offices expired on"),
        ([ENTRY | {"state": "own", "expires": NOW + 31 * DAY}], None),
    ],
)
async def test_who_answers_for_the_entry_is_warned(entries, said):
    """30 days before it ends, and afterwards; other people are not."""
    told = {"country": "FR", "entries": entries} if entries else RefusedError(Code.NOT_FOUND, "nothing")
    async with console(answers() | {"directory.show": told}) as there:
        for path in ("/directory", "/directory/FR"):
            assert ("Confirm or change it" in (await there.get(path)).text) is (said is not None and entries != [])
            assert said is None or said in (await there.get(path)).text
        there.sign_in.sessions["secret"] = person(Role.CASE_WORKER)
        assert "Confirm or change it" not in (await there.get("/directory")).text
        assert (await there.get("/directory/own")).status == 403


async def test_a_country_that_tells_nothing_has_the_units_of_its_descriptor():
    """And one that nobody knows is not there."""
    async with console(answers() | {"directory.show": RefusedError(Code.NOT_FOUND, "nothing")}) as there:
        seen = await there.get("/directory/RO")
        assert "has not published its offices" in seen.text and "Focal point" in seen.text
        assert (await there.get("/directory/XX")).status == 404
        assert (await there.get("/directory/%3Cb%3E")).status == 404


async def test_what_is_told_is_shown_before_it_is_published():
    """Published is exactly what was shown: whatever is changed is shown again first."""
    async with console(answers()) as there:
        page = read((await there.get("/directory/own")).text)
        form = page.form("/directory/own")
        confirmed = read((await there.post("/directory/own", form.filled({}, act="confirm"))).text)
        shown = await there.post("/directory/own", confirmed.form("/directory/own").filled({}, act="check"))
        assert "Exactly this is published" in shown.text and "Point focal" in shown.text and faults(shown.text) == []
        assert "Albania" in shown.text.partition("It goes to:")[2][:200]
        sent = read(shown.text).form("/directory/own")

        again = await there.post("/directory/own", sent.filled({f"{UNIT}/hours": "always"}, act="publish"))
        assert "Exactly this is published" in again.text and "always" in again.text
        assert "directory.publish" not in [name for name, *_ in there.desk.calls]

        there.desk.answers["directory.own"] = DIRECTORY["directory.own"] | {"number": 3}
        late = await there.post("/directory/own", sent.filled({}, act="publish"))
        assert late.status == 409 and "Somebody else has changed this" in late.text
        assert "directory.publish" not in [name for name, *_ in there.desk.calls]
        there.desk.answers["directory.own"] = DIRECTORY["directory.own"]

        done = await there.post("/directory/own", sent.filled({}, act="publish"))
        wanted = copy.deepcopy(TOLD)
        wanted["units"][0]["valid_until"] = "2026-12-20"
        assert there.desk.calls[-2][:2] == ("directory.publish", {"content": wanted, "language": "en"})
        assert "Romania" in done.text and "widen &lt;it&gt;" in done.text and faults(done.text) == []


async def test_the_form_of_many_offices_is_not_heavy():
    """Twenty of them are under 200 KB on the way."""
    many = DIRECTORY["directory.own"] | {"content": {**TOLD, "units": TOLD["units"] * 20}}
    async with console(answers() | {"directory.own": many}) as there:
        headers = {"Host": "desk.test", "Cookie": f"{SESSION}=secret", "Accept-Encoding": "gzip"}
        url = there.server.make_url("/directory/own")
        async with ClientSession(auto_decompress=False) as http, http.get(url, headers=headers) as answer:
            assert answer.status == 200 and answer.headers["Content-Encoding"] == "gzip"
            assert 1_000 < len(await answer.read()) < 200_000


async def test_rows_come_and_go():
    """A unit more, with the country of this node to choose; and one taken out."""
    async with console(answers()) as there:
        form = read((await there.get("/directory/own")).text).form("/directory/own")
        more = await there.post("/directory/own", form.filled({}, act="add:/content/units"))
        names = {name for name, _ in read(more.text).form("/directory/own").fields}
        assert "/content/units/1/unit_id" in names and faults(more.text) == []
        assert '<option value="FR"' in more.text and '<option value="DE"' not in more.text
        less = await there.post("/directory/own", form.filled({}, act="remove:/content/focal_points/0"))
        kept = read(less.text).form("/directory/own").fields
        assert ("/content/focal_points/0/public_contact/phone", "+33100000000") not in kept
        assert (f"{UNIT}/hours", "Mo-Fr 09:00-16:00") in kept
        assert "/content/keys" not in more.text and "/content/supersedes" not in more.text


async def test_what_is_wrong_stands_at_its_field():
    """By the schema before anything is shown, and by the node when it is published; both keep what was filled in."""
    async with console(answers()) as there:
        form = read((await there.get("/directory/own")).text).form("/directory/own")
        wrong = await there.post(
            "/directory/own", form.filled({f"{UNIT}/valid_until": "", f"{UNIT}/hours": SCRIPT}, act="check")
        )
        assert wrong.status == 422 and f'href="#{UNIT}/valid_until"' in wrong.text and faults(wrong.text) == []
        assert "&lt;script&gt;" in wrong.text and "<script>alert" not in wrong.text

        shown = read((await there.post("/directory/own", form.filled({}, act="check"))).text).form("/directory/own")
        finding = Finding(place=f"{UNIT}/valid_until", rule="too_long", hint="2026-12-20 at the latest")
        there.desk.answers["directory.publish"] = RefusedError(Code.SCHEMA, "wrong", findings=[finding])
        late = await there.post("/directory/own", shown.filled({}, act="publish"))
        assert late.status == 422 and "90 days from now at most" in late.text
        there.desk.answers["directory.publish"] = RefusedError(Code.OUT_OF_SCOPE, "no peer may get it")
        refused = await there.post("/directory/own", shown.filled({}, act="publish"))
        assert refused.status == 422 and "Point focal" in refused.text and "no peer may get it" in refused.text
    assert DIRECTORY["directory.own"]["content"] == TOLD
