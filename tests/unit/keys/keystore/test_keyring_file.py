"""The sealed file of a keyring: made once, opened by its passphrase, replaced whole, never older than before."""

from __future__ import annotations

import pickle
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.keystores import CHEAP, NODE, fails, new_keystore, opened
from support.nodes import NOW
from support.tokens import soft_tpm

from gateway.errors import Code, RefusedError, TransientError
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.destructible.places import Places
from keys.keystore.destructible.secret import Place
from keys.keystore.generations import GenerationFile
from keys.keystore.key_changes import DestroyAllEnc, RenewEnc
from keys.keystore.keyring import Keyring
from keys.keystore.keyring_file import FORMER, KIND
from keys.keystore.keystore import Cost, Keystore, system_rand
from keys.primitives.encoding import canon, lp, lp_read
from keys.primitives.sealed_file import SealedFile, kind_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keystore lies."""
    return tmp_path / "keystore"


@pytest.fixture
def store(path: Path) -> Keystore:
    """A new keystore."""
    return new_keystore(path)


def with_header(data: bytes, change: Callable[[Any], object]) -> bytes:
    """The file with its header edited and the rest as it is."""
    header, offset = lp_read(data)
    value = orjson.loads(header)
    change(value)
    return lp(canon(value)) + data[offset:]


WRITER = """
import sys
from pathlib import Path
from keys.keystore.destructible.places import Places
from keys.keystore.key_changes import BeginEpoch, FinishEpoch
from keys.keystore.keystore import Cost, Keystore
places = Places(tpm=sys.argv[2] if len(sys.argv) > 2 else None)
store = Keystore.open(Path(sys.argv[1]), "open sesame", places=places, at_least=Cost(t=1, m=8192))
now = store.epoch_made
while True:
    now += 1
    store.change(FinishEpoch(store.change(BeginEpoch(now)) - 1))
    print("once", flush=True)
"""


def test_open_finds_what_was_made(path: Path, store: Keystore) -> None:
    """The same keys come back, the file is private, and nothing else lies beside it."""
    again = opened(path)
    assert again.listing() == store.listing()
    assert (again.node, again.gen, again.tls_spki()) == (NODE, 1, store.tls_spki())
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.parent.iterdir()) == [path, secret_file_of(path)]


def test_default_cost_is_the_one_of_the_protocol(path: Path) -> None:
    """Without an argument the derivation costs 4 passes over 256 MiB, and a cheaper file is not opened."""
    assert Cost.default() == Cost(t=4, m=256 * 1024 * 1024)
    Keystore.create(path, "open sesame", node=NODE, now=NOW, cost=CHEAP)
    with fails(Code.INVALID, "weaker key derivation"):
        Keystore.open(path, "open sesame")


@pytest.mark.parametrize("passphrase", ["", "  \n"])
def test_empty_passphrase_is_refused(path: Path, passphrase: str) -> None:
    """A keystore without a passphrase is not made, and no file is left."""
    with fails(Code.INVALID, "passphrase is empty"):
        Keystore.create(path, passphrase, node=NODE, now=NOW, cost=CHEAP)
    assert list(path.parent.iterdir()) == []


def test_nothing_is_overwritten(path: Path, store: Keystore) -> None:
    """A second node is not made in the place of the first."""
    before = path.read_bytes()
    with fails(Code.EXISTS):
        Keystore.create(path, "other", node=NODE, now=NOW, cost=CHEAP)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path, secret_file_of(path)]
    assert opened(path).listing() == store.listing()


def test_wrong_passphrase(path: Path, store: Keystore) -> None:
    """Threat 44: without the passphrase the stolen file opens nothing."""
    with fails(Code.WRONG_PASSPHRASE):
        Keystore.open(path, "open sesame!", at_least=CHEAP)


def test_passphrase_is_the_same_from_every_keyboard(path: Path) -> None:
    """One text in two Unicode spellings is one passphrase."""
    Keystore.create(path, "caf\u00e9", node=NODE, now=NOW, cost=CHEAP)
    assert Keystore.open(path, "cafe\u0301", at_least=CHEAP).node == NODE


def test_no_secret_lies_in_the_file(path: Path, store: Keystore) -> None:
    """Threat 44: no seed, no key and no name of the node stands in the file."""
    store.change(RenewEnc(NOW))
    data = path.read_bytes()
    ring = store._ring
    secrets = [ring.index, ring.actor, ring.epochs[0].key, *ring.tls, ring.enc[0].key.seed(), NODE.encode()]
    secrets += [seed for held in ring.keys for seed in held.key.seeds() if seed]
    assert len(secrets) == 18
    assert not any(secret in data for secret in secrets)


def test_missing_file_and_other_files(path: Path) -> None:
    """No file, junk, a cut file and a file of another kind are told apart from a wrong passphrase."""
    with fails(Code.NOT_FOUND):
        opened(path)
    SealedFile.create(path, "nrm.root/1", "open sesame", b"{}", cost=CHEAP, rand=system_rand)
    data = path.read_bytes()
    for junk in (b"", b"junk", data[:20], data):
        path.write_bytes(junk)
        with fails(Code.INVALID, "not a file of type"):
            opened(path)
    path.write_bytes(data.replace(b"nrm.root/1", b"nrm.keystore/1").replace(data[:4], b"\0\0\0\xbf", 1))
    with pytest.raises(RefusedError):
        opened(path)


def test_content_of_another_shape(path: Path) -> None:
    """A sealed file of the right kind that holds something else is refused, in either form, and left as it is."""
    SealedFile.create(path, FORMER, "open sesame", b"{}", cost=CHEAP, rand=system_rand)
    with fails(Code.INVALID, "another content"):
        opened(path)
    assert kind_of(path) == FORMER
    path.unlink()
    GenerationFile.create(
        path, KIND, "open sesame", b"{}", place=Place.FILE, places=Places(), cost=CHEAP, rand=system_rand
    )
    with fails(Code.INVALID, "another content"):
        opened(path)


def test_the_form_of_before_is_opened_once(path: Path) -> None:
    """Every key of a key store of release 0.1.0 is there, in today's form; its own file is refused from then on."""
    ring = Keyring.new(NODE, NOW, system_rand)
    SealedFile.create(path, FORMER, "open sesame", ring.encode(), cost=CHEAP, rand=system_rand, gen=4)
    old = path.read_bytes()
    store = opened(path, 4)
    assert store._ring.encode() == ring.encode()
    assert (store.gen, store.place, kind_of(path)) == (5, Place.FILE, KIND)
    assert opened(path, 5).listing() == store.listing()
    path.write_bytes(old)
    with fails(Code.ROLLBACK):
        opened(path, 5)


def test_the_file_of_the_secret_is_lost(path: Path, store: Keystore) -> None:
    """Threat 190: without its secret the file and the passphrase open nothing; the hint says the way out."""
    kept = secret_file_of(path).read_bytes()
    secret_file_of(path).unlink()
    with fails(Code.UNDECRYPTABLE, "does not hold the secret") as caught:
        opened(path)
    assert "recovery key" in caught.value.hint
    secret_file_of(path).touch(mode=0o600)
    secret_file_of(path).write_bytes(kept)
    assert opened(path).listing() == store.listing()


def test_seeds_that_were_destroyed_are_in_no_copy(path: Path, store: Keystore) -> None:
    """Threat 190: the key store of before with its passphrase, on the very machine, does not give back a seed or an
    epoch that was destroyed since.
    """
    store.change(RenewEnc(NOW))
    old = path.read_bytes()
    assert {key.use for key in opened(path).listing()} >= {"enc", "epoch"}
    store.change(DestroyAllEnc())
    path.write_bytes(old)
    with pytest.raises(RefusedError) as caught:
        opened(path)
    assert caught.value.code is Code.UNDECRYPTABLE


def test_moved_and_back(path: Path, store: Keystore) -> None:
    """The secret of a key store goes to a TPM and comes back; every key stays, each place is empty after it left."""
    with soft_tpm() as tpm:
        store.move(Place.TPM, tpm.places)
        assert (store.place, secret_file_of(path).read_bytes().strip(b"\0")) == (Place.TPM, b"")
        with fails(Code.INVALID, "nothing says how to reach it"):
            opened(path)
        again = Keystore.open(path, "open sesame", 2, places=tpm.places, at_least=CHEAP)
        again.move(Place.FILE, tpm.places)
    assert (again.listing(), again.gen, opened(path).place) == (store.listing(), 3, Place.FILE)


def test_readable_by_others_is_refused(path: Path, store: Keystore) -> None:
    """A keystore that others can read is not opened; the hint says what to do."""
    path.chmod(0o640)
    with fails(Code.INVALID, "read by others"):
        opened(path)


def test_older_generation_is_refused(path: Path, store: Keystore) -> None:
    """Threat 46: a keystore put back from a backup is not taken for the current one."""
    old = path.with_name("backup")
    shutil.copy(path, old)
    store.change(RenewEnc(NOW))
    assert (store.gen, opened(path, 2).gen) == (2, 2)
    old.replace(path)
    with fails(Code.ROLLBACK):
        opened(path, 2)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"t": 17}, Code.INVALID),
        ({"m": 4 * 1024 * 1024 * 1024}, Code.INVALID),
        ({"t": 0}, Code.INVALID),
        ({"m": 1}, Code.INVALID),
        ({"p": 2}, Code.INVALID),
        ({"kdf": "none"}, Code.INVALID),
        ({"place": "paper"}, Code.INVALID),
        ({"place": "tpm"}, Code.INVALID),
        ({"type": "nrm.keystore/1"}, Code.INVALID),
        ({"gen": 0}, Code.INVALID),
        ({"more": 1}, Code.INVALID),
        ({"gen": 99}, Code.WRONG_PASSPHRASE),
        ({"t": 2}, Code.WRONG_PASSPHRASE),
        ({"salt": "A" * 22}, Code.WRONG_PASSPHRASE),
        ({"nonce": "A" * 32}, Code.WRONG_PASSPHRASE),
    ],
    ids=str,
)
def test_edited_header_is_refused(path: Path, store: Keystore, change: dict[str, Any], code: Code) -> None:
    """Threat 46: cost out of bounds is refused before any work; every other member is authenticated."""
    path.write_bytes(with_header(path.read_bytes(), lambda header: header.update(change)))
    started = time.thread_time()
    with fails(code):
        opened(path)
    assert time.thread_time() - started < 1


def test_weakened_derivation_is_refused(path: Path) -> None:
    """Threat 46: a header with less cost than allowed is refused, however it came there."""
    Keystore.create(path, "open sesame", node=NODE, now=NOW, cost=CHEAP)
    for floor in (Cost(t=2, m=8192), Cost(t=1, m=16_384)):
        with fails(Code.INVALID, "weaker"):
            Keystore.open(path, "open sesame", at_least=floor)


def test_flipped_bit_is_refused(path: Path, store: Keystore) -> None:
    """A damaged file does not open; it can not be told apart from a wrong passphrase."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with fails(Code.WRONG_PASSPHRASE, "or the file is damaged"):
        opened(path)


def test_leftover_of_a_crash_is_removed(path: Path, store: Keystore) -> None:
    """A half-written file beside the keystore is no harm, and is gone once the keystore is opened."""
    leftover = path.with_name("keystore.new")
    leftover.write_bytes(b"half")
    opened(path)
    assert not leftover.exists()
    leftover.write_bytes(b"half")
    store.change(RenewEnc(NOW))
    assert (opened(path).gen, leftover.exists()) == (2, False)


def test_full_disk_changes_nothing(path: Path, store: Keystore) -> None:
    """When the disk does not take the new file the old one stays, on disk and in use."""
    before = path.read_bytes()
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(TransientError, match="cannot be written"):
            store.change(RenewEnc(NOW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (path.read_bytes(), store.gen, store.enc_public(NOW)) == (before, 1, ())
    assert store.change(RenewEnc(NOW))
    assert opened(path).enc_public(NOW) == store.enc_public(NOW)


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.1])
def test_killed_while_writing(path: Path, store: Keystore, seconds: float) -> None:
    """After `kill -9` at any moment the file is whole: one generation or the next."""
    kill_writer(seconds, path)
    assert opened(path).gen >= 3


def kill_writer(seconds: float, *arguments: object) -> None:
    """Let a process of its own write one generation after the other, and kill it."""
    root = Path(__file__).resolve().parents[4]
    command = [sys.executable, "-c", WRITER, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "once\n"
        time.sleep(seconds)
        writer.kill()


@pytest.mark.parametrize("seconds", [0.01, 0.05])
def test_killed_while_a_tpm_is_written(path: Path, store: Keystore, seconds: float) -> None:
    """The same where the secret goes to a TPM: it opens, under the one secret that is left."""
    with soft_tpm() as tpm:
        store.move(Place.TPM, tpm.places)
        kill_writer(seconds, path, tpm.tcti)
        again = Keystore.open(path, "open sesame", 4, places=tpm.places, at_least=CHEAP)
        again.move(Place.FILE, tpm.places)
    assert opened(path).gen == again.gen


def test_keystore_does_not_leave(store: Keystore) -> None:
    """It prints as <redacted>, so does its file, and it can not be pickled."""
    assert f"{store}{store._file}" == "<redacted><redacted>"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(store)
