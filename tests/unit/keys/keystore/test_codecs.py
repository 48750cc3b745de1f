"""Values in calls to a key service: each is read back, and bytes that no writer makes are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RemoteError
from keys.keystore.codecs import BYTES, FLAG, NOTHING, NUMBER, TEXT, Codec, many, maybe, parts_of, row

WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(
    st.tuples(
        st.binary(), st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.none() | WHOLE, st.booleans()
    )
)
def test_a_row_comes_back(values: tuple[bytes, list[str], int | None, bool]) -> None:
    """Bytes, lists, what may be missing, and flags, each in its place."""
    codec = row(BYTES, many(TEXT), maybe(NUMBER), FLAG)
    data, listed, number, flag = values
    said = (data, tuple(listed), number, flag)
    assert codec.read(codec.write(said)) == said


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        (NUMBER, b"\0" * 7),
        (NUMBER, b"\0" * 9),
        (FLAG, b""),
        (FLAG, b"\1\1"),
        (NOTHING, b"x"),
        (TEXT, b"\xff"),
        (many(NUMBER), b"\0\0\0\x09" + bytes(8)),
        (row(NUMBER, NUMBER), (8).to_bytes(4, "big") + bytes(8)),
    ],
    ids=["short number", "long number", "no flag", "two flags", "something", "no utf-8", "cut list", "short row"],
)
def test_other_bytes_are_refused(codec: Codec[Any], data: bytes) -> None:
    """One fault each."""
    with pytest.raises((RemoteError, ValueError)):
        codec.read(data)


def test_a_missing_value_is_not_an_empty_one() -> None:
    """None and no bytes at all are told apart."""
    assert [maybe(BYTES).read(maybe(BYTES).write(value)) for value in (None, b"")] == [None, b""]
    assert parts_of(b"") == []
