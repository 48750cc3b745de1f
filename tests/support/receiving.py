"""Receive steps 4 to 11 (nrm1 4), composed of the functions of ``keys`` alone, and a sender that can cheat.

One function per step, in the order of the protocol, so that a test can run ``gateway.delivery.inbound.steps`` instead
and has to see the same codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from support.batches import prove
from support.nodes import NOW, Node, Seeds

from gateway.errors import Code, RemoteError
from gateway.evidence.form import form_of
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor
from keys.primitives.batch import Proof, read_signature
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import SKEW, b64u
from keys.primitives.hybrid_keys import SigningKey, verify
from keys.primitives.seal import SUITE, EncPrivateKey, open_cek, open_content, seal_cek, seal_content

OpenCek = Callable[[str, bytes, bytes], bytes]


@dataclass(frozen=True, kw_only=True)
class Received:
    """What came out of an envelope, and was proven."""

    envelope: wire.Envelope
    statement: wire.Statement
    statement_hash: str
    cek: bytes
    body: bytes


def receive(
    data: bytes, *, own: Descriptor, sender: Descriptor, open_cek: OpenCek, now: int, kind: str = STATEMENT
) -> Received:
    """Steps 4 to 11. Raises RemoteError with the code of the first step that refuses."""
    envelope = wire.parse_envelope(data)  # 3
    step_4(envelope, own, now)
    cek = step_5(envelope, open_cek)  # and the HPKE half of 6
    inner = wire.unpack_inner(open_content(cek, wire.body_context(envelope.hdr), envelope.ct))  # 6, 7
    statement = step_8(inner, sender, kind)
    step_9(envelope, statement, inner, own, now)
    return Received(
        envelope=envelope,
        statement=statement,
        statement_hash=wire.statement_hash(inner.statement),
        cek=cek,
        body=inner.body,
    )


def step_4(envelope: wire.Envelope, own: Descriptor, now: int) -> None:
    """Addressee and expiry."""
    if envelope.to != own.node:
        raise RemoteError(Code.MISROUTED, "for another node")
    if now >= envelope.exp + SKEW:
        raise RemoteError(Code.EXPIRED, "envelope has expired")


def step_5(envelope: wire.Envelope, open_cek: OpenCek) -> bytes:
    """The first known kid opens the content key."""
    for recipient in envelope.rcp:
        try:
            return open_cek(recipient.kid, recipient.enc, wire.cek_info(recipient.kid, envelope.hdr))
        except RemoteError as exc:
            if exc.code is not Code.UNKNOWN_RECIPIENT_KEY:
                raise
    raise RemoteError(Code.UNKNOWN_RECIPIENT_KEY, "no known kid")


def step_8(inner: wire.Inner, sender: Descriptor, kind: str) -> wire.Statement:
    """The signature, under the sender's newest descriptor: of a batch, or of the statement alone in the first form."""
    statement = wire.Statement.parse(inner.statement, kind)
    signature = read_signature(inner.proof)
    key = sender.signing_key(signature.kid, at=statement.created)
    if kind == STATEMENT:
        Proof.parse(inner.proof, kind, inner.statement).batch.verify(key)
    else:
        verify(key, kind, inner.statement, signature)
    return statement


def step_9(envelope: wire.Envelope, statement: wire.Statement, inner: wire.Inner, own: Descriptor, now: int) -> None:
    """Everything that is said twice is said alike; the clock; the commitment."""
    if statement.suite != SUITE:
        raise RemoteError(Code.DOWNGRADE, "another suite inside")
    if statement.to != own.node:
        raise RemoteError(Code.MISDIRECTED, "another addressee inside")
    inside = (statement.id, statement.rcp, statement.parts, wire.round_up_to_hour(statement.expires))
    if inside != (envelope.id, envelope.kids, envelope.parts, envelope.exp):
        raise RemoteError(Code.SPLICED, "another envelope inside")
    if statement.created > now + SKEW:
        raise RemoteError(Code.NOT_YET_VALID, "made in the future")
    if now >= statement.expires + SKEW:
        raise RemoteError(Code.EXPIRED, "statement has expired")
    if not 0 < statement.expires - statement.created <= wire.MESSAGE_LIFE:
        raise RemoteError(Code.MALFORMED, "statement lives too long")
    if form_of(statement.payload_type).commitment(inner.secret, inner.body) != statement.commit:
        raise RemoteError(Code.BAD_COMMITMENT, "another body")


def opener(*keys: EncPrivateKey) -> OpenCek:
    """The key service of a node that holds these encryption keys."""
    held = {key.kid: key for key in keys}

    def open_one(kid: str, enc: bytes, info: bytes) -> bytes:
        if kid not in held:
            raise RemoteError(Code.UNKNOWN_RECIPIENT_KEY, "no such key")
        return open_cek(held[kid], enc, info)

    return open_one


@dataclass(kw_only=True)
class Sender:
    """Seals messages from one node to another; each attribute and argument can be made to lie."""

    node: Node
    to: Node
    key: SigningKey | None = None

    def __post_init__(self) -> None:
        self.own, self.peer = self.node.first(), self.to.first()
        self.rand = Seeds(f"from {self.node.name} to {self.to.name}")
        self.key = self.key or self.node.sig
        self.secret = wire.Secret(salt=self.rand(32)).encode()
        self.body = b'{"content":{},"header":{}}'

    def statement(self, **changes: Any) -> wire.Statement:
        """An honest statement but for `changes`."""
        honest = {
            "id": b64u(self.rand(16)),
            "from_": self.own.node,
            "from_desc": 1,
            "to": self.peer.node,
            "to_desc": 1,
            "rcp": (self.to.enc.kid,),
            "epoch": 1,
            "n": 1,
            "prev": None,
            "conv": b64u(self.rand(16)),
            "reply_to": None,
            "created": NOW,
            "expires": NOW + wire.MESSAGE_LIFE,
            "body_type": "referral.request/1",
            "schema": "sha256:" + "5a" * 32,
            "purpose": "referral",
            "commit": wire.compute_commitment(self.secret, self.body),
        }
        return wire.Statement(**{**honest, **changes})

    def frames(self, statement: bytes, **changes: bytes) -> wire.Inner:
        """The four frames, signed."""
        assert self.key is not None
        proof = prove(self.key, STATEMENT, statement)
        return replace(wire.Inner(statement=statement, proof=proof, secret=self.secret, body=self.body), **changes)

    def seal(self, statement: wire.Statement, inner: bytes | None = None, **changes: Any) -> bytes:
        """The envelope of `statement`, or of `inner`, with a clear header that lies as `changes` say."""
        if inner is None:
            inner = pack(self.frames(statement.encode()))
        cek = self.rand(32)
        header = {
            "id": statement.id,
            "to": statement.to,
            "exp": wire.round_up_to_hour(statement.expires),
            "parts": statement.parts,
            **changes,
        }
        hdr = wire.header_hash(kids=[self.to.enc.kid], **header)
        enc = seal_cek(self.to.enc.public, cek, wire.cek_info(self.to.enc.kid, hdr))
        ct = seal_content(cek, wire.body_context(hdr), inner)
        return wire.Envelope(rcp=(wire.Recipient(kid=self.to.enc.kid, enc=enc),), ct=ct, **header).encode()


def pack(inner: wire.Inner) -> bytes:
    """The padded frames."""
    return wire.pack_inner(statement=inner.statement, proof=inner.proof, secret=inner.secret, body=inner.body)
