"""One signature for many documents, each of which is proven alone and shows nothing of the others (nrm1 1.18, 1.19).

    leaf       a hash over the type of a payload, 32 random bytes and the payload
    tree       over all leaves in the order of their hashes, filled up with random ones to 1, 8, 32 or 128 of them
    batch      the number of leaves, the root, and the signature over both
    inclusion  the random bytes, the place and the path of one payload: with its batch they are its proof

The type in the leaf keeps a payload from serving as one of another kind; the random bytes keep whoever has a
neighbour's path from trying a guess; the filling and the order hide how many documents were signed together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.ports import Json
from keys.primitives.domains import BATCH, SIGNED
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    h,
    is_hash,
    is_int,
    is_object,
    items,
    list_of,
    lp,
    lp_join,
    lp_split,
    malformed,
    number,
    parse_payload,
    unb64u,
)
from keys.primitives.hybrid_keys import PublicKey, Rand, Signature, verify
from keys.primitives.merkle_tree import HASH, climb, path_of, perfect_levels

CLASSES: Final = (1, 8, 32, 128)
"""How many leaves a tree has (nrm1 1.18)."""
MOST: Final = CLASSES[-1]
"""Documents of one batch."""

_PACKED: Final = b"\x01"
"""The first byte of what is packed; JSON has a brace there."""

Unsigned = tuple[str, bytes]
"""A payload type, and the payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A tree of `count` leaves under `root`, with its signature. Holding one proves nothing: see `verify`."""

    count: int
    root: bytes
    signature: Signature

    def verify(self, public: PublicKey) -> None:
        """Verify that `public` signed this batch. Raises RemoteError(bad_signature)."""
        verify(public, BATCH, _payload(self.count, self.root), self.signature)

    @property
    def hash(self) -> str:
        """H("batch", canon({count,root,signatures})): how the audit log names it (nrm1 7.7)."""
        return b64u(h("batch", self.encode()))

    @property
    def name(self) -> bytes:
        """The 32 bytes of `hash`, by which a node keeps it."""
        return _name(self)

    def pack(self) -> bytes:
        """Return the bytes as which a node keeps it."""
        signature = self.signature
        halves = signature.ed25519, b"" if signature.mldsa65 is None else signature.mldsa65
        return _PACKED + bytes([self.count]) + self.root + lp_join(signature.kid.encode(), *halves)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read what a node keeps: packed, or the canonical JSON of before. Raises RemoteError(malformed)."""
        if not data.startswith(_PACKED):
            return cls.from_json(parse_payload(data))
        kid, ed25519, mldsa65 = lp_split(data[2 + HASH :], 3, len(data))
        signature: dict[str, Json] = {"kid": kid.decode("ascii", "replace"), "ed25519": b64u(ed25519)}
        signature["mldsa65"] = b64u(mldsa65) if mldsa65 else None
        return cls.from_json({"count": data[1], "root": b64u(data[2 : 2 + HASH]), "signatures": [signature]})

    def to_json(self) -> dict[str, Json]:
        """Return the members `{count, root, signatures}`, as evidence has them (nrm1 7.1)."""
        return {"root": b64u(self.root), **self.outside()}

    def outside(self) -> dict[str, Json]:
        """Return the members `{count, signatures}`, which stand where the root can be computed (nrm1 1.19)."""
        return {"count": self.count, "signatures": [self.signature.to_json()]}

    def encode(self) -> bytes:
        """Return canonical JSON of these members."""
        return canon(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form. Raises RemoteError(malformed)."""
        member = exact(value, {**OUTSIDE, "root": is_hash}, what="batch")
        return cls.from_outside(member, unb64u(member["root"]))

    @classmethod
    def from_outside(cls, member: Mapping[str, Json], root: bytes) -> Self:
        """Read members that were checked by `OUTSIDE`, for a root that was computed. Raises RemoteError(malformed)."""
        return cls(
            count=number(member["count"]), root=root, signature=Signature.from_json(items(member["signatures"])[0])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Where a payload is in the tree of its batch: its random bytes, its place, and its neighbour at each height."""

    blind: bytes
    index: int
    path: tuple[bytes, ...]

    def root_over(self, payload_type: str, payload: bytes) -> bytes:
        """Compute the root that the path of this payload leads to."""
        return climb(_leaf(payload_type, self.blind, payload), self.index, self.path)

    def to_json(self) -> dict[str, Json]:
        """Return the members `{blind, index, path}`."""
        return {"blind": b64u(self.blind), "index": self.index, "path": [b64u(step) for step in self.path]}

    def pack(self) -> bytes:
        """Return the bytes as which a node keeps it."""
        return b"".join((_PACKED, bytes([self.index]), self.blind, *self.path))

    @classmethod
    def unpack(cls, data: bytes, count: int) -> Self:
        """Read what a node keeps: packed, or the canonical JSON of before. Raises RemoteError(malformed)."""
        if not data.startswith(_PACKED):
            return cls.from_members(exact(parse_payload(data), INSIDE, what="inclusion"), count)
        hashes = [data[start : start + HASH] for start in range(2, len(data), HASH)]
        if not hashes or len(hashes[-1]) != HASH:
            raise malformed("a packed inclusion is cut")
        inside: dict[str, Json] = {"blind": b64u(hashes[0]), "index": data[1], "path": [*map(b64u, hashes[1:])]}
        return cls.from_members(exact(inside, INSIDE, what="inclusion"), count)

    @classmethod
    def from_members(cls, member: Mapping[str, Json], count: int) -> Self:
        """Read members that were checked by `INSIDE`, in a tree of `count` leaves. Raises RemoteError(malformed)."""
        index, path = number(member["index"]), tuple(unb64u(step) for step in items(member["path"]))
        if 1 << len(path) != count or index >= count:
            raise malformed("a proof is of a tree of another size")
        return cls(blind=unb64u(member["blind"]), index=index, path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proves one payload: the batch that its root was signed in, and its place there (nrm1 1.19)."""

    batch: Batch
    inclusion: Inclusion

    def encode(self) -> bytes:
        """Return canonical JSON, without the root: whoever has the payload computes it."""
        return canon({**self.batch.outside(), **self.inclusion.to_json()})

    @classmethod
    def parse(cls, data: bytes, payload_type: str, payload: bytes) -> Self:
        """Read what stands beside a payload; whether the batch is signed is not verified. Raises
        RemoteError(malformed).
        """
        member = exact(parse_payload(data), {**INSIDE, **OUTSIDE}, what="proof")
        inclusion = Inclusion.from_members(member, number(member["count"]))
        root = inclusion.root_over(payload_type, payload)
        return cls(batch=Batch.from_outside(member, root), inclusion=inclusion)

    def require(self, payload_type: str, payload: bytes) -> None:
        """Check that the payload is in the batch. Raises RemoteError(bad_signature)."""
        if self.inclusion.root_over(payload_type, payload) != self.batch.root:
            raise RemoteError(Code.BAD_SIGNATURE, "a document is not in the batch that it names")


class Verifier:
    """Verifies batches, each once: for the documents of one request, or of one bundle.

    A failure is not remembered. Whether a key counts is for the caller to judge, each time.
    """

    def __init__(self) -> None:
        self._verified: set[tuple[PublicKey, Batch]] = set()

    def verify(self, public: PublicKey, batch: Batch) -> None:
        """Verify that `public` signed the batch. Raises RemoteError(bad_signature)."""
        if (public, batch) not in self._verified:
            batch.verify(public)
            self._verified.add((public, batch))


def sign_batch(
    documents: Sequence[Unsigned], sign: Callable[[str, bytes], Signature], rand: Rand
) -> tuple[Batch, tuple[Inclusion, ...]]:
    """Sign 1 to 128 payloads, which go to one node, by one signature; return it with the place of each of them.

    Raises:
        RuntimeError: another number of them, or a payload of a type that is signed alone.
    """
    if not 1 <= len(documents) <= MOST or not all(SIGNED[kind].batched for kind, _ in documents):
        raise RuntimeError("a batch is of 1 to 128 payloads that are signed in batches")
    count = next(size for size in CLASSES if size >= len(documents))
    blinds = [rand(HASH) for _ in documents]
    leaves = [_leaf(kind, blind, payload) for blind, (kind, payload) in zip(blinds, documents, strict=True)]
    levels = perfect_levels(sorted([*leaves, *(rand(HASH) for _ in range(count - len(leaves)))]))
    places = {leaf: index for index, leaf in enumerate(levels[0])}
    inclusions = [
        Inclusion(blind=blind, index=places[leaf], path=path_of(places[leaf], levels))
        for blind, leaf in zip(blinds, leaves, strict=True)
    ]
    root = levels[-1][0]
    return Batch(count=count, root=root, signature=sign(BATCH, _payload(count, root))), tuple(inclusions)


@functools.lru_cache(maxsize=64)
def _name(batch: Batch) -> bytes:
    """Asked for each statement of a batch, it is computed once."""
    return unb64u(batch.hash)


def _leaf(payload_type: str, blind: bytes, payload: bytes) -> bytes:
    return h("leaf", lp(payload_type.encode()) + blind + payload)


def _payload(count: int, root: bytes) -> bytes:
    return canon({"type": SIGNED[BATCH].payload, "count": count, "root": b64u(root)})


def _is_class(value: Json) -> bool:
    return is_int(1, MOST)(value) and value in CLASSES


INSIDE: Final[dict[str, Check]] = {
    "blind": is_hash,
    "index": is_int(0, MOST - 1),
    "path": list_of(is_hash, 0, MOST.bit_length() - 1),
}
"""The members that are of one payload."""
OUTSIDE: Final[dict[str, Check]] = {"count": _is_class, "signatures": list_of(is_object, 1, 1)}
"""The members that all payloads of a batch have in common."""


def read_signature(frame: bytes) -> Signature:
    """Read the signature of a proof, or of the frame that stood in its place in the first form, which had nothing else.

    Raises RemoteError(malformed).
    """
    value = parse_payload(frame)
    listed = value.get("signatures") if isinstance(value, dict) else None
    if not isinstance(listed, list) or len(listed) != 1:
        raise malformed("a frame does not have exactly one signature")
    return Signature.from_json(listed[0])
