"""The files that travel between a node and the people who hold its roots, on media that both read (nrm1 2.23, 2.27).

    FILE.public   a holder's public root key, signed by itself: proof that it was copied correctly and can sign
    REQUEST       the payload to sign, of a descriptor or tombstone, and the descriptor that it follows
    SIG           the payload with the signature of one root

None of them holds a secret. A request proves nothing: its signers read it first, on machines of their own. Its previous
descriptor is trusted because the new one names it by hash; peers hold the true one and would refuse another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId, NodeId
from keys.documents.descriptor import Descriptor, parse_descriptor
from keys.documents.key_records import KeyRecord, Use
from keys.documents.tombstone import Tombstone, parse_tombstone
from keys.primitives.domains import DESCRIPTOR, DESCRIPTOR_1, ROOT_KEY, SIGNED, TOMBSTONE
from keys.primitives.encoding import (
    DOCUMENT_LIMIT,
    Check,
    b64u,
    canon,
    exact,
    is_int,
    is_object,
    is_str,
    malformed,
    maybe_bytes,
    nullable,
    one_of,
    parse,
    parse_payload,
    text,
    unb64u,
)
from keys.primitives.hybrid_keys import Signature, SigningKey
from keys.primitives.sign import SignedDocument, sign_document

LIMIT: Final = 4 * DOCUMENT_LIMIT  # two payloads as base64url, and room
_PAYLOAD: Final = is_str(r"[A-Za-z0-9_-]+", 2 * DOCUMENT_LIMIT)


def root_public(record: KeyRecord, key: SigningKey, at: int) -> SignedDocument:
    """Build the public document of a root key: its record, signed by the key itself."""
    payload = canon({"type": SIGNED[ROOT_KEY].payload, "root": record.to_json(), "at": at})
    return sign_document(ROOT_KEY, payload, [key])


def read_root_public(data: bytes) -> KeyRecord:
    """Read the record in a FILE.public.

    Raises RemoteError: malformed, too_large, wrong_type, bad_key, bad_signature.
    """
    document = SignedDocument.decode(data, ROOT_KEY)
    record = KeyRecord.from_json(exact(parse_payload(document.payload), _ROOT, what="root")["root"])
    if record.use is not Use.ROOT:
        raise RemoteError(Code.BAD_KEY, "key is no root")
    document.verify(record.public)
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to root holders. Either `new` is a descriptor or `tombstone` is a tombstone; the other one is None.

    `previous` is the descriptor before, None for version 1 and for the tombstone of a node that has none yet.
    """

    payload_type: str
    payload: bytes
    previous: Descriptor | None
    new: Descriptor | None
    tombstone: Tombstone | None

    @classmethod
    def of(cls, payload_type: str, payload: bytes, previous: bytes | None) -> Self:
        """Read a request: its payload, and the payload of the descriptor before.

        Raises RemoteError: wrong_type, malformed, bad_key, revoked_key; bad_chain when one does not follow the other.
        """
        before = None if previous is None else _previous(previous)
        if payload_type == TOMBSTONE:
            tombstone = parse_tombstone(_unsigned(TOMBSTONE, payload))
            if before is not None and before.node != tombstone.node:
                raise RemoteError(Code.WRONG_NODE, "tombstone is of another node than the descriptor")
            return cls(payload_type=payload_type, payload=payload, previous=before, new=None, tombstone=tombstone)
        new = parse_descriptor(_unsigned(payload_type, payload))
        follows = new.prev is None if before is None else new.prev == before.hash and new.node == before.node
        if not follows:
            raise RemoteError(Code.BAD_CHAIN, "request does not follow the descriptor it names")
        return cls(payload_type=payload_type, payload=payload, previous=before, new=new, tombstone=None)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a REQUEST file. Raises as ``of``, and too_large."""
        member = exact(parse(data, limit=LIMIT), _REQUEST, what="request")
        return cls.of(text(member["payloadType"]), unb64u(member["payload"]), maybe_bytes(member["previous"]))

    def encode(self) -> bytes:
        """Return canonical JSON."""
        return canon(
            {
                "type": "nrm.request/1",
                "payloadType": self.payload_type,
                "payload": b64u(self.payload),
                "previous": None if self.previous is None else b64u(self.previous.document.payload),
            }
        )

    @property
    def node(self) -> NodeId:
        """The node that the request is about."""
        found = self.new or self.tombstone
        if found is None:
            raise RuntimeError("a request asks for a descriptor or a tombstone")
        return found.node

    @property
    def revokes_roots(self) -> bool:
        """Whether a root of the version before is revoked: then a new tombstone is due (nrm1 2.24)."""
        if self.new is None or self.previous is None:
            return False
        revoked = {revocation.kid for revocation in self.new.revoked}
        return any(record.kid in revoked for record in self.previous.roots)

    def may_sign(self, kid: KeyId) -> bool:
        """Whether the root `kid` is one of the new or the old ones. For the tombstone of a node without a descriptor,
        any key may sign.
        """
        lists = [found.roots for found in (self.new, self.previous) if found is not None]
        return not lists or any(record.kid == kid for roots in lists for record in roots)

    def sign(self, key: SigningKey) -> SignedDocument:
        """Sign the payload with one root key: a SIG file. Raises RefusedError(invalid) for a key that is no root of
        this node.
        """
        if not self.may_sign(key.public.kid):
            raise RefusedError(
                Code.INVALID,
                "this root key is none of the node that asks; nothing was signed",
                hint="take the root file of this node, or ask who sent the request",
            )
        return sign_document(self.payload_type, self.payload, [key])

    def gather(self, signatures: Sequence[bytes]) -> SignedDocument:
        """Join several SIG files to one document; a file that comes twice counts once.

        Raises RefusedError(invalid) for a SIG of another request. Acceptance decides whether the signatures suffice.
        """
        found: dict[str, Signature] = {}
        for data in signatures:
            document = SignedDocument.decode(data, self.payload_type)
            if document.payload != self.payload:
                raise RefusedError(
                    Code.INVALID,
                    "a signature is for another request; nothing was done",
                    hint="collect the signatures of this request only",
                )
            found |= {signature.kid: signature for signature in document.signatures}
        return SignedDocument(payload=self.payload, payload_type=self.payload_type, signatures=tuple(found.values()))


def _previous(payload: bytes) -> Descriptor:
    """Read the version before, of either form: the payload says which."""
    value = parse_payload(payload)
    first = isinstance(value, dict) and value.get("type") == SIGNED[DESCRIPTOR_1].payload
    return parse_descriptor(
        SignedDocument(payload=payload, payload_type=DESCRIPTOR_1 if first else DESCRIPTOR, signatures=())
    )


def _unsigned(payload_type: str, payload: bytes) -> SignedDocument:
    if payload_type not in (DESCRIPTOR, TOMBSTONE):
        raise malformed("request is for another kind of document")
    return SignedDocument(payload=payload, payload_type=payload_type, signatures=())


_ROOT: Final[dict[str, Check]] = {"type": one_of(SIGNED[ROOT_KEY].payload), "root": is_object, "at": is_int()}
_REQUEST: Final[dict[str, Check]] = {
    "type": one_of("nrm.request/1"),
    "payloadType": one_of(DESCRIPTOR, TOMBSTONE),
    "payload": _PAYLOAD,
    "previous": nullable(_PAYLOAD),
}
