"""All steps of the HTTP signature profile in one call, for tests and vectors: read, check, admit."""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import Code, RemoteError
from gateway.federation.signatures import (
    Claim,
    RequestHead,
    ResponseHead,
    SignedRequest,
    VerifiedRequest,
    admit_request,
    admit_response,
    read_request,
    read_response,
)
from gateway.foundation.ids import KeyId, NodeId

Verify = Callable[[NodeId, KeyId, bytes, bytes], bool]
"""(node, kid, base, signature) -> genuine. May raise ``RemoteError(unknown_key)`` instead of returning False."""


def verify_request(head: RequestHead, *, body: bytes, now: int, started: int, verify: Verify) -> VerifiedRequest:
    """Apply all three steps to a request; raises ``RemoteError``: ``bad_signature``, ``unknown_key`` or ``stale``."""
    claim = read_request(head)
    _check_genuine(claim, verify)
    return admit_request(claim, body=body, now=now, started=started)


def verify_response(
    head: ResponseHead, *, asked: SignedRequest, body: bytes, now: int, peer: NodeId, verify: Verify
) -> None:
    """Apply all three steps to an answer from ``peer``; raises ``RemoteError`` like ``verify_request``."""
    claim = read_response(head, asked)
    _check_genuine(claim, verify)
    admit_response(claim, body=body, now=now, peer=peer)


def _check_genuine(claim: Claim, verify: Verify) -> None:
    if not verify(claim.node, claim.kid, claim.base, claim.signature):
        raise RemoteError(Code.BAD_SIGNATURE, "http signature does not verify")
