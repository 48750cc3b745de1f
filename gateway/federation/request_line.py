"""Receive step 1 (nrm1 9.6): the form of a request, judged before anything in it is believed.

Whatever is wrong ends the request with a bare status; ``server`` answers it and says nothing else.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from aiohttp import web

from gateway.errors import Code, RemoteError
from gateway.federation import endpoints
from gateway.federation.connections import BODY_SECONDS
from gateway.federation.endpoints import Endpoint, Segment
from gateway.federation.signatures import split_target
from gateway.foundation.ids import NodeId

_LENGTH = re.compile(r"0|[1-9][0-9]{0,11}")
_FROM = re.compile(r"\?from=([1-9][0-9]{0,8})")


class BareStatusError(Exception):
    """Leave with this status and nothing else; with a 503, after how many seconds to come again, where it is known."""

    def __init__(
        self, status: HTTPStatus, code: Code | None = None, peer: NodeId | None = None, again_in: int | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.code = code
        self.peer = peer
        self.again_in = again_in


def find_row(request: web.BaseRequest) -> tuple[Endpoint, Segment | None, str]:
    """Find the endpoint of a request, the segment that its path names, and its query."""
    try:
        path, query = split_target(request.raw_path)
    except RemoteError as exc:
        raise BareStatusError(HTTPStatus.BAD_REQUEST, exc.code) from exc
    found = endpoints.find_endpoint(request.method, path)
    if found is None or (query != "?" and found[0] is not endpoints.GET_DESCRIPTOR):
        raise BareStatusError(HTTPStatus.NOT_FOUND)
    return *found, query


def body_length(request: web.BaseRequest, row: Endpoint) -> int:
    """Check the form of a request to ``row`` and return the length of the body that may be read."""
    if request.version != (1, 1) or "Upgrade" in request.headers:
        raise BareStatusError(HTTPStatus.BAD_REQUEST)
    # Nothing is decompressed: the digest covers the bytes as sent, and a bomb would unpack before any check.
    if "Content-Encoding" in request.headers:
        raise BareStatusError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    length = _length(request, row)
    if length > row.request_limit:
        raise BareStatusError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Code.TOO_LARGE)
    return length


def _length(request: web.BaseRequest, row: Endpoint) -> int:
    lengths = request.headers.getall("Content-Length", [])
    if "Transfer-Encoding" in request.headers:
        raise BareStatusError(HTTPStatus.LENGTH_REQUIRED)
    if not lengths and row.method == "GET":
        return 0
    if not lengths:
        raise BareStatusError(HTTPStatus.LENGTH_REQUIRED)
    if len(lengths) > 1 or _LENGTH.fullmatch(lengths[0]) is None:
        raise BareStatusError(HTTPStatus.BAD_REQUEST)
    return int(lengths[0])


def read_from_version(query: str) -> int:
    """Read the query of a descriptor request: ``?from=k``, or none for 1. Raises ``RemoteError(malformed)``."""
    if query == "?":
        return 1
    found = _FROM.fullmatch(query)
    if found is None:
        raise RemoteError(Code.MALFORMED, "query is not from=k")
    return int(found[1])


async def read_body(request: web.BaseRequest, length: int) -> bytes:
    """Read exactly the announced body. The deadline is real time: it guards a socket, not a rule of the protocol."""
    if length == 0:
        return b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.content.readexactly(length)
    except TimeoutError as exc:
        raise BareStatusError(HTTPStatus.REQUEST_TIMEOUT) from exc
    except (asyncio.IncompleteReadError, web.RequestPayloadError, OSError) as exc:
        raise BareStatusError(HTTPStatus.BAD_REQUEST) from exc
