"""Proof that the roots of a node signed two descriptors under one version: anybody can check it (nrm1 2.26, 2.25).

`nrm.equivocation/1 {type, chain, documents}`: the accepted documents before that version, and the two under it. A
verifier needs nothing else and takes the node id from the chain; the fingerprint shows whether it is the node meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from keys.documents.descriptor import DESCRIPTORS, Descriptor, parse_descriptor
from keys.documents.descriptor_chain import accept_chain, accept_descriptor
from keys.primitives.encoding import Check, canon, exact, is_object, items, list_of, malformed, one_of, parse
from keys.primitives.sign import SignedDocument

LIMIT: Final = 8 * 1024 * 1024
_EVER: Final = 2**53 - 2  # times do not matter to a proof: what was signed was signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivocation:
    """A verified proof: `roots` signed both `hashes` as version `version` of `node`."""

    node: NodeId
    name: str
    version: int
    hashes: tuple[str, str]
    fingerprint: str
    signers: tuple[tuple[str, ...], tuple[str, ...]]


def build_proof(held: Sequence[Descriptor], other: SignedDocument) -> bytes:
    """Build the proof for a document that ``accept_chain`` refused as an equivocation against the accepted chain
    `held`.

    Raises RemoteError(malformed) when no document of its version is held.
    """
    version = parse_descriptor(other).version
    if not 1 <= version <= len(held):
        raise malformed("nothing is held under this version")
    return canon(
        {
            "type": "nrm.equivocation/1",
            "chain": [descriptor.document.to_json() for descriptor in held[: version - 1]],
            "documents": [held[version - 1].document.to_json(), other.to_json()],
        }
    )


def verify_proof(data: bytes) -> Equivocation:
    """Verify a proof by itself. Raises RemoteError, with the code of the fault, for anything that does not prove it."""
    member = exact(parse(data, limit=LIMIT), _PROOF, what="proof")
    chain = [SignedDocument.from_json(item, *DESCRIPTORS) for item in items(member["chain"])]
    one, other = (SignedDocument.from_json(item, *DESCRIPTORS) for item in items(member["documents"]))
    before = accept_chain(chain, _EVER) if chain else ()
    first, second = (_accept_behind(before, document) for document in (one, other))
    if first.node != second.node:
        raise RemoteError(Code.WRONG_NODE, "the two documents are of two nodes")
    if first.hash == second.hash:
        raise malformed("the two documents are one")
    return Equivocation(
        node=first.node,
        name=first.name,
        version=first.version,
        hashes=(first.hash, second.hash),
        fingerprint=first.fingerprint,
        signers=(_kids(one), _kids(other)),
    )


def _accept_behind(before: Sequence[Descriptor], document: SignedDocument) -> Descriptor:
    return accept_descriptor(before[-1] if before else None, document, _EVER, earlier=before[:-1])


def _kids(document: SignedDocument) -> tuple[str, ...]:
    return tuple(signature.kid for signature in document.signatures)


_PROOF: Final[dict[str, Check]] = {
    "type": one_of("nrm.equivocation/1"),
    "chain": list_of(is_object, 0, 1000),
    "documents": list_of(is_object, 2, 2),
}
