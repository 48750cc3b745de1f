"""HAProxy before a node: it passes TLS through, and names each caller by the PROXY protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.patience import PATIENCE
from support.ports import free_port

CONFIG = """
global
    maxconn 200
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend peers
    bind 127.0.0.1:{port}
    default_backend node
backend node
    source {source}
    server node 127.0.0.1:{behind} {send}
"""


@asynccontextmanager
async def fronted(folder: Path, behind: int, *, source: str, send: str) -> AsyncIterator[int]:
    """HAProxy that comes to the port `behind` from the address `source`; the port at which it listens. `send` is how
    it names callers: `send-proxy` or `send-proxy-v2`.
    """
    port, config = free_port(), folder / "haproxy.cfg"
    config.write_text(CONFIG.format(port=port, source=source, behind=behind, send=send))
    process = await asyncio.create_subprocess_exec("haproxy", "-q", "-db", "-f", str(config))
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _listens(port):
                assert process.returncode is None, "haproxy did not start"
                await asyncio.sleep(0.02)
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True
