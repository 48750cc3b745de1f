"""Paths of a message, as a mapping file writes them."""

from __future__ import annotations

import pytest

from gateway.mapping.types import parse_path


@pytest.mark.parametrize("text", ["", "to.x", "content", "content.", "content.a..b", "content[].a", "seen", "[]"])
def test_what_is_no_path(text):
    """A path is an envelope member or lies under header or content."""
    assert parse_path(text) is None
