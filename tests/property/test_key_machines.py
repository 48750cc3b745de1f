"""Properties of keys on several machines: in any order of changes, absences and crashes there is one keyring under each
number, and nothing is destroyed that a row needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support.keystores import ring_of
from support.machines import Machines

from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.errors import TransientError
from gateway.identity import machine_store
from gateway.identity.machines import change_keys, follow_steps
from keys.documents.key_records import Use
from keys.keystore.key_changes import AddKey, BeginEpoch, DestroyAllEnc, DestroyEnc, RenewEnc
from keys.keystore.keystore import Keystore, system_rand

COUNT = 3
NUMBERS = st.integers(0, COUNT - 1)


class Cut(BaseException):
    """The machine dies."""


class Around:
    """What a rotation tells, and the time that it asks for, which is always confirmed."""

    async def tell(self) -> None:
        """No receipts are due."""

    def forget(self) -> None:
        """No conversation is in memory."""

    async def require(self, _left: str) -> None:
        """The time is confirmed."""

    async def is_confirmed(self) -> bool:
        """The time is confirmed."""
        return True


class KeyMachines(RuleBasedStateMachine):
    """Three machines of one node: each changes keys, stores rows, rotates, dies at the worst moment, is away."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.store = Store(SqliteFile(Path(self.folder.name) / "node.db"))
        self.machines = Machines(Path(self.folder.name), [self.store])
        self.rows: dict[int, bytes] = {}
        self.rings: dict[int, bytes] = {}

    def teardown(self) -> None:
        self.store.close()
        self.loop.close()
        self.folder.cleanup()

    def run(self, work: Any) -> Any:
        """Do it to its end."""
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        """All machines have the first keyring."""
        self.run(self.machines.begin(COUNT))

    def keys(self, number: int) -> Keystore:
        """The key store of a machine."""
        return self.machines.keys[number]

    @rule(number=NUMBERS, kind=st.sampled_from([AddKey, RenewEnc, DestroyEnc, DestroyAllEnc, BeginEpoch]))
    def change(self, number: int, kind: Any) -> None:
        """One machine changes the keys, wherever it stands."""
        self.machines.clock.at += 3_600 * 13
        now = self.machines.clock.at
        wanted = AddKey(Use.HTTP, now) if kind is AddKey else kind(now) if kind is not DestroyAllEnc else kind()
        self.run(change_keys(self.store, self.keys(number), wanted, clock=self.machines.clock))

    @rule(number=NUMBERS)
    def die_before_it_is_on_disk(self, number: int) -> None:
        """The step is in the database, and not on the machine that made it."""
        keys = self.keys(number)
        self.run(follow_steps(self.store, keys, self.machines.clock))

        def die(_steps: Any) -> None:
            raise Cut

        keys.follow = die  # type: ignore[method-assign]
        wanted = AddKey(Use.HTTP, self.machines.clock.at)
        try:
            self.run(change_keys(self.store, keys, wanted, clock=self.machines.clock))
        except Cut:
            self.machines.open(number)

    @rule(number=NUMBERS)
    def start_again(self, number: int) -> None:
        """It dies and starts."""
        self.machines.open(number)
        self.run(self.machines.settle(number))

    @rule(number=NUMBERS)
    def write_row(self, number: int) -> None:
        """A machine stores something, however far behind its keys are; if the epoch is closed it has to seal again."""
        ref, plain = self.store.new_ref(), system_rand(8)
        row = ContentSealer(self.keys(number), system_rand).seal(ref, plain)
        try:
            self.run(self.store.move(lambda c: content.put(c, [row])))
        except TransientError:
            return
        self.rows[ref] = plain

    @rule(number=NUMBERS)
    def rotate(self, number: int) -> None:
        """A machine rotates the storage epoch, or ends a rotation that another began."""
        around: Any = Around()
        epochs = StorageEpochs(
            store=self.store,
            keys=self.keys(number),
            receipts=around,
            loader=around,
            time=around,
            epoch_days=7,
            clock=self.machines.clock,
        )
        self.run(epochs.rotate())
        assert self.keys(number).old_epochs == ()

    @invariant()
    def one_keyring_under_each_number(self) -> None:
        """On whichever machine it is, and for ever."""
        for keys in self.machines.keys:
            assert self.rings.setdefault(keys.step, ring_of(keys)) == ring_of(keys)

    @invariant()
    def every_row_opens(self) -> None:
        """On a machine that has followed."""
        if not self.rows:
            return
        newest = self.run(self.store.read(machine_store.newest_step))
        found = self.run(self.store.read(lambda c: content.get(c, list(self.rows))))
        for keys in self.machines.keys:
            if keys.step == newest:
                sealer = ContentSealer(keys, system_rand)
                opened = dict(zip(found, sealer.open_each(list(found.values())), strict=True))
                assert opened == self.rows

    @invariant()
    def everybody_can_follow(self) -> None:
        """What a machine would need is there."""
        if self.machines.keys:
            lowest = min(keys.step for keys in self.machines.keys)
            steps = self.run(self.store.read(lambda c: machine_store.read_steps(c, lowest)))
            assert [step.gen for step in steps] == list(range(lowest, lowest + len(steps)))
            assert all(step.sealed is not None for step in steps[1:])


FEW, MANY = 4, 200
WALKS = settings(stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow])


def test_machines_agree_on_their_keys() -> None:
    """A few walks."""
    run_state_machine_as_test(KeyMachines, settings=settings(WALKS, max_examples=FEW))


@pytest.mark.deep
@pytest.mark.timeout(3_600)
def test_machines_always_agree_on_their_keys(run_seed: int, record_property: Callable[[str, object], None]) -> None:
    """Many of them, others for each seed."""
    record_property("examples", MANY)
    walks = seed(run_seed)(type("KeyMachines", (KeyMachines,), {}))
    run_state_machine_as_test(walks, settings=settings(WALKS, max_examples=MANY, database=None))
