"""Test the way to a peer one layer at a time (name, TCP, TLS), for a person who looks for the broken one.

Each function tests one layer on a connection of its own and leaves nothing open. Deadlines are real time, as everywhere
at a socket. Errors are ``TransientError`` with the code that the client uses for the same fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

from gateway.errors import Code, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.networks.outbound_proxy import OutboundProxy, open_tunnel
from gateway.federation.ports import SpkiHash
from gateway.federation.tls import client_context, shown_key
from gateway.federation.wire import bad_key_hint

PATIENCE = 10.0


def place_of(peer: PeerAddress) -> tuple[str, int]:
    """Return host and port of the peer's first endpoint."""
    parts = urlsplit(peer.url)
    if parts.hostname is None or parts.port is None:
        raise RuntimeError("an address has a host and a port")
    return parts.hostname, parts.port


async def resolve_host(peer: PeerAddress) -> tuple[str, ...]:
    """Return the addresses of the host name, each once; a host that is an address has itself."""
    host, port = place_of(peer)
    with contextlib.suppress(ValueError):
        return (str(ipaddress.ip_address(host)),)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise TransientError(Code.UNREACHABLE, f"the name {host} does not resolve") from exc
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


async def connect_tcp(peer: PeerAddress, proxy: OutboundProxy | None = None) -> None:
    """Open a TCP connection, or a tunnel through ``proxy``, and close it."""
    host, port = place_of(peer)
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await _open(host, port, proxy)
    except TimeoutError as exc:
        raise TransientError(Code.UNREACHABLE, f"nothing answers at {host} port {port}") from exc
    except OSError as exc:
        raise TransientError(Code.UNREACHABLE, f"no connection to {host} port {port}") from exc
    await _close(writer)


async def shake_hands(peer: PeerAddress, spki_hash: SpkiHash, proxy: OutboundProxy | None = None) -> None:
    """Shake hands in TLS 1.3 with the server there, which must show a key that the descriptor pins."""
    host, port = place_of(peer)
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await _open(host, port, proxy)
            try:
                await writer.start_tls(client_context(), server_hostname=host)
            except BaseException:
                writer.transport.abort()
                raise
    except (OSError, EOFError) as exc:  # TimeoutError and ssl.SSLError are of this kind
        raise TransientError(Code.UNREACHABLE, f"the server at port {port} does not speak TLS 1.3") from exc
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True)
    await _close(writer)
    if not certificate or shown_key(certificate, spki_hash) not in peer.spki:
        raise TransientError(
            Code.BAD_KEY,
            "the server presents a key that the peer's descriptor does not pin",
            hint="" if proxy is None else bad_key_hint(through_proxy=True),
        )


async def _open(host: str, port: int, proxy: OutboundProxy | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await (asyncio.open_connection(host, port) if proxy is None else open_tunnel(proxy, host, port))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
