"""Requests and answers between the nodes of a walk, signed and judged as the product does it, and carried by a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from support.nodes import Seeds
from support.robbed_nodes import Honest
from support.robbed_stand_ins import done

from gateway.errors import Code, RemoteError
from gateway.federation.nonces import Seen
from gateway.federation.signatures import (
    Claim,
    RequestHead,
    ResponseHead,
    admit_request,
    admit_response,
    read_request,
    read_response,
)
from gateway.federation.signing import encode_fields, fresh_nonce, sign_request, sign_response
from gateway.foundation.ids import KeyId, NodeId
from keys.documents.descriptor import Descriptor
from keys.documents.envelope import join_envelopes, split_envelopes
from keys.primitives.hybrid_keys import SigningKey

_PATH, _TYPE = "/v1/messages", "application/octet-stream"
_seeds = Seeds("nonces of walks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who signs a request or an answer: a node, or whoever has an http key."""

    node: NodeId
    kid: KeyId
    sign: Callable[[bytes], bytes]

    @classmethod
    def of(cls, home: Honest) -> Speaker:
        """A node by the key of today."""
        return cls(node=home.node, kid=home.keys.http_kid, sign=home.keys.sign_http)

    @classmethod
    def with_key(cls, node: NodeId, key: SigningKey) -> Speaker:
        """Whoever has this key and says that he is that node."""
        return cls(node=node, kid=key.public.kid, sign=key.sign_raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A request as it passes."""

    to: NodeId
    authority: str
    fields: dict[str, str]
    body: bytes

    @property
    def claim(self) -> Claim:
        """What it claims. Raises RemoteError."""
        head = RequestHead(
            method="POST", authority=self.authority, path=_PATH, query="?", fields=encode_fields(self.fields)
        )
        return read_request(head)

    @property
    def envelopes(self) -> tuple[bytes, ...]:
        """What it carries."""
        return split_envelopes(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it passes."""

    fields: dict[str, str]
    body: bytes


def post(by: Speaker, to: Descriptor, *envelopes: bytes, now: int) -> Post:
    """Sign a request of envelopes."""
    body = join_envelopes(envelopes)
    fields = sign_request(
        method="POST",
        authority=to.authority,
        path=_PATH,
        query="?",
        content_type=_TYPE,
        body=body,
        recipient=to.node,
        node=by.node,
        kid=by.kid,
        nonce=fresh_nonce(_seeds),
        created=now,
        sign=by.sign,
    )
    return Post(to=to.node, authority=to.authority, fields=fields, body=body)


def admit(home: Honest, came: Post) -> NodeId:
    """Steps 1 to 3 at a node: who made this request. Raises RemoteError."""
    claim, now = came.claim, home.clock.at
    if claim.recipient != home.node:
        raise RemoteError(Code.MISROUTED, "for another node")
    if not done(home.signatures.admits(claim.node, claim.kid, claim.base, claim.signature)):
        raise RemoteError(Code.BAD_SIGNATURE, "nobody admitted signed it")
    verified = admit_request(claim, body=came.body, now=now, started=0)
    if home.nonces.admit(verified, home.clock.monotonic()) is not Seen.FIRST:
        raise RemoteError(Code.STALE, "the same request again")
    return verified.node


def reply(by: Speaker, asked: Post, body: bytes, *, now: int) -> Reply:
    """Sign an answer to a request."""
    fields = sign_response(
        status=200,
        content_type=_TYPE,
        body=body,
        asked=asked.claim.asked,
        node=by.node,
        kid=by.kid,
        nonce=fresh_nonce(_seeds),
        created=now,
        sign=by.sign,
    )
    return Reply(fields=fields, body=body)


def believe(home: Honest, asked: Post, came: Reply) -> bytes:
    """The body of an answer that the node asked really gave. Raises RemoteError."""
    claim = read_response(ResponseHead(status=200, fields=encode_fields(came.fields)), asked.claim.asked)
    if not done(home.signatures.admits(claim.node, claim.kid, claim.base, claim.signature)):
        raise RemoteError(Code.BAD_SIGNATURE, "nobody admitted signed it")
    admit_response(claim, body=came.body, now=home.clock.at, peer=asked.to)
    return came.body
