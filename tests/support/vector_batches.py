"""Vectors of batches: the leaf of a payload, the tree, what is signed, and what proves nothing (nrm1 1.18, 1.19)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.batches import by
from support.vector_judges import code_of
from support.vector_parties import key_of, seed

from keys.primitives.batch import Inclusion, Proof
from keys.primitives.domains import RECEIPT, STATEMENT
from keys.primitives.encoding import b64u, canon, parse, unb64u
from keys.primitives.hybrid_keys import PublicKey, SigningKey

Case = dict[str, Any]

SIZES = (1, 2, 8, 9, 32, 128)


def batches() -> Case:
    """Batches of several sizes, and proofs that break one thing each; the batches are signed by one key."""
    key = key_of("batches/sig")
    (one,), three = _proven(key, [_document(0)]), _proven(key, [_document(place) for place in range(3)])
    return {
        "key": key.public.to_json(),
        "valid": [_batch(key, size) for size in SIZES],
        "invalid": _invalid(one, three[0], three[1]),
    }


def _document(place: int) -> tuple[str, bytes]:
    return (RECEIPT if place % 2 else STATEMENT), canon({"number": place})


def _proven(key: SigningKey, documents: Sequence[tuple[str, bytes]]) -> list[Case]:
    batch, inclusions = by(key)(documents)
    return [
        {"type": kind, "payload": b64u(payload), "proof": _read(Proof(batch=batch, inclusion=inclusion).encode())}
        for (kind, payload), inclusion in zip(documents, inclusions, strict=True)
    ]


def _read(data: bytes) -> Case:
    value = parse(data, limit=len(data))
    assert isinstance(value, dict)
    return value


def _batch(key: SigningKey, size: int) -> Case:
    """The first and the last of so many documents, with the root that both lead to."""
    documents = _proven(key, [_document(place) for place in range(size)])
    shown = [documents[0], documents[-1]] if size > 1 else documents
    kind, payload = shown[0]["type"], unb64u(shown[0]["payload"])
    proof = Proof.parse(canon(shown[0]["proof"]), kind, payload)
    return {
        "name": f"{size} documents",
        "root": b64u(proof.batch.root),
        "signed": canon({"type": "nrm.batch/2", "count": proof.batch.count, "root": b64u(proof.batch.root)}).decode(),
        "documents": shown,
    }


def _invalid(one: Case, first: Case, second: Case) -> list[Case]:
    def case(name: str, code: str, document: Case, **changes: Any) -> Case:
        return {"name": name, "code": code, **document, "proof": document["proof"] | changes}

    proof, path = first["proof"], first["proof"]["path"]
    stranger = _proven(key_of("stranger/sig"), [_document(0)])[0]
    other = unb64u(second["payload"])
    return [
        case("as another type", "bad_signature", first | {"type": RECEIPT}),
        case("another payload", "bad_signature", first | {"payload": b64u(other)}),
        case("other random bytes", "bad_signature", first, blind=b64u(seed("other blind"))),
        case("another place", "bad_signature", first, index=proof["index"] ^ 1),
        case("two steps in another order", "bad_signature", first, path=[path[1], path[0], *path[2:]]),
        case("the path of a neighbour", "bad_signature", first, path=second["proof"]["path"]),
        case("a step less", "malformed", first, path=path[:-1]),
        case("a step more", "malformed", first, path=[*path, path[0]]),
        case("of a larger tree", "malformed", first, count=32),
        case("a leaf more, in a tree of one", "malformed", one, count=8),
        case("a place outside of the tree", "malformed", first, index=8),
        case("a size that no tree has", "malformed", first, count=2, path=path[:1], index=0),
        case("by another key", "bad_signature", stranger),
        case("the signature of another batch", "bad_signature", first, signatures=one["proof"]["signatures"]),
        case("two signatures", "malformed", first, signatures=proof["signatures"] * 2),
        case("a member more", "malformed", first, root=b64u(bytes(32))),
    ]


def judge(file: Case, case: Case) -> str | None:
    """The code that refuses a proof; a signature by another key than the one of the file is refused too."""
    public = PublicKey.from_members(file["key"])

    def judged() -> None:
        proof = Proof.parse(canon(case["proof"]), case["type"], unb64u(case["payload"]))
        proof.batch.verify(public)

    return code_of(judged)


def roots(case: Case) -> list[str]:
    """The roots that the documents of a batch lead to."""
    found = []
    for document in case["documents"]:
        inclusion = Inclusion.from_members(document["proof"], document["proof"]["count"])
        found.append(b64u(inclusion.root_over(document["type"], unb64u(document["payload"]))))
    return found
