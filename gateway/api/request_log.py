"""One id for each local request, and a log line for each that changes something (docs/adr/0034).

The line has the operation and the status, never a path: that has the ids of messages and cases in it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.foundation.logs import logger
from gateway.foundation.telemetry.request_ids import (
    ANSWER_HEADER,
    HEADER,
    make_request_id,
    read_request_id,
    request_scope,
    write_header,
)

READS = ("GET", "HEAD")


@web.middleware
async def name_requests(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give the request the id that its caller gave, or a new one; the answer names it, and the log of this node."""
    id = read_request_id(request.headers.getall(HEADER, [])) or make_request_id()
    with request_scope(id):
        begun = time.monotonic()
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers[ANSWER_HEADER] = write_header(id)
            raise
        if not response.prepared:
            response.headers[ANSWER_HEADER] = write_header(id)
        if request.method not in READS:
            step = request.match_info.route.name or "console"
            seconds = round(time.monotonic() - begun, 3)
            logger().info("api.answered", step=step, status=response.status, seconds=seconds)
        return response
