"""The number of a case and the reference made of it, where two people merge, split or move, between real nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.pair import Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, consented, referred

from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, SECOND = b64u(b"conversation one"), b64u(b"conversation two")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Her case, by number F-1, has two conversations with Albania."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", HERS)
        for talk in (TALK, SECOND):
            await referred(made, "F-1", HERS, conversation=talk)
        yield made


async def told(two: Two, conversation: str, consent: str = HERS, number: str | None = None) -> str:
    """The reference that Albania gets with a question of France, which names the case by this number or by none."""
    request = example("info.request/1", "AL", consent_ref=consent) | {"purpose": "referral"}
    if number is None:
        del request["header"]["case_ref_sender"]
    else:
        request["header"]["case_ref_sender"] = number
    sent = (await two.fr.call("message.submit", **request, conversation=conversation))["id"]
    await two.until(lambda: sent in {one.message_id for one in two.al.deliveries()}, seconds=60)
    return next(str(one.header["case_ref_sender"]) for one in two.al.deliveries() if one.message_id == sent)


async def numbers(two: Two, *cases: str) -> list[Any]:
    """The number on the card of each of these cases."""
    return [(await two.fr.call("case.show", id=case))["number"] for case in cases]


async def taken_back(two: Two, change: str) -> None:
    """Two people take a change back."""
    await two.fr.call("case.undo", id=change, by=BEN)
    await two.fr.call("case.confirm", id=change, by=ANA)


async def test_a_number_that_is_split_off_names_the_new_case_alone(two: Two):
    """Whether a message names the case by the number or not, a country gets one reference for each of the two persons;
    taken back, the number is hers again.
    """
    hers, first = await case_of(two.fr, TALK), await told(two, TALK)
    split = await changed(two.fr, "case.split", id=hers, conversations=[SECOND], numbers=["F-1"])
    await consented(two.fr, split["into"], HIS)
    his = [await told(two, SECOND, HIS, number) for number in ("F-1", None)]
    assert his == [first, first]
    assert await told(two, TALK) != first
    assert await numbers(two, hers, split["into"]) == [None, "F-1"]
    await taken_back(two, split["change"])
    assert await numbers(two, hers, split["into"]) == ["F-1", None]
    assert await told(two, TALK) == first


async def test_a_reference_stays_where_a_case_is_merged_into_one_without_a_number(two: Two):
    """In the middle of a conversation the country would hear of another person; so it is too when it is taken back."""
    hers, first = await case_of(two.fr, TALK), await told(two, TALK)
    blue = (await two.fr.call("case.open", label="Blue 7", by=ANA))["id"]
    merged = await changed(two.fr, "case.merge", id=hers, into=blue)
    assert [await told(two, TALK, number=number) for number in ("F-1", None)] == [first, first]
    assert await numbers(two, blue) == ["F-1"]
    await taken_back(two, merged["change"])
    assert await numbers(two, hers, blue) == ["F-1", None]
    assert await told(two, TALK) == first


async def test_a_case_with_a_number_keeps_it_whatever_comes_to_it(two: Two):
    """A second number is not written over it, and the case that it came from has it again when people take it back."""
    hers, his = await case_of(two.fr, TALK), (await two.fr.call("case.open", number="F-2", by=ANA))["id"]
    merged = await changed(two.fr, "case.merge", id=hers, into=his)
    assert await numbers(two, his) == ["F-2"]
    await taken_back(two, merged["change"])
    assert await numbers(two, hers, his) == ["F-1", "F-2"]


async def test_a_number_that_went_on_does_not_come_back(two: Two):
    """It was split off the case that two became: where the merge is taken back, it names the third case alone."""
    hers, blue = await case_of(two.fr, TALK), (await two.fr.call("case.open", label="Blue 7", by=ANA))["id"]
    merged = await changed(two.fr, "case.merge", id=hers, into=blue)
    split = await changed(two.fr, "case.split", id=blue, conversations=[SECOND], numbers=["F-1"])
    await taken_back(two, merged["change"])
    assert await numbers(two, hers, blue, split["into"]) == [None, None, "F-1"]
