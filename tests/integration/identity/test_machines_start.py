"""gateway.identity.machines: what a machine of a node finds out when it starts, before it uses its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.keystores import copy_keystore, fails, new_keystore
from support.machines import Machines, stores_on
from support.nodes import NOW

from gateway.errors import Code
from gateway.identity import machine_store
from gateway.identity.machine_store import KnownStep
from gateway.identity.machines import change_keys, note_generation, read_generation, settle_machine
from keys.documents.key_records import Use
from keys.keystore.key_changes import AddKey, KeyChange, RenewEnc


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def machines(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machines]:
    """Two machines of one node."""
    with stores_on(request.param, tmp_path) as stores:
        made = Machines(tmp_path, stores)
        await made.begin()
        yield made


async def change(machines: Machines, number: int, wanted: KeyChange[Any]) -> Any:
    """One machine changes the keys."""
    return await change_keys(machines.store(number), machines.keys[number], wanted, clock=machines.clock)


async def known_steps(machines: Machines) -> list[KnownStep]:
    """What the database has."""
    return [*await machines.stores[0].read(lambda c: machine_store.read_steps(c, 0))]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_first_start(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node with its rows in a file has one machine and no steps, as ever; on a server it may get others."""
    keys = new_keystore(tmp_path / "keystore")
    with stores_on(kind, tmp_path) as stores:
        made = Machines(tmp_path, stores)
        made.keys.append(keys)
        for _ in range(2):
            await made.settle(0)
            assert (keys.step, keys.gen) == ((0, 1) if kind == "sqlite" else (1, 2))
        known = await stores[0].read(machine_store.list_machines)
        assert [(machine.host, machine.gen) for machine in known] == ([] if kind == "sqlite" else [("host 0", 2)])
        await change(made, 0, RenewEnc(NOW))
        await note_generation(stores[0], keys, made.clock)
        assert await stores[0].read(read_generation) == (2 if kind == "sqlite" else 1)
        assert len(await known_steps(made)) == (0 if kind == "sqlite" else 1)


async def test_an_older_key_store_is_refused(machines: Machines, tmp_path: Path) -> None:
    """Also one whose secret was put back with it."""
    kept = tmp_path / "kept"
    copy_keystore(machines.path(1), kept)
    await change(machines, 1, AddKey(Use.HTTP, NOW))
    copy_keystore(kept, machines.path(1))
    machines.open(1)
    with fails(Code.ROLLBACK, "older than the one used last on this machine"):
        await machines.settle(1)


async def test_a_key_store_that_never_joined_is_refused(machines: Machines, tmp_path: Path) -> None:
    """Such as one that was restored from a backup beside a node that runs."""
    with fails(Code.FORBIDDEN):
        await settle_machine(machines.stores[0], new_keystore(tmp_path / "x"), host="x", clock=machines.clock)
    assert len(await machines.stores[0].read(machine_store.list_machines)) == 2


async def test_a_database_that_was_put_back(machines: Machines) -> None:
    """Where others could have the keyring that it knows, a machine that is further does not go on by itself; alone it
    does.
    """
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    await machines.stores[0].move(lambda c: c.exec_driver_sql("delete from keystore_step where gen = 2"))
    with fails(Code.CONFLICT, "does not know the keyring"):
        await machines.settle(0)
    other = machines.keys[1].machine
    await machines.stores[0].move(lambda c: machine_store.remove_machine(c, other))
    await machines.settle(0)
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    assert machines.keys[0].step == 3
