"""A case that a change leaves with nothing ends: when the change is taken back, or what was its is erased elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import enquiry
from support.pair import Party, Two, two_nodes
from support.persons import ANA, BEN, case_of, changed, referred, referred_each

from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, SECOND, OTHER = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation 3.."))
HELD = {"ground": "restriction_18", "until": "2099-01-01", "by": ANA}


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Her, with one conversation, and him, with another one; somebody is kept out of her case."""
    async with two_nodes(tmp_path) as made:
        await referred_each(made, [("F-1", HERS, TALK), ("F-2", HIS, OTHER)])
        await made.fr.call(
            "case.block", id=await case_of(made.fr, TALK), unit="focal-point", reason="a relative", by=ANA
        )
        yield made


async def there(party: Party) -> set[str]:
    """The cases that are listed."""
    return {case["id"] for case in (await party.call("case.list"))["cases"]}


async def changed_back(party: Party, change: str) -> None:
    """Two people take a change back."""
    await party.call("case.undo", id=change, by=BEN)
    await party.call("case.confirm", id=change, by=ANA)


async def erased(party: Party, *talks: str) -> None:
    """A person erases these conversations."""
    for talk in talks:
        await party.call("conversation.erase", id=talk, by=ANA, reason="not_needed")


async def nothing_is_left(party: Party, sealed: list[tuple[Any, ...]]) -> bool:
    """Whether no case is there, nothing of one, nor any of these sealed rows."""
    tables = ("cases", "case_link", "case_change", "case_moved")
    rows = [await party.rows(f"select * from {table}") for table in tables]
    refs = ",".join(str(ref) for (ref,) in sealed)
    return rows == [[]] * len(tables) and await party.rows(f"select ref from sealed where ref in ({refs})") == []


async def noted(party: Party) -> list[tuple[Any, ...]]:
    """The sealed rows of cards, of why something was changed, and of who is kept out."""
    blocks = "select cast(substr(key, 7) as integer) from case_link where kind = 'block'"
    return await party.rows(f"select card from cases union select ref from case_change union {blocks}")


async def test_the_case_that_a_split_made_ends_when_the_split_is_taken_back(two: Two) -> None:
    """It has nothing any more; and with the last conversation nothing of any of them is left."""
    fr, before = two.fr, await there(two.fr)
    split = await changed(fr, "case.split", id=await case_of(fr, TALK), conversations=[TALK], label="She")
    sealed = await noted(fr)
    await changed_back(fr, split["change"])
    assert await there(fr) == before
    await erased(fr, TALK, OTHER)
    assert await nothing_is_left(fr, sealed)


async def test_what_came_to_the_case_of_a_split_keeps_it(two: Two) -> None:
    """A note, or a legal hold, is not lost with the split; once the hold is lifted it ends with the other one."""
    fr, hers = two.fr, await case_of(two.fr, TALK)
    split = await changed(fr, "case.split", id=hers, conversations=[TALK], label="She")
    await fr.call("case.hold", id=split["into"], **HELD)
    await changed_back(fr, split["change"])
    assert split["into"] in await there(fr)
    sealed = await noted(fr)
    for case in (hers, split["into"]):
        await fr.call("case.release", id=case, by=ANA)
    await erased(fr, TALK, OTHER)
    assert await nothing_is_left(fr, sealed)


async def test_a_merged_case_whose_conversation_was_erased_does_not_come_back(two: Two) -> None:
    """Nothing of it is left when the merge is taken back; the other case stays as it is."""
    fr, hers, his = two.fr, await case_of(two.fr, TALK), await case_of(two.fr, OTHER)
    merged = await changed(fr, "case.merge", id=hers, into=his)
    sealed = await noted(fr)
    await erased(fr, TALK)
    await changed_back(fr, merged["change"])
    assert await there(fr) == {his}
    await erased(fr, OTHER)
    assert await nothing_is_left(fr, sealed)


async def test_a_merged_case_that_never_had_anything_comes_back(two: Two) -> None:
    """Somebody began it by hand, and it was taken for hers by mistake."""
    fr, before = two.fr, await there(two.fr)
    begun = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    merged = await changed(fr, "case.merge", id=begun, into=await case_of(fr, TALK))
    await changed_back(fr, merged["change"])
    assert await there(fr) == {*before, begun}


async def test_a_case_ends_when_what_was_taken_from_it_is_erased(two: Two) -> None:
    """It had no other conversation; the one to which two people took it stays with what it has of its own."""
    fr, hers, his = two.fr, await case_of(two.fr, TALK), await case_of(two.fr, OTHER)
    await changed(fr, "case.move", source=hers, into=his, conversations=[TALK])
    sealed = await noted(fr)
    await erased(fr, TALK)
    assert await there(fr) == {his}
    await erased(fr, OTHER)
    assert await nothing_is_left(fr, sealed)


async def test_a_change_can_be_taken_back_while_something_of_it_is_there(two: Two) -> None:
    """Two conversations were taken to his case, and one of them is erased: the other one goes back to hers."""
    fr, hers, his = two.fr, await case_of(two.fr, TALK), await case_of(two.fr, OTHER)
    await referred(two, "F-1", HERS, conversation=SECOND)
    moved = await changed(fr, "case.move", source=hers, into=his, conversations=[TALK, SECOND], consents=[HERS])
    await erased(fr, TALK)
    await changed_back(fr, moved["change"])
    assert await case_of(fr, SECOND) == hers


@pytest.mark.parametrize("kind", ["case.split", "case.move"])
async def test_a_case_ends_with_its_only_draft_wherever_that_is(two: Two, kind: str) -> None:
    """Two people took the draft to another case, and it is discarded there."""
    fr, his = two.fr, await case_of(two.fr, OTHER)
    begun = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    draft = (await fr.call("draft.save", draft={**enquiry("room?"), "case": begun}))["id"]
    wanted = {"id": begun} if kind == "case.split" else {"source": begun, "into": his}
    await changed(fr, kind, drafts=[draft], **wanted)
    await fr.call("draft.discard", id=draft, by=ANA)
    assert await there(fr) == {await case_of(fr, TALK), his}
