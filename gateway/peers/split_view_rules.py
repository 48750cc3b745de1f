"""Rules about which descriptor of this node a peer says it holds (nrm1 2.25). Pure.

What a peer says is believed only as far as our own roots signed it: a peer that lies is told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Code, RemoteError
from gateway.ports import Json
from keys.documents.descriptor import DESCRIPTORS, Descriptor, parse_descriptor
from keys.documents.descriptor_chain import accept_chain
from keys.documents.equivocation import build_proof
from keys.primitives.encoding import parse
from keys.primitives.sign import SignedDocument

LIMIT = 500_000
"""Bytes of an answer to `GET /v1/held`."""

KINDS = ("own.split_view", "own.unknown_descriptor", "peer.held_false")
"""Kinds of alarm: two documents of ours under one version, one that this node never issued, one that is not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitView:
    """A person has to look: the ``kind`` of alarm, and the document or proof that goes with it."""

    kind: str
    proof: bytes


def read_held(data: bytes) -> SignedDocument:
    """Read the document in an answer to `GET /v1/held`.

    Raises:
        RemoteError: malformed, where it is not what the answer says.
    """
    value: Json = parse(data, limit=LIMIT)
    if not isinstance(value, dict) or set(value) != {"version", "hash", "document"}:
        raise RemoteError(Code.MALFORMED, "the answer has another shape")
    document = SignedDocument.from_json(value["document"], *DESCRIPTORS)
    found = parse_descriptor(document)
    if (found.version, found.hash) != (value["version"], value["hash"]):
        raise RemoteError(Code.MALFORMED, "the document is another than the answer says")
    return document


def judge_held(own: Sequence[Descriptor], document: SignedDocument, now: int) -> SplitView | None:
    """Judge what it means that a peer holds ``document`` of us; None when it is one of ours.

    A second document under one of our versions, signed by our roots, is the proof that somebody made them sign twice.
    """
    version = parse_descriptor(document).version
    if version <= len(own) and own[version - 1].document.payload == document.payload:
        return None
    try:
        accept_chain([document], now, held=own)
    except RemoteError as error:
        if error.code is Code.EQUIVOCATION:
            return SplitView(kind="own.split_view", proof=build_proof(own, document))
        return SplitView(kind="peer.held_false", proof=document.encode())
    return SplitView(kind="own.unknown_descriptor", proof=document.encode())
