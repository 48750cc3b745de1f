"""What is new since a page was loaded, for the line at its foot: how many things, and never which.

A stream of server-sent events. It ends with the session, and does not keep the session alive: the browser asks, not the
person. Of the pages of one browser one listens for all (static/console.js), so a browser has one stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from aiohttp import web

from gateway.console import guard
from gateway.console.cookies import LANGUAGE, SESSION
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
        """Pieces of the stream: how many things are new since now, and signs of life."""
        settings, seen = self._console.settings, set[object]()
        since = settings.now()
        when = words.clock(since, settings.offset(since))
        feed = aiter(self._console.desk.events(None, caller=person.caller))
        yield b": here\n\n"
        pending = asyncio.ensure_future(_next(feed))
        try:
            while True:
                done, _ = await asyncio.wait({pending}, timeout=EACH)
                if await self._console.sign_in.watch(session) is None:
                    return
                if not done:
                    yield b": here\n\n"
                    continue
                seen.update(value.get("id") or seq for seq, value in pending.result())
                text = words.many(
                    "%(n)s new since %(when)s: show it", "%(n)s new since %(when)s: show them", len(seen), when=when
                )
                yield f"data: {text}\n\n".encode()
                pending = asyncio.ensure_future(_next(feed))
                await asyncio.sleep(PAUSE)
        finally:
            pending.cancel()


async def _next(feed: AsyncIterator[Sequence[Happening]]) -> Sequence[Happening]:
    return await anext(feed)


def _words_of(request: web.Request, person: Person, otherwise: str) -> Words:
    return load_words(person.language or request.cookies.get(LANGUAGE) or otherwise)
