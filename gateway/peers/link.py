"""The way to peers: who they are, and the client that talks to them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.federation.client import FederationClient
from gateway.peers.registry import PeerRegistry


@dataclass(frozen=True, slots=True)
class PeerLink:
    """The registry of peers and the client; whoever only reads what is known of peers takes the registry alone."""

    registry: PeerRegistry
    client: FederationClient
