"""A small JSON API, as an office may have one: strict, with every kind of paging and faults that can be switched on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from adapters.kit.standin import Handler, OfficeServer


@dataclass
class Office:
    """The content of an API, and its faults: `status` for every answer, `slow` seconds, `cut` after the work, HTML
    instead of JSON (`garbled`), `largest` items in a page. `headers` are those of the last post.
    """

    token: str = ""
    paging: str = "page"
    ready: list[dict[str, Any]] = field(default_factory=list)
    posted: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    keys: bool = True
    status: int = 0
    slow: float = 0.0
    cut: bool = False
    garbled: bool = False
    largest: int = 50


class StandIn(OfficeServer[Office]):
    """Several offices on one port."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(Office, port)

    def routes(self) -> Sequence[web.RouteDef]:
        """List what the API offers."""
        return [
            web.get("/{office}/ready", self._list),
            web.post("/{office}/ready", self._offer),
            web.get("/{office}/inbox", self._find),
            web.post("/{office}/{into:inbox|news}", self._post),
            web.delete("/{office}/inbox/{id}", self._delete),
            web.delete("/{office}/ready/{ref}", self._delete_record),
        ]

    async def answer(self, office: Office | None, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request to an office, with its faults."""
        if office is None:
            return web.json_response({}, status=404)
        await asyncio.sleep(office.slow)
        if office.garbled:
            return web.Response(text="<html></html>", content_type="text/html")
        if office.status:
            return web.json_response({"error": "trouble"}, status=office.status)
        if request.headers.get("Authorization") != f"Bearer {office.token}":
            return web.json_response({"error": "login"}, status=401)
        response = await handler(request)
        if office.cut and request.transport is not None:
            request.transport.abort()
        return response

    async def _list(self, request: web.Request) -> web.Response:
        office, asked = self.office(request), request.query
        wanted = asked.getall("number", [])  # several numbers are asked for by naming each
        ready = [item for item in office.ready if not wanted or str(item["id"]) in wanted]
        size = min(int(asked.get("size", "50")), office.largest)
        place = int(asked.get("page", "1" if office.paging == "page" else "0"))
        first = (place - 1) * size if office.paging == "page" else place
        items = ready[first : first + size] if office.paging != "none" else ready
        more = office.paging != "none" and first + size < len(ready)
        answer: dict[str, Any] = {"data": items}
        headers = {}
        if office.paging == "cursor":
            answer["next"] = str(first + size) if more else None
        if office.paging == "link" and more:
            also = "".join(f"&number={number}" for number in wanted)
            headers["Link"] = f'<{request.path}?page={first + size}&size={size}{also}>; rel="next", </>; rel="first"'
        return web.json_response(answer, headers=headers)

    async def _offer(self, request: web.Request) -> web.Response:
        """Make an item ready, as people of the office do."""
        item = orjson.loads(await request.read())
        self.office(request).ready.append(item)
        return web.json_response(item, status=201)

    async def _find(self, request: web.Request) -> web.Response:
        """Return the item created with a key; without a key, everything that people of the office see."""
        office = self.office(request)
        if "key" not in request.query:
            return web.json_response({"data": [*office.posted.values()]})
        found = [{"id": key} for key in office.posted if key == f"made-{request.query['key']}"]
        return web.json_response({"data": found})

    async def _post(self, request: web.Request) -> web.Response:
        office, body, key = self.office(request), await request.read(), request.headers.get("Idempotency-Key", "")
        if request.content_type != "application/json" or not key:
            return web.json_response({"error": "content type or key"}, status=415)
        if office.keys and key in office.bodies:
            same = office.bodies[key] == body
            return web.json_response({"id": f"made-{key}"}, status=200 if same else 409)
        value = orjson.loads(body)
        made = f"made-{key}" if f"made-{key}" not in office.posted else f"again-{key}"
        office.bodies[key], office.posted[made], office.headers = body, value, dict(request.headers)
        return web.json_response({"id": made}, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        found = self.office(request).posted.pop(request.match_info["id"], None)
        return web.Response(status=404 if found is None else 204)

    async def _delete_record(self, request: web.Request) -> web.Response:
        office, ref = self.office(request), request.match_info["ref"]
        left = [item for item in office.ready if str(item["id"]) != ref]
        gone, office.ready = len(left) < len(office.ready), left
        return web.Response(status=204 if gone else 404)
