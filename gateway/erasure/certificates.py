"""The certificate of an onward recipient, as a confirmation carries it (nrm1 7.11; threat 58).

It is what that node signed, its receipts `erased`, with its descriptor chain from version 1 on. Who reads it can verify
that the node with this id signed it; that the data had gone to that node is vouched for by the sender of the
confirmation. The member `certificate` has the receipts with their places in their batch, `signature` the rest of it; in
the first form they are the payload of a document and its signatures. Reading is four steps:

    1  the chain proves itself and the node id
    2  the signature is by a key that the chain lists and has not revoked
    3  the receipts are that node's
    4  at least one says `erased`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from keys.documents import descriptor_chain as chains
from keys.documents.descriptor import DESCRIPTORS, Descriptor
from keys.documents.receipts import FirstReceipts, KeptReceipts, Receipt, SignedReceipts, Status
from keys.primitives.domains import RECEIPTS_1
from keys.primitives.encoding import Json, b64u, canon, parse, unb64u
from keys.primitives.sign import SignedDocument

LIMIT = 200_000
MOST_DESCRIPTORS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A verified certificate: who erased, the statements of the messages that were, and when the last of it was."""

    node: NodeId
    erased: tuple[str, ...]
    at: int


def encode(kept: KeptReceipts, chain: Sequence[Descriptor]) -> dict[str, Json]:
    """The member of `onward_certificates` for receipts of the node that `chain` is of, which were signed together."""
    told, by = _halves(kept)
    return {
        "node": chain[-1].node,
        "certificate": b64u(told),
        "signature": b64u(canon(by)),
        "descriptors": [b64u(item.document.encode()) for item in chain],
    }


def _halves(kept: KeptReceipts) -> tuple[bytes, dict[str, Json]]:
    whole = kept.to_json()
    if isinstance(kept, SignedDocument):
        return kept.payload, {"signatures": whole["signatures"]}
    return canon({"receipts": whole["receipts"]}), kept.batch.outside()


def verify(value: Mapping[str, Json], now: int) -> Certificate:
    """Read one certificate.

    Raises:
        RemoteError: a step of the module text fails; the certificate proves nothing.
    """
    chain = chains.accept_chain(_documents(value.get("descriptors")), now)  # 1
    node = chain[-1].node
    if node != value.get("node"):
        raise RemoteError(Code.WRONG_NODE, "the descriptors are those of another node")
    kept, receipts = _signed(value)
    kid = kept.batch.signature.kid if isinstance(kept, SignedReceipts) else kept.signature.kid
    if chains.revocation_of(chain, kid) is not None:
        raise RemoteError(Code.REVOKED_KEY, "the key of the certificate was revoked")
    kept.verify(chains.key_at(chain, kid, min(receipt.from_desc for receipt in receipts)).public)  # 2
    if receipts[0].from_ != node:  # 3
        raise RemoteError(Code.SPLICED, "the receipts are those of another node")
    erased = [receipt for receipt in receipts if receipt.status is Status.ERASED]
    if not erased:  # 4
        raise RemoteError(Code.WRONG_TYPE, "the receipts do not say that anything was erased")
    return Certificate(
        node=node, erased=tuple(receipt.of for receipt in erased), at=max(receipt.at for receipt in erased)
    )


def read_all(confirmation: Mapping[str, Json], now: int) -> list[tuple[Mapping[str, Json], Certificate | None]]:
    """Each certificate in the content of a confirmation, and what it proves: None for one that proves nothing."""
    listed = confirmation.get("onward_certificates")
    found: list[tuple[Mapping[str, Json], Certificate | None]] = []
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            try:
                found.append((item, verify(item, now)))
            except RemoteError:
                found.append((item, None))
    return found


def _documents(value: Json) -> list[SignedDocument]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_DESCRIPTORS:
        raise RemoteError(Code.MALFORMED, "there is no list of descriptors")
    return [SignedDocument.decode(unb64u(item), *DESCRIPTORS) for item in value]


def _signed(value: Mapping[str, Json]) -> tuple[KeptReceipts, Sequence[Receipt]]:
    """Read the receipts with their signature; what has no `count` is of the first form."""
    payload, by = unb64u(value.get("certificate")), parse(unb64u(value.get("signature")), limit=LIMIT)
    if not isinstance(by, dict):
        raise RemoteError(Code.MALFORMED, "a certificate has one signature")
    if "count" in by:
        told = parse(payload, limit=LIMIT)
        signed = SignedReceipts.from_json({**by, **told} if isinstance(told, dict) else told)
        return signed, signed.receipts
    document = SignedDocument.from_json(
        {"payload": b64u(payload), "payloadType": RECEIPTS_1, "signatures": by.get("signatures")}, RECEIPTS_1
    )
    return document, FirstReceipts.parse(payload).receipts
