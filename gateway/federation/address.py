"""Where a peer is reached: the value of ``endpoints[0]`` and the pins of its descriptor (nrm1 2.12, 9.12).

An endpoint is ``https://host:port`` without a path. The authority that both sides sign is taken from it, never from a
Host header, so that it is right behind a proxy as well: lower case, the port left out exactly when it is 443.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId

_ENDPOINT = re.compile(
    r"https://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):(?P<port>[1-9][0-9]{0,4})"
)
PIN_BYTES = 32


def authority_of(endpoint: str) -> str:
    """Return the ``@authority`` of an endpoint ``https://host:port``.

    Raises ``RefusedError(invalid)`` for anything else: another scheme, a path, a user name, no port.
    """
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None or int(found["port"]) > 65_535:
        raise RefusedError(Code.INVALID, "an endpoint is https://host:port, with the port written out and no path")
    host, port = found["host"].lower(), found["port"]
    return host if port == "443" else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAddress:
    """A peer as the client needs it. ``spki`` holds the SHA-256 of each server key it may show, at least one."""

    node: NodeId
    authority: str
    url: str
    spki: frozenset[bytes]

    def __post_init__(self) -> None:
        """Refuse an address that pins nothing, or whose two spellings differ: an empty policy is never an open door."""
        if authority_of(self.url) != self.authority:
            raise RefusedError(Code.INVALID, "authority is not that of the endpoint")
        if not self.spki or any(len(pin) != PIN_BYTES for pin in self.spki):
            raise RefusedError(Code.INVALID, "a peer's address needs at least one pin of 32 bytes")

    @classmethod
    def at(cls, node: NodeId, endpoint: str, spki: frozenset[bytes]) -> PeerAddress:
        """Return the address of ``node`` at the first endpoint of its descriptor; raises ``RefusedError(invalid)``."""
        return cls(node=node, authority=authority_of(endpoint), url=endpoint, spki=spki)
