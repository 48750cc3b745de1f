"""One id for each local request, and a log line for each that changes something (docs/adr/0034).

The line has the operation and the status, never a path: that has the ids of messages and cases in it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.foundation.logs import logger
from gateway.foundation.request_ids import (
    ANSWER_HEADER,
    HEADER,
    make_request_id,
    read_request_id,
    request_scope,
    write_header,
)

READS = ("GET", "HEAD")


Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def name_requests(rand: Callable[[int], bytes]) -> Middleware:
    """Make the middleware that gives each request the id that its caller gave, or a new one; the answer names it, and
    the log of this node.
    """

    @web.middleware
    async def name(request: web.Request, handler: Handler) -> web.StreamResponse:
        id = read_request_id(request.headers.getall(HEADER, [])) or make_request_id(rand)
        with request_scope(id):
            begun = time.monotonic()
            try:
                response = await handler(request)
            except web.HTTPException as error:
                error.headers[ANSWER_HEADER] = write_header(id, rand)
                raise
            if not response.prepared:
                response.headers[ANSWER_HEADER] = write_header(id, rand)
            if request.method not in READS:
                step = request.match_info.route.name or "console"
                seconds = round(time.monotonic() - begun, 3)
                logger().info("api.answered", step=step, status=response.status, seconds=seconds)
            return response

    return name
