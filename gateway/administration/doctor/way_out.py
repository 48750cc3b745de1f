"""What `trm doctor` says of the proxy through which a node reaches its peers."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.errors import Code, GatewayError
from gateway.federation.networks.outbound_proxy import OutboundProxy, open_tunnel
from gateway.foundation.config import ProxySection

NAME = "proxy"
PATIENCE = 10.0


def check_proxy(section: ProxySection, endpoint: str) -> Check:
    """Ask the proxy for a tunnel to this node's own address, as every peer's proxy is asked, and close it."""
    parts = urlsplit(endpoint)
    try:
        proxy = OutboundProxy.of(section)
        asyncio.run(_try_tunnel(proxy, parts.hostname or "", parts.port or 443))
    except TimeoutError:
        return warn(NAME, f"no answer within {PATIENCE:.0f} s", "ask who runs the proxy; trm peer ping tries each peer")
    except GatewayError as error:
        if error.code is Code.UNREACHABLE:
            return warn(
                NAME,
                f"it answers, and finds no way to {endpoint}: {error.what}",
                "trm peer ping tries the way to each peer; a node behind a tunnel or a front may be hidden from it",
            )
        return red(NAME, error.what, error.hint)
    return ok(NAME, f"it opened a tunnel to {endpoint}")


async def _try_tunnel(proxy: OutboundProxy, host: str, port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        _, writer = await open_tunnel(proxy, host, port)
    writer.transport.abort()
