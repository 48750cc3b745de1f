"""A draft is of the case to which two people took it: shown, changed and released, also by who saw it before that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.memory_adapter import MemoryAdapter
from support.nodeproc import enquiry
from support.pair import Party, Two, two_nodes
from support.persons import ANA, changed, referral

from gateway.composition.serving import make_intake
from gateway.delivery.operations import waiting_drafts
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, RefusedError
from gateway.ports import LocalRecord


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def begun(party: Party, label: str) -> str:
    """A new case."""
    return str((await party.call("case.open", label=label, by=ANA))["id"])


async def drafted(party: Party, case: str) -> Any:
    """A draft that is written from a case, as it is shown."""
    saved = await party.call("draft.save", draft={**enquiry("room?"), "case": case})
    return await party.call("draft.show", id=saved["id"])


async def reworded(party: Party, shown: Any) -> Any:
    """Change a word of a draft as it was shown; it is shown again."""
    said = shown["draft"] | {"header": shown["draft"]["header"] | {"priority": "urgent"}}
    await party.call("draft.change", id=shown["id"], draft=said, if_match=shown["version"])
    return await party.call("draft.show", id=shown["id"])


def meanwhile(patch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Somebody acts once, right after the node has looked something up and before it writes."""
    look, loop, left = getattr(owner, name), asyncio.get_running_loop(), [act]

    def look_slowly(*given: Any) -> Any:
        found = look(*given)
        if left:
            asyncio.run_coroutine_threadsafe(left.pop()(), loop).result(timeout=60)
        return found

    patch.setattr(owner, name, look_slowly)


@pytest.mark.parametrize("operation", ["case.split", "case.merge"])
async def test_a_draft_is_changed_in_the_case_to_which_two_people_took_it(two: Two, operation: str) -> None:
    """It is shown with that case, and stays there when somebody changes a word."""
    fr = two.fr
    case, other = await begun(fr, "Blue 7"), await begun(fr, "Green 2")
    draft = (await drafted(fr, case))["id"]
    parts: dict[str, Any] = {"drafts": [draft]} if operation == "case.split" else {"into": other}
    now = (await changed(fr, operation, id=case, **parts))["into"]
    shown = await fr.call("draft.show", id=draft)
    assert (shown["of_case"]["id"], shown["draft"]["case"]) == (now, now) != (case, case)
    assert (await reworded(fr, shown))["of_case"]["id"] == now


async def test_who_saw_a_draft_before_two_people_took_it_does_not_take_it_back(two: Two) -> None:
    """What they change is refused, as after any other change; seen anew it is changed where it is now."""
    fr = two.fr
    seen = await drafted(fr, await begun(fr, "Blue 7"))
    now = (await changed(fr, "case.split", id=seen["of_case"]["id"], drafts=[seen["id"]]))["into"]
    with pytest.raises(RefusedError) as caught:
        await reworded(fr, seen)
    assert caught.value.code is Code.CHANGED_MEANWHILE
    shown = await fr.call("draft.show", id=seen["id"])
    assert (shown["of_case"]["id"], shown["draft"]["header"]["priority"]) == (now, "normal")
    assert (await reworded(fr, shown))["of_case"]["id"] == now


async def test_a_draft_that_two_people_take_while_it_is_saved_stays_with_them(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever saves it is told that it changed, and nothing of what they wrote is stored."""
    fr = two.fr
    seen = await drafted(fr, await begun(fr, "Blue 7"))

    async def split() -> None:
        await changed(fr, "case.split", id=seen["of_case"]["id"], drafts=[seen["id"]])

    meanwhile(monkeypatch, waiting_drafts, "name_cases", split)
    with pytest.raises(RefusedError) as caught:
        await reworded(fr, seen)
    assert caught.value.code is Code.CHANGED_MEANWHILE
    shown = await fr.call("draft.show", id=seen["id"])
    assert shown["of_case"] != seen["of_case"] and shown["draft"]["header"]["priority"] == "normal"


async def test_a_draft_that_two_people_take_while_it_is_released_does_not_go(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was judged as the other case's. Released again it goes, and its conversation is of the case of now."""
    fr = two.fr
    seen = await drafted(fr, await begun(fr, "Blue 7"))
    made: list[str] = []

    async def split() -> None:
        made.append((await changed(fr, "case.split", id=seen["of_case"]["id"], drafts=[seen["id"]]))["into"])

    meanwhile(monkeypatch, Submission, "_judge_all", split)
    with pytest.raises(RefusedError, match="meanwhile; nothing was sent"):
        await fr.call("draft.release", id=seen["id"], by=ANA)
    assert await fr.rows("select count(*) from message") == [(0,)]
    sent = await fr.call("draft.release", id=seen["id"], by=ANA)
    assert (await fr.show(sent["id"]))["of_case"]["id"] == made[0]


async def test_another_case_can_be_chosen_for_a_draft(two: Two) -> None:
    """Who sees of which case it is, and says that it is of another one, is taken at their word."""
    fr = two.fr
    shown, other = await drafted(fr, await begun(fr, "Blue 7")), await begun(fr, "Green 2")
    shown["draft"]["case"] = other
    assert (await reworded(fr, shown))["of_case"]["id"] == other


async def test_a_draft_of_a_record_keeps_its_case(two: Two) -> None:
    """The record says its case by no number and no conversation, so nothing but what is shown does when it is saved."""
    fr = two.fr
    fr.system.offer(LocalRecord(ref="a", fields=referral(None, None)))
    await make_intake(fr.running, MemoryAdapter(fr.system), 1).once()
    (line,) = (await fr.call("draft.list"))["drafts"]
    shown = await fr.call("draft.show", id=line["id"])
    assert line["version"] == shown["version"]
    assert (await reworded(fr, shown))["of_case"] == line["of_case"] is not None


async def test_a_draft_goes_by_its_number_until_two_people_take_it(two: Two) -> None:
    """Then its number says another case than it is of: it is saved once that is taken out."""
    fr = two.fr
    saved = await fr.call("draft.save", draft=referral("F-1", None))
    shown = await fr.call("draft.show", id=saved["id"])
    assert "case" not in shown["draft"] and shown["version"] == saved["version"]
    now = (await changed(fr, "case.split", id=shown["of_case"]["id"], drafts=[saved["id"]]))["into"]
    shown = await fr.call("draft.show", id=saved["id"])
    with pytest.raises(RefusedError) as caught:
        await reworded(fr, shown)
    assert [found.place for found in caught.value.findings] == ["/header/case_ref_sender"]
    del shown["draft"]["header"]["case_ref_sender"]
    assert (await reworded(fr, shown))["of_case"]["id"] == now
