"""A safety alert that came: what it says, until when, whom to call, and taking it with one button."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.browsing import read
from support.casework import ALERT, MESSAGE, WHOLE, answers, body
from support.consoles import NOW, console
from support.pagelook import faults

from gateway.console.navigation.waiting import Waits
from gateway.console.words import load_words

EN, HERE = load_words("en"), f"/alerts/{MESSAGE}"
THERE = "+35540000002"
"""The duty telephone of the directory that a test plays."""


def arrived(**other: Any) -> dict[str, Any]:
    """What the desk says of an alert about an unsafe way of contact."""
    return answers(message__show=WHOLE | body("safety.alert/1", "valid-unsafe-channel"), **other)


async def test_it_says_everything_that_somebody_needs_who_was_woken():
    """What, until when, what they know, what must never be used, what they ask, and the telephone to call."""
    content = body("safety.alert/1", "valid-unsafe-channel")["content"]
    async with console(arrived()) as there:
        seen = await there.get(HERE)
        page = read(seen.text)
        assert faults(seen.text) == []
        assert f"{EN.code('alert_kind', ALERT['kind'])}: Blue 7" in page.said
        assert "Never use:" in page.said and content["never_use_channel"] in page.said
        assert all(EN.code("alert_action", code) in page.said for code in content["asked_action"])
        assert f"tel:{THERE}" in page.links and "al-1" in page.said and "al-2" in page.said
        assert 'max="3600" value="60"' in seen.text and "60 seconds left." in page.said


async def test_one_button_takes_it():
    """Whoever ticks nothing says that nothing has begun; the next word is promised for the longest time there is."""
    async with console(arrived(alert__acknowledge={"id": MESSAGE, "state": "queued"})) as there:
        form = read((await there.get(HERE)).text).form(f"{HERE}/acknowledge")
        assert (await there.post(f"{HERE}/acknowledge", form.filled({}))).status == 303
        taken = [arguments for operation, arguments, _ in there.desk.calls if operation == "alert.acknowledge"]
        assert taken == [{"id": MESSAGE, "actions": ["none"], "hours": "24"}]


async def test_one_that_is_late_says_so():
    """The bar is empty and the words say by how much."""
    async with console(arrived(alert__list={"alerts": [ALERT | {"until": NOW - 7_200, "overdue": True}]})) as there:
        seen = await there.get(HERE)
        assert 'value="0"' in seen.text and "2 hours late." in read(seen.text).said


@pytest.mark.parametrize("lang", ["en", "ar", "fr"])
async def test_nobody_overlooks_one_that_is_not_taken(lang):
    """It stands above the title of every other page, with its telephone; not twice on its own."""
    waits = Waits(alerts=[ALERT], phones={"AL": (THERE,)})
    async with console(arrived(), waits=waits) as there:
        seen = await there.get("/menu", **{"Accept-Language": lang})
        above = seen.text.partition("<main")[2].partition("<h1")[0]
        assert faults(seen.text) == []
        assert 'role="alert"' in above and f'href="{HERE}"' in above and f'href="tel:{THERE}"' in above
        assert 'class="banner emergency"' not in (await there.get(HERE)).text


@pytest.mark.parametrize(
    ("here", "shown", "more"), [("/menu", "a" * 22, "2"), (f"/alerts/{'a' * 22}", "c" * 22, "One")]
)
async def test_of_several_the_one_to_be_taken_first_stands_whole(here, shown, more):
    """The others are one line with their number, which leads to all; the one that a page is about is not counted."""
    found = [ALERT | {"id": id * 22, "until": NOW + at} for at, id in enumerate("acb")]
    async with console(arrived(alert__list={"alerts": found}), waits=Waits(alerts=found)) as there:
        seen = await there.get(here)
        banner = seen.text.partition('<div class="banner emergency"')[2].partition("</div>")[0]
        assert faults(seen.text) == []
        assert re.findall('href="(/[^"]*)"', banner) == ["/alerts", f"/alerts/{shown}"]
        assert f">{more} more alert" in banner
        assert seen.text.count('role="alert"') == 1
