"""Receive steps 6 to 11 for all envelopes of a request: opened and authenticated, in worker threads.

Opening content keys and contents takes most of the time of receiving, so a request is shared among the threads, and the
key service is asked once for each share: one move of data to it and back costs more than what it does for one key. What
was signed together is verified once for the whole request.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from gateway.database.content_sealer import ContentSealer
from gateway.delivery.inbound import steps
from gateway.delivery.inbound.results import Refusal
from gateway.delivery.inbound.steps import OpenCek
from gateway.errors import Code, GatewayError, RemoteError, TransientError
from gateway.foundation.ids import KeyId, MessageId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages.types import AuthenticStatement
from gateway.peers.registry import Peer
from gateway.ports import Clock
from keys.documents.envelope import Envelope, cek_info
from keys.primitives.batch import Batch, Verifier
from keys.primitives.hybrid_keys import PublicKey

Opened: TypeAlias = AuthenticStatement | Refusal


class _NeedsNewerChain:
    """The statement names a version of its sender's descriptor that is not held yet."""


class _SharedVerifier(Verifier):
    """Verifies for the threads of one request, one at a time, so that none does again what another is about to do."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def verify(self, public: PublicKey, batch: Batch) -> None:
        """See ``Verifier``."""
        with self._lock:
            super().verify(public, batch)


class Opening:
    """Opens envelopes with the keys of this node and authenticates their statements by the peer's descriptors."""

    def __init__(
        self,
        *,
        identity: Identity,
        sealer: ContentSealer,
        workers: Workers,
        fetch_chain: Callable[[Peer], Awaitable[Peer]],
        clock: Clock,
    ) -> None:
        self._own = identity.own
        self._keys = identity.keys
        self._sealer = sealer
        self._workers = workers
        self._fetch_chain = fetch_chain
        self._clock = clock

    async def open_envelopes(self, peer: Peer, envelopes: Sequence[Envelope]) -> Mapping[MessageId, Opened]:
        """Take steps 6 to 11 for each envelope, by its id.

        Raises:
            TransientError: the peer names a descriptor that it does not show; the request comes again as it is.
        """
        verifier = _SharedVerifier()
        results = await self._open_shared(peer, envelopes, verifier)
        newer = [envelope for envelope in envelopes if isinstance(results[envelope.id], _NeedsNewerChain)]
        later = await self._open_by_newer_chain(peer, newer, verifier) if newer else {}
        return {id: result for id, result in results.items() if not isinstance(result, _NeedsNewerChain)} | later

    async def _open_by_newer_chain(
        self, peer: Peer, envelopes: Sequence[Envelope], verifier: Verifier
    ) -> dict[MessageId, Opened]:
        """Fetch what follows the newest descriptor held and take the steps once more (step 9)."""
        try:
            newer = await self._fetch_chain(peer)
        except RemoteError as error:
            return {envelope.id: Refusal.of(error.code) for envelope in envelopes}
        opened: dict[MessageId, Opened] = {}
        for id, result in (await self._open_shared(newer, envelopes, verifier)).items():
            if isinstance(result, _NeedsNewerChain):
                raise TransientError(Code.UNREACHABLE, "the sender names a descriptor that it does not publish yet")
            opened[id] = result
        return opened

    async def _open_shared(
        self, peer: Peer, envelopes: Sequence[Envelope], verifier: Verifier
    ) -> dict[MessageId, Opened | _NeedsNewerChain]:
        opened = await self._workers.off_loop_pieces(partial(self._open_share, peer, verifier), envelopes)
        return dict(zip((envelope.id for envelope in envelopes), opened, strict=True))

    def _open_share(
        self, peer: Peer, verifier: Verifier, envelopes: Sequence[Envelope]
    ) -> list[Opened | _NeedsNewerChain]:
        """Open what one thread was given."""
        open_cek = self._ask_for_content_keys(envelopes)
        opened = [self._open_one(peer, verifier, envelope, open_cek) for envelope in envelopes]
        authentic = [item for item in opened if isinstance(item, AuthenticStatement)]
        self._sealer.learn(conversations=[item.statement.conv for item in authentic])  # looked for in the database next
        return opened

    def _ask_for_content_keys(self, envelopes: Sequence[Envelope]) -> OpenCek:
        """Ask for every content key at once; what one of them failed with is raised where it is used."""
        asked = [
            (recipient.kid, recipient.enc, cek_info(recipient.kid, envelope.hdr))
            for envelope in envelopes
            for recipient in envelope.rcp
        ]
        found = zip(asked, self._keys.each("open_cek", asked), strict=True)
        keys: dict[tuple[str, bytes, bytes], bytes | GatewayError] = dict(found)

        def open_cek(kid: KeyId, enc: bytes, info: bytes) -> bytes:
            cek = keys[kid, enc, info]
            if isinstance(cek, GatewayError):
                raise cek
            return cek

        return open_cek

    def _open_one(
        self, peer: Peer, verifier: Verifier, envelope: Envelope, open_cek: OpenCek
    ) -> Opened | _NeedsNewerChain:
        now, own = self._clock.now(), self._own.descriptor
        oldest = steps.oldest_usable(self._own.chain)
        try:
            opened = steps.open_envelope(envelope, own=own, signer=peer.node, open_cek=open_cek, now=now)
            if opened.statement.from_desc > peer.descriptor.version:
                return _NeedsNewerChain()
            return steps.authenticate_statement(
                opened, own=own, sender=peer.descriptor, verifier=verifier, now=now, oldest=oldest
            )
        except RemoteError as error:
            return Refusal.of(error.code)
