"""The files that pages bring along: a style sheet, a script, a sign. Their addresses hold their hash: they are kept
for ever and are never stale.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from aiohttp import web

from keys.primitives.encoding import sha256_hex

MEDIA = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _read(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


@cache
def find_address(name: str) -> str:
    """Return the address of a static file; it holds the file's hash."""
    return f"/static/{sha256_hex(_read(name))[:16]}/{name}"


async def serve_file(request: web.Request) -> web.Response:
    """Serve one static file, under its current address only."""
    name = request.match_info["name"]
    if name not in MEDIA or request.path != find_address(name):
        return web.Response(status=404)
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=_read(name), content_type=MEDIA[name], charset="utf-8", headers=headers)
