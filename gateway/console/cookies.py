"""The two cookies: the session, and the language of somebody who is not signed in. Both are for this host only."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

SESSION = "__Host-trm-session"
LANGUAGE = "__Host-trm-language"

Answer = TypeVar("Answer", bound=web.StreamResponse)


def set_cookie(response: Answer, name: str, value: str) -> Answer:
    """Set a cookie that ends with the browser session and that no script can read."""
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def clear_cookie(response: Answer, name: str) -> Answer:
    """Remove a cookie."""
    response.set_cookie(name, "", path="/", secure=True, httponly=True, samesite="Lax", max_age=0)
    return response
