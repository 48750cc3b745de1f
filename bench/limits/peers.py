"""Further peers of the sender: nodes that are made and trusted, and never run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench import nodes
from bench.pair import SENDER, Pair
from gateway.app import open_node
from gateway.ports import Json

COUNTRY = "UA"


def introduce_peers(pair: Pair, count: int) -> None:
    """Let the administrators of the sender trust so many nodes that do not answer."""
    for number in range(count):
        name = f"peer-{number}"
        nodes.make_folder(
            pair.folder,
            name,
            pair.passphrase.read_text(),
            cards=[admin.card.document.to_json() for admin in pair.admins],
            hands_over=False,
            country=COUNTRY,
        )
        chain = asyncio.run(_read_chain(pair.node(name), pair.passphrase.read_text()))
        pair.introduce(SENDER, name, chain)


async def _read_chain(folder: Path, passphrase: str) -> Json:
    """What a node shows to those who pair with it, read while it does not run."""
    node, stack = await open_node(folder, passphrase)
    async with stack:
        return (await node.desk.call("node.pairing", {})).value
