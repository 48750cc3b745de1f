"""The key of the public listener and its certificate (nrm1 2.23, 9.16).

Only the pin counts: a client compares the hash of the public key with the descriptor, so the certificate is valid for
ten years, signs itself and can be made anew at any time.
The private key is never written to a disk: ``server_files`` passes it to the TLS library as a file in memory.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId

LIFE_DAYS: Final = 3653
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, SEC 2, 2.4.2


def spki_hash(certificate: bytes) -> bytes:
    """Compute SHA-256 of the public key of a DER certificate, as a descriptor pins it. Raises RefusedError(bad_key)."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    except ValueError as exc:
        raise RefusedError(Code.BAD_KEY, "certificate cannot be read") from exc


def secret_spki_hash(secret: bytes) -> bytes:
    """Compute the pin of the key that ``private_key`` derives from `secret`."""
    public = private_key(secret).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Derive the P-256 key from 48 secret bytes; the 16 spare ones keep the choice unbiased (FIPS 186-5, A.2.1)."""
    if len(secret) != 48:
        raise RuntimeError("tls secret is not 48 bytes")
    return ec.derive_private_key(int.from_bytes(secret, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def self_signed(secret: bytes, *, node: NodeId, hosts: Sequence[str], now: int) -> bytes:
    """Make a DER certificate for `hosts` (names or addresses), valid for ten years from a day before `now`."""
    key = private_key(secret)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    start = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=LIFE_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


@contextmanager
def server_files(secret: bytes, certificate: bytes) -> Iterator[tuple[Path, Path]]:
    """Provide the paths of certificate and key in PEM form for ``ssl.SSLContext.load_cert_chain``, which takes only
    paths.

    The files lie in memory (memfd_create), are gone afterwards, and only this process can open them by these paths.
    """
    pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
    key = private_key(secret).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with ExitStack() as stack:
        yield stack.enter_context(_memory_file(pem)), stack.enter_context(_memory_file(key))


@contextmanager
def _memory_file(data: bytes) -> Iterator[Path]:
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, data)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
