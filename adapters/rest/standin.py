"""A small JSON API, as an office may have one: strict, with every kind of paging and faults that can be switched on.

Files lie in a folder, that of a message under its key from before the message is posted. A message is taken only where
each file that it lists is there, of the size and with the hash that were announced.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from adapters.kit.standin import Handler, OfficeServer


@dataclass
class ApiOffice:
    """The content of an API, and its faults: `status` for every answer, `slow` seconds, `cut` after the work, HTML
    instead of JSON (`garbled`), `largest` items in a page. `headers` are those of the last post. Files lie in `folder`;
    None is an office that takes and gives none. `digests` are the hashes that were announced with them, by path.
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
    folder: Path | None = None
    digests: dict[Path, str] = field(default_factory=dict)

    def file_of_message(self, key: str, number: int) -> Path:
        """Where a file of a message lies."""
        return self.files / f"message-{quote(key, safe='')}-{number}"

    def file_of_item(self, ref: str, number: int) -> Path:
        """Where a file of an item lies."""
        return self.files / f"item-{quote(ref, safe='')}-{number}"

    def files_of_message(self, key: str) -> list[Path]:
        """All that lies under a key."""
        return sorted(self.files.glob(f"message-{escape(quote(key, safe=''))}-[0-9]"))

    @property
    def files(self) -> Path:
        """The folder of files."""
        if self.folder is None:
            raise web.HTTPNotFound
        return self.folder


class StandIn(OfficeServer[ApiOffice]):
    """Several offices on one port."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(ApiOffice, port)

    def routes(self) -> Sequence[web.RouteDef]:
        """List what the API offers."""
        return [
            web.get("/{office}/ready", self._list),
            web.post("/{office}/ready", self._offer),
            web.get("/{office}/inbox", self._find),
            web.post("/{office}/{into:inbox|news}", self._post),
            web.delete("/{office}/inbox/{id}", self._delete),
            web.delete("/{office}/ready/{ref}", self._delete_record),
            web.put("/{office}/inbox/{key}/files/{number:[0-9]}", self._put_file),
            web.delete("/{office}/inbox/{key}/files", self._delete_files),
            web.get("/{office}/ready/{ref}/files/{number:[0-9]}", self._give_file),
        ]

    async def answer(self, office: ApiOffice | None, request: web.Request, handler: Handler) -> web.StreamResponse:
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
        try:
            response = await handler(request)
        except web.HTTPNotFound:
            return web.json_response({"error": "nothing is there"}, status=404)
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
        if office.folder is not None and not _has_files(office, key, value):
            return web.json_response({"error": "a file is not there"}, status=422)
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
        if office.folder is not None:
            for number in range(10):
                office.file_of_item(ref, number).unlink(missing_ok=True)
        return web.Response(status=204 if gone else 404)

    async def _put_file(self, request: web.Request) -> web.Response:
        """Take a file as it comes, in place of what lies there: under its name once it is as long as announced."""
        office, digest = self.office(request), request.headers.get("Content-Digest", "")
        if request.content_length is None or not digest.startswith("sha-256=:"):
            return web.json_response({"error": "length or hash"}, status=411)
        path = office.file_of_message(request.match_info["key"], int(request.match_info["number"]))
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file:
                async for chunk in request.content.iter_chunked(1 << 16):
                    file.write(chunk)
            if part.stat().st_size != request.content_length:
                return web.json_response({"error": "length"}, status=400)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        office.digests[path] = digest
        return web.Response(status=204)

    async def _delete_files(self, request: web.Request) -> web.Response:
        paths = self.office(request).files_of_message(request.match_info["key"])
        for path in paths:
            path.unlink()
        return web.Response(status=204 if paths else 404)

    async def _give_file(self, request: web.Request) -> web.StreamResponse:
        path = self.office(request).file_of_item(request.match_info["ref"], int(request.match_info["number"]))
        return web.FileResponse(path) if path.exists() else web.Response(status=404)


def _has_files(office: ApiOffice, key: str, value: Mapping[str, Any]) -> bool:
    """Whether each file that a message lists lies under its key, as it was announced."""
    for entry in value.get("attachments", []):
        path = office.file_of_message(key, entry["part"])
        digest = base64.b64encode(bytes.fromhex(entry["sha256"])).decode()
        if not path.exists() or path.stat().st_size != entry["size"] or office.digests[path] != f"sha-256=:{digest}:":
            return False
    return True
