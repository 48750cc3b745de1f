"""Endpoints, authorities and the table of what may be asked (nrm1 9.2, 9.12)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from support.federation import make_certificate, spki_hash

from gateway.errors import Code, RefusedError
from gateway.federation.address import PeerAddress, authority_of
from gateway.federation.endpoints import ENDPOINTS, Access
from gateway.federation.tls import PinnedKeys

PIN = b"p" * 32


@pytest.mark.parametrize(
    ("endpoint", "authority"),
    [
        ("https://node.example:8443", "node.example:8443"),
        ("https://Node.EXAMPLE:443", "node.example"),
        ("https://192.0.2.7:65535", "192.0.2.7:65535"),
        ("https://[2001:DB8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
def test_the_authority_is_in_lower_case_and_without_443(endpoint: str, authority: str) -> None:
    """One spelling for both sides, whatever a Host header says."""
    assert authority_of(endpoint) == authority


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://node.example:8443",
        "https://node.example",
        "https://node.example:0",
        "https://node.example:65536",
        "https://node.example:8443/",
        "https://node.example:8443/v1",
        "https://user@node.example:8443",
        "https://node.example:8443?x=1",
        "https://node.example:8443\n",
        "https://n\u00f6de.example:8443",
        "https://-node.example:8443",
    ],
)
def test_anything_but_host_and_port_is_refused(endpoint: str) -> None:
    """An endpoint has no path, no user and always a port."""
    with pytest.raises(RefusedError) as refused:
        authority_of(endpoint)
    assert refused.value.code is Code.INVALID


@pytest.mark.parametrize(
    "spki", [frozenset(), frozenset({b"short"}), frozenset({PIN, b""})], ids=["none", "short", "one"]
)
def test_an_address_without_pins_is_refused(spki: frozenset[bytes]) -> None:
    """An empty set of pins would trust everybody."""
    with pytest.raises(RefusedError):
        PeerAddress.at("n1" + "a" * 32, "https://node.example:8443", spki)
    with pytest.raises(RuntimeError):
        PinnedKeys(spki, spki_hash)


def test_an_address_with_two_spellings_is_refused() -> None:
    """The authority that is signed is that of the endpoint that is called."""
    with pytest.raises(RefusedError):
        PeerAddress(node="n1" + "a" * 32, authority="other:1", url="https://node.example:8443", spki=frozenset({PIN}))


def test_the_table_has_each_question_once() -> None:
    """No two rows alike; a GET carries no body."""
    assert len({(row.method, row.path) for row in ENDPOINTS}) == len(ENDPOINTS) > 9
    assert all((row.method == "GET") == (row.request_limit == 0) for row in ENDPOINTS)
    assert [row.path for row in ENDPOINTS if row.access is Access.PUBLIC] == ["/v1/descriptor", "/v1/keyset"]


class Transport:
    """Stands in for a transport: shows this certificate, or no TLS at all."""

    def __init__(self, certificate: bytes | None, *, tls: bool = True) -> None:
        self._certificate = certificate
        self._tls = tls

    def get_extra_info(self, name: str) -> Any:
        return self if name == "ssl_object" and self._tls else None

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        return self._certificate


@pytest.mark.parametrize(
    "transport",
    [Transport(None, tls=False), Transport(None), Transport(b""), Transport(b"no certificate")],
    ids=["no TLS", "no certificate", "empty", "not DER"],
)
def test_a_connection_that_shows_no_key_is_refused(transport: Transport) -> None:
    """The pin fails closed: without a readable key there is no match."""
    with pytest.raises(aiohttp.ServerFingerprintMismatch):
        PinnedKeys(frozenset({PIN}), spki_hash).check(cast(asyncio.Transport, transport))


def test_a_pinned_key_passes_under_any_certificate(tmp_path: Path) -> None:
    """Two certificates of one key have one pin; another key has another."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    old, new = make_certificate(tmp_path, "old", key), make_certificate(tmp_path, "new", key)
    assert old.pin == new.pin
    der = x509.load_pem_x509_certificate(new.cert.read_bytes()).public_bytes(Encoding.DER)
    PinnedKeys(frozenset({PIN, old.pin}), spki_hash).check(cast(asyncio.Transport, Transport(der)))
    with pytest.raises(aiohttp.ServerFingerprintMismatch):
        PinnedKeys(frozenset({PIN}), spki_hash).check(cast(asyncio.Transport, Transport(der)))
