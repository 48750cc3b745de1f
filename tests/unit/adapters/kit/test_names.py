"""File names: plain, one for each key, and never a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit import names
from gateway.errors import RefusedError


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\nb", "-rf", "a.", "é", "a b", "a" * 65, "~a", "a\0", "a:b"]
)
def test_not_plain(name: str) -> None:
    """A name with anything but the plain characters in the plain places is not plain."""
    assert not names.is_plain(name)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_key_names_differ(one: str, other: str) -> None:
    """Different keys have different file names, also where a file system knows no case."""
    first, second = names.key_name(one), names.key_name(other)
    assert (first == second) == (one == other)
    assert first == first.lower()
    assert names.is_plain(first[:64])


@pytest.mark.parametrize("key", ["", "k" * 97])
def test_bad_key(key: str) -> None:
    """An empty key and one too long for a file name are refused."""
    with pytest.raises(RefusedError, match="idempotency key"):
        names.key_name(key)


def test_message_name() -> None:
    """Type and id make the name; neither may smuggle in a path."""
    assert names.message_name("referral.request/1", "A-_9") == "referral.request.1-A-_9.json"
    for message_type, message_id in [("../x", "a"), ("a", "../b"), ("a/b/1", "a"), ("", "a"), ("a", "")]:
        with pytest.raises(RefusedError, match="cannot name a file"):
            names.message_name(message_type, message_id)
