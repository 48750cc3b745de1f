"""Wherever a list is about people, a row shows the mark of the case and its name."""

from __future__ import annotations

import pytest
from support.casework import MESSAGE, OF_CASE, answers
from support.consoles import NOW, console
from support.played_consents import ANSWERS as CONSENTS

ALARM = {
    "id": "1",
    "at": NOW,
    "kind": "safety.alert",
    "peer": "AL",
    "of_case": OF_CASE,
    "message": MESSAGE,
    "reason": None,
    "count": None,
}
LISTS = {
    "consent__list": CONSENTS["consent.list"],
    "alarm__list": {"alarms": [ALARM], "next": None, "open": 1},
}
PATHS = (
    "/inbox",
    "/drafts",
    "/alerts",
    "/conversations",
    "/desk/owed",
    "/cases",
    "/consents",
    "/records/holds",
    "/operations/alarms/safety.alert",
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_row_shows_the_mark_of_the_case(path: str) -> None:
    """The mark is for eyes only; the name beside it is the link, and says the case as people here call it."""
    async with console(answers(**LISTS)) as there:
        text = (await there.get(path)).text.partition("<table")[2]
        mark, name = text.partition('class="face m')[2].split("</span>", 1)
        name = name.partition("</td>")[0]
        assert mark.endswith('aria-hidden="true">Bl') and 'class="case" href="/cases/' in name and "Blue 7" in name
