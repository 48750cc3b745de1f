"""TLS between nodes: 1.3 only, the server known by the hash of its key (nrm1 9.17, 9.16).

There is no certificate authority. The client accepts any certificate while the handshake runs and then, before one byte
of a request leaves, compares the SHA-256 of the server's public key with the pins of the peer's descriptor. A
certificate may be renewed freely; only the key counts. Clients show no certificate: the HTTP signature names them.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp

from gateway.errors import GatewayError
from gateway.federation.ports import SpkiHash


def server_context(certificate: Path, key: Path, password: str | bytes | None = None) -> ssl.SSLContext:
    """Make the server's context from two PEM files; ``password`` opens the key file when it is encrypted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.num_tickets = 0  # no resumption: a ticket would outlive a change of keys (nrm1 9.16)
    context.load_cert_chain(certificate, key, password)
    return context


def client_context() -> ssl.SSLContext:
    """Make the client's context.

    It trusts nobody by itself: use it with ``PinnedKeys``, or for a first contact only.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])


def shown_key(certificate: bytes, spki_hash: SpkiHash) -> bytes:
    """Return the hash of the key in a certificate; empty for one that cannot be read, which shows no key."""
    try:
        return spki_hash(certificate)
    except (ValueError, GatewayError):
        return b""


class PinnedKeys(aiohttp.Fingerprint):
    """Pins the server's key instead of its certificate.

    aiohttp calls ``check`` when the handshake is done and before the connection carries anything. Give this object to
    the connector as ``ssl=`` and ``client_context()`` to each request as ``ssl=``: the request chooses the context, the
    connector the check. The other way round aiohttp would use a context of its own, which also speaks TLS 1.2.
    """

    def __init__(self, pins: frozenset[bytes], spki_hash: SpkiHash) -> None:
        """``pins``: SHA-256 hashes of 32 bytes, at least one."""
        if not pins or any(len(pin) != 32 for pin in pins):
            raise RuntimeError("a pin is 32 bytes and there is at least one")
        super().__init__(min(pins))
        self._pins = pins
        self._spki_hash = spki_hash

    def check(self, transport: asyncio.Transport) -> None:
        """Raise ``aiohttp.ServerFingerprintMismatch`` unless the server showed a pinned key over TLS."""
        got = self._shown(transport)
        if got not in self._pins:
            raise aiohttp.ServerFingerprintMismatch(self.fingerprint, got, "", 0)

    def _shown(self, transport: asyncio.Transport) -> bytes:
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        if not certificate:
            return b""
        return shown_key(certificate, self._spki_hash)
