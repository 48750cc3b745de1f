"""The way out through an HTTP proxy: ``CONNECT host:port``, and TLS with the peer inside (RFC 9110, 9.3.6).

The proxy learns the host and port of a peer, and how much is said when; never a path, a header or a byte of a message,
for nothing but the handshake of TLS passes before the peer's key was compared with the pins. A proxy that ends TLS
itself shows another key, and is refused like any other stranger.

Only node.toml names a proxy; the environment (``HTTPS_PROXY`` and the like) does not count. The faults of the way have
codes of their own, so that nobody looks for them at the peer:

    proxy_away      the proxy has no address, or nothing listens there
    proxy_login     it asks for a login, or for another one (407)
    proxy_refused   it does not let this node through to that host and port (403, or any other answer that is none)
    unreachable     it has tried and reached nobody (502, 503, 504), or the way broke
"""

from __future__ import annotations

import asyncio
import ipaddress
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.config import ProxySection

NAMED_AS = "nrm"
"""The User-Agent of the request to the proxy: neither the program nor its version."""
ANSWER_LIMIT = 8_190
"""Bytes that the head of a proxy's answer may have."""
SECRET_LIMIT = 1_024

_AWAY_HINT = "look at proxy.url of node.toml, and whether the proxy runs and this machine reaches it"
_LOGIN_HINT = "correct proxy.user and the file that proxy.password_file names, then start the node again"
_REFUSED_HINT = "ask who runs the proxy to permit CONNECT from this node to the hosts and ports of its peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundProxy:
    """A proxy, and which hosts are reached without it. ``login`` is a value of ``Proxy-Authorization``."""

    host: str
    port: int
    login: str | None = field(default=None, repr=False)
    direct: tuple[str, ...] = ()

    @classmethod
    def of(cls, section: ProxySection) -> OutboundProxy:
        """Make it of its settings. Raises RefusedError where the password is not in a file that only its owner and
        their group can read.
        """
        parts = urlsplit(section.url)
        if parts.hostname is None or parts.port is None:
            raise RuntimeError("the settings name a host and a port")
        login = None
        if section.user is not None and section.password_file is not None:
            login = aiohttp.encode_basic_auth(section.user, _read_password(section.password_file), encoding="utf-8")
        return cls(host=parts.hostname, port=parts.port, login=login, direct=section.direct)

    def leads_to(self, host: str) -> bool:
        """Whether this host is reached through the proxy; ``direct`` has names, endings (``.example``) and networks."""
        host = host.strip("[]").rstrip(".").lower()
        return not any(_names(entry, host) for entry in self.direct)

    def options(self, url: str) -> Mapping[str, Any]:
        """Return what aiohttp has to be told for a request to ``https://host...``; nothing where it goes directly.

        What is reached without TLS is on this machine and needs no proxy; through one it could be read.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname is None or not self.leads_to(parts.hostname):
            return {}
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return {
            "proxy": f"http://{shown}:{self.port}",
            "proxy_headers": self.headers,
        }

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what the proxy is told besides host and port."""
        told = {"User-Agent": NAMED_AS}
        return told if self.login is None else {**told, "Proxy-Authorization": self.login}


async def open_tunnel(proxy: OutboundProxy, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a tunnel to ``host:port`` for a person who tests the way: requests go by aiohttp, which opens its own.

    Raises TransientError. The caller sets the deadline.
    """
    try:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port, limit=ANSWER_LIMIT)
    except (OSError, UnicodeError) as exc:
        raise TransientError(Code.PROXY_AWAY, "no connection to the proxy", hint=_AWAY_HINT) from exc
    try:
        writer.write(_connect_request(proxy, host, port))
        status = _read_status(await reader.readuntil(b"\r\n\r\n"))
        if status != 200:
            raise translate_status(status)
    except asyncio.LimitOverrunError as exc:
        writer.transport.abort()
        raise translate_status(0) from exc
    except (OSError, EOFError) as exc:
        writer.transport.abort()
        raise TransientError(Code.UNREACHABLE, "the proxy ended the connection without an answer") from exc
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


def translate_fault(exc: Exception) -> TransientError | None:
    """Translate an error of aiohttp into a fault of the proxy; None for one of the peer, or of the way behind."""
    match exc:
        case aiohttp.ClientHttpProxyError():
            return translate_status(exc.status)
        case aiohttp.ClientResponseError() if exc.request_info.method == "CONNECT":
            return translate_status(0)  # what it said is not HTTP
        case aiohttp.ClientConnectorDNSError() | aiohttp.ClientProxyConnectionError():
            # Of names the proxy's alone is asked for here; those of peers are its to find.
            return TransientError(Code.PROXY_AWAY, "no connection to the proxy", hint=_AWAY_HINT)
        case _:
            return None


def translate_status(status: int) -> TransientError:
    """Translate the status of an answer to ``CONNECT`` that opened no tunnel; 0 is none at all."""
    match status:
        case 0:
            return TransientError(Code.PROXY_REFUSED, "the proxy does not answer in HTTP", hint=_AWAY_HINT)
        case 407:
            return TransientError(Code.PROXY_LOGIN, "the proxy asks for a login, or for another one", hint=_LOGIN_HINT)
        case 502 | 503 | 504:
            return TransientError(Code.UNREACHABLE, f"the proxy reached nobody at the peer's address ({status})")
        case _:
            return TransientError(
                Code.PROXY_REFUSED, f"the proxy does not let this node through ({status})", hint=_REFUSED_HINT
            )


def _connect_request(proxy: OutboundProxy, host: str, port: int) -> bytes:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    fields = {"Host": place, **proxy.headers}
    lines = [f"CONNECT {place} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _read_status(head: bytes) -> int:
    """Read the status of an answer's head; 0 for one that is not HTTP."""
    words: Sequence[bytes] = head.split(b"\r\n", 1)[0].split(b" ", 2)
    right = len(words) > 1 and words[0] in (b"HTTP/1.1", b"HTTP/1.0") and len(words[1]) == 3 and words[1].isdigit()
    return int(words[1]) if right else 0


def _names(entry: str, host: str) -> bool:
    """Whether an entry of ``direct`` is this host, an ending of its name, or a network that it is in."""
    entry = entry.lower()
    if entry.startswith("."):
        return host.endswith(entry)
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry)
    except ValueError:
        return entry == host


def _read_password(path: Path) -> str:
    why = "cannot be read"
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o007:
            why = "may be read by everybody (chmod 0600)"
        else:
            with path.open("rb") as file:
                text = file.read(SECRET_LIMIT).decode("utf-8").removesuffix("\n").removesuffix("\r")
            if text and text.isprintable():
                return text
            why = "holds no password: one line of text"
    except (OSError, UnicodeDecodeError):
        pass
    raise RefusedError(
        Code.INVALID,
        f"the password file of the proxy {why}; nothing was started",
        hint="proxy.password_file of node.toml names it",
    )
