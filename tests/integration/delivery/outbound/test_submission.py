"""A submission puts a message on the outbox: once under its key, committed before it is answered."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import act
from support.nodeproc import enquiry
from support.pair import Two, two_nodes

from gateway.errors import Code, RefusedError


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_idempotency_key(two: Two) -> None:
    """The same key with the same body is the same message, with another body a conflict that stores nothing."""
    fr, al = two
    first = await act(fr.running, "message.submit", enquiry("one"), key="key-1")
    again = await act(fr.running, "message.submit", enquiry("one"), key="key-1")
    assert (first.created, again.created, again.value) == (True, False, first.value)
    with pytest.raises(RefusedError) as refusal:
        await act(fr.running, "message.submit", enquiry("two"), key="key-1")
    assert refusal.value.code is Code.CONFLICT
    await two.until(lambda: al.notes() == ["one"])
    assert await fr.rows("select count(*) from message") == [(1,)]


async def test_a_key_makes_one_message_also_at_once(two: Two) -> None:
    """Twenty callers with one key and one body get one id, and one of them made the message."""
    answers: list[Any] = await asyncio.gather(
        *(act(two.fr.running, "message.submit", enquiry("same"), key="same") for _ in range(20))
    )
    assert len({answer.value["id"] for answer in answers}) == 1
    assert [answer.created for answer in answers].count(True) == 1
    assert await two.fr.rows("select count(*) from message") == [(1,)]


async def test_an_answer_was_committed_before(two: Two) -> None:
    """An answered message is in the database that another reader opens."""
    id = await two.fr.submit("one")
    with closing(sqlite3.connect(f"file:{two.fr.running.folder / 'node.db'}?mode=ro", uri=True)) as reader:
        assert reader.execute("select count(*) from message where id = ?", (id,)).fetchone() == (1,)


async def test_submissions_at_once_are_judged_each_for_itself(two: Two) -> None:
    """Of requests that are judged together one is refused and takes none along."""
    wrong = enquiry("wrong") | {"header": enquiry("wrong")["header"] | {"recipient_unit": "nobody"}}
    one, refused, other = await asyncio.gather(
        *(act(two.fr.running, "message.submit", request) for request in (enquiry("one"), wrong, enquiry("other"))),
        return_exceptions=True,
    )
    assert isinstance(refused, RefusedError) and refused.code is Code.OUT_OF_SCOPE
    assert not isinstance(one, BaseException) and not isinstance(other, BaseException)
    await two.until(lambda: sorted(two.al.notes()) == ["one", "other"])
    assert await two.fr.rows("select count(*) from message") == [(2,)]


async def test_a_key_with_two_bodies_at_once_is_a_conflict_for_one(two: Two) -> None:
    """Two different messages under one key that come together: one is stored, the other is told."""
    answers = await asyncio.gather(
        *(act(two.fr.running, "message.submit", enquiry(words), key="one") for words in ("first", "second")),
        return_exceptions=True,
    )
    (refused,) = [answer for answer in answers if isinstance(answer, BaseException)]
    assert isinstance(refused, RefusedError) and refused.code is Code.CONFLICT
    await two.until(lambda: two.al.notes() in (["first"], ["second"]))
    assert await two.fr.rows("select count(*) from message") == [(1,)]
