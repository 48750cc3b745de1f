"""Send one request and read its whole answer, within limits; here the errors of libraries become ours. At the end what
an answer without a signature tells the sender: never anything final.

Deadlines are real time: they guard sockets. Nothing of the environment is used: no proxy but that of the settings, no
cookies, no redirects.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import aiohttp

from gateway.errors import PROXY_CODES, Code, RefusedError, TransientError
from gateway.federation.endpoints import JSON, Endpoint
from gateway.federation.networks.outbound_proxy import OutboundProxy, translate_fault
from gateway.federation.tls import PinnedKeys, client_context
from gateway.ports import Clock

CONNECTIONS_PER_PEER = 4
IDLE_SECONDS = 30.0
"""Shorter than the server's, so that it is the client who closes."""
WARM_SECONDS = 10.0
LONGEST_PAUSE = 12 * 3_600
"""Seconds that a peer may ask to be left alone at most (nrm1 9.5)."""
_SECONDS = re.compile(rb"[1-9][0-9]{0,8}")
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Deadlines in seconds: for a connection with its handshake, for silence while reading, for the whole request."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 90.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer as received, unproven. ``at``: Unix seconds when its head had arrived."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    content_type: str
    body: bytes
    at: int


class Wire:
    """The few kept-alive connections to one server. Make it inside a running event loop, and close it."""

    def __init__(
        self,
        url: str,
        pinned: PinnedKeys | None,
        *,
        patience: Patience,
        clock: Clock,
        proxy: OutboundProxy | None = None,
    ) -> None:
        """``url`` is ``https://host:port``. ``pinned`` checks every connection, also one through ``proxy``; None is for
        a first contact only.
        """
        self._url = url
        self._way = {} if proxy is None else proxy.options(url)
        self._clock = clock
        self._tls = client_context()
        self._answered: float | None = None
        self.proxy_fault: Code | None = None
        """What the proxy did at the last request instead of opening a tunnel."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=True if pinned is None else pinned, limit=CONNECTIONS_PER_PEER, keepalive_timeout=IDLE_SECONDS
            ),
            timeout=aiohttp.ClientTimeout(
                total=patience.total, connect=patience.connect, sock_connect=patience.connect, sock_read=patience.read
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )

    @property
    def warm(self) -> bool:
        """Whether the server answered a moment ago, so that its connection is assumed to be open."""
        return self._answered is not None and self._clock.monotonic() - self._answered <= WARM_SECONDS

    async def close(self) -> None:
        """Close the connections; a request under way ends with ``TransientError``."""
        await self._session.close()

    async def send(
        self,
        row: Endpoint,
        *,
        path: str | None = None,
        query: str = "?",
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes = b"",
    ) -> Raw:
        """Send a request to ``row``; ``query`` begins with its question mark. Raises ``TransientError`` for all network
        faults.
        """
        target = f"{self._url}{path or row.path}{query if query != '?' else ''}"
        content = io.BytesIO(body) if row.method in ("POST", "PUT") else None
        if self._session.closed:
            raise TransientError(Code.UNREACHABLE, "the connections to the peer were closed meanwhile")
        try:
            async with self._session.request(
                row.method, target, headers=headers, data=content, ssl=self._tls, allow_redirects=False, **self._way
            ) as response:
                at = self._clock.now()
                answer = await _bounded(response, row.answer_limit)
        except (aiohttp.ClientError, OSError, UnicodeError) as exc:
            fault = _translated(exc, bool(self._way))
            self.proxy_fault = fault.code if fault.code in PROXY_CODES else None
            raise fault from exc
        self.proxy_fault = None
        self._answered = self._clock.monotonic()
        return Raw(
            status=response.status,
            fields=response.raw_headers,
            content_type=response.headers.get("Content-Type", ""),
            body=answer,
            at=at,
        )


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read the body; raise ``TransientError(too_large)`` as soon as it is longer than ``limit`` bytes."""
    if "Content-Encoding" in response.headers:
        raise TransientError(Code.REJECTED, "answer is compressed")
    chunks: list[bytes] = []
    size = response.content_length or 0
    received = 0
    while size <= limit and received <= limit:
        chunk = await response.content.readany()
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        received += len(chunk)
    response.close()
    raise TransientError(Code.TOO_LARGE, f"answer is longer than {limit} bytes")


def _translated(exc: Exception, through_proxy: bool) -> TransientError:
    """Translate a foreign error into ours, without an address or a byte of the request."""
    if through_proxy and (fault := translate_fault(exc)) is not None:
        return fault
    way = " through the proxy" if through_proxy else ""
    match exc:
        case aiohttp.ServerFingerprintMismatch():
            return TransientError(
                Code.BAD_KEY, "server key is not one that the peer's descriptor pins", hint=bad_key_hint(through_proxy)
            )
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # the latter: a label that no name may have
            return TransientError(Code.UNREACHABLE, "host name of the peer does not resolve")
        case aiohttp.ClientSSLError():
            return TransientError(Code.UNREACHABLE, f"no TLS 1.3 connection to the peer{way}")
        case TimeoutError():
            return TransientError(Code.UNREACHABLE, f"peer did not answer in time{way}")
        case aiohttp.ClientConnectorError():
            return TransientError(Code.UNREACHABLE, f"no connection to the peer{way}")
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
            return TransientError(Code.UNREACHABLE, f"connection{way} ended before the answer")
        case _:
            return TransientError(Code.MALFORMED, f"peer did not answer in HTTP{way}")


def bad_key_hint(through_proxy: bool) -> str:
    """Say what to do about a server key that is not pinned."""
    if through_proxy:
        return (
            "nothing was sent; if the proxy opens TLS, have it let this peer's host through unopened or name the host "
            "in proxy.direct; else ask the peer whether it changed its server"
        )
    return "nothing was sent; ask the peer whether it changed its server, and fetch its newest descriptor"


# --- without a signature -----------------------------------------------------------------------------------------


def check_length(row: Endpoint, body: bytes) -> None:
    """Raise RefusedError(too_large) for a body that the endpoint would not take: it is never sent."""
    if len(body) > row.request_limit:
        raise RefusedError(Code.TOO_LARGE, f"request to {row.path} is longer than {row.request_limit} bytes")


def body_of(raw: Raw) -> bytes:
    """Return the body of an unsigned answer with status 200. Raises TransientError for any other."""
    if raw.status != 200:
        raise translate_answer(raw)
    if raw.content_type != JSON:
        raise TransientError(Code.REJECTED, "answer is not json")
    return raw.body


def require_taken(raw: Raw) -> None:
    """Return if a pushed document was taken (202), which says nothing of what becomes of it. Raises TransientError."""
    if raw.status != 202:
        raise translate_answer(raw)


def has_signature(raw: Raw) -> bool:
    """Whether an answer claims to be signed; nothing of it is verified."""
    return any(name.lower() in (b"signature", b"signature-input") for name, _ in raw.fields)


def translate_answer(raw: Raw) -> TransientError:
    """Translate an unsigned answer to the error that the sender raises. A 503 that says after how many seconds to come
    again is maintenance there (nrm1 9.5): of that the pinned connection is the only proof, so it decides when to ask
    again and nothing else.
    """
    later = [value for name, value in raw.fields if name.lower() == b"retry-after"]
    if raw.status == 503 and len(later) == 1 and _SECONDS.fullmatch(later[0]):
        again_in = min(int(later[0]), LONGEST_PAUSE)
        return TransientError(Code.MAINTENANCE, "people work on the peer's node (503)", again_in=again_in)
    return translate_status(raw.status)


def translate_status(status: int) -> TransientError:
    """Translate the status of an unsigned answer to the error that the sender raises: never a final one."""
    match status:
        case 403:
            return TransientError(Code.NOT_ACTIVE, "peer refused without a reason (403)")
        case 413:
            return TransientError(Code.TOO_LARGE, "peer calls the request too large (413)")
        case 429:
            return TransientError(Code.REJECTED, "peer asks to slow down (429)")
        case _ if status >= 500:
            return TransientError(Code.REJECTED, f"peer has a failure of its own ({status})")
        case 200 | 400 | 404 | 409:
            return TransientError(Code.BAD_SIGNATURE, f"answer is not signed ({status})")
        case _:
            return TransientError(Code.REJECTED, f"answer has an unexpected status ({status})")
