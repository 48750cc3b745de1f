"""The interfaces that the rest of the node provides to this package.

``gateway.app`` passes them in, without any key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.foundation.ids import KeyId, NodeId

Rand = Callable[[int], bytes]
"""Number of bytes -> that many random bytes."""

SpkiHash = Callable[[bytes], bytes]
"""DER certificate -> SHA-256 of its subject public key info (``keys.primitives.tls.spki_hash``)."""

VerifyPeer = Callable[[NodeId, KeyId, bytes, bytes], Awaitable[bool]]
"""(node, kid, base, signature) -> this is the valid signature of an ``http`` key that ``node`` has now, not revoked.

For the server it answers all of receive step 2 that needs the peer table: the peer is active, or suspended by a person
(nrm1 9.3). It may raise ``RemoteError`` instead of returning False.
"""


class HttpKeys(Protocol):
    """The node's own ``http`` key, as a service."""

    @property
    def http_kid(self) -> KeyId:
        """The kid of the key that ``sign_http`` uses now."""

    def sign_http(self, base: bytes) -> bytes:
        """The Ed25519 signature of ``base``, 64 bytes."""
