"""The front door: receive steps 1 and 2 (nrm1 4.1, 4.2, 9.6, 9.13), then a handler, then the signed answer (nrm1 9.14).

1. The request line is one of ``endpoints``; the connection's address may ask (429); HTTP/1.1 without Upgrade, without
   Content-Encoding (415) or Transfer-Encoding, with a Content-Length on each POST (411) within its limit (413).
2. The HTTP signature has the form of ``nrm-node/1`` and is that of a peer which ``verify`` admits; only then is the
   body read; then its digest, the times and the nonce; then that it is meant for this node and of the right type.

What fails before the peer is proven is answered by a bare status: no body, no reason. What a proven peer did wrong is
answered 400 ``{"code": ...}``, signed. Answers 403 and 5xx are always bare, and so is the one to a replay. The public
questions and the pushed documents have no step 2 and unsigned answers; a push is judged behind its answer (nrm1 9.4).

What a stranger sends goes into no log: what happened is told to ``report`` in words of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import assert_never

from aiohttp import web

from gateway.errors import WIRE_CODES, Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.federation import endpoints
from gateway.federation.connections import SERVER, build_bare_response, caller_of
from gateway.federation.endpoints import JSON, Access, Endpoint, Segment
from gateway.federation.handlers import Closed, FederationHandlers, Refusal, Reply, Report
from gateway.federation.nonces import NonceCache, Seen, SharedNonces
from gateway.federation.ports import HttpKeys, Rand, VerifyPeer
from gateway.federation.pushes import PushedDocuments
from gateway.federation.rates import TokenBuckets, WorkBudgets
from gateway.federation.request_line import BareStatusError, body_length, find_row, read_body, read_from_version
from gateway.federation.routing import PeerRoutes
from gateway.federation.signatures import (
    SKEW,
    Claim,
    RequestHead,
    VerifiedRequest,
    admit_request,
    is_in_time,
    read_request,
)
from gateway.federation.signed_times import read_clocks
from gateway.federation.signing import fresh_nonce, sign_response
from gateway.foundation.ids import KeyId, NodeId
from gateway.foundation.telemetry.request_ids import (
    HEADER,
    bind_request_id,
    make_request_id,
    read_request_id,
    request_scope,
)
from gateway.foundation.work_meter import WorkMeter
from gateway.ports import Clock
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

REQUESTS_PER_PEER = 8
"""How many requests of one peer are worked on at once."""
STRANGER_COST = 10.0
"""What an unsigned request costs of the address's tokens; a signed one costs 1."""


class FederationApp:
    """All requests of the public listener of ``node``, run by ``listener.start_listener``.

    ``authority`` is ``address.authority_of`` of the node's own first endpoint. ``keys`` signs the answers. The time at
    which this is made is the start of the process: requests signed before it are ``stale``. ``rand`` makes nonces.
    ``verify_paired`` also admits peers that are not active yet, ``verify_known`` every peer that is not revoked, where
    an endpoint takes them; without these nobody else is admitted. ``closed`` says why nothing of peers is judged now,
    None while it is: they meet a bare 503 then and keep what they have, and are answered only what is held of them.
    ``report`` is called for every refusal, and ``timed`` with the seconds of every request of a proven peer; neither
    must raise.
    """

    def __init__(
        self,
        handlers: FederationHandlers,
        *,
        node: NodeId,
        authority: str,
        keys: HttpKeys,
        verify: VerifyPeer,
        verify_paired: VerifyPeer | None = None,
        verify_known: VerifyPeer | None = None,
        verify_listed: VerifyPeer | None = None,
        clock: Clock,
        rand: Rand,
        buckets: TokenBuckets | None = None,
        nonces: NonceCache | None = None,
        shared: SharedNonces | None = None,
        work: WorkBudgets | None = None,
        report: Report = lambda refusal: None,
        overworked: Callable[[NodeId], None] = lambda peer: None,
        closed: Callable[[], Closed | None] = lambda: None,
        timed: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._node = node
        self._authority = authority
        self._keys = keys
        self._verify = {
            Access.PEER: verify,
            Access.PAIRED: verify_paired or verify,
            Access.KNOWN: verify_known or verify,
        }
        self._verify_listed = verify_listed or verify
        self._clock = clock
        self._rand = rand
        self._buckets = buckets if buckets is not None else TokenBuckets(monotonic=clock.monotonic)
        self._nonces = nonces if nonces is not None else NonceCache()
        self._shared = shared
        self._work = work if work is not None else WorkBudgets(monotonic=clock.monotonic)
        self._report = report
        self._begun = read_clocks(clock)
        self._overworked = overworked
        self._closed = closed
        self._timed = timed
        self._busy: Counter[NodeId] = Counter()
        self._routes = PeerRoutes(handlers)
        self._pushes = PushedDocuments(self._routes.push, self._tell_of_push)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; never raises but for cancellation. The answer's `Date` is this node's clock."""
        with request_scope():
            response = await self._answer(request)
        response.headers["Date"] = formatdate(self._clock.now(), usegmt=True)
        return response

    async def close(self) -> None:
        """Let go of what was pushed and is not judged yet."""
        await self._pushes.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        row: Endpoint | None = None
        try:
            row, segment, query = find_row(request)
            length = self._step_1(request, row)
            match row.access:
                case Access.PUBLIC:
                    return _plain(await self._public(row, query))
                case Access.DOCUMENT:
                    return _plain(await self._take_document(request, row, length))
                case Access.PEER | Access.PAIRED | Access.KNOWN:
                    return await self._peer(request, row, segment, query, length)
                case _:
                    assert_never(row.access)
        except BareStatusError as leave:
            self._tell(row, leave.peer, leave.status, leave.code)
            return build_bare_response(leave.status, leave.again_in)
        except TransientError as exc:
            self._tell(row, None, HTTPStatus.SERVICE_UNAVAILABLE, exc.code)
            return build_bare_response(HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception as exc:  # noqa: BLE001 (the last resort at the border: a bare 500, told to `report`)
            self._tell(row, None, HTTPStatus.INTERNAL_SERVER_ERROR, None, exc)
            return build_bare_response(HTTPStatus.INTERNAL_SERVER_ERROR)

    # --- step 1 --------------------------------------------------------------------------------------------------

    def _step_1(self, request: web.BaseRequest, row: Endpoint) -> int:
        """Apply receive step 1 and return the length of the body that may be read."""
        # Before anything is parsed further: a flood must not cost more than a look at the request line.
        cost = 1.0 if row.access in self._verify else STRANGER_COST
        if not self._buckets.take(caller_of(request), cost):
            raise BareStatusError(HTTPStatus.TOO_MANY_REQUESTS)
        return body_length(request, row)

    # --- without a peer ------------------------------------------------------------------------------------------

    async def _public(self, row: Endpoint, query: str) -> Reply:
        try:
            if row is endpoints.GET_KEYSET:
                return await self._routes.handlers.get_keyset()
            return await self._routes.handlers.get_descriptor(read_from_version(query))
        except RemoteError as exc:
            raise BareStatusError(HTTPStatus.BAD_REQUEST, exc.code) from exc

    async def _take_document(self, request: web.BaseRequest, row: Endpoint, length: int) -> Reply:
        """Answer by the form alone: who pushes learns nothing about whom this node knows."""
        if request.headers.getall("Content-Type", []) != [row.content_type]:
            raise BareStatusError(HTTPStatus.BAD_REQUEST, Code.WRONG_TYPE)
        body = await read_body(request, length)
        try:
            SignedDocument.decode(body, row.content_type)
        except RemoteError as exc:
            raise BareStatusError(HTTPStatus.BAD_REQUEST, exc.code) from exc
        self._pushes.take(row, body)
        return Reply(HTTPStatus.ACCEPTED, JSON, b"{}")

    def _tell_of_push(self, row: Endpoint, error: Exception) -> None:
        if isinstance(error, GatewayError):
            self._tell(row, None, HTTPStatus.ACCEPTED, error.code)
        else:
            self._tell(row, None, HTTPStatus.ACCEPTED, None, error)

    # --- step 2 and the handler ----------------------------------------------------------------------------------

    async def _peer(
        self, request: web.BaseRequest, row: Endpoint, segment: Segment | None, query: str, length: int
    ) -> web.StreamResponse:
        claim = await self._proven(request, row, row.path if segment is None else segment.path, query)
        # Only what a proven peer sends is looked at, and only an id that looks random comes into the log (nrm1 9.21).
        bind_request_id(read_request_id(request.headers.getall(HEADER, [])) or make_request_id())
        self._kid(claim.node)
        # Counted by proven peer, not by address: several peers may share one, and one may use several.
        if self._busy[claim.node] >= REQUESTS_PER_PEER:
            raise BareStatusError(HTTPStatus.TOO_MANY_REQUESTS, peer=claim.node)
        if not self._work.allows(claim.node):
            self._overworked(claim.node)
            raise BareStatusError(HTTPStatus.TOO_MANY_REQUESTS, peer=claim.node)
        self._busy[claim.node] += 1
        meter, begun = WorkMeter(), self._clock.monotonic()
        try:
            reply = await meter.run(self._answered(claim, row, segment, await read_body(request, length)))
        finally:
            self._busy[claim.node] -= 1
            self._work.spend(claim.node, meter.seconds)
            self._timed(self._clock.monotonic() - begun)
        return self._signed(reply, claim)

    async def _proven(self, request: web.BaseRequest, row: Endpoint, path: str, query: str) -> Claim:
        """Verify the signature from the head alone: the body of a stranger is not even read."""
        head = RequestHead(
            method=row.method, authority=self._authority, path=path, query=query, fields=request.raw_headers
        )
        try:
            claim = read_request(head)
            genuine = await self._verify[row.access](claim.node, claim.kid, claim.base, claim.signature)
        except RemoteError as exc:
            raise BareStatusError(HTTPStatus.FORBIDDEN, exc.code) from exc
        if not genuine and not await self._of_another_time(claim):
            raise BareStatusError(HTTPStatus.FORBIDDEN, Code.BAD_SIGNATURE)
        return claim

    async def _of_another_time(self, claim: Claim) -> bool:
        """Whether a peer signed, out of time, by a key that is in force at another one: its clock, or ours, is wrong.
        What follows answers it `stale`, signed, so that it can compare its clock with ours (nrm1 12.17).
        """
        if is_in_time(claim, self._clock.now()):
            return False
        return await self._verify_listed(claim.node, claim.kid, claim.base, claim.signature)

    async def _answered(self, claim: Claim, row: Endpoint, segment: Segment | None, body: bytes) -> Reply:
        """Apply the rest of step 2 and call the handler. From here on a refusal has a code, since the peer is known."""
        try:
            verified = self._admitted(claim, body)
            if self._shared is not None and not await self._shared.admit(verified, self._clock.now()):
                raise BareStatusError(HTTPStatus.FORBIDDEN, Code.BAD_SIGNATURE, claim.node)
            if verified.recipient != self._node:
                raise RemoteError(Code.MISROUTED, "request is meant for another node")
            if row.access is not Access.KNOWN and (why := self._closed()) is not None:
                raise BareStatusError(HTTPStatus.SERVICE_UNAVAILABLE, why.code, claim.node, why.again_in)
            if verified.content_type != row.content_type:
                raise RemoteError(Code.WRONG_TYPE, "content type is not the one of this endpoint")
            if row is endpoints.GET_HELD:
                await self._pushes.settled()
            return await self._routes.handle(row, segment, verified.node, body)
        except (TransientError, RefusedError) as exc:
            if isinstance(exc, RefusedError) and exc.code is not Code.NO_KEY:
                raise
            raise BareStatusError(HTTPStatus.SERVICE_UNAVAILABLE, exc.code, claim.node) from exc
        except RemoteError as exc:
            if exc.code not in WIRE_CODES:
                raise BareStatusError(HTTPStatus.FORBIDDEN, exc.code, claim.node) from exc
            self._tell(row, claim.node, HTTPStatus.BAD_REQUEST, exc.code)
            return Reply(HTTPStatus.BAD_REQUEST, JSON, canon({"code": str(exc.code)}))

    def _admitted(self, claim: Claim, body: bytes) -> VerifiedRequest:
        """Check digest, times and nonce in one go: between the look at the clock and the nonce nothing else runs."""
        now = self._clock.now()
        try:
            verified = admit_request(claim, body=body, now=now, started=self._started(now))
        except RemoteError as exc:
            # Only `stale` is answered with its code: the sender signs anew. A body that does not match was altered on
            # the way, so the answer would go to whoever altered it.
            if exc.code is Code.STALE:
                raise
            raise BareStatusError(HTTPStatus.FORBIDDEN, exc.code, claim.node) from exc
        match self._nonces.admit(verified, self._clock.monotonic()):
            case Seen.FIRST:
                return verified
            case Seen.REPLAY:
                raise BareStatusError(HTTPStatus.FORBIDDEN, Code.BAD_SIGNATURE, claim.node)
            case Seen.FULL:
                raise BareStatusError(HTTPStatus.TOO_MANY_REQUESTS, None, claim.node)

    def _started(self, now: int) -> int:
        """Say when this was made, by the clock as it is now: one that was wrong at the start and was set since would
        refuse what is made from here on, or admit what was made before. Nonces that several workers share are older
        than this process.
        """
        if self._shared is not None:
            return self._shared.began
        moved = now - self._begun.expected(self._clock.monotonic())
        return self._begun.wall + (round(moved) if abs(moved) > SKEW else 0)

    def _kid(self, peer: NodeId) -> KeyId:
        """The key that signs the answer. Without one nothing is taken from a peer either: it asks again later."""
        try:
            return self._keys.http_kid
        except RefusedError as exc:
            raise BareStatusError(HTTPStatus.SERVICE_UNAVAILABLE, exc.code, peer) from exc

    def _signed(self, reply: Reply, claim: Claim) -> web.Response:
        if reply.is_bare:
            return build_bare_response(reply.status)
        fields = sign_response(
            status=reply.status,
            content_type=reply.content_type,
            body=reply.body,
            asked=claim.asked,
            node=self._node,
            kid=self._kid(claim.node),
            nonce=fresh_nonce(self._rand),
            created=self._clock.now(),
            sign=self._keys.sign_http,
        )
        return web.Response(status=reply.status, body=reply.body, headers={**fields, "Server": SERVER})

    def _tell(
        self, row: Endpoint | None, peer: NodeId | None, status: int, code: Code | None, error: Exception | None = None
    ) -> None:
        endpoint = None if row is None else f"{row.method} {row.path}"
        self._report(Refusal(endpoint=endpoint, peer=peer, status=int(status), code=code, error=error))


def _plain(reply: Reply) -> web.Response:
    if reply.is_bare:
        return build_bare_response(reply.status)
    return web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, "Server": SERVER}
    )
