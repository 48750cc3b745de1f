"""What tests of the operations on consents share."""

from __future__ import annotations

import pytest
from support.consent_desk import Desk

from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store


@pytest.fixture
def desk(store: Store, vault: ContentSealer) -> Desk:
    """A node that holds nothing yet and has met two countries."""
    return Desk(store, vault)
