"""gateway.identity.machine_store: which steps are kept for whom, and what is still there on some machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.keystores import linked_keystore
from support.nodes import NOW

from gateway.database import content
from gateway.database.content import SealedRow
from gateway.identity import machine_store as machines
from gateway.identity.machine_store import Machine
from keys.keystore.keystore import Keystore
from keys.keystore.steps import Step


@pytest.fixture
def keys(tmp_path: Path) -> Keystore:
    """The key store of a machine."""
    return linked_keystore(tmp_path / "keystore")


def machine(id: str, *, step: int = 1, epoch: int = 1) -> Machine:
    """A machine as the database has it."""
    return Machine(id=id, host=f"host {id}", gen=2, step=step, epoch=epoch, since=NOW, seen=NOW)


def add_steps(connection: Connection, keys: Keystore, count: int) -> None:
    """The first step and so many that follow it."""
    machines.begin_steps(connection, keys)
    before = keys.mark
    for n in range(2, 2 + count):
        mark = n.to_bytes(16, "big")
        assert machines.add_step(connection, Step(n=n, before=before, mark=mark, sealed=b"sealed"))
        before = mark


def kept(connection: Connection) -> list[tuple[int, bool]]:
    """The number of each step, and whether its content is there."""
    return [(step.gen, step.sealed is not None) for step in machines.read_steps(connection, 0)]


def test_a_step_is_added_behind_the_one_that_it_follows(connection: Connection, keys: Keystore) -> None:
    """By number and mark; not twice, not with a hole, not behind another keyring."""
    add_steps(connection, keys, 1)
    second = (2).to_bytes(16, "big")
    for n, before in ((2, keys.mark), (3, b"x" * 16), (4, second), (1, b"")):
        assert not machines.add_step(connection, Step(n=n, before=before, mark=b"m" * 16, sealed=b""))
    assert machines.add_step(connection, Step(n=3, before=second, mark=b"m" * 16, sealed=b""))
    assert machines.newest_step(connection) == 3


def test_steps_are_kept_for_who_needs_them(connection: Connection, keys: Keystore) -> None:
    """For the machine that is furthest behind, and while an invitation counts for who may join by it."""
    add_steps(connection, keys, 3)
    for id, step in (("a", 4), ("b", 2)):
        machines.add_machine(connection, machine(id, step=step))
    assert [found.id for found in machines.find_behind(connection)] == ["b"]
    machines.add_invitation(connection, b"i" * 16, b"h" * 32, step=1, until=NOW + 10, now=NOW)
    machines.forget_followed(connection, now=NOW)
    assert kept(connection) == [(1, False), (2, True), (3, True), (4, True)]
    machines.forget_followed(connection, now=NOW + 10)
    assert kept(connection) == [(2, False), (3, True), (4, True)]
    assert machines.remove_machine(connection, "b") and not machines.remove_machine(connection, "b")
    machines.forget_followed(connection, now=NOW + 10)
    assert kept(connection) == [(4, False)]


def test_an_epoch_is_there_as_long_as_a_machine_has_it(connection: Connection, keys: Keystore) -> None:
    """Of this machine the key service is asked; what it noted before does not count."""
    assert machines.find_oldest_epoch(connection, keys) == 1
    machines.add_machine(connection, machine(keys.machine, epoch=0))
    machines.add_machine(connection, machine("b", epoch=5))
    assert machines.find_oldest_epoch(connection, keys) == 1
    machines.add_machine(connection, machine("c", epoch=0))
    assert machines.find_oldest_epoch(connection, keys) == 0


def test_an_invitation_is_used_once(connection: Connection) -> None:
    """And not after its time; those whose time is over are forgotten with the next one."""
    for number in (b"1", b"2"):
        machines.add_invitation(connection, number * 16, number * 32, step=1, until=NOW + 10, now=NOW)
    assert machines.find_invitation(connection, b"1" * 16, now=NOW + 9) == b"1" * 32
    assert machines.find_invitation(connection, b"1" * 16, now=NOW + 10) is None
    assert machines.use_invitation(connection, b"1" * 16, now=NOW + 9)
    assert not machines.use_invitation(connection, b"1" * 16, now=NOW + 9)
    assert not machines.use_invitation(connection, b"2" * 16, now=NOW + 10)


def test_keys_of_a_backup_begin_alone(connection: Connection, keys: Keystore) -> None:
    """No machine of before is waited for, and the newest epoch of the backup takes content, also one closed since."""
    add_steps(connection, keys, 2)
    machines.add_machine(connection, machine("a"))
    machines.add_invitation(connection, b"i" * 16, b"h" * 32, step=1, until=NOW + 10, now=NOW)
    assert content.close_epoch(connection, 3)
    machines.begin_alone(connection)
    assert (machines.list_machines(connection), kept(connection)) == ([], [])
    assert machines.find_invitation(connection, b"i" * 16, now=NOW) is None
    content.put(connection, [SealedRow(ref=1, epoch=2, wrapped=b"w", data=b"d")])
