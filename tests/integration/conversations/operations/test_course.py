"""The course of a case over all its conversations, between real nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.pair import Two, two_nodes
from support.persons import agreed, case_of, referred

from keys.primitives.encoding import b64u

HERS, TALK, SECOND = b64u(b"consent of her.."), b64u(b"conversation one"), b64u(b"conversation two")
STAGES = ["identification", "referral", "assistance", "return", "monitoring"]


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """One person with a referral in each of two conversations."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", HERS)
        for talk in (TALK, SECOND):
            await referred(made, "F-1", HERS, conversation=talk)
        yield made


async def test_everything_that_was_said_stands_in_one_line_newest_first(two: Two) -> None:
    """Of both conversations, page by page, with the receipts of each way; where each conversation stands, as it says
    itself; and the stage is the furthest of them.
    """
    case = await case_of(two.fr, TALK)
    whole = await two.fr.call("case.course", id=case)
    pages, cursor = [], None
    while cursor is not None or not pages:
        page = await two.fr.call("case.course", id=case, limit=2, **({"cursor": cursor} if cursor else {}))
        pages, cursor = [*pages, *page["messages"]], page["next"]
    assert pages == whole["messages"] and whole["total"] == len(pages) > 2
    each = [(await two.fr.call("conversation.show", id=talk)) for talk in (TALK, SECOND)]
    said = {message["id"]: message for shown in each for message in shown["messages"]}
    assert {message["id"] for message in pages} == said.keys()
    assert pages[0]["id"] == each[1]["messages"][-1]["id"]
    for message in pages:
        assert message["outcome"] == said[message["id"]]["outcome"]
        assert [one["status"] for one in message["receipts"]] == ["received", "delivered"]
    stands = {one["conversation"]: one for one in whole["standing"]}
    for shown in each:
        mine = stands[shown["conversation"]]
        assert {name: mine[name] for name in shown["standing"][0]} == shown["standing"][0]
    assert [stage["name"] for stage in whole["stages"]] == STAGES
    assert whole["stage"] == each[0]["standing"][0]["procedure"]["stage"]
    (listed,) = (await two.fr.call("case.find"))["cases"]
    assert (listed["id"], listed["stage"]) == (case, whole["stage"])
    theirs = await two.al.call("case.course", id=await case_of(two.al, TALK))
    assert [message["direction"] for message in theirs["messages"]] == ["in"] * len(theirs["messages"])


async def test_what_was_said_of_the_person_stands_beside_it(two: Two) -> None:
    """In both countries."""
    for party in (two.fr, two.al):
        shown = (await party.call("case.course", id=await case_of(party, TALK)))["person"]
        spoken = [{"language": "sq", "level": "first"}]
        assert (shown["age_group"], shown["child"], shown["languages"]) == ("adult", False, spoken)
