"""The case system for `trm adapter check`: a strict imitation over HTTP, with the troubles that such a system can have.

Each bench is a tenant of its own under `/N`. What is not imitated: users and rights, more than one process, TLS.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.kit.contract import MARKER, NewBench, Trouble
from gateway.ports import Adapter

from .adapter import TemplateAdapter
from .settings import TemplateSettings

USER, PASSWORD = "gateway", "Password Xanthippe 4711"
PAGE = 50
CASE: Mapping[str, Any] = {
    "recipient": "AL",
    "priority": "usual",
    "keep_until": "2027-11-30",
    "kind": "return",
    "age_group": "adult",
    "languages": ["sq"],
    "may_be_called": False,
    "kinds": ["labour"],
    "status": "says so",
    "services": ["shelter"],
    "stay": "illegal",
    "danger": "low",
    "next": "return",
}
"""A good case; nobody in it exists."""


@dataclass
class Tenant:
    """The content of one case system: records that are ready, their outcomes, the inbox, the session."""

    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, Any] = field(default_factory=dict)
    inbox: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    token: str | None = None
    tokens: Iterator[int] = field(default_factory=lambda: count(1))

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any, token: str) -> tuple[int, Any]:
        """Answer a request with status and body. A path, method or member that is not of the interface is an error, as
        in life.
        """
        if (method, path) == ("POST", "/login"):
            if self.trouble is Trouble.LOCKED_OUT or body != {"user": USER, "password": PASSWORD}:
                return 401, {"error": "credentials"}
            self.token = f"token-{next(self.tokens)}"
            return 200, {"token": self.token}
        if self.trouble is Trouble.LOCKED_OUT or self.token is None or token != f"Bearer {self.token}":
            return 401, {"error": "session"}
        match (method, path.strip("/").split("/")):
            case ("GET", ["records"]):
                return 200, self.page(int(query["after"]))
            case ("PUT", ["records", id, "outcome"]) if body.get("format") == "trm-notice/1":
                if id not in {record["id"] for record in self.records.values()}:
                    return 404, {"error": "no such record"}
                self.outcomes[id] = body
                return 200, {}
            case ("DELETE", ["records", id]):
                gone = [number for number, record in self.records.items() if record["id"] == id]
                for number in gone:
                    del self.records[number]
                    self.outcomes.pop(id, None)
                return (200, {}) if gone else (404, {"error": "no such record"})
            case ("POST", ["inbox"]):  # not asked for by system.py: each time another item, as with many systems
                id = f"n{len(self.inbox)}"
                self.keys.setdefault(body["key"], id)
                self.inbox[id] = body["item"]
                return 201, {"id": id}
            case ("GET", ["inbox"]):
                return 200, {"id": self.keys.get(query["key"])}
            case (_, ["inbox", key]):
                return self.item(method, key, body)
        return 405, {"error": "not of this interface"}

    def page(self, after: int) -> dict[str, Any]:
        """Return the ready records after a number, and the number to go on from."""
        ready = [record for number, record in self.records.items() if number > after]
        ready = [record for record in ready if record["id"] not in self.outcomes]
        most = 2 if self.trouble is Trouble.SMALL_PAGES else PAGE
        return {"records": ready[:most], "next": ready[most - 1]["number"] if len(ready) > most else None}

    def item(self, method: str, key: str, body: Any) -> tuple[int, Any]:
        """Handle one item of the inbox; an erased item is remembered by its key alone."""
        known = key in self.inbox
        if method == "PUT":
            if known:
                return (410, {"state": "erased"}) if self.inbox[key] is None else (200, {"state": "waiting"})
            if self.trouble is Trouble.FULL:
                return 507, {"error": "no room"}
            self.inbox[key] = body
            return 201, {"state": "waiting"}
        if not known:
            return 404, {"error": "no such item"}
        if method == "DELETE":
            self.inbox[key] = None
        return 200, {"state": "erased" if self.inbox[key] is None else "waiting"}


_TENANTS = web.AppKey("tenants", dict[str, Tenant])


class TemplateBench:
    """One tenant under the control of a test."""

    troubles = (
        Trouble.AWAY,
        Trouble.FAILING,
        Trouble.SLOW,
        Trouble.CUT,
        Trouble.THROTTLED,
        Trouble.FULL,
        Trouble.EXPIRED,
        Trouble.LOCKED_OUT,
        Trouble.GARBLED,
        Trouble.SMALL_PAGES,
        Trouble.UNMAPPED_CODE,
    )

    def __init__(self, tenant: Tenant, url: str, password_file: Path) -> None:
        self.tenant = tenant
        self.url = url
        self.password_file = password_file
        self.make = TemplateAdapter

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        if kind is Trouble.EXPIRED:
            self.tenant.token = None
        else:
            self.tenant.trouble = kind
        try:
            yield
        finally:
            self.tenant.trouble = None

    def settings(self) -> Mapping[str, str | int | bool]:
        patience = 1 if self.tenant.trouble is Trouble.SLOW else 30
        return {"url": self.url, "user": USER, "password_file": str(self.password_file), "patience": patience}

    def adapter(self) -> Adapter:
        return self.make(TemplateSettings.model_validate(self.settings()))

    def offer(self, name: str) -> None:
        gender = MARKER if self.tenant.trouble is Trouble.UNMAPPED_CODE else "female"
        self._ready({"working_name": name, "gender": gender, **CASE})

    def offer_bad(self, name: str) -> None:
        self._ready({"working_name": {"first": MARKER}})

    def _ready(self, case: dict[str, Any]) -> None:
        number = max(self.tenant.records, default=0) + 1
        self.tenant.records[number] = {"number": number, "id": f"case-{number}", "case": case}

    def received(self) -> list[str]:
        return [item["message_id"] for item in self._items("trm-delivery/1")]

    def noticed(self) -> list[str]:
        return [item["kind"] for item in (*self._items("trm-notice/1"), *self.tenant.outcomes.values())]

    def shows(self, text: str) -> bool:
        return text in json.dumps([self.tenant.inbox, self.tenant.outcomes], ensure_ascii=False)

    def holds(self, text: str) -> bool:
        return self.shows(text) or text in json.dumps([*self.tenant.records.values()], ensure_ascii=False)

    def _items(self, form: str) -> list[dict[str, Any]]:
        return [item for item in self.tenant.inbox.values() if item is not None and item["format"] == form]


@asynccontextmanager
async def serve_imitation(folder: Path) -> AsyncIterator[NewBench]:
    """Serve the imitation on a free port of this machine; provide a function that makes a tenant of it."""
    tenants: dict[str, Tenant] = {}
    password_file = folder / "password"
    password_file.write_text(f"{PASSWORD}\n")
    password_file.chmod(0o600)
    app = web.Application(client_max_size=16 << 20)
    app[_TENANTS] = tenants
    app.router.add_route("*", "/{tenant}/{path:.*}", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]

        def new() -> TemplateBench:
            name = str(len(tenants) + 1)
            tenants[name] = Tenant()
            return TemplateBench(tenants[name], f"http://127.0.0.1:{port}/{name}", password_file)

        yield new
    finally:
        await runner.cleanup()


async def _answer(request: web.Request) -> web.StreamResponse:
    tenant = request.app[_TENANTS][request.match_info["tenant"]]
    data = await request.read()
    match tenant.trouble:
        case Trouble.AWAY:
            return _cut(request)
        case Trouble.SLOW:
            await asyncio.sleep(3)
        case Trouble.FAILING:
            return web.Response(status=500, text=f"<html>{MARKER}</html>", content_type="text/html")
        case Trouble.THROTTLED:
            return web.Response(status=429, headers={"Retry-After": "60"})
    body = json.loads(data) if data else None
    path, token = "/" + request.match_info["path"], request.headers.get("Authorization", "")
    status, answer = tenant.answer(request.method, path, request.query, body, token)
    if tenant.trouble is Trouble.CUT and path != "/login":
        return _cut(request)
    if tenant.trouble is Trouble.GARBLED:
        return web.Response(status=200, text=f"<html>{MARKER}</html>", content_type="text/html")
    return web.json_response(answer, status=status)


def _cut(request: web.Request) -> web.StreamResponse:
    """Cut the connection before the answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
