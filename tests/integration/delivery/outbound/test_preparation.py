"""A draft is judged and made ready: the consent record before it, its files, a preview that stores nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.attached import NOTE, added, opened, sent
from support.pair import Spoiler, Two, two_nodes
from support.relied_on import CONSENT, recorded, referral, types

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving, with the policy that a new node has."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_record_travels_first_and_once(two: Two) -> None:
    """The consent record precedes the first message that relies on it, and only that one."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation two"[:16])})
    await two.until(lambda: types(two) == ["consent.record/1", "referral.request/1", "referral.request/1"])
    held = await two.al.call("consent.show", id=CONSENT)
    assert (held["holder"], held["state"]) == ("FR", "active")


async def test_a_record_that_failed_travels_again(two: Two) -> None:
    """Its peer never got it, so it precedes the next message that relies on it as it did the first."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.away = True
    lost = (await two.fr.call("message.submit", **referral()))["id"]
    two.clock.advance(15 * 86_400)

    async def expired() -> bool:
        return await two.fr.state(lost) == "failed"

    await two.until(expired, seconds=90)
    wire.away = False
    await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation two"[:16])})
    await two.until(lambda: types(two) == ["consent.record/1", "referral.request/1"], seconds=120)


async def test_a_preview_tells_what_stands_in_the_way(two: Two) -> None:
    """Nothing is stored by it, and every gate is there beside what would leave."""
    request = referral()
    shown = await two.fr.call("message.preview", draft=request)
    assert (shown["goes"], shown["code"]) == (False, "gate_g2")
    assert shown["leaves"]["content"]["person"]["pseudonym"] == request["content"]["person"]["pseudonym"]
    assert await two.fr.rows("select count(*) from message") == [(0,)]
    draft = (await two.fr.call("draft.save", draft=request))["id"]
    again = await two.fr.call("draft.preview", id=draft, by="Ana Doe")
    assert (again["goes"], again["code"], again["step"]) == (False, "gate_g2", "before_acceptance")
    closed = await two.fr.call("message.preview", draft=request | {"purpose": "consular"})
    assert (closed["leaves"], closed["code"]) == (None, "out_of_scope")


async def test_a_corridor_that_is_closed_keeps_files_back(two: Two) -> None:
    """A new node's policy has the group closed: nothing of the message goes without its files."""
    id = await added(two.fr, NOTE)
    with pytest.raises(RefusedError, match="corridor policy") as caught:
        await sent(two, id, 0)
    assert caught.value.code is Code.OUT_OF_SCOPE
    assert (await two.fr.call("message.list"))["messages"] == []


async def test_files_and_words_have_to_agree(two: Two) -> None:
    """A file that no field names, a field without its file, an id that nobody gave: nothing is stored."""
    await opened(two)
    id = await added(two.fr, NOTE)
    for named in ((), (1,), (0, 0), (0, 1)):
        with pytest.raises(RefusedError) as caught:
            await sent(two, id, *named)
        assert caught.value.code is Code.SCHEMA
    with pytest.raises(RefusedError) as caught:
        await sent(two, "AAAAAAAAAAAAAAAAAAAAAA", 0)
    assert caught.value.code is Code.NOT_FOUND
    await sent(two, id, 0)
    with pytest.raises(RefusedError) as caught:
        await sent(two, id, 0)
    assert caught.value.code is Code.NOT_FOUND  # a message has its files once
