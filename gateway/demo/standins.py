"""Stand-ins for case systems that no package registry has, each a process: `python -m gateway.demo.standins KIND PORT
FILE ...`

The servers are those that `trm adapter check` tries the adapters on. The files hold what lets people in, the gateway's
account first. It serves one office until it is ended, and keeps everything in memory.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.primero.standin import Account
from adapters.primero.standin import StandIn as Primero
from adapters.rest.standin import StandIn as WebApi

OFFICE = "office1"
"""The name of the one office, in every address."""
GATEWAY, WORKER = "trm_gateway", "worker"
"""Accounts of the Primero."""


async def serve_primero(port: int, secrets: list[str]) -> None:
    """Serve a Primero with the accounts of the gateway and of a worker; each sees what was referred to it."""
    async with Primero(port) as server:
        _, office = server.new()
        names = (GATEWAY, WORKER)
        office.accounts = {name: Account(name, secret) for name, secret in zip(names, secrets, strict=True)}
        await asyncio.Event().wait()


async def serve_web_api(port: int, secrets: list[str]) -> None:
    """Serve a JSON API with one token."""
    async with WebApi(port) as server:
        _, office = server.new()
        (office.token,) = secrets
        office.paging = "none"
        await asyncio.Event().wait()


SERVERS = {"primero": serve_primero, "rest": serve_web_api}

if __name__ == "__main__":
    kind, port, *files = sys.argv[1:]
    asyncio.run(SERVERS[kind](int(port), [Path(file).read_text(encoding="utf-8") for file in files]))
