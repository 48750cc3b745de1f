"""Moving the secret of a stopped node's key store to another place: `trm keys move` (nrm1 13.5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway.database import meta
from gateway.database.opening import open_store
from gateway.foundation import config
from gateway.foundation.node_folder import KEYSTORE, RUN, lock_folder
from gateway.identity.unlock import open_keystore, places_of
from keys.keystore.destructible.secret import Place
from keys.keystore.keyd import LOCK, lock_keystore
from keys.keystore.keystore import DEFAULT_COST, Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """From where to where the secret was moved."""

    before: Place
    place: Place


async def move_key_store(folder: Path, passphrase: str, place: Place, *, at_least: Cost = DEFAULT_COST) -> Moved:
    """Seal the key store under a new secret in `place`, which node.toml says how to reach, and destroy the secret in
    the place of before. Changes nothing where it lies there already.

    Raises:
        RefusedError: locked (a node or a key service has the folder), what opening the key store raises, and invalid
            where the place can not be used here; the key store opens as before.
        TransientError: the place is away, or the disk is full; the key store opens as before.
    """
    places = places_of(config.load(folder).keys)
    release = lock_folder(folder)
    try:
        store = open_store(folder, shared=True)
        try:
            recorded = await store.read(lambda c: meta.get_meta(c, "keystore_gen"))
            with lock_keystore(folder / RUN / LOCK):
                keys = await asyncio.to_thread(
                    open_keystore, folder / KEYSTORE, passphrase, int(recorded or b"1"), places, at_least
                )
                before = keys.place
                if before is not place:
                    await asyncio.to_thread(keys.move, place, places)
                    await store.move(lambda c: meta.set_meta(c, "keystore_gen", str(keys.gen).encode()))
        finally:
            store.close()
    finally:
        release()
    return Moved(before=before, place=place)
