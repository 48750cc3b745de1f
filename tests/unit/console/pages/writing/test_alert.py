"""A safety alert is written on one page and goes: five questions, and nothing that the node knows."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.consoles import console
from support.pagelook import faults
from support.played_cases import CASE
from support.written import HERE, KNOWN, OTHER, PREVIEW, SCRIPT, draft

from gateway.console.forms.alert import FIVE
from gateway.console.words import load_words

PAGE = f"{HERE}/alert"
HEADER = {
    "sender_unit": "fp",
    "sender_role": "national_focal_point",
    "recipient_unit": "fp",
    "recipient_role": "national_focal_point",
    "priority": "emergency",
    "language": "en",
    "handling": {"onward_sharing": "none", "retain_until": "2027-11-30", "export_to_local": "full"},
}
ANSWERS = {
    "/content/kind": "missing_child",
    "/content/level": "critical",
    "/content/what_happened": "Not back from school.",
    "/content/asked_action": ["inform_guardian", "inform_police"],
    "/content/police_informed": "yes",
}


def desk(**other: Any) -> dict[str, Any]:
    """What the desk says of an alert whose header is known, as from a conversation that runs."""
    shown = draft("safety.alert/1", draft={"header": HEADER}, of_case={"id": CASE, "name": f"Kos {SCRIPT}"})
    search = {"understood": {"countries": ["AL"], "child": None, "timed": False}, "units": []}
    sent = {"id": OTHER, "conversation": CASE, "state": "queued"}
    played = {"draft.show": shown, "directory.search": search, "draft.preview": PREVIEW, "draft.release": sent}
    return {**KNOWN, **played, **{name.replace("__", "."): value for name, value in other.items()}}


def done(there: Any) -> list[str]:
    """What was done to the draft, in order."""
    return [name for name, *_ in there.desk.calls if name in ("draft.change", "draft.preview", "draft.release")]


def names(page: Any) -> set[str]:
    """What the form of an alert asks for, chosen or not."""
    form = page.form(PAGE)
    return {*form.offered, *(name for name, _ in form.fields)}


@pytest.mark.parametrize("lang", ["en", "ar", "fr"])
async def test_five_questions_are_asked_and_nothing_else(lang):
    """In an order that never changes, the first kinds open and the others folded; the draft opens there."""
    async with console(desk()) as there:
        assert (await there.get(HERE)).headers["Location"] == PAGE
        assert (await there.get(f"{HERE}/step/alert")).headers["Location"] == PAGE
        seen = await there.get(PAGE, **{"Accept-Language": lang})
        page, main = read(seen.text), seen.text.partition("<main")[2]
        assert faults(seen.text) == [] and SCRIPT not in seen.text
        open_fields = main.partition('<details class="panel"')[0]
        asked = {name for name in names(page) if name.startswith("/") and f'name="{name}"' in open_fields}
        assert asked == set(FIVE)
        places = [open_fields.index(f'id="{place}"') for place in FIVE]
        assert places == sorted(places) and "/header/priority" not in names(page)
        assert len(load_words(lang).codes("alert_kind")) == open_fields.count('name="/content/kind"')
        assert 'class="bottom"' not in seen.text, "the foot of the window is for sending"


async def test_one_button_sends_it():
    """It is saved, the node is asked whether it has anything to say, and it goes; then whom to call is shown."""
    async with console(desk()) as there:
        form = read((await there.get(PAGE)).text).form(PAGE)
        seen = await there.post(PAGE, form.filled(ANSWERS, act="send"))
        assert seen.headers["Location"] == f"/alerts/{OTHER}"
        assert done(there) == ["draft.change", "draft.preview", "draft.release"]
        assert [arguments["if_match"] for name, arguments, _ in there.desk.calls if name == "draft.release"] == ["v2"]
        (saved,) = [arguments["draft"] for name, arguments, _ in there.desk.calls if name == "draft.change"]
        assert saved["header"] == HEADER and saved["content"]["asked_action"] == ANSWERS["/content/asked_action"]


async def test_what_is_missing_is_told_and_nothing_goes():
    """What was answered stays; the field that another answer asks for is unfolded."""
    async with console(desk()) as there:
        form = read((await there.get(PAGE)).text).form(PAGE)
        answers = {**ANSWERS, "/content/kind": "unsafe_channel", "/content/level": ""}
        seen = await there.post(PAGE, form.filled(answers, act="send"))
        page = read(seen.text)
        assert seen.status == 422 and done(there) == ["draft.change"]
        assert {link for link in page.links if link.startswith("#/")} == {
            "#/content/level",
            "#/content/never_use_channel",
        }
        assert '<details class="panel" open>' in seen.text
        assert page.form(PAGE).sent()["/content/what_happened"] == (ANSWERS["/content/what_happened"],)


async def test_what_the_node_does_not_know_is_asked_after_the_five():
    """On a node without corridors, in a conversation that nobody here has written in yet."""
    shown = draft("safety.alert/1", draft={"header": {name: HEADER[name] for name in HEADER if name != "handling"}})
    async with console(desk(draft__show=shown)) as there:
        form = read((await there.get(PAGE)).text).form(PAGE)
        lacking = {name for name in form.offered | {name for name, _ in form.fields} if name.startswith("/header/")}
        assert {f"/header/handling/{name}" for name in HEADER["handling"]} <= lacking
        assert "/header/language" not in lacking and "/header/sender_unit" not in lacking
        given = {f"/header/handling/{name}": value for name, value in HEADER["handling"].items()}
        seen = await there.post(PAGE, form.filled({**ANSWERS, **given, "case": CASE}, act="send"))
        assert seen.headers["Location"] == f"/alerts/{OTHER}"


@pytest.mark.parametrize(
    "said",
    [
        {"goes": False, "code": "policy_refused"},
        {"warnings": ["tells_feared_state"]},
        {"doubts": [{"place": "/content/what_happened", "rule": "date", "hint": "a day"}]},
    ],
)
async def test_what_the_node_has_to_say_is_read_before_it_goes(said):
    """The page of what would leave says it, and the person releases it there, or changes it."""
    async with console(desk(draft__preview=PREVIEW | said)) as there:
        form = read((await there.get(PAGE)).text).form(PAGE)
        seen = await there.post(PAGE, form.filled(ANSWERS, act="send"))
        assert seen.headers["Location"] == f"{HERE}/preview" and "draft.release" not in done(there)


async def test_one_that_needs_two_people_waits_for_the_second():
    """The node decides it; nobody fills in what the first has released."""
    waits = {"id": draft()["id"], "state": "waiting_second"}
    async with console(desk(draft__release=waits)) as there:
        form = read((await there.get(PAGE)).text).form(PAGE)
        seen = await there.post(PAGE, form.filled(ANSWERS, act="send"))
        assert seen.headers["Location"] == f"{HERE}/preview"
        there.desk.answers["draft.show"] = draft("safety.alert/1", state="waiting_second")
        assert (await there.get(PAGE)).headers["Location"] == f"{HERE}/preview"


async def test_no_other_message_goes_this_way():
    """A referral has its steps, its preview and its second person."""
    async with console(desk(draft__show=draft("referral.request/1"))) as there:
        assert (await there.get(PAGE)).status == 404
        sent = await there.post(PAGE, {"version": "v1", "act": "send", "type": "referral.request/1"})
        assert sent.status == 404 and done(there) == []
