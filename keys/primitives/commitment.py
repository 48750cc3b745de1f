"""A commitment to the fields of a body, of which single ones can be shown later (nrm1 3.11, 3.12).

    fields   what a body is cut into: each text, number, boolean and null, and each empty object and array, under its
             JSON pointer, in the order of the body
    blocks   32 bytes for each leaf, drawn out of the secret: with the secret they are gone, and one says nothing of
             the others
    leaves   a hash over each field and its block; the blocks that are left over fill the tree up to a power of two
    tree     over all leaves in the order of their hashes, so that a place says nothing about what is not shown
    commit   a hash over the number of leaves and the root

Binding, because of the hashes; hiding, because of the blocks. Whoever has one field with its block and path can prove
that field, and can try no guess of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import orjson

from gateway.errors import Code, RemoteError
from gateway.ports import Json
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    expand,
    h,
    is_hash,
    is_int,
    is_str,
    items,
    labelled,
    list_of,
    lp,
    malformed,
    number,
    parse,
    text,
    unb64u,
)
from keys.primitives.merkle_tree import HASH, climb, path_of, perfect_levels

FEWEST_LEAVES: Final = 64
"""Below it every body looks alike (nrm1 3.11)."""
MOST_LEAVES: Final = 16_384
"""More than the largest body that any schema allows has fields (nrm1 3.11)."""
LONGEST_POINTER: Final = 4_096  # characters; 24 levels of names of 64 characters, all of them escaped, need 3 096


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """A field with what proves it under a commitment: its block, and its index and path in the tree."""

    pointer: str
    value: Json
    salt: bytes
    index: int
    path: tuple[bytes, ...]

    def __repr__(self) -> str:
        return "<redacted>"

    def to_json(self) -> Json:
        """Return the object of nrm1 3.12."""
        return {
            "pointer": self.pointer,
            "value": self.value,
            "salt": b64u(self.salt),
            "index": self.index,
            "path": [b64u(step) for step in self.path],
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the object of nrm1 3.12. Raises RemoteError(malformed)."""
        member = exact(value, _SHOWN, what="field")
        return cls(
            pointer=text(member["pointer"]),
            value=member["value"],
            salt=unb64u(member["salt"]),
            index=number(member["index"]),
            path=tuple(unb64u(step) for step in items(member["path"])),
        )


# --- fields ------------------------------------------------------------------------------------------------------


def cut_fields(body: bytes) -> dict[str, Json]:
    """Cut a body into its fields: values by their pointers, in their order.

    Raises RemoteError(malformed) for what is no canonical object, is empty, has more than 16 384 fields, or has a name
    of digits alone: such a name could be taken for a place in an array, and two bodies would have the same fields.
    """
    return _cut_all(read_body(body))


def read_body(body: bytes) -> dict[str, Json]:
    """Read a body. Raises RemoteError(malformed) for what is no canonical object, or is empty."""
    value = parse(body, limit=len(body))
    if not isinstance(value, dict) or not value:
        raise malformed("a body is an object with members")
    return value


def _cut_all(body: dict[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    _cut(body, "", found)
    return found


def _cut(value: dict[str, Json] | list[Json], above: str, found: dict[str, Json]) -> None:
    members = enumerate(value) if isinstance(value, list) else _tokens(value)
    for token, item in members:
        if isinstance(item, (dict, list)) and item:
            _cut(item, f"{above}/{token}", found)
        elif len(found) < MOST_LEAVES:
            found[f"{above}/{token}"] = item
        else:
            raise malformed("a body has too many fields")


def _tokens(value: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield the members of an object by the tokens of RFC 6901."""
    for name, item in value.items():
        if name.isdigit():
            raise malformed("a body has a member name of digits alone")
        yield name.replace("~", "~0").replace("/", "~1"), item


# --- the commitment ----------------------------------------------------------------------------------------------


def compute_commitment(secret: bytes, body: bytes) -> str:
    """Compute the commitment of a statement to the frames `secret` and `body` (nrm1 3.11).

    Raises RemoteError(malformed) for a body that cannot be cut into fields.
    """
    return commit_to(secret, read_body(body))


def commit_to(secret: bytes, body: dict[str, Json]) -> str:
    """Compute the same for a body as `read_body` read it. Raises RemoteError(malformed)."""
    fields = _cut_all(body)
    leaves = _leaves(_blocks(secret, len(fields)), fields)
    return _commit(len(leaves), perfect_levels(sorted(leaves))[-1][0])


def disclose(secret: bytes, body: bytes, pointers: Iterable[str]) -> tuple[ShownField, ...]:
    """Show these fields, each with its proof, in the order of their pointers.

    Raises:
        RuntimeError: a pointer names no field of the body.
    """
    fields = cut_fields(body)
    blocks = _blocks(secret, len(fields))
    leaves = _leaves(blocks, fields)
    levels = perfect_levels(sorted(leaves))
    places = {pointer: place for place, pointer in enumerate(fields)}
    indices = {leaf: index for index, leaf in enumerate(levels[0])}
    shown = []
    for pointer in sorted(set(pointers)):
        if pointer not in places:
            raise RuntimeError("what is not in the body cannot be shown")
        place = places[pointer]
        index = indices[leaves[place]]
        shown.append(
            ShownField(
                pointer=pointer,
                value=fields[pointer],
                salt=blocks[place],
                index=index,
                path=path_of(index, levels),
            )
        )
    return tuple(shown)


def check_fields(commit: str, shown: Sequence[ShownField]) -> None:
    """Check that each of the fields is one of those that `commit` was computed from (nrm1 3.12).

    Raises RemoteError: malformed for an order other than that of the pointers, bad_commitment for all else.
    """
    pointers = [field.pointer for field in shown]
    if pointers != sorted(set(pointers)):
        raise malformed("the fields are not in the order of their pointers, or not once each")
    for field in shown:
        size = 1 << len(field.path)
        if field.index >= size or _commit(size, _climb(field)) != commit:
            raise RemoteError(Code.BAD_COMMITMENT, "a field is not one of those that were signed")


def _blocks(secret: bytes, fields: int) -> list[bytes]:
    """Draw a block for each leaf of the tree over so many fields."""
    size = max(FEWEST_LEAVES, 1 << (fields - 1).bit_length())
    stream = expand("salt", secret, HASH * size)
    return [stream[at : at + HASH] for at in range(0, HASH * size, HASH)]


def _leaves(blocks: list[bytes], fields: Mapping[str, Json]) -> list[bytes]:
    """Make every leaf of the tree: those of the fields in their order, then the blocks that are left over."""
    # Each value was read from canonical JSON, so it has one spelling, and `canon` would only judge it once more.
    field = labelled("field")
    made = [
        field(block + lp(pointer.encode()) + orjson.dumps(value))
        for block, (pointer, value) in zip(blocks, fields.items(), strict=False)
    ]
    return made + blocks[len(made) :]


def _climb(field: ShownField) -> bytes:
    """Compute the root that the path of a field leads to."""
    leaf = h("field", field.salt + lp(field.pointer.encode()) + canon(field.value))
    return climb(leaf, field.index, field.path)


def _commit(size: int, root: bytes) -> str:
    return b64u(h("commit", size.to_bytes(4, "big") + root))


def _is_value(value: Json) -> bool:
    return not isinstance(value, (dict, list)) or not value


_SHOWN: Final[dict[str, Check]] = {
    "pointer": is_str(r"(/([ -.0-}]|~[01])+)+", LONGEST_POINTER),
    "value": _is_value,
    "salt": is_hash,
    "index": is_int(0, MOST_LEAVES - 1),
    "path": list_of(is_hash, FEWEST_LEAVES.bit_length() - 1, MOST_LEAVES.bit_length() - 1),
}
