"""Webhooks as they go out: one signed POST to a system of the own country (Standard Webhooks 1.0).

What is sent says that something happened and to which message, never what it says: the receiver asks the local API
with its own token. A redirect is no answer; the address is the one that was set, and the proxy of the settings is the
way to it where it is on another machine.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from gateway.errors import Code, TransientError
from gateway.federation.networks.outbound_proxy import OutboundProxy, translate_fault

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
READ = 4_096
"""Bytes of an answer that are read, so that the connection can be used again; nobody looks at them."""


class HookClient:
    """Calls receivers; one for all hooks of a node."""

    def __init__(self, proxy: OutboundProxy | None = None) -> None:
        """``proxy`` is the way to all receivers that it leads to."""
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._trust: dict[Path | None, ssl.SSLContext] = {}

    async def call(self, url: str, headers: Mapping[str, str], body: bytes, *, ca_file: Path | None) -> None:
        """Return when the receiver has answered 2xx. Raises TransientError(unreachable) for everything else."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        way = {} if self._proxy is None else self._proxy.options(url)
        try:
            async with self._session.post(
                url,
                data=body,
                headers={"Content-Type": "application/cloudevents+json", **headers},
                allow_redirects=False,
                ssl=self._context(ca_file),
                **way,
            ) as response:
                await response.content.read(READ)
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if way and (fault := translate_fault(error)) is not None:
                raise fault from error
            raise TransientError(Code.UNREACHABLE, "the receiver of a webhook cannot be reached") from error
        if not 200 <= status < 300:
            raise TransientError(Code.UNREACHABLE, f"the receiver of a webhook answered {status}")

    def _context(self, ca_file: Path | None) -> ssl.SSLContext:
        if ca_file not in self._trust:
            self._trust[ca_file] = ssl.create_default_context(cafile=ca_file)
        return self._trust[ca_file]

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None
