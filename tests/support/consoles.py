"""The console over HTTP, in front of a desk and a sign-in that a test plays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer
from support.local import FakeDesk
from support.ports import free_port
from support.shapes import misfits

from gateway.api.app import local_app
from gateway.api.routes import ROUTES
from gateway.console.app import console_routes
from gateway.console.cookies import SESSION
from gateway.console.navigation.waiting import NOTHING, Waiting, Waits
from gateway.console.settings import Settings
from gateway.errors import Code, RefusedError
from gateway.foundation.telemetry.durations import Durations
from gateway.operations.ports import Ceremony, Person, Shell
from gateway.operations.roles import OWNER, Caller, Role
from gateway.ports import Json, OperationResult

ORIGIN = "http://desk.test"
NOW = 1_790_000_000
EVERYTHING = frozenset(Role)
READING = frozenset(route.operation for route in ROUTES if route.method == "GET")
"""Operations whose answers pages show."""

NODE: Mapping[str, Any] = {
    "name": "FR",
    "node": "n1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "country": "FR",
    "demo": False,
    "endpoint": "https://fr.test:8443",
    "fingerprint": "12345 67890",
    "scanned": "TRM1:FR",
    "descriptor": {"version": 1, "issued": NOW, "expires": NOW + 86_400 * 300},
    "keyset": None,
    "units": [
        {"id": "focal-point", "name": "Focal point", "kind": "public_authority"},
        {"id": "shelter", "name": "Shelter", "kind": "ngo"},
    ],
    "peers": 1,
    "queued": 0,
    "to_hand_over": 0,
    "alarms": 0,
    "endings": [],
    "key_place": "file",
    "process": {},
}
"""What `node.show` says."""
OWN_UNITS: Mapping[str, Any] = {
    "units": [
        {
            "peer": "FR",
            "state": "own",
            "node": NODE["node"],
            "country": "FR",
            "unit": unit["id"],
            "name": unit["name"],
            "kind": "public_authority",
            "roles": ["national_focal_point"],
            "contact": "duty desk",
        }
        for unit in NODE["units"]
    ]
}
"""What `directory.list` says where there is no peer."""
READY = {"ready": True, "why": [], "maintenance": None, "sending": True, "sending_why": []}
"""What `node.ready` says of a node that does its work."""


def person(*roles: Role, language: str | None = None, name: str = "Ana Doe") -> Person:
    """Somebody with these roles; all of them where none is named."""
    return Person(
        id="p1", name=name, caller=Caller(roles=frozenset(roles) or EVERYTHING, person="p1"), language=language
    )


@dataclass
class FakeSignIn:
    """Implements `gateway.operations.ports.SignIn`: sessions by their secret, one invitation, one passkey."""

    sessions: dict[str, Person] = field(default_factory=lambda: {"secret": person()})
    spoken: list[tuple[str, str]] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    invitation: Person = field(default_factory=person)

    async def invited(self, code: str) -> tuple[Person, Ceremony]:
        """The one code there is."""
        self._check(code == "code")
        return self.invitation, Ceremony(id="c1", options={"challenge": "AAAA"})

    async def enrol(self, code: str, ceremony: str, credential: Mapping[str, Json]) -> str:
        """A new session for the right answer."""
        self._check((code, ceremony, credential) == ("code", "c1", {"id": "k"}))
        self.sessions["new"] = person()
        return "new"

    async def begin(self) -> Ceremony:
        """A challenge."""
        return Ceremony(id="c2", options={"challenge": "BBBB"})

    async def sign_in(self, ceremony: str, credential: Mapping[str, Json]) -> str:
        """A new session for the right answer."""
        self._check((ceremony, credential) == ("c2", {"id": "k"}))
        self.sessions["new"] = person()
        return "new"

    async def admit(self, session: str) -> Person | None:
        """Whose session it is."""
        return self.sessions.get(session)

    async def watch(self, session: str) -> Person | None:
        """The same."""
        return self.sessions.get(session)

    async def sign_out(self, session: str) -> None:
        """Ended."""
        self.sessions.pop(session, None)

    async def speak(self, person: str, language: str) -> None:
        """Noted."""
        self.spoken.append((person, language))

    async def shell(self, person: Person, code: str) -> Shell:
        """A shell for the right code."""
        self._check(code == "code")
        return Shell(label="eva at desk-3", seconds=12 * 3_600, ends=NOW + 600)

    async def sign_shell_in(self, person: Person, code: str, *, session: str) -> None:
        """Noted for the right code."""
        self._check(code == "code")
        self.confirmed.append(person.id)

    async def approval(self, person: Person, change: Mapping[str, Json], *, emergency: bool = False) -> Ceremony:
        """A challenge of the change."""
        return Ceremony(id="c3", options={"challenge": str(change["at"])})

    async def offer(self, person: Person) -> Ceremony:
        """A challenge of a card."""
        return Ceremony(id="c4", options={"challenge": "CCCC"})

    async def offered(self, person: Person, ceremony: str, credential: Mapping[str, Json]) -> Mapping[str, Json]:
        """A card for the right answer."""
        self._check((ceremony, credential) == ("c4", {"id": "k"}))
        return {"card": "c4"}

    @staticmethod
    def _check(right: bool) -> None:
        if not right:
            raise RefusedError(Code.UNAUTHORISED, "no")


@dataclass
class PlayedDesk(FakeDesk):
    """Answers each operation by its name; what a page shows has the shape of the real answer."""

    answers: dict[str, Any] = field(default_factory=dict)
    never_said: list[str] = field(default_factory=list)

    async def call(self, operation: str, arguments: Mapping[str, Json], **about: Any) -> OperationResult:
        """What is written for the operation, or what is raised."""
        self.calls.append((operation, arguments, about.get("key")))
        found = self.answers.get(operation)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise RefusedError(Code.NOT_FOUND, f"the test plays no {operation}")
        if operation in READING:
            self.never_said += [f"{operation}: {one}" for one in misfits(operation, found)]
        return OperationResult(value=found)


class PlayedWaiting(Waiting):
    """What a test says that waits, so that the desk is asked by the pages alone."""

    def __init__(self, waits: Waits = NOTHING) -> None:
        self.waits = waits

    async def count(self, person: Person) -> Waits:
        """The same for everybody."""
        return self.waits

    def forget(self, person: Person) -> None:
        """Nothing is kept."""


@dataclass
class Seen:
    """One answer of the console."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: Mapping[str, str]


@dataclass
class Console:
    """The console under test and a browser without JavaScript."""

    desk: PlayedDesk
    sign_in: FakeSignIn
    server: TestServer
    http: ClientSession

    async def get(self, path: str, *, session: str | None = "secret", **headers: str) -> Seen:
        """Open a page."""
        return await self._ask("GET", path, session, None, headers)

    async def post(self, path: str, fields: Any = None, *, session: str | None = "secret", **headers: str) -> Seen:
        """Send a form as a page of the console would."""
        return await self._ask("POST", path, session, fields or {}, {"Sec-Fetch-Site": "same-origin"} | headers)

    async def _ask(self, method: str, path: str, session: str | None, data: Any, headers: dict[str, str]) -> Seen:
        given = {"Host": "desk.test"} | headers
        if session is not None:
            given["Cookie"] = f"{SESSION}={session}"
        async with self.http.request(
            method, self.server.make_url(path), data=data, headers=given, allow_redirects=False
        ) as answer:
            cookies = {name: morsel.OutputString() for name, morsel in answer.cookies.items()}
            return Seen(
                status=answer.status,
                headers=dict(answer.headers),
                text=await answer.text(errors="replace"),
                cookies=cookies,
            )


def settings(**other: Any) -> Settings:
    """Of a console in English, an hour ahead of UTC."""
    said: dict[str, Any] = {
        "origin": ORIGIN,
        "node": "FR",
        "country": "FR",
        "language": "en",
        "leave_to": "https://www.example.org/",
        "demo": False,
        "now": lambda: NOW,
        "offset": lambda at: 3600,
        "rand": lambda size: b"\x07" * size,
        "near": {"language": ("fr", "sq"), "country": ("FR", "AL")},
    }
    return Settings(**said | other)


@asynccontextmanager
async def console(
    answers: Mapping[str, Any] | None = None, *, desk: Any = None, waits: Waits = NOTHING, **other: Any
) -> AsyncIterator[Console]:
    """A console that is served; `answers` is what the desk says to each operation, unless there is a real one."""
    told = settings(**other)
    waiting = PlayedWaiting(waits) if desk is None else Waiting(desk, told.now)
    desk, sign_in = desk or PlayedDesk(answers=dict(answers or {})), FakeSignIn()

    def nobody(token: str) -> Caller:
        raise RefusedError(Code.UNAUTHORISED, "no token here")

    pages = console_routes(desk, sign_in, told, waiting)
    app: web.Application = local_app(desk, admit=nobody, durations=Durations(), console=pages)
    async with TestServer(app) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        yield Console(desk=desk, sign_in=sign_in, server=server, http=http)
        assert not getattr(desk, "never_said", ()), desk.never_said


@dataclass
class Served:
    """A console at an address that a browser can open."""

    origin: str
    desk: PlayedDesk
    sign_in: FakeSignIn

    @property
    def host(self) -> str:
        """Its host and port."""
        return self.origin.removeprefix("http://")

    def session(self, *roles: Role) -> str:
        """The secret of a session of somebody with these roles."""
        secret = "-".join(("session", *roles))
        self.sign_in.sessions[secret] = person(*roles)
        return secret


@asynccontextmanager
async def served(
    answers: Mapping[str, Any] | None = None, *, waits: Waits = NOTHING, **other: Any
) -> AsyncIterator[Served]:
    """A console on a port of localhost; leaving it leads to a page of its own."""
    desk, sign_in = PlayedDesk(answers=dict(answers or {})), FakeSignIn()
    origin = f"http://localhost:{free_port()}"
    told = settings(origin=origin, leave_to=f"{origin}/away", **other)
    pages = console_routes(desk, sign_in, told, PlayedWaiting(waits))
    app = local_app(desk, admit=lambda token: OWNER, durations=Durations(), console=pages)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "localhost", int(origin.rpartition(":")[2])).start()
    try:
        yield Served(origin=origin, desk=desk, sign_in=sign_in)
        assert not getattr(desk, "never_said", ()), desk.never_said
    finally:
        await runner.cleanup()
