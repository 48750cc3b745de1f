"""Ties a node to its other workers, where its rows are on a server: what each has to read again, and who does what."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.attachments.folder import FileFolder
from gateway.attachments.same_place import require_same_folder
from gateway.cluster import store as rows
from gateway.database.engine import Store
from gateway.foundation.environment import host_name
from gateway.foundation.node_folder import ATTACHMENTS
from gateway.identity.machines import follow_steps

if TYPE_CHECKING:
    from gateway.cluster.member import Member
    from gateway.composition.node import Node


async def count_pictures(store: Store) -> int:
    """The count of changes of what workers have in memory, before anything of it is read."""
    return (await store.read(rows.counters))[1]


async def join_workers(node: Node, pictures: int) -> Member:
    """Take a place among the workers of this node, which has read what is in memory up to this count.

    Raises:
        RefusedError: conflict, where no place is free, or its attachments are not those of the others.
    """
    # Only here: a node whose rows are in a file carries no driver of PostgreSQL.
    from gateway.cluster.member import Member
    from gateway.database.kinds.postgres_server import PostgresServer

    others = bool(await node.store.read(rows.find_alive))
    if isinstance(node.files, FileFolder):
        await require_same_folder(node.store, node.folder / ATTACHMENTS, node.rand, others=others)
    node.attachments.alone = False
    server = node.store.database
    if not isinstance(server, PostgresServer):
        raise TypeError("workers share a server")

    async def refresh() -> None:
        node.forget_content()
        await node.own.load()
        await node.peers.refresh()
        await node.policies.refresh()
        await node.tokens.refresh()
        await node.time.read_again()

    return await Member.join(
        node.store,
        id=node.rand(8).hex(),
        host=host_name(),
        version=version("trm-gateway"),
        pictures=pictures,
        refresh=refresh,
        keep_up=lambda: follow_steps(node.store, node.keys, node.clock),
        connect=None if server.pooled else server.connect,
        wakeups=node.wakeups,
        events=node.events,
        clock=node.clock,
    )
