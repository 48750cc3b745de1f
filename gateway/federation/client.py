"""The way out: one request to one peer, and an answer that counts only when the peer signed it (nrm1 9.14, 9.15).

A peer is reached over TLS 1.3, its server key checked against the pins before a byte of the request leaves, over few
connections that are kept open. An ``Answered`` is final for the layer above: its response signature verified. Any other
outcome is not final and raises ``TransientError``: the same bytes have to be sent again later, signed anew:

    maintenance     a 503 that says after how many seconds to come again
    unreachable     no name, no connection, no answer in time, 429, 5xx, or an answer that is not HTTP
    proxy_...       the way out through a proxy is closed on this side (``networks.outbound_proxy``)
    not_active      a bare 403: the peer does not admit us now
    bad_key         the server showed a key that the descriptor does not pin; nothing was sent
    bad_signature   the answer is unsigned, or its signature is not the peer's
    stale           the answer's time is wrong: the two clocks differ by more than 30 s
    too_large       the answer is longer than the endpoint allows, or the peer calls our request so (413)
    rejected        any other status without a signature

Errors of aiohttp, TLS and sockets are translated in ``wire`` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from gateway.errors import Code, RemoteError, TransientError
from gateway.federation import endpoints, probe
from gateway.federation.address import PeerAddress, authority_of
from gateway.federation.endpoints import Endpoint, Segment
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.federation.ports import HttpKeys, Rand, SpkiHash, VerifyPeer
from gateway.federation.signatures import Claim, ResponseHead, SignedRequest, check_origin, check_time, read_response
from gateway.federation.signed_times import SignedTimes
from gateway.federation.signing import fresh_nonce, sign_request
from gateway.federation.tls import PinnedKeys
from gateway.federation.wire import (
    PATIENCE,
    Patience,
    Raw,
    Wire,
    body_of,
    check_length,
    has_signature,
    require_taken,
    translate_answer,
)
from gateway.foundation.ids import NodeId
from gateway.foundation.telemetry.request_ids import HEADER, current_request_id, write_header
from gateway.ports import Clock
from keys.documents.envelope import join_envelopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A final answer: ``body`` is what the peer signed for exactly this request."""

    status: int
    content_type: str
    body: bytes


class FederationClient:
    """The client of all peers. One object for the node; ``close`` it at the end."""

    def __init__(
        self,
        *,
        node: NodeId,
        keys: HttpKeys,
        verify: VerifyPeer,
        spki_hash: SpkiHash,
        clock: Clock,
        rand: Rand,
        patience: Patience = PATIENCE,
        verify_listed: VerifyPeer | None = None,
        times: SignedTimes | None = None,
        proxy: OutboundProxy | None = None,
    ) -> None:
        """``node`` and ``keys`` sign the requests, ``verify`` checks the answers, ``rand`` makes nonces.

        ``times`` is told what time each answer was signed at, also by a key that is not in force at our own time, which
        ``verify_listed`` checks: our clock may be the wrong one. ``proxy`` is the way to all peers that it leads to.
        """
        self._node = node
        self._keys = keys
        self._verify = verify
        self._spki_hash = spki_hash
        self._clock = clock
        self._rand = rand
        self._patience = patience
        self._verify_listed = verify_listed or verify
        self._times = times or SignedTimes(clock)
        self._proxy = proxy
        self._wires: dict[NodeId, tuple[PeerAddress, Wire]] = {}

    async def close(self) -> None:
        """Close all connections."""
        for node in tuple(self._wires):
            await self.forget(node)

    async def forget(self, node: NodeId) -> None:
        """Close the connections to a peer, as when it is revoked."""
        if node in self._wires:
            _, wire = self._wires.pop(node)
            await wire.close()

    @property
    def proxy_fault(self) -> Code | None:
        """What keeps the proxy from leading to one of the peers, as of the last request there; None if nothing does."""
        return next((wire.proxy_fault for _, wire in self._wires.values() if wire.proxy_fault is not None), None)

    # --- unsigned questions and pushed documents ------------------------------------------------------------------

    async def connect(self, peer: PeerAddress) -> None:
        """Make sure that a pinned connection to the peer works, now or a few seconds ago. Raises ``TransientError``."""
        wire = await self._wire(peer)
        if not wire.warm:
            await self.get_keyset(peer)

    async def get_descriptor(self, peer: PeerAddress, from_version: int = 1) -> bytes:
        """Fetch the array of descriptor documents from that version on, unparsed."""
        return await self._public(peer, endpoints.GET_DESCRIPTOR, f"?from={from_version}")

    async def get_keyset(self, peer: PeerAddress) -> bytes:
        """Fetch the newest keyset document, unparsed."""
        return await self._public(peer, endpoints.GET_KEYSET)

    async def shake_hands(self, peer: PeerAddress) -> None:
        """Open a connection for a person who tests the way: TLS 1.3 and a pinned key; no request is sent."""
        await probe.shake_hands(peer, self._spki_hash, self.proxy_to(peer))

    def proxy_to(self, peer: PeerAddress) -> OutboundProxy | None:
        """Return the proxy through which the peer is reached; None where it is reached directly."""
        led = self._proxy is not None and self._proxy.leads_to(probe.place_of(peer)[0])
        return self._proxy if led else None

    async def time_at(self, peer: PeerAddress) -> int:
        """Return the peer's clock in Unix seconds, from its `Date` header: authenticated by the pinned connection
        alone.
        """
        wire = await self._wire(peer)
        raw = await wire.send(endpoints.GET_KEYSET)
        dates = [value.decode("latin-1") for name, value in raw.fields if name.lower() == b"date"]
        try:
            return int(parsedate_to_datetime(dates[0]).timestamp())
        except (IndexError, ValueError) as exc:
            raise TransientError(Code.REJECTED, "the peer's answer has no date") from exc

    async def push_descriptor(self, peer: PeerAddress, document: bytes) -> None:
        """Push one descriptor document; whether it counts there is told by ``get_held`` (nrm1 9.4)."""
        await self._push(peer, endpoints.POST_DESCRIPTOR, document)

    async def push_keyset(self, peer: PeerAddress, document: bytes) -> None:
        """Push the keyset document; return when it is at the peer, whatever becomes of it."""
        await self._push(peer, endpoints.POST_KEYSET, document)

    async def push_tombstone(self, peer: PeerAddress, document: bytes) -> None:
        """Push the tombstone of a node; return when it is at the peer, whatever becomes of it."""
        await self._push(peer, endpoints.POST_TOMBSTONE, document)

    async def fetch_descriptor_unpinned(self, url: str) -> bytes:
        """The whole descriptor chain of a stranger at ``https://host:port``, for a first contact only (nrm1 9.17).

        Nothing proves who answered: the 60 digits decide that later. Raises ``RefusedError(invalid)`` for an address of
        another form.
        """
        authority_of(url)
        wire = Wire(url, None, patience=self._patience, clock=self._clock, proxy=self._proxy)
        try:
            return body_of(await wire.send(endpoints.GET_DESCRIPTOR, query="?from=1"))
        finally:
            await wire.close()

    # --- signed questions -----------------------------------------------------------------------------------------

    async def post_messages(self, peer: PeerAddress, envelopes: Sequence[bytes]) -> Answered:
        """Send 1 to 32 envelopes in one request, at most 4 MiB with their length words; more is a ``RuntimeError``."""
        return await self._ask(peer, endpoints.POST_MESSAGES, join_envelopes(envelopes))

    async def put_part(self, peer: PeerAddress, id: str, n: int, k: int, segment: bytes) -> Answered:
        """Hand over segment `k` of part `n` of a message (nrm1 10.7)."""
        return await self._ask(peer, endpoints.PUT_PART, segment, Segment(id, n, k).path)

    async def get_part(self, peer: PeerAddress, id: str, n: int) -> Answered:
        """Ask which segment of a part the peer needs next; 404 where it waits for none (nrm1 10.7)."""
        return await self._ask(peer, endpoints.GET_PART, b"", Segment(id, n, None).path)

    async def post_void(self, peer: PeerAddress, document: bytes) -> Answered:
        """Ask whether a message arrived, and fence it off if not (nrm1 5.6)."""
        return await self._ask(peer, endpoints.POST_VOID, document)

    async def post_receipts(self, peer: PeerAddress, document: bytes) -> Answered:
        """Post receipts that are signed together."""
        return await self._ask(peer, endpoints.POST_RECEIPTS, document)

    async def post_trust(self, peer: PeerAddress, document: bytes) -> Answered:
        """Hand over one trust record; the peer takes it also before it made us active (nrm1 8.5)."""
        return await self._ask(peer, endpoints.POST_TRUST, document)

    async def get_schemas(self, peer: PeerAddress) -> Answered:
        """Fetch the hashes of the peer's catalogue."""
        return await self._ask(peer, endpoints.GET_SCHEMAS, b"")

    async def post_checkpoint(self, peer: PeerAddress, request: bytes) -> Answered:
        """Ask the peer to cosign a checkpoint of our log (C2SP add-checkpoint)."""
        return await self._ask(peer, endpoints.POST_CHECKPOINT, request)

    async def get_checkpoint(self, peer: PeerAddress) -> Answered:
        """Fetch the newest checkpoint of our log that the peer cosigned; 404 for none."""
        return await self._ask(peer, endpoints.GET_CHECKPOINT, b"")

    async def post_link(self, peer: PeerAddress, document: bytes) -> Answered:
        """Ask the peer to begin the link anew; it answers what it holds of our numbering (nrm1 5.9)."""
        return await self._ask(peer, endpoints.POST_LINK, document)

    async def get_link(self, peer: PeerAddress) -> Answered:
        """Ask the peer for its record of our numbering: epoch, highest number, its hash (nrm1 5.8)."""
        return await self._ask(peer, endpoints.GET_LINK, b"")

    async def post_taken(self, peer: PeerAddress, question: bytes) -> Answered:
        """Ask for one page of what the peer knows to have been taken away since our backup (nrm1 5.16)."""
        return await self._ask(peer, endpoints.POST_TAKEN, question)

    async def get_held(self, peer: PeerAddress) -> Answered:
        """Ask which of our descriptors the peer holds (nrm1 2.25)."""
        return await self._ask(peer, endpoints.GET_HELD, b"")

    # --- the three kinds of request -------------------------------------------------------------------------------

    async def _public(self, peer: PeerAddress, row: Endpoint, query: str = "?") -> bytes:
        wire = await self._wire(peer)
        return body_of(await wire.send(row, query=query))

    async def _push(self, peer: PeerAddress, row: Endpoint, document: bytes) -> None:
        check_length(row, document)
        wire = await self._wire(peer)
        require_taken(await wire.send(row, headers={"Content-Type": row.content_type}, body=document))

    async def _ask(self, peer: PeerAddress, row: Endpoint, body: bytes, path: str | None = None) -> Answered:
        """Sign and send; accept the answer only when the peer signed it and it is bound to this request. ``path`` is
        the path of a row with placeholders.
        """
        check_length(row, body)
        path = path or row.path
        wire = await self._wire(peer)
        headers = sign_request(
            method=row.method,
            authority=peer.authority,
            path=path,
            query="?",
            content_type=row.content_type,
            body=body,
            recipient=peer.node,
            node=self._node,
            kid=self._keys.http_kid,
            nonce=fresh_nonce(self._rand),
            created=self._clock.now(),
            sign=self._keys.sign_http,
        )
        if (id := current_request_id()) is not None:
            headers = {**headers, HEADER: write_header(id)}  # beside what is signed (nrm1 9.21)
        raw = await wire.send(row, path=path, headers=headers, body=body)
        # Bound to our signature: else an attacker could answer with an old signed answer to the same path.
        asked = SignedRequest(method=row.method, path=path, signature=headers["Signature"])
        try:
            claim, in_force = await self._proven(raw, asked)
            check_origin(claim, body=raw.body, peer=peer.node)
            self._times.note(claim.node, claim.created)
            check_time(claim, now=raw.at)
            if not in_force:
                raise RemoteError(Code.BAD_SIGNATURE, "http key is not in force")
        except RemoteError as exc:
            raise TransientError(exc.code, f"answer proves nothing: {exc.what}") from exc
        return Answered(status=raw.status, content_type=claim.content_type, body=raw.body)

    async def _proven(self, raw: Raw, asked: SignedRequest) -> tuple[Claim, bool]:
        """Return the claim of a genuine answer, and whether its key is in force at our own time."""
        # A 403 or 5xx is never signed by a right server: a signature on it is not worth a look.
        if raw.status == 403 or raw.status >= 500 or not has_signature(raw):
            raise translate_answer(raw)
        claim = read_response(ResponseHead(status=raw.status, fields=raw.fields), asked)
        signed = (claim.node, claim.kid, claim.base, claim.signature)
        in_force = await self._verify(*signed)
        if not in_force and not await self._verify_listed(*signed):
            raise RemoteError(Code.BAD_SIGNATURE, "http signature does not verify")
        return claim, in_force

    async def _wire(self, peer: PeerAddress) -> Wire:
        """Return the connections to the peer, made anew when its address or its pins have changed."""
        held = self._wires.get(peer.node)
        if held is not None and held[0] == peer:
            return held[1]
        pinned = PinnedKeys(peer.spki, self._spki_hash)
        wire = Wire(peer.url, pinned, patience=self._patience, clock=self._clock, proxy=self._proxy)
        self._wires[peer.node] = (peer, wire)
        if held is not None:
            await held[1].close()
        return wire
