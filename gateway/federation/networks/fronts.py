"""Fronts that pass TLS through to the listener, and name who calls: only they may, and they have to.

A front that is listed begins each connection with a PROXY header; without one it is closed, so that a front that was
set up wrong does not make all peers share the limits of one address. From everywhere else a connection begins with TLS,
and a header there is no beginning of TLS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence

from gateway.errors import Code, RemoteError
from gateway.federation.networks import proxy_protocol

HEADER_SECONDS = 3.0
"""How long a header may take. A front sends it as the first thing it does."""


class Fronts:
    """The networks in which fronts stand; none of them, where nothing is in front of the listener."""

    def __init__(self, networks: Sequence[str] = (), report: Callable[[Code], None] = lambda code: None) -> None:
        """``networks``: addresses and networks, as the settings have them. ``report`` is told of each connection of
        theirs that began without a right header, and was closed.
        """
        self.report = report
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def include(self, address: str) -> bool:
        """Whether a connection from this address has to begin with a header."""
        if not self._networks:
            return False
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


async def read_caller(accepted: socket.socket) -> str | None:
    """Read the header of a connection, and no byte behind it; return the caller's address, None for the front itself.

    Raises RemoteError(malformed), OSError, TimeoutError; ConnectionAbortedError where nothing was said at all, as by
    those who look whether the port is open.
    """
    loop, got = asyncio.get_running_loop(), bytearray()
    async with asyncio.timeout(HEADER_SECONDS):
        while count := proxy_protocol.missing(got):
            piece = await loop.sock_recv(accepted, count)
            if not piece and not got:
                raise ConnectionAbortedError("the front said nothing")
            if not piece:
                raise RemoteError(Code.MALFORMED, "connection ended inside a PROXY header")
            got += piece
    return proxy_protocol.parse(bytes(got))
