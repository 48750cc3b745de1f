"""What is new since a page was loaded, for the line at its foot: how many things, and never which; and the numbers
beside the sections, where they are others now.

A stream of server-sent events. It ends with the session, and does not keep the session alive: the browser asks, not the
person. Of the pages of one browser one listens for all (static/console.js), so a browser has one stream.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from aiohttp import web

from gateway.console import guard
from gateway.console.cookies import LANGUAGE, SESSION
from gateway.console.navigation.counts import tell_counts
from gateway.console.visit import Console
from gateway.console.words import Words, load_words
from gateway.node.rows import EVENTS
from gateway.operations.ports import Happening, Person
from gateway.operations.registry import may

AT_MOST = 200
"""Streams of one node; whoever comes then has pages that tell nothing by themselves."""
EACH = 60
"""Seconds after which the session is looked at again and the connection gets a sign of life."""
PAUSE = 2
"""Seconds between two words, so that a burst is one."""
MOST = 99
"""New things that are told one by one. The stream reads no further then, and holds nothing of what comes: on a busy
node it would fall behind within seconds, and keep every name for as long as the page is open.
"""
COUNTED = 30
"""Seconds between two counts of what waits: on a busy node something is new all the time, and a count costs a page."""


class News:
    """Serves the streams of one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Tell one browser how much is new, until its session ends. Without a session, or the right to follow events,
        204: a browser does not ask again then.
        """
        settings = self._console.settings
        if guard.has_wrong_host(request, settings):
            return guard.add_headers(web.Response(status=421), settings)
        session = request.cookies.get(SESSION, "")
        person = await self._console.sign_in.watch(session) if session else None
        if person is None or not may(person.caller, EVENTS):
            return guard.add_headers(web.Response(status=204), settings)
        if self._open >= AT_MOST:
            return guard.add_headers(web.Response(status=503), settings)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        guard.add_headers(response, settings)
        self._open += 1
        try:
            await response.prepare(request)
            with suppress(ConnectionError):  # the page was closed
                async for text in self._tell(session, person, _words_of(request, person, settings.language)):
                    await response.write(text)
        finally:
            self._open -= 1
        return response

    async def _tell(self, session: str, person: Person, words: Words) -> AsyncIterator[bytes]:
        """Pieces of the stream: how many things are new since now, how much waits after that, and signs of life."""
        settings, clock, seen = self._console.settings, asyncio.get_running_loop().time, set[object]()
        since = settings.now()
        when = words.clock(since, settings.offset(since))
        feed = aiter(self._console.desk.events(None, caller=person.caller))
        stale, full, counted, told = False, False, -math.inf, b""
        yield b": here\n\n"
        pending = asyncio.ensure_future(_next(feed))
        try:
            while True:
                done, _ = await asyncio.wait({pending}, timeout=COUNTED if stale else EACH)
                if await self._console.sign_in.watch(session) is None:
                    return
                if done:
                    seen.update(value.get("id") or seq for seq, value in pending.result())
                    yield f"data: {_tell_new(words, len(seen), when)}\n\n".encode()
                    full, stale = len(seen) > MOST, True
                    pending = asyncio.ensure_future(_never() if full else _next(feed))
                else:
                    yield b": here\n\n"
                if stale and clock() - counted >= COUNTED:
                    numbers, stale, counted = await self._count(person, words), full, clock()
                    if numbers != told:
                        yield b"event: counts\ndata: " + numbers + b"\n\n"
                    told = numbers
                if done:
                    await asyncio.sleep(PAUSE)
        finally:
            pending.cancel()

    async def _count(self, person: Person, words: Words) -> bytes:
        """Count what waits for a person now, as static/console.js reads it."""
        self._console.waiting.forget(person)
        return json.dumps(tell_counts((await self._console.waiting.count(person)).counts, words)).encode()


async def _next(feed: AsyncIterator[Sequence[Happening]]) -> Sequence[Happening]:
    return await anext(feed)


async def _never() -> Sequence[Happening]:
    nothing: asyncio.Future[Sequence[Happening]] = asyncio.get_running_loop().create_future()
    return await nothing


def _tell_new(words: Words, count: int, when: str) -> str:
    told, shown = min(count, MOST), str(count) if count <= MOST else f"{MOST}+"
    return words.many(
        "%(n)s new since %(when)s: show it", "%(n)s new since %(when)s: show them", told, n=shown, when=when
    )


def _words_of(request: web.Request, person: Person, otherwise: str) -> Words:
    return load_words(person.language or request.cookies.get(LANGUAGE) or otherwise)
