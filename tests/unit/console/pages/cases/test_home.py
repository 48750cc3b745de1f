"""The list of cases as the page with which the day begins: what narrows it, what it counts, and who acts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.browsing import read
from support.casework import ANSWERS, answers
from support.consoles import Console, console, person
from support.pagelook import faults
from support.played_cases import FOUND, PERSON

from gateway.console.cookies import LOOK
from gateway.console.navigation.counts import Count
from gateway.console.navigation.waiting import Waits
from gateway.operations.roles import Role

ALERTS = [alert for alert in ANSWERS["alert.list"]["alerts"] if alert["owes"] == "us"]

NIGHT = 1_790_117_999
"""The end of tomorrow, an hour ahead of UTC: a second before midnight from Tuesday to Wednesday."""


def asked(there: Console) -> Any:
    """With what the cases were asked last."""
    return [arguments for name, arguments, _ in there.desk.calls if name == "case.find"][-1]


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("/cases", {}),
        ("/cases?mine=1", {"mine": True}),
        ("/cases?closed=1&sort=newest", {"closed": True, "sort": "newest"}),
        ("/cases?overdue=1&flagged=1", {"overdue": True, "flagged": True}),
        ("/cases?soon=1", {"soon": True}),
        ("/cases?stage=return&peer=AL&owes=us", {"stage": "return", "peer": "AL", "owes": "us"}),
        ("/cases?unit=shelter&language=fr&cursor=1.2.x", {"unit": "shelter", "language": "fr", "cursor": "1.2.x"}),
        ("/cases?stage=&peer=&text=blue", {}),
    ],
)
async def test_the_address_says_what_is_wanted(address, wanted):
    """What is left empty narrows nothing, and words of a search are no part of an address."""
    async with console(answers()) as there:
        seen = await there.get(address)
        assert seen.status == 200 and faults(seen.text) == []
        assert asked(there) == {"limit": 25, "soon_until": NIGHT, **wanted}


async def test_what_narrows_the_list_can_be_taken_away_one_by_one():
    """Each leads to the list without it; how many are left stands beside."""
    async with console(answers()) as there:
        page = read((await there.get("/cases?peer=AL&overdue=1&mine=1&sort=rests")).text)
    assert "/cases?overdue=1&mine=1&sort=rests" in _sorted(page.links)
    assert "/cases?mine=1&peer=AL&sort=rests" in _sorted(page.links)
    assert "2 cases" in page.said


def _sorted(links: Any) -> set[str]:
    """Addresses with their questions in the order of the test."""
    order = ("overdue", "mine", "peer", "sort", "owes", "closed", "flagged")
    found = set()
    for link in links:
        path, _, query = link.partition("?")
        parts = sorted(
            query.split("&"), key=lambda part: order.index(name) if (name := part.partition("=")[0]) in order else 9
        )
        found.add(f"{path}?{'&'.join(parts)}")
    return found


async def test_a_row_says_who_acts():
    """You, a colleague by name for who may know them, else the country."""
    base = FOUND["cases"][0]
    workers = [("p1", "us"), (PERSON["id"], "us"), (None, "us"), ("p1", "them")]
    cases = [
        base | {"id": str(n) * 22, "worker": worker, "next": base["next"] | {"owes": owes}}
        for n, (worker, owes) in enumerate(workers)
    ]
    async with console(answers(case__find=FOUND | {"cases": cases})) as there:
        text = (await there.get("/cases")).text
        for who in ("<bdi>You</bdi>", "<bdi>Eva M.</bdi>", ">We<", "<bdi>Albania</bdi>"):
            assert who in text.partition("<table")[2]
        there.sign_in.sessions["secret"] = person(Role.CASE_WORKER)
        text = (await there.get("/cases")).text
        assert "A colleague" in text and "Eva M." not in text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"child": True, "gender": "Masculine"}, "2026/117 · Child · Masculine"),
        ({"child": False, "gender": None}, "2026/117 · Adult"),
        ({"child": None, "gender": "Feminine"}, "2026/117 · Feminine"),
        ({"child": False, "gender": "NonSpecifiedUnknown"}, "2026/117 · Adult"),
        ({"child": None, "gender": None}, "2026/117"),
    ],
)
async def test_a_row_says_in_words_who_the_person_is(said, shown):
    """Whether a child, and the gender, as far as both sides have said it; the mark of a child is round."""
    case = FOUND["cases"][0] | {"peers": [], "number": "2026/117"} | said
    async with console(answers(case__find=FOUND | {"cases": [case]})) as there:
        row = (await there.get("/cases")).text.partition('class="whom"')[2].partition("</td>")[0]
    assert re.sub("<[^>]*>", "", row).endswith(shown)
    assert (" child" in row.partition(">")[2].partition("aria-hidden")[0]) is bool(said["child"])


async def test_no_act_that_takes_something_away_stands_in_the_list():
    """A case is opened for that."""
    async with console(answers()) as there:
        page = read((await there.get("/cases")).text)
    assert not [link for link in page.links if "withdraw" in link or "erase" in link]
    assert {form.action for form in page.forms} <= {"/cases", "/sign-out", "/language"}


async def test_a_search_finds_what_came_to_its_end_too():
    """By a second step, in the body of a form as the first."""
    found = FOUND | {"counts": FOUND["counts"] | {"closed": 3}}
    async with console(answers(case__find=found)) as there:
        page = read((await there.post("/cases", {"text": "blue"})).text)
        (form,) = [form for form in page.forms if "closed" in form.sent()]
        await there.post("/cases", form.filled({}))
        assert asked(there) == {"text": "blue", "limit": 25, "closed": True}


async def test_what_waits_stands_beside_every_page_for_eyes_and_ears():
    """The number, what it counts, and an open alert above the title, but not on its own page."""
    waits = Waits(counts={"/cases": Count(3), "/inbox": Count(100, more=True)}, alerts=ALERTS[:1])
    async with console(answers(), waits=waits) as there:
        text = (await there.get("/directory")).text
        assert 'Cases</span><span class="unseen">, 3 overdue</span>' in text and ">100+</span>" in text
        banner = f'href="/alerts/{ALERTS[0]["id"]}"'
        assert banner in text and text.index(banner) < text.index("<h1")
        assert banner not in (await there.get(f"/alerts/{ALERTS[0]['id']}")).text


async def test_the_menu_has_everything_and_the_colours_are_kept():
    """What is not beside the page too; a choice is a class of the page, and another word is none."""
    async with console(answers()) as there:
        page = read((await there.get("/menu")).text)
        assert {"/cases", "/consents", "/conversations", "/people", "/shell"} <= set(page.links)
        seen = await there.post("/look", page.form("/look").filled({"look": "dark"}))
        assert seen.cookies[LOOK].startswith(f"{LOOK}=dark;") and "Secure" in seen.cookies[LOOK]
        assert (await there.post("/look", {"look": "pink"})).status == 422
        for look, shown in (("dark", ' class="dark"'), ("light", ' class="light"'), ("pink", ""), ("", "")):
            text = (await there._ask("GET", "/menu", f"secret; {LOOK}={look}", None, {})).text
            assert f'<html lang="en" dir="ltr"{shown}>' in text
