"""The database together with what seals and opens its content: most who read or write one need the other."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store


@dataclass(frozen=True, slots=True)
class Content:
    """The store and the sealer of its content."""

    store: Store
    sealer: ContentSealer
