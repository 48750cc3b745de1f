"""keys.keystore.keystore and keys.primitives.sealed_file: file, passphrase, service (nrm1 13.5;
threats 44, 45, 46, 48).
"""

from __future__ import annotations

import io
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.nodes import NOW, Node, Seeds, refused, signed

from gateway.errors import Code, RefusedError, TransientError
from keys.documents.backup import KEYRING, Opening
from keys.documents.backup_header import Kind, RecoveryPublic
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Receipt, Receipts, Statement, Status, Void
from keys.documents.key_records import Use
from keys.documents.signed_note import (
    Checkpoint,
    NoteSignature,
    SignedNote,
    cosignature_text,
    cosigned_at,
    open_checkpoint,
)
from keys.keystore.keyring import Keyring
from keys.keystore.keystore import Cost, Keystore, system_rand
from keys.keystore.service import KeyService
from keys.primitives import sealed_file
from keys.primitives.encoding import DAY, canon, lp, lp_read
from keys.primitives.seal import EncPrivateKey, seal_cek
from keys.primitives.sealed_file import SealedFile
from keys.primitives.sign import DESCRIPTOR, KEYSET, RECEIPTS, STATEMENT, TOMBSTONE, TRUST, VOID, verify, verify_raw

CHEAP = Cost(t=1, m=8192)
A = Node("a")
NODE = A.first().node
ROW = b"r" * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keystore lies."""
    return tmp_path / "keystore"


@pytest.fixture
def store(path: Path) -> Keystore:
    """A new keystore."""
    return Keystore.create(path, "open sesame", node=NODE, now=NOW, cost=CHEAP)


def opened(path: Path, min_gen: int = 1) -> Keystore:
    """What is on the disk now."""
    return Keystore.open(path, "open sesame", min_gen, at_least=CHEAP)


def fails(code: Code, words: str | None = None) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, match=words, check=lambda error: error.code is code)


# --- the file ----------------------------------------------------------------------------------------------------


def test_open_finds_what_was_made(path: Path, store: Keystore) -> None:
    """The same keys come back, the file is private, and nothing else lies beside it."""
    again = opened(path)
    assert again.listing() == store.listing()
    assert (again.node, again.gen, again.tls_spki()) == (NODE, 1, store.tls_spki())
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


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
    assert list(path.parent.iterdir()) == [path]


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
    store.ensure_enc(NOW)
    data = path.read_bytes()
    ring = store._ring
    secrets = [ring.index, ring.actor, ring.epochs[0].key, *ring.tls, ring.enc[0].key.seed(), NODE.encode()]
    secrets += [seed for held in ring.keys for seed in held.key.seeds() if seed]
    assert len(secrets) == 16
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
    """A sealed file of the right kind that holds something else is refused."""
    SealedFile.create(path, "nrm.keystore/1", "open sesame", b"{}", cost=CHEAP, rand=system_rand)
    with fails(Code.INVALID, "another content"):
        opened(path)


def test_readable_by_others_is_refused(path: Path, store: Keystore) -> None:
    """A keystore that others can read is not opened; the hint says what to do."""
    path.chmod(0o640)
    with fails(Code.INVALID, "read by others"):
        opened(path)


def test_older_generation_is_refused(path: Path, store: Keystore) -> None:
    """Threat 46: a keystore put back from a backup is not taken for the current one."""
    old = path.with_name("backup")
    shutil.copy(path, old)
    store.ensure_enc(NOW)
    assert (store.gen, opened(path, 2).gen) == (2, 2)
    old.replace(path)
    with fails(Code.ROLLBACK):
        opened(path, 2)


def with_header(data: bytes, change: Callable[[Any], object]) -> bytes:
    """The file with its header edited and the rest as it is."""
    header, offset = lp_read(data)
    value = orjson.loads(header)
    change(value)
    return lp(canon(value)) + data[offset:]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"t": 17}, Code.INVALID),
        ({"m": 4 * 1024 * 1024 * 1024}, Code.INVALID),
        ({"t": 0}, Code.INVALID),
        ({"m": 1}, Code.INVALID),
        ({"p": 2}, Code.INVALID),
        ({"kdf": "none"}, Code.INVALID),
        ({"hsm": "x"}, Code.INVALID),
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
    started = time.perf_counter()
    with fails(code):
        opened(path)
    assert time.perf_counter() - started < 1


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
    store.ensure_enc(NOW)
    assert (opened(path).gen, leftover.exists()) == (2, False)


def test_full_disk_changes_nothing(path: Path, store: Keystore) -> None:
    """When the disk does not take the new file the old one stays, on disk and in use."""
    before = path.read_bytes()
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(TransientError, match="cannot be written"):
            store.ensure_enc(NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (path.read_bytes(), store.gen, store.enc_public(NOW)) == (before, 1, ())
    assert store.ensure_enc(NOW)
    assert opened(path).enc_public(NOW) == store.enc_public(NOW)


WRITER = """
import sys
from pathlib import Path
from keys.keystore.keystore import Cost, Keystore
store = Keystore.open(Path(sys.argv[1]), "open sesame", at_least=Cost(t=1, m=8192))
now = store.epoch_made
while True:
    now += 1
    store.finish_epoch(store.begin_epoch(now) - 1)
    print("once", flush=True)
"""


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.1])
def test_killed_while_writing(path: Path, store: Keystore, seconds: float) -> None:
    """After `kill -9` at any moment the file is whole: one generation or the next."""
    root = Path(__file__).resolve().parents[4]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=root, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "once\n"
        time.sleep(seconds)
        writer.kill()
    assert opened(path).gen >= 3


def test_keystore_does_not_leave(store: Keystore) -> None:
    """It prints as <redacted>, so does its file, and it can not be pickled."""
    assert f"{store}{store._file}" == "<redacted><redacted>"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(store)


def test_it_is_the_key_service(store: Keystore) -> None:
    """The keystore has every method that the rooms of the node ask for."""
    service: KeyService = store
    names = [name for name in dir(KeyService) if not name.startswith("_")]
    assert {"sign", "sign_http", "open_cek", "wrap", "unwrap", "index", "begin_epoch"} <= set(names)
    assert all(hasattr(service, name) for name in names)


# --- signing -----------------------------------------------------------------------------------------------------


def statement(node: str) -> bytes:
    """A statement in the name of `node`."""
    return Statement(
        id="A" * 22,
        from_=node,
        from_desc=1,
        to=NODE,
        to_desc=1,
        rcp=("A" * 22,),
        epoch=1,
        n=1,
        prev=None,
        conv="A" * 22,
        reply_to=None,
        created=NOW,
        expires=NOW + 1,
        body_type="a/1",
        schema="sha256:" + "0" * 64,
        purpose=None,
        commit="A" * 43,
    ).encode()


def receipts(node: str) -> bytes:
    """A batch in the name of `node`."""
    one = Receipt(of="A" * 43, msg="A" * 22, from_=node, from_desc=1, to=NODE, n=1, status=Status.RECEIVED, at=NOW)
    return Receipts(receipts=(one,)).encode()


def void(node: str) -> bytes:
    """A void in the name of `node`."""
    return Void(id="A" * 22, from_=node, to=NODE, epoch=1, n=1, prev=None, created=NOW).encode()


def named(node: str) -> bytes:
    """What a keyset or a trust record has in common."""
    return canon({"node": node})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [(STATEMENT, statement), (RECEIPTS, receipts), (VOID, void), (KEYSET, named), (TRUST, named)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_signs_for_its_own_node_only(store: Keystore, kind: str, payload: Callable[[str], bytes]) -> None:
    """nrm1 13.6: what the node says is signed; what another node would have to say is not."""
    signature = store.sign(kind, payload(NODE))
    verify(store.public(Use.SIG)[0], kind, payload(NODE), signature)
    assert signature.kid == store.sig_kid
    with fails(Code.INVALID, "its own node"):
        store.sign(kind, payload("n1" + "a" * 32))


@pytest.mark.parametrize("kind", [DESCRIPTOR, TOMBSTONE, "text/plain"])
def test_signs_nothing_that_roots_sign(store: Keystore, kind: str) -> None:
    """nrm1 13.6: a stolen node can not sign a descriptor, a tombstone, or anything without a type of its own."""
    with fails(Code.INVALID):
        store.sign(kind, named(NODE))


def test_signs_http(store: Keystore) -> None:
    """HTTP signatures verify under the http key that is in use."""
    (public,) = [key for key in store.public(Use.HTTP) if key.kid == store.http_kid]
    verify_raw(public.ed25519, b"base", store.sign_http(b"base"))


def descriptor_of(store: Keystore, **changes: Any) -> Any:
    """The first descriptor of the keystore's node."""
    content = {"keys": store.first_records(NOW), "tls_spki": store.tls_spki(), "issued": NOW, "expires": NOW + DAY}
    return accept_descriptor(None, A.document(**{**content, **changes}), NOW)


def test_http_keys_follow_each_other(store: Keystore) -> None:
    """nrm1 2.23: with the descriptor that lists them, the key in use changes every 90 days by itself."""
    descriptor, used = descriptor_of(store), []
    for day in (0, 89, 90, 180, 270, 360):
        store.activate((descriptor,), NOW + day * DAY)
        used.append(store.http_kid)
    assert used == [used[0], *[key.kid for key in store.public(Use.HTTP)]]


def test_new_sig_key_signs_once_it_is_listed(path: Path, store: Keystore) -> None:
    """nrm1 2.27: a new key is made, listed for later, used when its time comes; then the old one can go."""
    first = descriptor_of(store)
    records = store.first_records(NOW)
    old, public = store.sig_kid, store.add_key(Use.SIG, NOW)
    later = replace(records[0], public=public, from_=NOW + 14 * DAY)
    payload = A.next(first, keys=[*records, later], expires=NOW + 30 * DAY)
    second = accept_descriptor(first, signed(payload, A.roots[:2]), NOW + 1)
    store.activate((first, second), NOW + 1)
    assert store.sig_kid == old
    with fails(Code.INVALID, "in use"):
        store.remove_key(old)
    store.activate((first, second), NOW + 14 * DAY)
    assert store.sig_kid == public.kid == store.sign(STATEMENT, statement(NODE)).kid
    store.remove_key(old)
    assert [key.kid for key in opened(path).public(Use.SIG)] == [public.kid]


def test_a_retired_key_signs_nothing_when_its_successor_is_revoked(store: Keystore) -> None:
    """Whatever the roots have signed: the newest descriptor lists only the retired key, so nothing is signed."""
    first = descriptor_of(store)
    records = store.first_records(NOW)
    old, public = store.sig_kid, store.add_key(Use.SIG, NOW)
    new = replace(records[0], public=public, from_=NOW + 1)
    second = accept_descriptor(first, signed(A.next(first, keys=[*records, new]), A.roots[:2]), NOW + 1)
    store.activate((first, second), NOW + 2)
    assert store.sig_kid == public.kid
    revoked = [Revocation(kid=public.kid, at=NOW + 2, since=NOW, reason="stolen")]
    third = accept_descriptor(second, signed(A.next(second, keys=records, revoked=revoked), A.roots[:2]), NOW + 3)
    assert old in {record.kid for record in third.keys_of(Use.SIG, NOW + 3)}
    with fails(Code.NO_KEY, "no sig key"):
        store.activate((first, second, third), NOW + 3)
    assert not store.may_speak


def test_no_listed_key_fails_closed(store: Keystore) -> None:
    """A use without a listed key that is valid signs nothing any more, and the operator is told; the others go on."""
    with fails(Code.NO_KEY, "no sig key"):
        store.activate((descriptor_of(store),), NOW + 401 * DAY)
    with fails(Code.WRONG_NODE):
        store.activate((Node("b").first(),), NOW)
    assert not store.may_speak
    with fails(Code.NO_KEY, "no sig key"):
        store.sign(STATEMENT, statement(NODE))
    assert store.sign_http(b"base")
    store.activate((descriptor_of(store),), NOW)
    assert store.may_speak


# --- encryption keys ---------------------------------------------------------------------------------------------


def test_encryption_key_opens_until_it_is_destroyed(path: Path, store: Keystore) -> None:
    """Threat 48: 10 days after it was made the seed is gone from memory and disk, and the code says so."""
    assert store.ensure_enc(NOW)
    assert not store.ensure_enc(NOW + 1)
    (key,) = store.enc_public(NOW)
    enc = seal_cek(key.pub, b"k" * 32, b"info")
    assert store.destroy_enc(NOW + 10 * DAY - 1) == ()
    assert opened(path).open_cek(key.kid, enc, b"info") == b"k" * 32
    gen = store.gen
    assert store.destroy_enc(NOW + 11 * DAY) == (key.kid,)
    assert store.gen == gen + 1
    for keystore in (store, opened(path)):
        with refused(Code.UNKNOWN_RECIPIENT_KEY):
            keystore.open_cek(key.kid, enc, b"info")


def test_wrong_content_key_is_undecryptable(store: Keystore) -> None:
    """A known key that does not open is another code than an unknown key."""
    store.ensure_enc(NOW)
    (key,) = store.enc_public(NOW)
    with refused(Code.UNDECRYPTABLE):
        store.open_cek(key.kid, b"\0" * 1168, b"info")


def test_panic_destroys_every_seed(path: Path, store: Keystore) -> None:
    """nrm1 2.27: all seeds at once; the next keyset has a new key."""
    for day in range(3):
        store.ensure_enc(NOW + day * DAY)
    assert len(store.destroy_all_enc()) == 3
    assert opened(path).enc_public(NOW) == ()
    assert store.ensure_enc(NOW + 2 * DAY)


# --- data at rest ------------------------------------------------------------------------------------------------


def test_data_keys(path: Path, store: Keystore) -> None:
    """A data key opens for its row and epoch, also after a restart, and for no other row or epoch."""
    dk, epoch, wrapped = store.wrap(ROW)
    assert (len(dk), epoch, len(wrapped)) == (32, 1, 24 + 32 + 16)
    assert opened(path).unwrap(ROW, epoch, wrapped) == dk
    for row, n, data in [
        (b"s" * 16, 1, wrapped),
        (ROW, 2, wrapped),
        (ROW, 1, wrapped[:-1] + b"\0"),
        (ROW, 1, b""),
    ]:
        with fails(Code.UNDECRYPTABLE):
            store.unwrap(row, n, data)


def test_epoch_rotation_survives_a_crash_between_any_two_steps(path: Path, store: Keystore) -> None:
    """nrm1 13.2: the keystore is opened anew after each step, and each row is readable until its epoch is finished."""
    dk, epoch, wrapped = store.wrap(ROW)
    assert opened(path).begin_epoch(NOW + 7 * DAY) == 2  # step 1, then a crash
    second = opened(path)
    assert (second.epoch, second.old_epochs, second.epoch_made) == (2, (1,), NOW + 7 * DAY)
    assert second.begin_epoch(NOW + 8 * DAY) == 2  # step 1 again
    assert second.unwrap(ROW, epoch, wrapped) == dk
    new_epoch, new_wrapped = second.wrap_dk(ROW, dk)  # step 2, then a crash
    third = opened(path)
    third.finish_epoch(1)  # step 3, then a crash
    fourth = opened(path)
    fourth.finish_epoch(1)  # step 3 again
    assert (fourth.old_epochs, fourth.unwrap(ROW, new_epoch, new_wrapped)) == ((), dk)


def test_row_of_a_finished_epoch_is_erased(path: Path, store: Keystore) -> None:
    """Threat 45: a row in an old backup of the database opens no more once its epoch was finished."""
    _, epoch, wrapped = store.wrap(ROW)
    store.finish_epoch(store.begin_epoch(NOW) - 1)
    for keystore in (store, opened(path)):
        with fails(Code.UNDECRYPTABLE, "epoch was destroyed"):
            keystore.unwrap(ROW, epoch, wrapped)
    with fails(Code.INVALID, "newest storage epoch"):
        store.finish_epoch(store.epoch)


def test_indexes_are_stable_and_apart(path: Path, store: Keystore) -> None:
    """Look-up values survive a restart, and those of persons are others."""
    assert store.index(b"x") == opened(path).index(b"x") != store.actor(b"x") == opened(path).actor(b"x")


def test_listing_has_ages_and_no_keys(store: Keystore) -> None:
    """Every key is listed once with its age; of each use one is in use."""
    store.ensure_enc(NOW)
    listing = store.listing()
    assert len(listing) == 8 + 1 + 1
    assert {info.use for info in listing if info.current} == {"sig", "http", "log", "wit", "enc", "epoch"}
    assert all(info.made == NOW for info in listing)


# --- threads -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends the background work, also when the test fails."""
    event = threading.Event()
    yield event
    event.set()


def test_worker_threads(path: Path, store: Keystore, stop: threading.Event) -> None:
    """Rows are wrapped, opened and signed in threads while keys come and go; no change is lost."""
    store.ensure_enc(NOW)
    (key,) = store.enc_public(NOW)
    enc = seal_cek(key.pub, b"k" * 32, b"i")

    def work(number: int) -> int:
        rounds, row = 0, bytes([number]) * 16
        while not stop.is_set() or rounds == 0:
            dk, epoch, wrapped = store.wrap(row)
            assert store.unwrap(row, epoch, wrapped) == dk
            assert store.open_cek(key.kid, enc, b"i") == b"k" * 32
            assert store.sign(VOID, void(NODE)).kid == store.sig_kid
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(work, number) for number in range(4)]
        for day in range(1, 9):
            store.ensure_enc(NOW + day * DAY)
        stop.set()
        assert all(worker.result() > 0 for worker in workers)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: store.add_key(Use.HTTP, NOW + i), range(8)))
    assert len(opened(path).public(Use.HTTP)) == 13
    assert opened(path).gen == store.gen == 1 + 9 + 8


def test_rand_is_an_argument(tmp_path: Path) -> None:
    """All that is random comes from the argument, so that a test can repeat it."""
    made = [Keystore.create(tmp_path / name, "x", node=NODE, now=NOW, cost=CHEAP, rand=Seeds("same")) for name in "ab"]
    assert made[0].listing() == made[1].listing()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(sealed_file.system_rand(32)) == 32


# --- log and witness ---------------------------------------------------------------------------------------------


def test_signs_checkpoints_of_its_own_log_only(store: Keystore) -> None:
    """nrm1 11.1: the log key signs a checkpoint of the own origin, no other log's, no other text, no cosignature."""
    own = descriptor_of(store)
    store.activate((own,), NOW)
    head = Checkpoint(origin=own.log, size=7, root=b"r" * 32)
    note = SignedNote(text=head.text, signatures=(NoteSignature.of(own.log, store.sign_log(head.text)),))
    assert open_checkpoint(note, own.log, store.public(Use.LOG)) == head
    other = Checkpoint(origin="log.example/1", size=7, root=b"r" * 32)
    for text in (other.text, cosignature_text(head.text, NOW), b"", head.text + b"more\n"):
        with fails(Code.INVALID, "its own log"):
            store.sign_log(text)


def test_cosigns_other_logs_only(store: Keystore) -> None:
    """nrm1 11.1: the witness key signs another log's checkpoint with its time, never the own one, never a bare text."""
    own = descriptor_of(store)
    store.activate((own,), NOW)
    head = Checkpoint(origin="log.example/1", size=7, root=b"r" * 32)
    line = NoteSignature.of(store.node, store.cosign(cosignature_text(head.text, NOW)))
    assert cosigned_at(head.text, line, store.public(Use.WIT)) == NOW
    mine = Checkpoint(origin=own.log, size=7, root=b"r" * 32)
    for text in (cosignature_text(mine.text, NOW), head.text, b""):
        with fails(Code.INVALID, "other logs"):
            store.cosign(text)


# --- backup ------------------------------------------------------------------------------------------------------


def test_a_restored_key_store_goes_on_with_its_generation(store: Keystore, path: Path) -> None:
    """nrm1 13.4, 13.5: a backup holds all but encryption seeds; put back, it is newer than any file the node had."""
    store.ensure_enc(NOW)
    key = EncPrivateKey(bytes(32))
    data = store.backup(RecoveryPublic(kid=key.kid, public=key.public, made=NOW), b"[]", NOW)
    opening = Opening(io.BytesIO(data).read, key)
    members = {}
    while (named := opening.member()) is not None:
        members[named[0]] = opening.whole(named[1], 10**6)
    ring = Keyring.parse(members[KEYRING])
    assert ring.enc == ()
    assert (opening.header.kind, opening.header.gen, opening.header.epoch) == (Kind.KEYSTORE, store.gen, 1)
    new = path.with_name("new")
    Keystore.restore(new, "another word", ring, store.gen + 1, cost=CHEAP)
    again = Keystore.open(new, "another word", store.gen + 1, at_least=CHEAP)
    assert (again.node, again.gen, again.sig_kid) == (store.node, store.gen + 1, store.sig_kid)
    with fails(Code.ROLLBACK):
        opened(path, store.gen + 1)
