"""Nodes of the benchmark as folders: each is made by the code that will run it, and has a drop folder where it hands
over.

As a program it makes one node and says nothing: `bench.pair` runs it so for a node of another commit, under the code of
that commit. Therefore nothing of `bench` is imported here.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.folder import FolderAdapter
from gateway.administration.create_node import Plan, make_node
from gateway.foundation import config
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import AdapterSection, Unit
from gateway.foundation.ids import UnitKind
from keys.documents.admin_card import AdminCard
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

UNIT = Unit(id="focal-point", name="Focal point", kind=UnitKind.PUBLIC_AUTHORITY, roles=("national_focal_point",))
FASTEST = "\n[keys]\nopens_per_minute = 60000\nunwraps_per_minute = 240000\n"
"""The highest limits of a key service, so that it is the node that is measured."""


def make_folder(
    base: Path,
    name: str,
    passphrase: str,
    *,
    cards: Sequence[Any],
    hands_over: bool,
    country: str = "",
    settings: str = "",
    database: str = "",
) -> None:
    """Make the node `base/name`, of the country of its name unless one is named.

    `cards` are its two administrators in JSON; `settings` goes to its `node.toml`; `database` is the address of an
    empty database on a server, for a node whose rows are not in its folder.
    """
    port, cases = find_free_port(), base / f"{name}-cases"
    if hands_over:
        FolderAdapter.create(cases)
    server = {"database": config.DatabaseSection(url=database)} if database else {}  # older versions know none
    plan = Plan(
        **server,
        folder=base / name,
        roots=base / f"{name}-roots",
        name=name,
        country=country or name,
        endpoint=f"https://127.0.0.1:{port}",
        listen=f"127.0.0.1:{port}",
        contact="bench",
        units=[UNIT],
        demo=True,
        admins=[AdminCard.from_json(card) for card in cards],
        adapter=AdapterSection.model_validate({"kind": "folder", "path": str(cases)}) if hands_over else None,
    )
    asyncio.run(make_node(plan, passphrase, b64u(system_rand(18)), clock=SystemClock()))
    with (base / name / "node.toml").open("a", encoding="utf-8") as written:
        written.write(settings + FASTEST)


def find_free_port() -> int:
    """Find a port of the loopback address that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port: int = holder.getsockname()[1]
    return port


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    make_folder(Path(asked.pop("base")), **asked)
