"""keys.primitives.tls: the listener's key and certificate (nrm1 2.23, 9.16)."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from support.nodes import NOW, Seeds

from gateway.errors import Code, RefusedError
from keys.primitives import tls

SECRET = Seeds("tls")(48)


def certificate(secret: bytes = SECRET, now: int = NOW) -> bytes:
    """A certificate of a node on this machine."""
    return tls.self_signed(secret, node="n1" + "a" * 32, hosts=["localhost", "127.0.0.1", "::1"], now=now)


def test_pin_is_that_of_the_key() -> None:
    """A certificate made anew has another serial number and the same pin; another key has another pin."""
    first, second = certificate(), certificate(now=NOW + 1000)
    assert first != second
    assert tls.spki_hash(first) == tls.spki_hash(second) == tls.secret_spki_hash(SECRET)
    assert tls.spki_hash(certificate(Seeds("other")(48))) != tls.spki_hash(first)


def test_certificate_names_hosts_and_lives_ten_years() -> None:
    """Names and addresses stand in it, it is no authority, and it is valid from the day before for ten years."""
    made = x509.load_der_x509_certificate(certificate())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "127.0.0.1", "::1"]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    now = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    assert made.not_valid_before_utc < now < made.not_valid_before_utc + datetime.timedelta(days=3650)
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 3653


def test_unreadable_certificate() -> None:
    """Bytes that are no certificate have no pin."""
    with pytest.raises(RefusedError) as caught:
        tls.spki_hash(b"junk")
    assert caught.value.code is Code.BAD_KEY


def test_secret_has_48_bytes() -> None:
    """A secret of another length is a bug of ours."""
    with pytest.raises(RuntimeError, match="48 bytes"):
        tls.private_key(SECRET[:32])


def test_handshake_shows_the_pinned_key(tmp_path: Path) -> None:
    """The key goes into the TLS library through memory only, and a client sees the pin in a TLS 1.3 handshake."""
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with tls.server_files(SECRET, certificate()) as (cert_path, key_path):
        server_side.load_cert_chain(cert_path, key_path)
    assert not cert_path.exists()
    assert not key_path.exists()
    client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    assert (client.version(), tls.spki_hash(shown)) == ("TLSv1.3", tls.secret_spki_hash(SECRET))
    assert list(tmp_path.iterdir()) == []
