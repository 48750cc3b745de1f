"""One table of operations is made of those of the slices."""

from __future__ import annotations

import pytest
from support.operations import operations

from gateway.operations.table import joined


def test_tables_are_joined() -> None:
    """Every name keeps what stands behind it."""
    assert joined([{"a": 1, "b": 2}, {}, {"c": 3}]) == {"a": 1, "b": 2, "c": 3}


def test_no_name_stands_in_two_tables() -> None:
    """A name that two slices give is a fault of ours, told at once and not when it is asked."""
    with pytest.raises(RuntimeError, match=r"consent\.show"):
        joined([{"consent.show": 1}, {"consent.list": 2, "consent.show": 3}])


def test_every_slice_is_found() -> None:
    """The classes of operations are read without a node."""
    found = {name.partition(".")[0] for name in operations()}
    assert {"message", "consent", "keys", "node", "audit", "person", "erasure"} <= found
