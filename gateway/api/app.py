"""The local HTTP application: who may come in, JSON with limits, problem+json out.

Two doors: the Unix socket (mode 0600, and the kernel must say that the caller is this user or root) and loopback with
a bearer token. A token that is given decides, on either door; who shows a personal one on the socket is that person and
its owner. `_doorkeeper` is the one place where a role meets an
operation: a route has the name of its operation, and one that has no row is closed. Content never
appears in an error, and there is no access log.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from gateway.api import metrics
from gateway.api.request_log import name_requests
from gateway.api.routes import BODY_LIMIT, PREFIX, ROUTES, Route
from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError
from gateway.federation.connections import Connection, end_slow_bodies, name_nobody, write_piece
from gateway.foundation.logs import logger
from gateway.foundation.telemetry.durations import Durations
from gateway.node import rows
from gateway.operations.ports import Operations
from gateway.operations.registry import check_person, may, visible
from gateway.operations.roles import OWNER, Caller, on_socket
from gateway.ports import Json
from gateway.strict_json import LARGEST, Flaw, Rule, is_whole_text, read_json

LONGEST_KEY = 128
STATUS = {
    Code.UNAUTHORISED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.EXISTS: 409,
    Code.CHANGED_MEANWHILE: 412,
    Code.INVALID: 400,
    Code.MALFORMED: 400,
    Code.TOO_LARGE: 413,
    Code.WRONG_TYPE: 415,
    Code.LOCKED: 503,
    Code.ROOTS_DUE: 503,
    Code.OUT_OF_SCOPE: 403,
    Code.NOT_ACTIVE: 409,
}

_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "10"}}
"""What an answer of this status has to say besides (RFC 9110, 11.6.1 and 10.2.3)."""
_OF_HTTP = {
    404: (Code.NOT_FOUND, f"{PREFIX}/openapi.json has every operation"),
    405: (Code.INVALID, "the header Allow has the methods of this path"),
    408: (Code.INVALID, "send the whole body without a pause"),
}
"""What is said of a request that reaches no operation."""
_KEEP = {"Cache-Control": "no-store"}
CHUNK = 256 * 1024
"""Bytes of a file that are taken from the socket at a time."""
EVENTS, DESCRIPTION, METRICS = (row.name for row in rows.APART)
APART = {EVENTS: f"{PREFIX}/events", DESCRIPTION: f"{PREFIX}/openapi.json", METRICS: "/metrics"}
"""Paths of what is no question to the desk with one answer in JSON."""
STATUS_OF_NODE, READINESS = "node.status", "node.ready"
LIVE = "/health/live"
READY = "/health/ready"
SENDING = "/health/sending"
_CALLER = web.RequestKey("caller", Caller)


def local_app(
    desk: Operations,
    *,
    admit: Callable[[str], Caller],
    durations: Durations,
    console: Iterable[web.RouteDef] = (),
) -> web.Application:
    """Make the application behind both listeners. `admit` returns the holder of a bearer token, or raises
    `unauthorised`; the pages of the `console` stand beside the API, and each has its own guards.
    """
    guards = [_problems, _doorkeeper(admit)]
    api, measured = web.Application(middlewares=guards), web.Application(middlewares=guards)
    for route in ROUTES:
        handler = _taking(desk) if route.takes else _giving(desk) if route.gives else _operation(desk, route)
        api.router.add_route(route.method, route.path, handler, name=route.operation)
    api.router.add_get(APART[EVENTS].removeprefix(PREFIX), _events(desk, admit), name=EVENTS)
    api.router.add_get(APART[DESCRIPTION].removeprefix(PREFIX), _description(), name=DESCRIPTION)
    measured.router.add_get("", _metrics(desk, durations), name=METRICS)
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[name_requests, end_slow_bodies])
    app.on_response_prepare.append(name_nobody)
    app.router.add_get(LIVE, _live)
    app.router.add_get(READY, _ready(desk))
    app.router.add_get(SENDING, _sending(desk))
    app.add_subapp(APART[METRICS], measured)
    app.add_subapp(PREFIX, api)
    app.add_routes([*console] or [web.route("*", "/{path:.*}", _nothing_here)])
    return app


def _doorkeeper(admit: Callable[[str], Caller]) -> Any:
    @web.middleware
    async def keep(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        caller = _caller(request, admit)
        if request.match_info.http_exception is None:
            check_role(caller, request.match_info.route.name or "")
        request[_CALLER] = caller
        return await handler(request)

    return keep


def _caller(request: web.Request, admit: Callable[[str], Caller]) -> Caller:
    """Return the caller: the holder of the token if there is one, on the socket also as its owner; without a token only
    the socket's owner is let in.
    """
    given, owner = request.headers.get("Authorization"), _same_user(request)
    if given is None and owner:
        return OWNER
    scheme, _, token = (given or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(
            Code.UNAUTHORISED, "a bearer token of this node is needed", hint="trm token new makes one for a role"
        )
    caller = admit(token)
    return on_socket(caller) if owner else caller


def check_role(caller: Caller, operation: str) -> None:
    """Return if the caller may do the operation; raises RefusedError(forbidden) with the roles that may."""
    row = rows.ROWS.get(operation)
    if may(caller, row):
        return
    if row is not None and caller.person is None:
        check_person(caller, row)
    roles = () if row is None else row.allowed
    if caller.unit is not None and caller.roles & set(roles):
        raise RefusedError(
            Code.FORBIDDEN,
            f"{operation} is not for a token that is bound to a unit; nothing was done",
            hint="use a token of the same role without a unit",
        )
    named = ", ".join(roles) or "no token, only the owner of the node on its socket"
    raise RefusedError(
        Code.FORBIDDEN,
        f"this token may not do {operation}; nothing was done",
        hint=f"allowed for: {named}",
        findings=[Finding(place="", rule="role", hint=role) for role in roles],
    )


def _same_user(request: web.Request) -> bool:
    """Whether the kernel says that a caller on the Unix socket is this user or root."""
    transport = request.transport
    sock = transport.get_extra_info("socket") if transport else None
    if sock is None or sock.family != socket.AF_UNIX:
        return False
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", raw)
    return uid in (0, os.getuid())


@web.middleware
async def _problems(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    """Convert every refusal to problem+json (RFC 9457) with a code, places and rules, and no value."""
    try:
        return await handler(request)
    except TransientError as error:
        status = 429 if error.code is Code.UNAUTHORISED else 503
        return _problem(status, error.code, error.what, [], hint=error.hint, again_in=error.again_in)
    except GatewayError as error:
        findings: list[Json] = [f.to_json() for f in error.findings]
        return _problem(STATUS.get(error.code, 422), error.code, error.what, findings, hint=error.hint)
    except web.HTTPException as error:
        code, hint = _OF_HTTP.get(error.status, (Code.INVALID, ""))
        answer = _problem(error.status, code, error.reason.lower(), [], hint=hint)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except ConnectionError:
        raise  # the caller went away
    except Exception as error:  # noqa: BLE001 (a fault of ours: it is logged without a value, and the caller learns that)
        logger().error("api.failed", exc_info=error)
        return _problem(500, Code.INVALID, "a fault of this node; nothing is known of the outcome", [])


def _problem(
    status: int, code: Code, title: str, findings: list[Json], *, hint: str = "", again_in: int | None = None
) -> web.Response:
    body = {
        "type": f"urn:trm:problem:{code}",
        "title": title,
        "status": status,
        "code": str(code),
        "gate": code.gate,
        "hint": hint,
        "findings": findings,
    }
    headers = _HEADERS.get(status) if again_in is None else {"Retry-After": str(again_in)}
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=headers
    )


def _operation(desk: Operations, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        arguments: dict[str, Json] = _parameters(request)
        if request.method in ("POST", "PUT"):
            arguments |= _object(await _body(request, route.largest), route.deepest)
        if route.matched and (request.method == "PUT" or "If-Match" in request.headers):
            arguments["if_match"] = _seen_version(request)
        arguments |= request.match_info
        key = None if request.method == "GET" else _key(request)
        if route.keyed and key is None:
            raise RefusedError(
                Code.INVALID,
                "an Idempotency-Key header is needed",
                hint="send a fresh random key with each new message",
            )
        caller = request[_CALLER]
        done = await desk.call(route.operation, arguments, key=key, caller=caller)
        value = visible(caller, rows.ROWS[route.operation], done.value)
        return web.Response(
            status=201 if done.created else 200,
            body=orjson.dumps(value),
            content_type="application/json",
            headers=_headers_of(request, route, value),
        )

    return handle


async def _body(request: web.Request, largest: int) -> bytes:
    """The whole body, of at most so many bytes."""
    try:
        return await request.clone(client_max_size=largest).read()
    except web.HTTPRequestEntityTooLarge as error:
        hint = f"at most {largest} bytes"
        raise RefusedError(Code.TOO_LARGE, "the body is too large; nothing was done", hint=hint) from error


def _taking(desk: Operations) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def take(request: web.Request) -> web.StreamResponse:
        """A file in the body, as it is; how long it is has to be said before."""
        size = request.content_length
        if size is None or "Transfer-Encoding" in request.headers:
            raise RefusedError(Code.INVALID, "a Content-Length is needed; nothing was stored")
        if "Content-Encoding" in request.headers:
            raise RefusedError(Code.INVALID, "a file is accepted only without Content-Encoding; nothing was stored")
        chunks = request.content.iter_chunked(CHUNK)
        done = await desk.attach(_parameters(request), chunks, size=size, caller=request[_CALLER])
        return web.Response(status=201, body=orjson.dumps(done.value), content_type="application/json", headers=_KEEP)

    return take


def _giving(desk: Operations) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def give(request: web.Request) -> web.StreamResponse:
        """A file, opened as it is sent. One that fails on the way ends the connection: it is shorter than was said."""
        file = await desk.attached(_parameters(request) | request.match_info, caller=request[_CALLER])
        digest = base64.b64encode(file.sha256).decode()
        response = web.StreamResponse(
            headers={
                **_KEEP,
                "Content-Type": file.media,
                "Content-Length": str(file.size),
                "Content-Disposition": f'attachment; filename="{file.name}"',
                "X-Content-Type-Options": "nosniff",
                "Repr-Digest": f"sha-256=:{digest}:",
            }
        )
        await response.prepare(request)
        try:
            async for chunk in file.chunks:
                await write_piece(request, response, chunk)
        except GatewayError as error:
            logger().error("api.file_failed", code=str(error.code))
            raise ConnectionError("a file did not open to its end") from error
        await response.write_eof()
        return response

    return give


def _seen_version(request: web.Request) -> str:
    """Return the one entity tag of If-Match (RFC 9110, 13.1.1); without one a change could undo another person's."""
    given = request.headers.get("If-Match", "")
    version = given.removeprefix('"').removesuffix('"')
    if given != f'"{version}"' or not version:
        raise RefusedError(
            Code.INVALID,
            "an If-Match header with one entity tag is needed; nothing was changed",
            hint="give the ETag of the answer in which you saw it",
        )
    return version


def _headers_of(request: web.Request, route: Route, value: Json) -> dict[str, str]:
    """Return the headers with the entity tag of a thing that can be changed, and the address of the next page (RFC
    8288).
    """
    headers: dict[str, str] = dict(_KEEP)
    if not isinstance(value, dict):
        return headers
    version, following = value.get("version"), value.get("next")
    if route.path.startswith("/drafts") and isinstance(version, str):
        headers["ETag"] = f'"{version}"'
    if route.paged and isinstance(following, str):
        cursor = "after" if route.operation == "inbox.list" else "cursor"
        headers["Link"] = f'<{request.rel_url.update_query({cursor: following})}>; rel="next"'
    return headers


def _parameters(request: web.Request) -> dict[str, Json]:
    """Return the query parameters; each name may occur once."""
    if len(request.query) != len(set(request.query)):
        raise RefusedError(Code.INVALID, "a query parameter occurs twice")
    for value in request.query.values():
        _check_text(value)
    return dict(request.query)


def _key(request: web.Request) -> str | None:
    """Return the Idempotency-Key, at most 128 printable ASCII characters."""
    key = request.headers.get("Idempotency-Key")
    if key and (len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable()):
        raise RefusedError(Code.INVALID, f"an Idempotency-Key is up to {LONGEST_KEY} printable ASCII characters")
    return key or None


def _object(data: bytes, depth: int) -> dict[str, Json]:
    """Parse a JSON object in UTF-8: not nested deep, each member once, all numbers whole and within the exact range."""
    if not data:
        return {}
    value, flaws = read_json(data, depth=depth)
    if flaws:
        raise _fault(flaws[0], depth)
    if not isinstance(value, dict):
        raise RefusedError(Code.MALFORMED, "the body is not a JSON object")
    return value


def _fault(flaw: Flaw, depth: int) -> RefusedError:
    if flaw.rule is Rule.TOO_DEEP:
        return RefusedError(Code.MALFORMED, f"the body is nested deeper than {depth}")
    if flaw.rule in (Rule.BAD_TEXT, Rule.BAD_NAME):
        return RefusedError(Code.MALFORMED, _HALF)
    hint = _HINTS[flaw.rule].format(*flaw.at)
    return RefusedError(Code.MALFORMED, "the body is not JSON that this API accepts", hint=hint)


_HALF = "the text has a lone surrogate"
_HINTS = {
    Rule.NOT_UTF8: "it has to be UTF-8",
    Rule.BYTE_ORDER_MARK: "at line {} column {}",
    Rule.MALFORMED: "at line {} column {}",
    Rule.DUPLICATE_MEMBER: "a member occurs twice in one object",
    Rule.NUMBER_TOO_LARGE: f"numbers lie within {LARGEST} of zero",
    Rule.NUMBER_NOT_WHOLE: "numbers are whole",
    Rule.NUMBER_NOT_FINITE: "numbers are whole",
}


def _check_text(value: str) -> None:
    if not is_whole_text(value):
        raise RefusedError(Code.MALFORMED, _HALF)


def _events(desk: Operations, admit: Callable[[str], Caller]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def stream(request: web.Request) -> web.StreamResponse:
        """Server-sent events; `Last-Event-ID` or `?after=` says where to go on. It ends when its caller is let in no
        more, or as somebody with other rights: a stream may be open for months.
        """
        position = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
        if len(position) > 15 or not position.isascii() or not position.isdigit():
            raise RefusedError(Code.INVALID, "the event position is not a number", hint="take it from the last event")
        after, caller = int(position), request[_CALLER]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the reader went away; it comes back with its last id
            async for together in desk.events(after, caller=caller):
                if not _is_still(caller, request, admit):
                    break
                await write_piece(request, response, b"".join(_event(caller, *item) for item in together))
        return response

    return stream


def _is_still(caller: Caller, request: web.Request, admit: Callable[[str], Caller]) -> bool:
    """Whether who asks would be let in now as the same caller."""
    try:
        return _caller(request, admit) == caller
    except GatewayError:
        return False


def _event(caller: Caller, seq: int, value: Mapping[str, Json]) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (seq, orjson.dumps(visible(caller, rows.EVENTS, dict(value))))


def _description() -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    @cache
    def body() -> bytes:
        from gateway.api import openapi  # makes its schemas of every model, for who asks

        return orjson.dumps(openapi.describe_api(), option=orjson.OPT_INDENT_2)

    async def describe(_request: web.Request) -> web.Response:
        return web.Response(body=body(), content_type="application/json")

    return describe


async def _nothing_here(_request: web.Request) -> web.Response:
    return _problem(404, Code.NOT_FOUND, "there is nothing here", [], hint=f"the API is below {PREFIX}")


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"status": "live"})


def _ready(desk: Operations) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def ready(_request: web.Request) -> web.Response:
        """For whoever starts or watches the process: whether it can durably accept, and not why it can not."""
        able = await _finds(desk, "ready")
        return web.json_response({"status": "ready" if able else "not ready"}, status=200 if able else 503)

    return ready


def _sending(desk: Operations) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def sending(_request: web.Request) -> web.Response:
        """For whoever looks after the node: whether anything keeps messages from going, and not what."""
        able = await _finds(desk, "sending")
        return web.json_response({"status": "sending" if able else "not sending"}, status=200 if able else 503)

    return sending


async def _finds(desk: Operations, name: str) -> bool:
    try:
        found = (await desk.call(READINESS, {})).value
    except GatewayError:
        return False
    return isinstance(found, dict) and found[name] is True


def _metrics(desk: Operations, durations: Durations) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def measure(request: web.Request) -> web.Response:
        """`node.status` and the durations of stages in the text format of Prometheus."""
        found = (await desk.call(STATUS_OF_NODE, _parameters(request), caller=request[_CALLER])).value
        if not isinstance(found, dict):
            raise RuntimeError("the status is an object")
        return web.Response(
            body=metrics.render_metrics(found, durations.open()), headers={**_KEEP, "Content-Type": metrics.MEDIA}
        )

    return measure


AT_ONCE = 512
"""Callers who may come in one moment: on a Unix socket the system turns away whoever comes behind them."""


class LocalServer:
    """The listeners of the local API."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        self._listening: list[asyncio.Server] = []

    async def start(self, path: Path, listen: str | None) -> None:
        """Open the socket (0600 from the first moment) and, if wanted, the loopback port."""
        await self._runner.setup()
        path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(mask)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        self._listening.append(await loop.create_unix_server(self._connection, sock=sock, backlog=AT_ONCE))
        if listen is not None:
            host, _, port = listen.rpartition(":")
            self._listening.append(
                await loop.create_server(self._connection, host.strip("[]"), int(port), backlog=AT_ONCE)
            )

    def _connection(self) -> Connection:
        server = self._runner.server
        if server is None:
            raise RuntimeError("a listener is opened after its runner")
        return Connection(server, auto_decompress=True)

    async def close(self) -> None:
        """Stop taking requests."""
        for listening in self._listening:
            listening.close()
        async with asyncio.timeout(5):
            await self._runner.cleanup()
