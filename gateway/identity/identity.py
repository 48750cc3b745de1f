"""Who this node is, together with the keys it signs by."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.identity.node_keys import NodeKeys
from gateway.identity.own_identity import OwnIdentity


@dataclass(frozen=True, slots=True)
class Identity:
    """The node's own chain and keyset, and its keys."""

    own: OwnIdentity
    keys: NodeKeys
