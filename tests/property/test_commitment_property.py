"""Any fields of any body are proven by themselves, and nothing else is by them (threat 200)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RemoteError
from keys.documents.statement import Secret
from keys.primitives.commitment import MOST_LEAVES, ShownField, check_fields, compute_commitment, cut_fields, disclose
from keys.primitives.encoding import b64u, canon, unb64u

NAMES = st.text("ab~/01 .", min_size=1, max_size=4).filter(lambda name: not name.isdigit())
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=20,
)
BODIES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)
SECRETS = st.binary(min_size=32, max_size=32).map(lambda salt: Secret(salt=salt).encode())


def accepted(commit: str, fields: list[ShownField]) -> bool:
    """Whether a verifier takes these fields; any other error fails the test."""
    try:
        check_fields(commit, [ShownField.from_json(field.to_json()) for field in fields])
    except RemoteError:
        return False
    return True


def at(body: Any, pointer: str) -> Any:
    """What is at a pointer of RFC 6901, found independently."""
    for token in pointer.split("/")[1:]:
        body = body[int(token)] if isinstance(body, list) else body[token.replace("~1", "/").replace("~0", "~")]
    return body


@settings(max_examples=150)
@given(body=BODIES, secret=SECRETS, data=st.data())
def test_every_choice_of_fields_is_proven(body: dict[str, Any], secret: bytes, data: st.DataObject) -> None:
    """Whatever is chosen verifies, and says what the body says there."""
    raw = canon(body)
    commit, fields = compute_commitment(secret, raw), cut_fields(raw)
    chosen = data.draw(st.sets(st.sampled_from(sorted(fields))))
    shown = disclose(secret, raw, chosen)
    assert {field.pointer for field in shown} == chosen
    assert all(field.value == at(body, field.pointer) for field in shown)
    assert accepted(commit, [*shown])


@settings(max_examples=150)
@given(body=BODIES, secret=SECRETS, data=st.data())
def test_one_change_is_refused(body: dict[str, Any], secret: bytes, data: st.DataObject) -> None:
    """One bit of a block, of a step or of a value's spelling, another place or pointer: nothing of it is proven."""
    raw = canon(body)
    commit, fields = compute_commitment(secret, raw), cut_fields(raw)
    (field,) = disclose(secret, raw, [data.draw(st.sampled_from(sorted(fields)))])
    bit = 1 << data.draw(st.integers(0, 7))
    place = data.draw(st.integers(0, 31))

    def flip(block: bytes) -> bytes:
        return block[:place] + bytes([block[place] ^ bit]) + block[place + 1 :]

    step = data.draw(st.integers(0, len(field.path) - 1))
    path = tuple(flip(one) if height == step else one for height, one in enumerate(field.path))
    value = data.draw(SCALARS.filter(lambda other: canon(other) != canon(field.value)))
    pointer = data.draw(st.sampled_from([p for p in fields if p != field.pointer] or [field.pointer + "x"]))
    assert not accepted(commit, [replace(field, salt=flip(field.salt))])
    assert not accepted(commit, [replace(field, path=path)])
    assert not accepted(commit, [replace(field, value=value)])
    assert not accepted(commit, [replace(field, pointer=pointer)])
    assert not accepted(commit, [replace(field, index=field.index ^ bit)])
    other = b64u(flip(unb64u(commit)))
    assert not accepted(other, [field])


@settings(max_examples=150)
@given(one=BODIES, other=BODIES, secret=SECRETS)
def test_two_bodies_have_two_commitments(one: dict[str, Any], other: dict[str, Any], secret: bytes) -> None:
    """What differs as JSON differs as a commitment, under one secret."""
    first, second = canon(one), canon(other)
    assert (compute_commitment(secret, first) == compute_commitment(secret, second)) == (first == second)


def test_ten_thousand_fields() -> None:
    """A large body has its proofs too, as deep as its tree."""
    raw, secret = canon({"a": {"b": list(range(10_000))}}), Secret(salt=bytes(32)).encode()
    shown = disclose(secret, raw, ["/a/b/0", "/a/b/9999"])
    assert [1 << len(field.path) for field in shown] == [MOST_LEAVES, MOST_LEAVES]
    assert accepted(compute_commitment(secret, raw), [*shown])
