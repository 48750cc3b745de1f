"""What stands before every page: the right host, a request from a page of ours, and headers that let nothing in.

host      another name for this machine is refused (a foreign site that resolves to it)
origin    what changes anything came from a page of ours (Fetch Metadata, else Origin); without either it is refused
headers   no script but ours, no other host, no frame, nothing kept, no referrer
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.console.settings import Settings

SAFE = frozenset({"GET", "HEAD"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), publickey-credentials-get=(self), "
    "publickey-credentials-create=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000"}


def has_wrong_host(request: web.Request, settings: Settings) -> bool:
    """Whether the Host header names another host than this console."""
    return request.headers.get("Host", "") != settings.host


def is_foreign(request: web.Request, settings: Settings) -> bool:
    """Whether a request that could change something did not come from a page of this console."""
    if request.method in SAFE:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site != "same-origin"
    return request.headers.get("Origin") != settings.origin


def add_headers(response: web.StreamResponse, settings: Settings) -> web.StreamResponse:
    """Add the security headers to a response."""
    for name, value in {**HEADERS, **(HSTS if settings.secure else {})}.items():
        response.headers.setdefault(name, value)
    return response
