"""What is new since a page was loaded: how many things and never which, for as long as the session lasts."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from support.consoles import Console, console, person
from support.operated import answers

from gateway.console.cookies import SESSION
from gateway.console.navigation import news
from gateway.console.navigation.counts import Count
from gateway.console.navigation.waiting import Waits
from gateway.operations.roles import Role

ID = "q2x0bJr3QkK0m1c5n8sT4g"


async def listen(there: Console, session: str = "secret") -> ClientResponse:
    """Open a stream with the cookie of a session."""
    headers = {"Host": "desk.test", "Cookie": f"{SESSION}={session}"}
    return await there.http.get(there.server.make_url("/news"), headers=headers)


async def next_line(answer: ClientResponse, event: str = "") -> str:
    """What is said next, or what an event of that name says."""
    named = ""
    while True:
        line = (await answer.content.readline()).decode().strip()
        assert line or not answer.content.at_eof()
        if line.startswith("data: ") and named == event:
            return line
        named = line.removeprefix("event: ") if line.startswith("event: ") else ""


async def test_it_says_how_much_is_new_and_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several steps of one message are one thing; in the language of the person."""
    monkeypatch.setattr(news, "PAUSE", 0)
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(Role.CASE_WORKER, language="fr")
        there.desk.stream = [
            (7, {"id": ID, "state": "queued"}),
            (8, {"id": ID, "state": "opened"}),
            (9, {"kind": "draft"}),
        ]
        async with await listen(there) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert answer.headers["Cache-Control"] == "no-store"
            first, second = await next_line(answer), await next_line(answer)
            assert first.startswith("data: 1 nouveauté depuis") and second.startswith("data: 2 nouveautés depuis")
            assert ID not in first + second


async def test_it_says_how_much_waits_where_that_is_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the pages say it, once something is new; what was told is not told again."""
    monkeypatch.setattr(news, "PAUSE", 0)
    monkeypatch.setattr(news, "COUNTED", 0)
    waits = Waits(counts={"/inbox": Count(12, more=True)})
    async with console(answers(), waits=waits) as there:
        there.sign_in.sessions["secret"] = person(Role.CASE_WORKER, language="fr")
        there.desk.stream = [(7, {"id": ID}), (8, {"id": ID}), (9, {"kind": "draft"})]
        async with await listen(there) as answer:
            told = json.loads((await next_line(answer, "counts")).removeprefix("data: "))
            assert told == {"/inbox": ["12+", ", 12 non pris en charge", "count"]}
            rest = await answer.content.readuntil(b"data: 2 ")
            assert b"counts" not in rest


async def test_it_counts_no_further_than_anybody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it reads no further: it would hold a name for each thing. What waits is counted on, and it ends as ever."""
    monkeypatch.setattr(news, "PAUSE", 0)
    monkeypatch.setattr(news, "COUNTED", 0.01)
    waits, read = {"/inbox": Count(1)}, list[int]()

    async def events(*_: Any, **__: Any) -> AsyncIterator[list[tuple[int, dict[str, Any]]]]:
        """Without end, and at once."""
        for first in itertools.count(step=33):
            read.append(first)
            yield [(first + n, {"kind": "draft"}) for n in range(33)]

    async with console(answers(), waits=Waits(counts=waits)) as there:
        monkeypatch.setattr(there.desk, "events", events)
        async with await listen(there) as answer:
            told = [await next_line(answer) for _ in range(4)]
            assert [line.removeprefix("data: ").partition(" ")[0] for line in told] == ["33", "66", "99", "99+"]
            waits["/inbox"] = Count(2)
            while '"2"' not in await next_line(answer, "counts"):
                pass
            del there.sign_in.sessions["secret"]
            assert b"new since" not in await answer.content.read()
    assert read == [0, 33, 66, 99]


async def test_it_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever signs out is told nothing any more; the stream closes by itself."""
    monkeypatch.setattr(news, "EACH", 0.01)
    async with console(answers()) as there, await listen(there) as answer:
        assert (await answer.content.readline()) == b": here\n"
        del there.sign_in.sessions["secret"]
        async with asyncio.timeout(10):
            assert b"data" not in await answer.content.read()


async def test_who_may_not_follow_events_is_told_nothing() -> None:
    """204 makes a browser stop asking; their pages have no line either."""
    async with console(answers()) as there:
        async with await listen(there, "nobody") as answer:
            assert answer.status == 204
        there.sign_in.sessions["secret"] = person(Role.AUDITOR)
        async with await listen(there) as answer:
            assert answer.status == 204
        assert 'class="news"' not in (await there.get("/audit")).text
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        assert 'class="news"' in (await there.get("/operations")).text


async def test_forty_pages_listen_and_another_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are told of the same thing; beyond the limit a page comes without."""
    monkeypatch.setattr(news, "AT_MOST", 40)
    async with console(answers()) as there:
        there.desk.stream = [(7, {"id": ID})]
        streams = await asyncio.gather(*(listen(there) for _ in range(40)))
        try:
            assert {answer.status for answer in streams} == {200}
            assert len({await next_line(answer) for answer in streams}) == 1
            async with await listen(there) as late:
                assert late.status == 503
            assert (await there.get("/operations")).status == 200
        finally:
            for answer in streams:
                answer.close()
