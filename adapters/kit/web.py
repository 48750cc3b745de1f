"""Ask a case system over HTTPS: one place that handles every fault on the way, and never repeats an answer.

A server elsewhere is reached over TLS with its name verified. Redirects are not followed: a login must not go to
another place. An answer that is too large, no JSON or too late means that the system does not work now. Where the
network has a proxy as its way out, TLS runs inside it. Files go and come as streams, and never whole through memory.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from adapters.kit.kind import WayOut
from gateway.errors import Code, RefusedError, TransientError

LIMIT = 16 << 20
PATIENCE = 30.0
SLOWEST = 64 * 1024
"""Bytes in a second: a file that moves slower, beside the patience for an answer, does not move now."""
_CHUNK = 1 << 16
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})

Query = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A usable answer: a status below 500 that `Web.ask` does not raise for, and the JSON, if any."""

    status: int
    value: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request sends as it comes: `size` bytes in chunks. Where the chunks raise, it never arrives whole."""

    size: int
    chunks: AsyncIterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file that a system begins to give: how many bytes where it says so, and the bytes, to be read once."""

    status: int
    size: int | None
    chunks: AsyncIterator[bytes] = field(repr=False)


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
        self._patience = patience
        self._here = parts.scheme == "http"
        self._way = {} if way is None else way.options(base)

    def have_patience(self, seconds: float) -> None:
        """Set the seconds to wait for each following answer."""
        self._patience = seconds

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
        query: Query | None = None,
        data: bytes | Body | None = None,
    ) -> Answer:
        """Send one request and return its answer.

        Raises TransientError when there is none, or it is 408, 425, 429, 500 or more, a redirect, or no JSON; and what
        the chunks of a body raise.
        """
        sending, size = None, 0
        content: bytes | AsyncIterator[bytes] | None
        if isinstance(data, Body):
            sending, size = _Sending(data), data.size
            content, headers = sending.pieces(), {**headers, "Content-Length": str(size)}
        else:
            content = data
        try:
            async with self._request(method, path, headers=headers, query=query, data=content, size=size) as response:
                status, received = response.status, response.headers
                body = await _body(response)
        except TransientError:
            if sending is not None and sending.fault is not None:
                raise sending.fault from None  # the request failed of it, and this is only how
            raise
        if not body:
            return Answer(status=status, value=None, headers=received)
        try:
            return Answer(status=status, value=orjson.loads(body), headers=received)
        except orjson.JSONDecodeError:
            if status >= 400:  # an error page of whatever kind is a refusal all the same
                return Answer(status=status, value=None, headers=received)
            raise _trouble("answers with something that is not JSON") from None  # the cause repeats it

    @asynccontextmanager
    async def open(self, path: str, *, headers: Mapping[str, str], size: int) -> AsyncIterator[Opened]:
        """Begin to read a file of some `size` bytes; leaving ends the connection, whatever was read of it.

        Raises TransientError like `ask`, also from the chunks.
        """
        plain = {**headers, "Accept-Encoding": "identity"}  # its size is that of the file only as it is
        async with self._request("GET", path, headers=plain, size=size) as response:
            said = None if "Content-Encoding" in response.headers else response.content_length
            yield Opened(status=response.status, size=said, chunks=response.content.iter_chunked(_CHUNK))

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        size: int,
        query: Query | None = None,
        data: bytes | AsyncIterator[bytes] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Have the answer to a request that moves `size` bytes of a file; what goes wrong until the end means later."""
        connector = aiohttp.TCPConnector(ssl=True if self._here else self._context())
        reading = self._patience if data is None else None  # between two pieces of a file that comes
        timeout = aiohttp.ClientTimeout(total=self._patience + size / SLOWEST, sock_read=reading)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
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
                if response.status in {408, 425, 429} or response.status >= 500 or 300 <= response.status < 400:
                    raise _trouble(f"answers with {response.status}")
                yield response
        except aiohttp.ClientHttpProxyError as exc:
            raise _trouble(f"is not reached: the proxy answers {exc.status}") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise _trouble(f"does not answer ({type(exc).__name__})") from None  # the words of aiohttp name the address

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=None if self._ca is None else str(self._ca))


class _Sending:
    """A body on its way. The last chunk waits until those before it have gone and nothing has raised: a file that does
    not open to its end is never whole elsewhere, for what is announced is longer than what comes.
    """

    def __init__(self, body: Body) -> None:
        self.size = body.size
        self._chunks = body.chunks
        self.fault: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body, and remember what its chunks raised: the library sends in a task of its own, and tells of a
        broken connection.
        """
        try:
            held, length = b"", 0
            async for chunk in self._chunks:
                length += len(chunk)
                if length > self.size:
                    break
                if held and chunk:
                    yield held
                held = chunk or held
            if length != self.size:
                raise RefusedError(Code.MALFORMED, "a file is not as long as it was said to be")
        except Exception as exc:
            self.fault = exc
            raise
        yield held


async def exactly(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield the bytes of a file that a system gives.

    Raises RefusedError(changed_meanwhile) where they are not `size`.
    """
    length = 0
    async for chunk in chunks:
        length += len(chunk)
        if length > size:
            break
        yield chunk
    if length != size:
        hint = "leave the files of a record as they are until it is settled"
        raise RefusedError(Code.CHANGED_MEANWHILE, "a file of a record has another size than was said", hint=hint)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LIMIT:
            raise _trouble("answers with too much")
    return bytes(body)


def _trouble(what: str) -> TransientError:
    return TransientError(
        Code.ADAPTER_BUSY, f"the case system {what}", hint="look at its address, its log and its load"
    )
