"""Sign requests and answers by the profile ``nrm-node/1`` that ``signatures`` reads. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable

from gateway.errors import RemoteError
from gateway.federation.ports import Rand
from gateway.federation.signatures import (
    LIFE,
    REQUEST_PARTS,
    RESPONSE_PARTS,
    Claim,
    Fields,
    RequestHead,
    ResponseHead,
    SignedRequest,
    read_request,
    read_response,
)
from gateway.foundation.ids import KeyId, NodeId
from keys.primitives.encoding import b64u, sha256

NONCE_BYTES = 16
SIGNATURE_BYTES = 64

Sign = Callable[[bytes], bytes]


def sign_request(
    *,
    method: str,
    authority: str,
    path: str,
    query: str,
    content_type: str,
    body: bytes,
    recipient: str,
    node: NodeId,
    kid: KeyId,
    nonce: str,
    created: int,
    sign: Sign,
    life: int = LIFE,
) -> dict[str, str]:
    """Sign a request and return its five header fields.

    A request without a body has ``content_type`` application/octet-stream and ``body`` empty. Raises ``RuntimeError``
    when an argument does not fit the profile: that is a fault of the caller.
    """
    fields = {
        "Content-Type": content_type,
        "Content-Digest": content_digest(body),
        "NRM-Recipient": recipient,
        "Signature-Input": _input(REQUEST_PARTS, created=created, life=life, nonce=nonce, node=node, kid=kid),
    }

    def claim(signed: dict[str, str]) -> Claim:
        return read_request(
            RequestHead(method=method, authority=authority, path=path, query=query, fields=encode_fields(signed))
        )

    return _signed(fields, claim, sign)


def sign_response(
    *,
    status: int,
    content_type: str,
    body: bytes,
    asked: SignedRequest,
    node: NodeId,
    kid: KeyId,
    nonce: str,
    created: int,
    sign: Sign,
    life: int = LIFE,
) -> dict[str, str]:
    """Sign an answer to ``asked`` and return its four header fields. Raises ``RuntimeError`` like ``sign_request``."""
    fields = {
        "Content-Type": content_type,
        "Content-Digest": content_digest(body),
        "Signature-Input": _input(RESPONSE_PARTS, created=created, life=life, nonce=nonce, node=node, kid=kid),
    }

    def claim(signed: dict[str, str]) -> Claim:
        return read_response(ResponseHead(status=status, fields=encode_fields(signed)), asked)

    return _signed(fields, claim, sign)


def content_digest(body: bytes) -> str:
    """The value of Content-Digest: SHA-256, also of an empty body (nrm1 9.10)."""
    return f"sha-256=:{base64.b64encode(sha256(body)).decode('ascii')}:"


def fresh_nonce(rand: Rand) -> str:
    """Make a nonce: 16 random bytes in base64url, 22 characters."""
    return b64u(rand(NONCE_BYTES))


def encode_fields(fields: dict[str, str]) -> Fields:
    """Encode header fields in the form that the verifier gets."""
    return tuple((name.encode("ascii"), value.encode("ascii")) for name, value in fields.items())


def _input(parts: str, *, created: int, life: int, nonce: str, node: NodeId, kid: KeyId) -> str:
    return (
        f"nrm=({parts});created={created};expires={created + life}"
        f';nonce="{nonce}";keyid="{node}:{kid}";tag="nrm-node/1"'
    )


def _signed(fields: dict[str, str], claim: Callable[[dict[str, str]], Claim], sign: Sign) -> dict[str, str]:
    """Sign the base that a verifier will build, so that bases are built in one place."""
    try:
        base = claim({**fields, "Signature": _signature_field(bytes(SIGNATURE_BYTES))}).base
    except (RemoteError, UnicodeEncodeError) as exc:
        raise RuntimeError(f"an argument does not fit the signature profile: {exc}") from exc
    signature = sign(base)
    if len(signature) != SIGNATURE_BYTES:
        raise RuntimeError("an http signature has 64 bytes")
    return {**fields, "Signature": _signature_field(signature)}


def _signature_field(signature: bytes) -> str:
    return f"nrm=:{base64.b64encode(signature).decode('ascii')}:"
