"""gateway.identity.machines: the machines of one node agree on each change of its keys, whatever goes wrong between two
steps. Real key stores, and a real database of either kind; on the server each machine has connections of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, create_engine, text
from support.keystores import CHEAP, NODE, copy_keystore, fails, new_keystore, ring_of
from support.machines import Machines, stores_on
from support.nodes import NOW

from gateway.database.audit_entries import leaf
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.errors import Code, RefusedError, TransientError
from gateway.identity import machine_store
from gateway.identity.machine_store import KnownStep
from gateway.identity.machines import change_keys, follow_steps
from keys.documents.key_records import Use
from keys.keystore.key_changes import AddKey, BeginEpoch, DestroyAllEnc, FinishEpoch, KeyChange, RenewEnc
from keys.keystore.keystore import Keystore
from keys.keystore.steps import Step, seal_step


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def machines(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machines]:
    """Two machines of one node."""
    with stores_on(request.param, tmp_path) as stores:
        made = Machines(tmp_path, stores)
        await made.begin()
        yield made


async def change(machines: Machines, number: int, wanted: KeyChange[Any], **more: Any) -> Any:
    """One machine changes the keys."""
    return await change_keys(machines.store(number), machines.keys[number], wanted, clock=machines.clock, **more)


async def follow(machines: Machines, number: int) -> bool:
    """One machine follows."""
    return await follow_steps(machines.store(number), machines.keys[number], machines.clock)


def refusing(*codes: Code) -> Any:
    """Expect a refusal with one of these codes."""
    return pytest.raises(RefusedError, check=lambda error: error.code in codes)


async def known_steps(machines: Machines) -> list[KnownStep]:
    """What the database has."""
    return [*await machines.stores[0].read(lambda c: machine_store.read_steps(c, 0))]


# --- one change after the other -----------------------------------------------------------------------------------


async def test_both_change_at_once(machines: Machines) -> None:
    """Each change wins once, the machine that lost follows and makes its own then; in the end both have all of them."""
    wanted = [(number, AddKey(Use.HTTP, NOW + place)) for place in range(6) for number in (0, 1)]
    made = await asyncio.gather(*(change(machines, number, one) for number, one in wanted))
    for number in (0, 1):
        await follow(machines, number)
    one, other = machines.keys
    assert ring_of(one) == ring_of(other)
    assert (one.step, other.step, one.mark) == (13, 13, other.mark)
    assert {key.kid for key in made} == {key.kid for key in one.public(Use.HTTP)[5:]}
    assert ring_of(machines.open(0)) == ring_of(machines.open(1)) == ring_of(one)


async def test_what_another_machine_did_is_done(machines: Machines) -> None:
    """It is told with what it came to, and the audit log says it once."""

    def entries(kids: Any) -> list[Any]:
        return [leaf(NOW, "key.destroyed", kid=kid) for kid in kids]

    assert await change(machines, 0, RenewEnc(NOW))
    assert not await change(machines, 1, RenewEnc(NOW))
    (gone,) = await change(machines, 1, DestroyAllEnc(), entries=entries)
    assert await change(machines, 0, DestroyAllEnc(), entries=entries) == ()
    assert sum(b"key.destroyed" in entry and gone.encode() in entry for entry in await machines.entries()) == 1


async def test_a_machine_that_was_away(machines: Machines) -> None:
    """The steps that it needs stay until it has followed them, and it is named as long as it has not."""
    for number in range(10):
        await change(machines, 0, AddKey(Use.HTTP, NOW + number))
    assert await machines.behind() == ["host 1"]
    assert [step.gen for step in await known_steps(machines)] == [*range(1, 12)]
    assert await follow(machines, 1)
    assert not await follow(machines, 1)
    assert ring_of(machines.keys[0]) == ring_of(machines.keys[1])
    assert await machines.behind() == []
    assert [(step.gen, step.sealed) for step in await known_steps(machines)] == [(11, None)]


async def test_the_last_step_is_followed_by_the_next(machines: Machines) -> None:
    """That steps are forgotten does not let a machine begin a second line."""
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    await follow(machines, 1)
    await change(machines, 1, AddKey(Use.HTTP, NOW))
    await follow(machines, 0)
    assert ring_of(machines.keys[0]) == ring_of(machines.keys[1])


# --- what goes wrong ----------------------------------------------------------------------------------------------


class Cut(BaseException):
    """The machine dies."""


async def test_a_machine_that_dies_between_step_and_file(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the database has is followed at the next start, and nobody else has to wait for it."""
    with monkeypatch.context() as patch:
        patch.setattr(Keystore, "follow", lambda *_: (_ for _ in ()).throw(Cut()))
        with pytest.raises(Cut):
            await change(machines, 0, AddKey(Use.HTTP, NOW))
    assert await follow(machines, 1)
    machines.open(0)
    assert machines.keys[0].step == 1
    await machines.settle(0)
    assert ring_of(machines.keys[0]) == ring_of(machines.keys[1])
    assert (machines.keys[0].step, await machines.behind()) == (2, [])


async def test_a_database_that_fails_changes_nothing(machines: Machines) -> None:
    """What it did not take is on no machine; the same is done when it takes it."""
    files = [machines.path(number).read_bytes() for number in (0, 1)]

    def fail(_connection: Connection) -> None:
        raise TransientError(Code.DISK, "full")

    with pytest.raises(TransientError):
        await change(machines, 0, AddKey(Use.HTTP, NOW), within=fail)
    assert [machines.path(number).read_bytes() for number in (0, 1)] == files
    assert [step.gen for step in await known_steps(machines)] == [1]
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    assert machines.keys[0].step == 2


async def test_a_server_that_goes_away_in_the_middle(machines: Machines) -> None:
    """As with a database that fails, and of a commit whose answer was lost the server is asked what became of it."""
    server = machines.stores[0].database
    if not isinstance(server, PostgresServer):
        return

    def cut(_connection: Connection) -> None:
        engine = create_engine(server.url)
        with engine.connect() as connection:
            others = "where datname = current_database() and pid != pg_backend_pid()"
            connection.execute(text(f"select pg_terminate_backend(pid) from pg_stat_activity {others}"))
        engine.dispose()

    with pytest.raises(TransientError):
        await change(machines, 0, AddKey(Use.HTTP, NOW), within=cut)
    assert (machines.keys[0].step, machines.keys[0].gen) == (1, 2)

    def lose(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        commit = driver.commit

        def commit_and_lose() -> None:
            commit()
            driver.close()
            raise server.faults[1]("the connection is lost")

        driver.commit = commit_and_lose

    for store in machines.stores:  # the first use of a connection that was cut is refused
        reads = [store.read(lambda c: c.scalar(text("select 1"))) for _ in range(4)]
        writes = [store.move(lambda c: c.scalar(text("select 1"))) for _ in range(2)]
        await asyncio.gather(*reads, *writes, return_exceptions=True)
    key = await change(machines, 0, AddKey(Use.HTTP, NOW), within=lose)
    assert key in machines.keys[0].public(Use.HTTP)
    await follow(machines, 1)
    assert ring_of(machines.keys[0]) == ring_of(machines.keys[1])


async def test_a_full_disk_on_one_machine(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change counts, since it is in the database; the machine says so, and follows when there is room."""
    with monkeypatch.context() as patch:
        patch.setattr(
            "keys.primitives.disk.write_beside", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left"))
        )
        with pytest.raises(TransientError):
            await change(machines, 0, AddKey(Use.HTTP, NOW))
    await follow(machines, 1)
    assert await machines.behind() == ["host 0"]
    await follow(machines, 0)
    assert ring_of(machines.keys[0]) == ring_of(machines.keys[1])


# --- what is refused ----------------------------------------------------------------------------------------------


async def test_a_retired_machine_changes_nothing(machines: Machines) -> None:
    """It is told so when it changes something, and at a start; the others do not wait for it any more."""
    lost = machines.keys[1].machine
    assert await machines.stores[0].move(lambda c: machine_store.remove_machine(c, lost))
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    assert await machines.behind() == []
    assert [(step.gen, step.sealed) for step in await known_steps(machines)] == [(2, None)]
    with fails(Code.CONFLICT):  # the step that it would follow is gone
        await change(machines, 1, AddKey(Use.HTTP, NOW))
    with fails(Code.FORBIDDEN, "was retired, or never joined"):
        await machines.settle(1)


async def test_an_altered_database_is_not_followed(machines: Machines) -> None:
    """A step that somebody wrote who has no link, and a gap; the key store stays as it was."""
    one, other = machines.keys
    before = machines.path(1).read_bytes()
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    for statement in (
        "update keystore_step set sealed = before where gen = 2",
        "update keystore_step set sealed = null where gen = 2",
        "update keystore_step set gen = 3 where gen = 2",
        "delete from keystore_step where gen < 3",
    ):
        await machines.stores[0].move(lambda c, said=statement: c.exec_driver_sql(said))
        with refusing(Code.CONFLICT, Code.UNDECRYPTABLE):
            await follow(machines, 1)
        assert (machines.path(1).read_bytes(), other.step) == (before, 1)
    assert one.step == 2


async def test_a_line_of_its_own_is_never_added(machines: Machines) -> None:
    """A copy of a machine that went on by itself, and a machine whose database was put back, add nothing."""
    one, other = machines.keys
    foreign = seal_step(NODE, other._link, b"{}", lambda size: bytes(size))  # type: ignore[arg-type]
    await change(machines, 0, AddKey(Use.HTTP, NOW))
    assert not await machines.stores[0].move(lambda c: machine_store.add_step(c, foreign))
    other.follow([foreign_step := other.propose(AddKey(Use.HTTP, NOW))[0]])  # type: ignore[list-item]
    assert foreign_step is not None and other.mark != one.mark
    with fails(Code.CONFLICT, "does not know the keyring of this machine"):
        await change(machines, 1, AddKey(Use.HTTP, NOW))
    assert (await known_steps(machines))[-1].mark == one.mark


async def test_a_copied_database_opens_nothing(machines: Machines, tmp_path: Path) -> None:
    """Neither for another key store of the same node, nor for the file of a machine whose secret went on."""
    copied = tmp_path / "copied"
    copied.mkdir()
    copy_keystore(machines.path(0), copied / "keystore")
    for wanted in (BeginEpoch(NOW), FinishEpoch(1)):
        await change(machines, 0, wanted)
    steps = await known_steps(machines)
    stranger = new_keystore(tmp_path / "stranger")
    stranger.link()
    with fails(Code.CONFLICT, "follows another keyring"):
        stranger.follow([machine_step(step) for step in steps[1:]])
    newest = Keystore.open(machines.path(0), "open sesame", at_least=CHEAP)
    with fails(Code.CONFLICT):
        newest.follow([machine_step(steps[1])])
    (copied / "keystore.secret").write_bytes(machines.path(0).with_name("keystore.secret").read_bytes())
    with refusing(Code.UNDECRYPTABLE, Code.WRONG_PASSPHRASE):
        Keystore.open(copied / "keystore", "open sesame", at_least=CHEAP)


def machine_step(step: KnownStep) -> Step:
    """A step as a key service takes it."""
    return Step(n=step.gen, before=step.before, mark=step.mark, sealed=step.sealed or b"")


async def test_entries_and_step_come_together(machines: Machines) -> None:
    """The audit log never says of a step that did not come to be."""

    def fail(_kids: Any) -> list[Any]:
        return [
            leaf(NOW, "key.destroyed", kid="k"),
            lambda _seq: (_ for _ in ()).throw(TransientError(Code.DISK, "no")),
        ]

    with pytest.raises(TransientError):
        await change(machines, 0, AddKey(Use.HTTP, NOW), entries=fail)
    assert not any(b"key.destroyed" in entry for entry in await machines.entries())
    assert len(await known_steps(machines)) == 1
