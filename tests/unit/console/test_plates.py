"""Wherever a list is about people, a row begins with the mark of the case and its name."""

from __future__ import annotations

import pytest
from support.casework import answers
from support.consoles import console


@pytest.mark.parametrize("path", ["/inbox", "/drafts", "/alerts", "/conversations", "/desk/owed", "/cases"])
async def test_a_row_begins_with_the_mark_of_the_case(path: str) -> None:
    """The mark is for eyes only; the name beside it is the link."""
    async with console(answers()) as there:
        text = (await there.get(path)).text.partition("<table")[2]
        mark, name = text.partition('class="face m')[2].split("</span>", 1)
        assert mark.endswith('aria-hidden="true">Bl') and 'class="case" href="/cases/' in name.partition("</td>")[0]
