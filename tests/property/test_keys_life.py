"""Properties of what a keystore holds: in any order of events no key lives too long and no row is lost."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.nodes import NOW, Node, Seeds

from gateway.errors import RefusedError, RemoteError
from keys.keystore.key_changes import BeginEpoch, DestroyEnc, FinishEpoch, RenewEnc
from keys.keystore.keystore import Cost, Keystore
from keys.primitives.encoding import DAY
from keys.primitives.seal import seal_cek

CHEAP = Cost(t=1, m=8192)
NODE = Node("a").first().node


class KeystoreLife(RuleBasedStateMachine):
    """A keystore in use: time passes, keys come and go, rows are wrapped, the process dies at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "keystore"
        self.store = Keystore.create(self.path, "x", node=NODE, now=NOW, cost=CHEAP, rand=Seeds("life"))
        self.rand = Seeds("rows")
        self.now = NOW
        self.gen = 1
        self.rows: dict[bytes, tuple[bytes, int, bytes]] = {}
        self.sealed: dict[str, tuple[int, bytes]] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(hours=st.integers(1, 100))
    def time_passes(self, hours: int) -> None:
        """Up to four days."""
        self.now += hours * 3600

    @rule()
    def housekeeping(self) -> None:
        """What a node does every hour."""
        self.store.change(RenewEnc(self.now))
        self.store.change(DestroyEnc(self.now))
        for key in self.store.enc_public(self.now):
            if key.kid not in self.sealed:
                self.sealed[key.kid] = (key.from_, seal_cek(key.pub, b"k" * 32, b"i"))

    @rule()
    def write_row(self) -> None:
        """A row under a fresh data key."""
        row = self.rand(16)
        self.rows[row] = self.store.wrap(row)

    @rule()
    def begin(self) -> None:
        """Step 1 of a rotation."""
        self.store.change(BeginEpoch(self.now))

    @rule(count=st.integers(1, 5))
    def rewrap(self, count: int) -> None:
        """A part of step 2."""
        old = [row for row, (_, epoch, _) in self.rows.items() if epoch in self.store.old_epochs]
        for row in old[:count]:
            dk, epoch, wrapped = self.rows[row]
            assert self.store.unwrap(row, epoch, wrapped) == dk
            self.rows[row] = (dk, *self.store.wrap_dk(row, dk))

    @rule()
    def finish(self) -> None:
        """Step 3, as soon as no row names the old epoch."""
        for old in self.store.old_epochs:
            if all(epoch != old for _, epoch, _ in self.rows.values()):
                self.store.change(FinishEpoch(old))

    @rule()
    def crash(self) -> None:
        """The process dies; the file is opened anew, never an older one."""
        self.store = Keystore.open(self.path, "x", self.gen, at_least=CHEAP, rand=Seeds(f"life {self.store.gen}"))

    @invariant()
    def rows_open(self) -> None:
        """Every row opens."""
        for row, (dk, epoch, wrapped) in self.rows.items():
            assert self.store.unwrap(row, epoch, wrapped) == dk

    @invariant()
    def keys_live_their_time(self) -> None:
        """Listed for less than 72 hours; an epoch at most beside one other; generations only rise."""
        assert all(key.from_ <= self.now < key.until == key.from_ + 3 * DAY for key in self.store.enc_public(self.now))
        assert len(self.store.old_epochs) <= 1
        assert self.store.gen >= self.gen
        self.gen = self.store.gen

    @invariant()
    def seeds_live_their_time(self) -> None:
        """After housekeeping, what senders may use, and half an hour more, opens, and what is older never again."""
        gone = set(self.store.change(DestroyEnc(self.now)))
        for kid, (made, enc) in self.sealed.items():
            if self.now < made + 3 * DAY + 1_800:
                assert kid not in gone
                assert self.store.open_cek(kid, enc, b"i") == b"k" * 32
            else:
                with pytest.raises(RemoteError):
                    self.store.open_cek(kid, enc, b"i")


KeystoreLife.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
)
TestKeystoreLife = KeystoreLife.TestCase


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keystore file that the examples spoil one after the other."""
    path = tmp_path_factory.mktemp("keys") / "keystore"
    Keystore.create(path, "x", node=NODE, now=NOW, cost=CHEAP, rand=Seeds("file"))
    path.with_name("good").write_bytes(path.read_bytes())
    return path


@given(at=st.integers(0), bit=st.integers(0, 7))
def test_any_mutation_of_the_file_is_refused(file: Path, at: int, bit: int) -> None:
    """Threat 46: no bit of the keystore can be changed, neither of the header nor of the rest."""
    data = bytearray(file.with_name("good").read_bytes())
    data[at % len(data)] ^= 1 << bit
    file.write_bytes(data)
    with pytest.raises(RefusedError):
        Keystore.open(file, "x", at_least=CHEAP)
