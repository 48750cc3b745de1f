"""The audit leaves this node writes (nrm1 13.9): canonical JSON without content."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from keys.primitives.encoding import Json, canon

Actor: TypeAlias = Callable[[bytes], bytes]
"""The pseudonym under which entries name who acted: a keyed hash, of which the key service has the key."""


Leaf: TypeAlias = Callable[[int], bytes]
"""Makes an entry out of its number, which it gets in the moving transaction."""


def leaf(at: int, event: str, **facts: Json) -> Leaf:
    """A builder for one leaf; the store gives it its sequence number inside the moving transaction."""

    def build(seq: int) -> bytes:
        return canon({"seq": seq, "at": at, "ev": event, **facts})

    return build
