"""One more machine gets the keys of its node: `trm keys invite` on one that has them, `trm keys join` on the new one
(nrm1 13.5).

The new machine has the folder of the node without its key store: node.toml, which names the server with the rows, and
what settings point to. Joining is four steps; after a failure nothing is left of it:

    1  the invitation counts still, by the database
    2  its file opens with the code and the half that the database has kept, and is of this node
    3  the key store is written, under a passphrase and in a place of this machine
    4  the invitation is used up and the machine written down, in one transaction
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gateway.database.opening import open_store
from gateway.errors import Code, RefusedError
from gateway.foundation import config
from gateway.foundation.environment import host_name
from gateway.foundation.ids import NodeId
from gateway.foundation.node_folder import KEYSTORE, lock_folder
from gateway.identity import machine_store as machines
from gateway.identity import store as identity_store
from gateway.identity.machine_store import Machine
from gateway.identity.machines import add_machine, retire_machine
from gateway.identity.node_keys import NodeKeys
from gateway.identity.unlock import places_of
from gateway.ports import Clock
from keys.documents.descriptor import DESCRIPTORS, parse_descriptor
from keys.keystore.destructible.secret import Place
from keys.keystore.invitation import open_invitation, read_invitation
from keys.keystore.keystore import DEFAULT_COST, Cost, Keystore
from keys.primitives.sign import SignedDocument

_AGAIN = "make a new one with trm keys invite on a machine that has the keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The machine that has the keys now."""

    node: NodeId
    machine: str
    place: Place


async def retire_stopped(folder: Path, machine: str, *, now: int) -> tuple[Machine, bool]:
    """Take a machine off while the node is stopped here, as where no machine can start: its database was put back.

    Raises:
        RefusedError: locked, not_found; nothing was changed.
    """
    release = lock_folder(folder)
    try:
        store = open_store(folder, shared=True)
        try:
            return await store.move(partial(retire_machine, machine=machine, at=now, actor=None))
        finally:
            store.close()
    finally:
        release()


async def join_machine(
    folder: Path,
    invitation: Path,
    code: str,
    passphrase: str,
    *,
    place: Place,
    clock: Clock,
    cost: Cost = DEFAULT_COST,
) -> Joined:
    """Make the key store of this machine; see the module.

    Raises:
        RefusedError: exists where there is a key store; invalid, not_found or wrong_passphrase for the file and the
            code; undecryptable for an invitation that was used or whose hour is over; wrong_node. Nothing was made.
        TransientError: the database or the place is away; nothing was made.
    """
    places = places_of(config.load(folder).keys)
    release = lock_folder(folder)
    try:
        store = open_store(folder, shared=True)
        try:
            id, now = read_invitation(invitation)[0], clock.now()
            half = await store.read(partial(machines.find_invitation, id=id, now=now))  # 1
            if half is None:
                raise _over()
            content = await asyncio.to_thread(open_invitation, invitation, code, half, at_least=cost)  # 2
            node = await store.read(_find_node)
            keys = await asyncio.to_thread(
                partial(Keystore.join, place=place, places=places, node=node, cost=cost),
                folder / KEYSTORE,
                passphrase,
                content,
            )  # 3
            try:
                await store.move(partial(_note, id=id, keys=keys, now=now))  # 4
            except BaseException:
                keys.discard()
                raise
        finally:
            store.close()
    finally:
        release()
    return Joined(node=keys.node, machine=keys.machine, place=keys.place)


def _note(connection: Connection, *, id: bytes, keys: NodeKeys, now: int) -> None:
    if not machines.use_invitation(connection, id, now=now):
        raise _over()
    add_machine(connection, keys, host=host_name(), at=now)


def _find_node(connection: Connection) -> NodeId:
    *_, newest = identity_store.own_chain(connection) or (b"",)
    if not newest:
        raise RefusedError(Code.NOT_ACTIVE, "the node waits for its first descriptor; nothing was made")
    return parse_descriptor(SignedDocument.decode(newest, *DESCRIPTORS)).node


def _over() -> RefusedError:
    return RefusedError(
        Code.UNDECRYPTABLE,
        "the invitation was used, or its hour is over, or it is of another node; nothing was made",
        hint=_AGAIN,
    )
