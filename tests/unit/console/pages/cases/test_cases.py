"""The pages of cases: what waits is at the top, words find a case, and nothing of a case stands in an address."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.casework import ALERT, DUTY, answers
from support.consoles import Console, console, person
from support.pagelook import faults
from support.played_cases import AT, CASE, CASES, CONSENT, DRAFT, FOUND, OTHER, SHOWN, TALK

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role

HERE = f"/cases/{CASE}"
PARTS = {
    "": ("What waits for whom", "What you can write", "Safe contact", "Procedure now"),
    "messages": ("Conversations", "Arrived here"),
    "consents": ("Record a consent", "What the person said no to"),
    "files": ("application/pdf",),
    "holds": ("Violence", "Asylum hold", "Legal hold on the whole case"),
    "proof": ("Evidence", "What people changed of this case"),
}
"""What stands on which page of a case."""
EMPTY = {
    "messages": "Nothing was written to any country yet.",
    "consents": "No consent is recorded.",
    "files": "There is nothing here.",
    "holds": "Nothing is held.",
    "proof": "Nothing was written to any country yet.",
}


def asked(there: Console, operation: str) -> Any:
    """With what the operation was asked last."""
    return [arguments for name, arguments, _ in there.desk.calls if name == operation][-1]


async def test_a_lost_hold_is_named_at_the_page_of_its_case():
    """On a conversation of the case, also of the lost one; where each hold has its conversation nothing is asked."""
    form = f'action="/conversations/{TALK}/asylum-hold"'
    async with console(answers()) as there:
        text = (await there.get(f"{HERE}/holds")).text
        assert (form in text, 'name="lost" value="yes"' in text, "Name this State" in text) == (True, True, True)
        assert faults(text) == []
        there.desk.answers["case.show"] = SHOWN | {"asylum_holds": SHOWN["asylum_holds"][:1]}
        assert form not in (await there.get(f"{HERE}/holds")).text


async def test_what_waits_is_at_the_top():
    """What we owe, what nobody has taken, drafts, and what waits for a second person: each with its way."""
    async with console(answers()) as there:
        seen = await there.get(HERE)
        page, top = read(seen.text), seen.text.partition('id="conversations"')[0]
        for word in (
            "accept, decline or ask",
            "overdue",
            "New messages: 2",
            "waits for a second person",
            "One person wants the asylum hold lifted",
            "Two cases become one",
            "she says so",
            "It ends within a week, or has ended.",
            "An asylum hold lies on a linked case, or a message told of asylum there.",
        ):
            assert word in top
        assert {f"/conversations/{TALK}", f"/drafts/{DRAFT}/preview", f"/consents/{CONSENT}"} <= set(page.links)
        assert {f"/drafts/new?case={CASE}", f"/consents/new?case={CASE}", f"{HERE}/change"} <= set(page.links)
        assert asked(there, "conversation.due") == {"case": CASE}


@pytest.mark.parametrize("part", PARTS)
async def test_everything_of_a_case_is_a_page_away(part: str):
    """Each part has its page; all have the person at the top: mark, name, the reference for each country, flags, and
    the way to the sheet for the telephone.
    """
    async with console(answers()) as there:
        path = f"{HERE}/{part}".rstrip("/")
        text = (await there.get(path)).text
        page, said = read(text), " ".join(read(text).said.split())
        assert [word for word in PARTS[part] if word not in said] == []
        for word in ("Case: Blue 7", "Albania 4F7M-2KQX-9TRB", "2026/117", "call before noon"):
            assert word in said
        assert {HERE, *(f"{HERE}/{other}" for other in PARTS if other)} <= set(page.links)
        assert f'<a href="{path}" aria-current="page">' in text
        assert f"/conversations/{TALK}/sheet" in page.links


async def test_the_page_of_a_case_lists_no_other_cases():
    """There may be thousands of them: who belongs together is said on a page of its own, which offers all but this."""
    async with console(answers()) as there:
        page = read((await there.get(HERE)).text)
        assert f"{HERE}/relate" in page.links and "case.list" not in [name for name, *_ in there.desk.calls]
        text = (await there.get(f"{HERE}/relate")).text
        assert f'value="{OTHER}"' in text and f'value="{CASE}"' not in text


async def test_an_alert_of_another_case_is_not_told():
    """Only those of this one, also in the count."""
    alerts = {"alerts": [ALERT | {"of_case": {"id": OTHER, "name": None}}]}
    async with console(answers(alert__list=alerts)) as there:
        text = (await there.get(f"{HERE}/holds")).text.partition('id="alerts"')[2]
        assert "No alert waits for a person." in text


async def test_what_we_owe_stands_before_what_others_owe():
    """Whichever is over first."""
    due = [
        {"conversation": TALK, "of_case": None, "type": "info.request/1", "unit": None, "peer": "AL"}
        | {"kind": "referral", "state": "sent", "provisional": False}
        | (DUTY | {"owes": owes, "until": until})
        for owes, until in (("them", AT - 9), ("us", AT))
    ]
    async with console(answers(conversation__due={"due": due, "next": None, "unsettled": False})) as there:
        text = read((await there.get(HERE)).text).said
        assert text.index("We: accept") < text.index("The other country: accept")


async def test_where_nothing_waits_it_says_so():
    """And nothing of the lists that are empty is left of the page."""
    nothing: dict[str, Any] = {name: [] for name, value in SHOWN.items() if isinstance(value, list)}
    empty = SHOWN | nothing | {"name": None, "number": None}
    async with console(
        answers(case__show=empty, conversation__due={"due": [], "next": None, "unsettled": False})
    ) as there:
        page = read((await there.get(HERE)).text)
        for word in ("Nothing waits in this case.", "No consent is recorded."):
            assert word in page.said
        assert CASE[:6] in page.said
        for part, word in EMPTY.items():
            assert word in read((await there.get(f"{HERE}/{part}")).text).said


async def test_words_find_a_case_and_stand_in_no_address():
    """They travel in the form, also for what is behind the page."""
    found = FOUND | {"next": f"{AT}.{CASE}"}
    async with console(answers(case__find=found)) as there:
        seen = await there.post("/cases", {"text": "blue 7"})
        page = read(seen.text)
        assert HERE in page.links and [link for link in page.links if "blue" in link] == []
        assert asked(there, "case.find") == {"text": "blue 7", "limit": 25}
        (more,) = [form for form in page.forms if "cursor" in form.sent()]
        await there.post("/cases", more.filled({}))
        assert asked(there, "case.find") == {"text": "blue 7", "limit": 25, "cursor": found["next"]}
        assert (await there.post("/cases", {})).headers["Location"] == "/cases"


async def test_who_sees_no_names_has_a_list_without_them():
    """With what is owed next, and the way to what each rests on; the page behind it is a cursor."""
    async with console(answers(case__list=CASES | {"next": "17.x"})) as there:
        there.sign_in.sessions["secret"] = person(Role.DATA_PROTECTION_OFFICER)
        page = read((await there.get("/cases")).text)
        wanted = {f"/protection{HERE}", f"/protection/cases/{OTHER}", "/cases?cursor=17.x"}
        assert wanted <= set(page.links) and HERE not in page.links
        await there.get("/cases?cursor=17.x")
        assert asked(there, "case.list") == {"limit": 50, "cursor": "17.x"}


async def test_a_case_is_begun_under_its_label():
    """Once; what the node refuses is told beside what was filled in."""
    async with console(answers()) as there:
        page = read((await there.get("/cases/new")).text)
        seen = await there.post("/cases/new", page.form("/cases/new").filled({"label": "Blue 7"}))
        assert seen.headers["Location"] == HERE
        assert there.desk.calls[-1] == ("case.open", {"label": "Blue 7"}, there.desk.calls[-1][2])
        assert there.desk.calls[-1][2]
        there.desk.answers["case.open"] = RefusedError(Code.INVALID, "a case needs a name")
        seen = await there.post("/cases/new", page.form("/cases/new").filled({"number": "2026/9"}))
        assert seen.status == 422 and read(seen.text).form("/cases/new").sent()["number"] == ("2026/9",)


@pytest.mark.parametrize(
    ("path", "fields", "operation", "to"),
    [
        ("label", {"label": "Blue 8"}, "case.label", HERE),
        ("hand-over", {"unit": "shelter", "reason": "she moved"}, "case.hand_over", "/cases"),
        ("relate", {"other": OTHER, "relation": "child"}, "case.relate", HERE),
        ("relate", {"other": OTHER}, "case.relate", HERE),
    ],
)
async def test_what_one_person_does_about_a_case(path, fields, operation, to):
    """Exactly what was filled in, in the person's name."""
    async with console(answers() | {operation: {"id": CASE}}) as there:
        on = f"{HERE}/relate" if "relation" in fields else HERE
        assert f"{HERE}/{path}" in [form.action for form in read((await there.get(on)).text).forms]
        seen = await there.post(f"{HERE}/{path}", fields)
        assert seen.headers["Location"] == to
        assert asked(there, operation) == {"id": CASE, **fields}


@pytest.mark.parametrize(
    ("path", "fields", "operation", "wanted"),
    [
        ("assign", {"colleague": "p1"}, "case.assign", {"worker": "p1"}),
        ("assign", {"colleague": ""}, "case.assign", {}),
        ("flag", {"flag": "call at noon"}, "case.flag", {"text": "call at noon"}),
        ("unflag", {"off": "call before noon"}, "case.unflag", {"text": "call before noon"}),
    ],
)
async def test_what_makes_a_case_stand_out_is_said_on_its_page(path, fields, operation, wanted):
    """Who does the next thing, or nobody by name; a flag, and that it is off."""
    async with console(answers() | {operation: {"id": CASE}}) as there:
        page = read((await there.get(HERE)).text)
        (form,) = [form for form in page.forms if form.action == f"{HERE}/{path}"]
        assert (await there.post(form.action, form.filled(fields))).headers["Location"] == HERE
        assert asked(there, operation) == {"id": CASE, **wanted}


@pytest.mark.parametrize(("states", "told"), [(["MA", "XK"], ["MA", "XK"]), (["*"], [])])
async def test_what_a_linked_hold_asks_is_answered_on_the_page_of_the_case(states: list[str], told: list[str]):
    """With the States that it is about and who said no already; where it names none, the answer names none."""
    question = {"about": OTHER, "at": AT, "said": 1, "states": states}
    answered = {"asylum.apart": {"id": CASE, "unanswered": []}}
    async with console(answers(case__show=SHOWN | {"linked_questions": [question]}) | answered) as there:
        page = read((await there.get(HERE)).text)
        for word in (
            "An asylum hold lies on a linked case, or a message told of asylum there.",
            "one person said no; a second one decides",
        ):
            assert word in " ".join(page.said.split())
        assert ("every State" in page.said) is ("*" in states)
        form = page.form(f"{HERE}/asylum-apart")
        assert (await there.post(form.action, form.filled({}))).headers["Location"] == HERE
        assert asked(there, "asylum.apart") == {"id": CASE, "states": told}


async def test_who_reads_no_content_has_no_way_to_a_case():
    """Neither the section nor the page."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        assert (await there.get(HERE)).status == (await there.get("/cases")).status == 403
