"""The HTTP signature profile ``nrm-node/1`` (nrm1 9.10, 9.12; RFC 9421, RFC 9530). Pure.

One label, one list of covered components, one order of parameters, one algorithm, which the key decides: a signature
has one spelling and everything else is refused. A request is verified in three steps, each from one type to the next:

1. ``read_request``: its form. Each field exactly once, each character in its place -> ``Claim``. Nothing is believed.
2. the caller resolves the key by (node, kid), which must be an ``http`` key of an admitted peer, and checks with it.
3. ``admit_request``: the digest of the body, then the times -> ``VerifiedRequest``.

Answers are signed in the same way, over their own fields and over the method, path and signature of the request that
they answer, so an answer cannot be moved to another request. ``signing`` makes what is read here.

All times are Unix seconds. Codes: ``bad_signature`` for whatever does not prove its origin, and ``stale`` for a proven
request outside its time: the sender signs anew.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, NodeId
from keys.primitives.encoding import sha256

SKEW = 30
"""How far two clocks may differ (nrm1 9.13)."""
LIFE = 120
"""The longest time from ``created`` to ``expires`` (nrm1 9.11)."""

Fields = Sequence[tuple[bytes, bytes]]
"""Header fields as they came: (name, value), repeated names repeated."""

REQUEST_PARTS = '"@method" "@authority" "@path" "@query" "content-type" "content-digest" "nrm-recipient"'
RESPONSE_PARTS = '"@status" "content-type" "content-digest" "@method";req "@path";req "signature";req'
_ID16 = r"[A-Za-z0-9_-]{21}[AQgw]"  # 16 bytes in base64url: the last character has four zero bits
_NODE = r"n1[a-z2-7]{32}"
_PARAMETERS = (
    r";created=(?P<created>0|[1-9][0-9]{0,11});expires=(?P<expires>0|[1-9][0-9]{0,11})"
    rf';nonce="(?P<nonce>{_ID16})";keyid="(?P<node>{_NODE}):(?P<kid>{_ID16})";tag="nrm-node/1"'
)
_REQUEST_INPUT = re.compile(rf"nrm=(?P<params>\({re.escape(REQUEST_PARTS)}\){_PARAMETERS})")
_RESPONSE_INPUT = re.compile(rf"nrm=(?P<params>\({re.escape(RESPONSE_PARTS)}\){_PARAMETERS})")
_SIGNATURE = re.compile(r"nrm=:(?P<bytes>[A-Za-z0-9+/]{86}==):")
_DIGEST = re.compile(r"sha-256=:(?P<bytes>[A-Za-z0-9+/]{43}=):")
_STATUS = re.compile(r"[1-5][0-9]{2}")
_METHOD = re.compile(r"[A-Z]{1,16}")
_AUTHORITY = re.compile(r"[!-~]{1,300}")
_PATH = re.compile(r"/[!-\"$->@-~]{0,1000}")  # visible ASCII without "#" and "?"
_QUERY = re.compile(r"\?[!-\"$-~]{0,1000}")  # visible ASCII without "#"
_CONTENT_TYPE = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")
_RECIPIENT = re.compile(_NODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request without its body. ``authority`` is the verifier's own value, never the Host header (nrm1 9.12).

    ``query`` begins with its question mark and is ``"?"`` when there is none (RFC 9421 2.2.7).
    """

    method: str
    authority: str
    path: str
    query: str
    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """An answer without its body."""

    status: int
    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The parts of a request to which its answer is bound: method, path and the whole value of its Signature field."""

    method: str
    path: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A well-formed signature that nobody has checked yet: ``signature`` claims to be over ``base``."""

    node: NodeId
    kid: KeyId
    nonce: str
    created: int
    expires: int
    digest: bytes
    base: bytes
    signature: bytes
    asked: SignedRequest
    recipient: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRequest:
    """A request that ``node`` really made, in time, with this body, for ``recipient``."""

    node: NodeId
    kid: KeyId
    nonce: str
    created: int
    expires: int
    recipient: str
    content_type: str
    asked: SignedRequest


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into path and query; raises ``RemoteError(malformed)``.

    Only the origin form is accepted: a path, then perhaps a query. No scheme, no fragment, nothing outside visible
    ASCII.
    """
    path, mark, rest = target.partition("?")
    query = f"?{rest}" if mark else "?"
    if _PATH.fullmatch(path) is None or _QUERY.fullmatch(query) is None:
        raise RemoteError(Code.MALFORMED, "request target is not a path with a query")
    return path, query


# --- verifying ---------------------------------------------------------------------------------------------------


def read_request(head: RequestHead) -> Claim:
    """Step 1 of a request: parse its form; raises ``RemoteError(bad_signature)``."""
    content_type = _once(head.fields, "content-type", _CONTENT_TYPE)[0]
    digest = _once(head.fields, "content-digest", _DIGEST)
    recipient = _once(head.fields, "nrm-recipient", _RECIPIENT)[0]
    signature = _once(head.fields, "signature", _SIGNATURE)
    given = _once(head.fields, "signature-input", _REQUEST_INPUT)
    base = _base(
        ('"@method"', _shaped(head.method, _METHOD, "method")),
        ('"@authority"', _shaped(head.authority, _AUTHORITY, "authority")),
        ('"@path"', _shaped(head.path, _PATH, "path")),
        ('"@query"', _shaped(head.query, _QUERY, "query")),
        ('"content-type"', content_type),
        ('"content-digest"', digest[0]),
        ('"nrm-recipient"', recipient),
        ('"@signature-params"', given["params"]),
    )
    asked = SignedRequest(method=head.method, path=head.path, signature=signature[0])
    return _claim(given, digest, signature, base, asked=asked, recipient=recipient, content_type=content_type)


def read_response(head: ResponseHead, asked: SignedRequest) -> Claim:
    """Step 1 of an answer to ``asked``: parse its form; raises ``RemoteError(bad_signature)``."""
    content_type = _once(head.fields, "content-type", _CONTENT_TYPE)[0]
    digest = _once(head.fields, "content-digest", _DIGEST)
    signature = _once(head.fields, "signature", _SIGNATURE)
    given = _once(head.fields, "signature-input", _RESPONSE_INPUT)
    base = _base(
        ('"@status"', _shaped(str(head.status), _STATUS, "status")),
        ('"content-type"', content_type),
        ('"content-digest"', digest[0]),
        ('"@method";req', _shaped(asked.method, _METHOD, "method")),
        ('"@path";req', _shaped(asked.path, _PATH, "path")),
        ('"signature";req', _shaped(asked.signature, _SIGNATURE, "signature")),
        ('"@signature-params"', given["params"]),
    )
    return _claim(given, digest, signature, base, asked=asked, recipient="", content_type=content_type)


def admit_request(claim: Claim, *, body: bytes, now: int, started: int) -> VerifiedRequest:
    """Step 3 of a request whose signature step 2 found genuine: check its digest, then its times.

    ``started`` is the start of this process, which remembers no nonce from before. Raises ``RemoteError``:
    ``bad_signature`` when the body is another one, ``stale`` when the time is wrong.
    """
    _check_digest(claim, body)
    if claim.created < started:
        raise RemoteError(Code.STALE, "request was made before this node started")
    check_time(claim, now=now)
    return VerifiedRequest(
        node=claim.node,
        kid=claim.kid,
        nonce=claim.nonce,
        created=claim.created,
        expires=claim.expires,
        recipient=claim.recipient,
        content_type=claim.content_type,
        asked=claim.asked,
    )


def admit_response(claim: Claim, *, body: bytes, now: int, peer: NodeId) -> None:
    """Step 3 of a genuine answer: check that ``peer`` signed it, its body and its time; raises ``RemoteError``."""
    check_origin(claim, body=body, peer=peer)
    check_time(claim, now=now)


def check_origin(claim: Claim, *, body: bytes, peer: NodeId) -> None:
    """Check that ``peer`` signed a genuine answer, and this body: its time can be compared then (nrm1 12.17)."""
    if claim.node != peer:
        raise RemoteError(Code.BAD_SIGNATURE, "answer is signed by another node")
    _check_digest(claim, body)


def _check_digest(claim: Claim, body: bytes) -> None:
    if sha256(body) != claim.digest:
        raise RemoteError(Code.BAD_SIGNATURE, "body does not have the signed digest")


def is_in_time(claim: Claim, now: int) -> bool:
    """Whether `now` lies within the life of a signature, give or take what two clocks may differ by (nrm1 9.13)."""
    return claim.created - SKEW <= now <= claim.expires + SKEW


def check_time(claim: Claim, *, now: int) -> None:
    """Check that a proven request or answer is of this time; raises ``RemoteError(stale)``."""
    if not is_in_time(claim, now):
        raise RemoteError(Code.STALE, "signature is outside its time, or the clocks differ by more than 30 s")


def _claim(
    given: re.Match[str],
    digest: re.Match[str],
    signature: re.Match[str],
    base: bytes,
    *,
    asked: SignedRequest,
    recipient: str,
    content_type: str,
) -> Claim:
    created, expires = int(given["created"]), int(given["expires"])
    if not created < expires <= created + LIFE:
        raise RemoteError(Code.BAD_SIGNATURE, "signature is valid for more than 120 s or not at all")
    return Claim(
        node=NodeId(given["node"]),
        kid=KeyId(given["kid"]),
        nonce=given["nonce"],
        created=created,
        expires=expires,
        digest=_bytes_of(digest),
        base=base,
        signature=_bytes_of(signature),
        asked=asked,
        recipient=recipient,
        content_type=content_type,
    )


def _base(*lines: tuple[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in lines).encode("ascii")


def _once(fields: Fields, name: str, shape: re.Pattern[str]) -> re.Match[str]:
    """The one value of the field, in its shape: twice is as wrong as never (nrm1 9.10)."""
    values = [value for key, value in fields if key.lower() == name.encode("ascii")]
    if len(values) != 1:
        raise RemoteError(Code.BAD_SIGNATURE, f"field {name} must occur exactly once")
    found = shape.fullmatch(values[0].decode("latin-1"))
    if found is None:
        raise RemoteError(Code.BAD_SIGNATURE, f"field {name} does not match the profile")
    return found


def _shaped(value: str, shape: re.Pattern[str], what: str) -> str:
    if shape.fullmatch(value) is None:
        raise RemoteError(Code.BAD_SIGNATURE, f"{what} cannot be part of a signature")
    return value


def _bytes_of(found: re.Match[str]) -> bytes:
    """The bytes of a base64 value that can be written in this one way only (nrm1 9.11)."""
    text = found["bytes"]
    value = base64.b64decode(text)
    if base64.b64encode(value).decode("ascii") != text:
        raise RemoteError(Code.BAD_SIGNATURE, "base64 has unused bits that are not zero")
    return value
