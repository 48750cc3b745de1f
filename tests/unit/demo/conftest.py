"""Four planned countries, of which nothing is made yet."""

from __future__ import annotations

import pytest

from gateway.demo import places


@pytest.fixture
def federation(tmp_path_factory):
    """Four planned countries; nothing is made yet. The names of sockets may not be long."""
    return places.plan_federation(tmp_path_factory.mktemp("d"))
