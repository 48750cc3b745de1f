"""What tests of erasure share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.retained import Desk

from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.foundation.workers import Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that read, and end with the test."""
    made = Workers()
    yield made
    made.shutdown()


@pytest.fixture
def desk(store: Store, vault: ContentSealer, workers: Workers) -> Desk:
    """Of which nothing is stored yet; what the node itself stores is numbered behind what a test does."""
    while store.new_ref() < 1_000:
        pass
    return Desk(store, vault, workers)
