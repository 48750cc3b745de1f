"""Ask a case system over HTTPS: one place that handles every fault on the way, and never repeats an answer.

A server elsewhere is reached over TLS with its name verified. Redirects are not followed: a login must not go to
another place. An answer that is too large, no JSON or too late means that the system does not work now. Where the
network has a proxy as its way out, TLS runs inside it.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from adapters.kit.kind import WayOut
from gateway.errors import Code, RefusedError, TransientError

LIMIT = 16 << 20
PATIENCE = 30.0
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A usable answer: a status below 500 that `Web.ask` does not raise for, and the JSON, if any."""

    status: int
    value: Any
    headers: Mapping[str, str]


class Web:
    """A case system at `base`. `ca` are the authorities to trust instead of the system's own, `way` leads to it."""

    def __init__(
        self, base: str, *, ca: Path | None = None, patience: float = PATIENCE, way: WayOut | None = None
    ) -> None:
        parts = urlsplit(base)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
            raise RefusedError(Code.INVALID, "the address of the case system is not like https://host/path")
        if parts.username or parts.password:
            raise RefusedError(Code.INVALID, "the address of the case system holds a login", hint="name a file for it")
        if parts.scheme == "http" and parts.hostname not in _HERE:
            raise RefusedError(Code.INVALID, "a case system on another machine is reached by https only")
        self._base = base.rstrip("/")
        self._ca = ca
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._here = parts.scheme == "http"
        self._way = {} if way is None else way.options(base)

    def have_patience(self, seconds: float) -> None:
        """Set the seconds to wait for each following answer."""
        self._patience = aiohttp.ClientTimeout(total=seconds)

    @property
    def base(self) -> str:
        """The address."""
        return self._base

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """Send one request and return its answer.

        Raises TransientError when there is none, or it is 408, 425, 429, 500 or more, a redirect, or no JSON.
        """
        connector = aiohttp.TCPConnector(ssl=True if self._here else self._context())
        try:
            async with (
                aiohttp.ClientSession(timeout=self._patience, connector=connector) as session,
                session.request(
                    method,
                    self._base + path,
                    params=query,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                    **self._way,
                ) as response,
            ):
                body = await _body(response)
        except aiohttp.ClientHttpProxyError as exc:
            raise _trouble(f"is not reached: the proxy answers {exc.status}") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise _trouble(f"does not answer ({type(exc).__name__})") from None  # the words of aiohttp name the address
        if response.status in {408, 425, 429} or response.status >= 500 or 300 <= response.status < 400:
            raise _trouble(f"answers with {response.status}")
        if not body:
            return Answer(status=response.status, value=None, headers=response.headers)
        try:
            return Answer(status=response.status, value=orjson.loads(body), headers=response.headers)
        except orjson.JSONDecodeError:
            if response.status >= 400:  # an error page of whatever kind is a refusal all the same
                return Answer(status=response.status, value=None, headers=response.headers)
            raise _trouble("answers with something that is not JSON") from None  # the cause repeats it

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=None if self._ca is None else str(self._ca))


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > LIMIT:
            raise _trouble("answers with too much")
    return bytes(body)


def _trouble(what: str) -> TransientError:
    return TransientError(
        Code.ADAPTER_BUSY, f"the case system {what}", hint="look at its address, its log and its load"
    )
