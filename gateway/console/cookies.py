"""The cookies: the session, the language of somebody who is not signed in, and the colours that somebody chose. All are
for this host only.
"""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

SESSION = "__Host-trm-session"
LANGUAGE = "__Host-trm-language"
LOOK = "__Host-trm-look"
LOOKS = ("light", "dark")
"""Colours that a person can choose; without a choice it is what their system has."""

Answer = TypeVar("Answer", bound=web.StreamResponse)


def set_cookie(response: Answer, name: str, value: str) -> Answer:
    """Set a cookie that ends with the browser session and that no script can read."""
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def clear_cookie(response: Answer, name: str) -> Answer:
    """Remove a cookie."""
    response.set_cookie(name, "", path="/", secure=True, httponly=True, samesite="Lax", max_age=0)
    return response
