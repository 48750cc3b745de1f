"""Three countries for stories of practitioners: France, Albania and Poland, whose nodes really run, with the offices
and people that such stories have. They are made and paired once in a process, and copied.

    async with countries(base, "FR", "AL") as world:
        fr = world["FR"]
        taken = await fr.worker.does("consent.record", number="F-1", content=...)
        refusal = await fr.worker.is_refused("message.submit", **request)

Each person asks the local API at its loopback door with a token of their own, so by the rights of their role and no
others; a colleague reads the pages of the console over HTTP, without JavaScript.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from support.ceremony import ADMINS, aplay
from support.enrolled import inviting
from support.local import Answer, Caller
from support.nodechild import SteeredClock
from support.pair import Party, Two
from support.rest import until_at_rest
from support.story_nodes import all_heard, paired
from support.visitors import Visitor, console_at, enrol_by

from gateway.api.routes import PREFIX, ROUTES
from gateway.console.words import load_words
from gateway.operations.roles import Role
from gateway.trust.key_upkeep import FIRST_PUSH_RETRY

DAY = 86_400
_SESSION = 900
_ROUTES = {route.operation: route for route in ROUTES}
_STORED = (
    "ref from message",
    "* from cases",
    "* from case_link",
    "* from consent",
    "* from draft",
    "* from asylum_hold",
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the API said no with: a problem document (RFC 9457)."""

    status: int
    code: str
    places: frozenset[str]
    hint: str
    """What to do, of the answer and of each finding."""


@dataclass(frozen=True)
class Person:
    """Somebody who works in a country and shows a personal token."""

    country: Country
    door: Caller
    _keys = itertools.count()

    async def ask(self, operation: str, arguments: Mapping[str, Any]) -> Answer:
        """One request to the local API: what the path names stands there, the rest in the body or the query."""
        route, given = _ROUTES[operation], dict(arguments)
        path = PREFIX + route.path.format_map(given)
        given = {name: value for name, value in given.items() if f"{{{name}}}" not in route.path}
        if route.method == "GET":
            return await self.door.ask("GET", path + (f"?{urlencode(given)}" if given else ""))
        named = {"Idempotency-Key": f"key-{next(self._keys)}"} if route.keyed else {}
        return await self.door.ask(route.method, path, given, **named)

    async def does(self, operation: str, **arguments: Any) -> Any:
        """Do one operation; its answer."""
        answer = await self.ask(operation, arguments)
        assert answer.status in (200, 201), (operation, answer.text)
        return answer.value

    async def is_refused(self, operation: str, **arguments: Any) -> Refusal:
        """Ask for one operation that is refused, after which everything is stored here as it was."""
        before = await self.country.stored()
        answer = await self.ask(operation, arguments)
        assert answer.status >= 400, (operation, answer.text)
        assert await self.country.stored() == before
        found = answer.value["findings"]
        hints = [answer.value["title"], answer.value["hint"], *(one["hint"] or "" for one in found)]
        places = frozenset(one["place"] for one in found)
        return Refusal(status=answer.status, code=answer.value["code"], places=places, hint="; ".join(hints))


@dataclass
class Country:
    """A country: its node, the people who work there, and who reads its pages."""

    party: Party
    http: aiohttp.ClientSession
    tokens: Mapping[str, str]
    readers: dict[tuple[str, int], Visitor] = field(default_factory=dict)
    """By language and time: a session that nobody uses ends after half an hour."""

    @property
    def name(self) -> str:
        """Its code."""
        return self.party.name

    def _person(self, who: str) -> Person:
        listen = self.party.running.config.local.listen
        bearer = {"Authorization": f"Bearer {self.tokens[who]}"}
        return Person(self, Caller(session=self.http, base=f"http://{listen}", headers=bearer))

    @property
    def worker(self) -> Person:
        """A case worker of the focal point."""
        return self._person("worker")

    @property
    def lead(self) -> Person:
        """The national focal point, who also releases what needs two people."""
        return self._person("lead")

    @property
    def refuge(self) -> Person:
        """A case worker of the NGO, who sees what is of the NGO."""
        return self._person("refuge")

    @property
    def guard(self) -> Person:
        """An officer of the border guard."""
        return self._person("guard")

    async def stored(self) -> list[Any]:
        """Everything that a refusal leaves alone."""
        return [await self.party.rows(f"select {table} order by 1") for table in _STORED]

    async def reads(self, path: str, language: str = "en") -> str:
        """What a page of the console says to a focal point who reads this language, every space as one."""
        return _said(await self._open(path, language))

    async def presses(self, path: str, action: str, language: str = "en", **values: str) -> str:
        """Fill in the form of a page that goes to `action`, and send it; what the page says to which that leads."""
        reader = await self._open(path, language)
        await reader.press(action, values)
        assert reader.status == 200, (reader.path, reader.page.wrong)
        return _said(reader)

    async def _open(self, path: str, language: str) -> Visitor:
        now = language, self.party.clock.now() // _SESSION
        if now not in self.readers:
            self.readers[now] = await self._signed_in(language)
        reader = self.readers[now]
        await reader.open(path)
        assert reader.status == 200, (path, reader.status)
        return reader

    async def _signed_in(self, language: str) -> Visitor:
        name = f"reader {len(self.readers)}"
        asks = inviting(name, Role.FOCAL_POINT, admin=ADMINS[1], language=language)
        made = await aplay(asks, self.party.call)
        origin = self.party.running.config.console_origin
        assert origin is not None
        found = Visitor(http=self.http, origin=origin, name=name)
        await enrol_by(found, made["code"])
        return found


def _said(reader: Visitor) -> str:
    return " ".join(reader.page.said.split())


def say(text: str, language: str = "en", **values: Any) -> str:
    """A text of the console in a language, as `Country.reads` gives it."""
    return " ".join(load_words(language)(text, **values).split())


def name_country(code: str, language: str = "en") -> str:
    """The name of a country, as `Country.reads` gives it."""
    return " ".join(load_words(language).country(code).split())


def label(codes: str, code: str, language: str = "en") -> str:
    """The label of a code of a list, as `Country.reads` gives it."""
    return " ".join(load_words(language).code(codes, code).split())


@dataclass
class World:
    """The countries of a story and their one clock."""

    clock: SteeredClock
    of: Mapping[str, Country]

    def __getitem__(self, name: str) -> Country:
        return self.of[name]

    def day(self, offset: int = 0) -> str:
        """The date so many days from today."""
        return (self.today + timedelta(days=offset)).isoformat()

    @property
    def today(self) -> date:
        """The date, in UTC."""
        return datetime.fromtimestamp(self.clock.now(), UTC).date()

    async def until(self, condition: Callable[[], Awaitable[bool] | bool], what: str) -> None:
        """Wait until the condition holds, while up to a minute passes."""
        one = next(iter(self.of.values())).party
        await Two(one, one, self.clock).until(condition, seconds=60, what=what)

    async def arrives(self, sender: Country, id: str) -> None:
        """Wait until the other side has a message and its case system has taken it."""

        async def there() -> bool:
            shown = await sender.party.show(id)
            assert shown["reason"] is None, (shown["type"], shown["reason"])
            return bool(shown["state"] in ("awaiting_opening", "opened"))

        await self.until(there, "it arrives")

    async def pass_days(self, days: int) -> None:
        """Let so many days go by, with what nodes do by themselves then, such as reminding each other."""
        self.clock.advance(days * DAY)
        await until_at_rest()


@asynccontextmanager
async def countries(base: Path, *names: str) -> AsyncIterator[World]:
    """The countries of these names, paired and serving: copies of those that were paired first in this process."""
    kept = await paired()
    clock = SteeredClock(kept.at)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        of = {}
        for name in names:
            party = kept.copy(name, base, clock)
            console_at(party.folder)
            await party.start()
            stack.push_async_callback(party.stop)
            of[name] = Country(party, http, kept.tokens[name])
        world = World(clock, of)
        clock.advance(FIRST_PUSH_RETRY)  # one of them asked before the other listened
        await world.until(lambda: all_heard([country.party for country in of.values()]), "the first push")
        yield world
