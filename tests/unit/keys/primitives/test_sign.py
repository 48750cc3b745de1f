"""keys.primitives.sign: a document is read strictly, is of one type, and counts by one signature (threats 12, 13)."""

from __future__ import annotations

import pytest
from support.nodes import Seeds, refused

from gateway.errors import Code
from keys.primitives.domains import DESCRIPTOR, KEYSET, TRUST, VOID
from keys.primitives.encoding import canon
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument, sign_document

RAND = Seeds("sign")
HYBRID = SigningKey.generate(RAND, hybrid=True)
OTHER = SigningKey.generate(RAND, hybrid=True)


def test_document_round_trip() -> None:
    """A document is read back as it was written, and its one signature verifies."""
    document = sign_document(KEYSET, b"payload", [HYBRID])
    again = SignedDocument.decode(document.encode(), KEYSET)
    assert again == document
    again.verify(HYBRID.public)


def test_document_of_another_type_is_refused() -> None:
    """Threat 13: a reader says which type it expects."""
    with refused(Code.WRONG_TYPE):
        SignedDocument.decode(sign_document(TRUST, b"x", [HYBRID]).encode(), VOID)


@pytest.mark.parametrize("count", [0, 2])
def test_document_has_one_signature(count: int) -> None:
    """Threat 12: none and two are refused, but for descriptors and tombstones."""
    data = sign_document(VOID, b"x", [HYBRID, OTHER][:count]).encode()
    with refused(Code.MALFORMED, "signatures"):
        SignedDocument.decode(data, VOID)


def test_document_is_read_strictly() -> None:
    """An unknown member, a cut signature and a document beyond 200 KB are refused."""
    value = sign_document(VOID, b"x", [HYBRID]).to_json()
    with refused(Code.MALFORMED, "unknown member"):
        SignedDocument.decode(canon({**value, "alg": "none"}), VOID)
    with refused(Code.MALFORMED, "ed25519"):
        SignedDocument.decode(
            canon({**value, "signatures": [{"kid": "A" * 22, "ed25519": "AA", "mldsa65": None}]}), VOID
        )
    with refused(Code.TOO_LARGE):
        SignedDocument.decode(canon({**value, "payload": "A" * 200_000}), VOID)


def test_document_with_several_signatures_is_not_verified_by_one() -> None:
    """Where one signature is meant, several are refused, also for the types that may have them."""
    document = sign_document(DESCRIPTOR, b"x", [HYBRID, OTHER])
    with refused(Code.MALFORMED, "exactly one"):
        document.verify(HYBRID.public)
