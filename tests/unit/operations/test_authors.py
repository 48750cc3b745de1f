"""Who acts: what of it travels."""

from __future__ import annotations

import pytest

from gateway.operations.authors import author_ref


def keyed(data: bytes) -> bytes:
    """Stands for the keyed hash of the keystore."""
    return bytes(16)


@pytest.mark.parametrize("by", ["w-117", "FR/desk:2", "a" * 64])
def test_a_reference_travels_as_it_is(by: str):
    """A staff reference is what a header is made for."""
    assert author_ref(by, keyed) == by


@pytest.mark.parametrize("by", ["Ana B.", "Erë", "-x", "a" * 65])
def test_a_name_does_not_travel(by: str):
    """Of anything else only the keyed hash goes into a header, so a withdrawal by a named person is never refused."""
    assert author_ref(by, keyed) == "00" * 16
