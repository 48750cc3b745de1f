"""A hold lies over a whole case: to erase the conversation on which a person placed it opens no way (gate G5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, referral, referred

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

ONE, MORE = b64u(b"consent of then.."[:16]), b64u(b"consent of now.."[:16])
THEN, NOW, NEXT = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation new"))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A person of France was referred to Albania twice, each time on a consent of its own."""
    async with two_nodes(tmp_path) as made:
        for consent, talk in ((ONE, THEN), (MORE, NOW)):
            await agreed(made.fr, "F-1", consent)
            await referred(made, "F-1", consent, conversation=talk)
        assert await case_of(made.fr, THEN) == await case_of(made.fr, NOW)
        yield made


async def refusal(two: Two, operation: str, **asked: Any) -> RefusedError:
    """What France refuses."""
    with pytest.raises(RefusedError) as caught:
        await two.fr.call(operation, **asked)
    return caught.value


async def erased(two: Two, talk: str) -> None:
    """Erase a conversation of France."""
    await two.fr.call("conversation.erase", id=talk, by=ANA, reason="not_needed")


async def held(two: Two) -> list[str]:
    """The conversations on which a hold was placed."""
    return [one["id"] for one in (await two.fr.call("asylum.list"))["holds"]]


async def test_a_hold_stays_while_anything_of_its_case_is_left(two: Two) -> None:
    """It was placed on what is erased now; the other conversation of the case relied on another consent. Two people
    lift it, or it ends with the case.
    """
    await two.fr.call("asylum.hold", id=THEN, by=ANA, states=["AL"])
    await erased(two, THEN)
    assert (await refusal(two, "message.submit", **referral("F-1", MORE, conversation=NEXT))).code is Code.GATE_G5
    assert await held(two) == [THEN]
    for by in (ANA, BEN):
        await two.fr.call("asylum.lift", id=THEN, by=by)
    assert (await two.fr.call("message.submit", **referral("F-1", MORE, conversation=NEXT)))["id"]


async def test_a_hold_ends_with_its_case(two: Two) -> None:
    """Nothing is left that it could keep from anybody."""
    await two.fr.call("asylum.hold", id=THEN, by=ANA, states=["AL"])
    for talk, left in ((THEN, [THEN]), (NOW, [])):
        await erased(two, talk)
        assert await held(two) == left


async def test_no_hold_is_placed_on_what_is_erased(two: Two) -> None:
    """Nobody knows any more of which case it was, so the hold would keep nothing from anybody: that is said."""
    await erased(two, THEN)
    refused = await refusal(two, "asylum.hold", id=THEN, by=ANA, states=["AL"])
    assert refused.code is Code.CONFLICT
    assert "everything in this conversation was erased" in refused.what
    assert "another conversation of the case" in str(refused.hint)
    assert await held(two) == []
    await two.fr.call("asylum.hold", id=NOW, by=ANA, states=["AL"])
    assert (await refusal(two, "message.submit", **referral("F-1", MORE, conversation=NEXT))).code is Code.GATE_G5
