"""keys.keystore.keyd and keys.keystore.remote over a real socket: the same answers as in one process; who is turned
away.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.keystores import copy_keystore
from support.nodes import NOW, Node
from support.patience import PATIENCE

from gateway.errors import Code, RefusedError, RemoteError, TransientError
from keys.backups.backup_header import RecoveryPublic
from keys.documents.descriptor import Descriptor, parse_descriptor
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.signed_note import Checkpoint
from keys.keystore import keyd, remote
from keys.keystore.calls import FAULT, LIMIT, Paced, encode_request
from keys.keystore.channel import Channel, ClosedError
from keys.keystore.key_changes import AddKey, BeginEpoch, FinishEpoch, RenewEnc
from keys.keystore.keyd import KeyServer
from keys.keystore.keystore import Cost, Keystore
from keys.keystore.pace import PACES, Pace
from keys.keystore.remote import RemoteKeys
from keys.keystore.service import PacedCalls
from keys.primitives.batch import Proof
from keys.primitives.domains import KEYSET, RECEIPT, TOMBSTONE
from keys.primitives.encoding import DAY, canon, lp
from keys.primitives.seal import EncPrivateKey, seal_cek

CHEAP = Cost(t=1, m=8192)
A = Node("a")
NODE = A.first().node
OTHER_NODE = "n1" + "b" * 32
ROW = b"r" * 16
ENC, OTHER = EncPrivateKey(b"e" * 32), EncPrivateKey(b"o" * 32)


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    """A new keystore."""
    return Keystore.create(tmp_path / "keystore", "open sesame", node=NODE, now=NOW, cost=CHEAP)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is patience enough for a key service that is away, and one that is there has the time it takes."""
    monkeypatch.setattr(remote, "PATIENCE", 0.5)
    monkeypatch.setattr(remote, "ANSWER", PATIENCE)


@contextmanager
def serving(store: Keystore, path: Path, **options: Any) -> Iterator[KeyServer]:
    """A key service on a socket, in threads of this process; it cuts every connection in the end."""
    server = KeyServer(store, **{"uid": os.getuid(), **options})
    taken: list[socket.socket] = []
    serve = server._serve

    def noted(connection: socket.socket) -> None:
        taken.append(connection)
        serve(connection)

    server._serve = noted  # type: ignore[method-assign]
    stop, wake = os.pipe()
    with keyd._listening(path, shared=False) as listener:
        thread = threading.Thread(target=keyd._until, args=(stop, listener, server))
        thread.start()
        try:
            yield server
        finally:
            os.write(wake, b"\n")
            thread.join(PATIENCE)
            os.close(stop)
            os.close(wake)
            for connection in taken:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


@contextmanager
def asking(path: Path, patience: float = 5.0) -> Iterator[RemoteKeys]:
    """A client of it."""
    keys = RemoteKeys.reach(path, patience)
    try:
        yield keys
    finally:
        keys.close()


@pytest.fixture
def keys(store: Keystore, tmp_path: Path) -> Iterator[RemoteKeys]:
    """A client of the keystore."""
    with serving(store, tmp_path / "keyd.sock"), asking(tmp_path / "keyd.sock") as found:
        yield found


def listed(store: Keystore, **changes: object) -> Descriptor:
    """The node's first descriptor, with the keys of this keystore."""
    content = {"keys": list(store.first_records(NOW)), "issued": NOW, "expires": NOW + 400 * DAY, **changes}
    return accept_descriptor(None, A.document(**content), NOW)


def test_it_says_what_the_keystore_says(store: Keystore, keys: RemoteKeys) -> None:
    """Properties, lists and public halves are the same on both sides."""
    assert (keys.node, keys.gen, keys.sig_kid, keys.http_kid) == (store.node, 1, store.sig_kid, store.http_kid)
    assert (keys.epoch, keys.epoch_made, keys.old_epochs, keys.may_speak) == (1, NOW, (), True)
    assert keys.listing() == store.listing()
    assert [keys.public(use) for use in (Use.SIG, Use.HTTP)] == [store.public(use) for use in (Use.SIG, Use.HTTP)]
    assert keys.tls_secrets() == store.tls_secrets()
    assert (keys.index(b"x"), keys.actor(b"x")) == (store.index(b"x"), store.actor(b"x"))
    assert (keys.index(data=b"x"), keys.actor(data=b"x")) == (store.index(b"x"), store.actor(b"x"))
    assert repr(keys) == "<redacted>"


def test_many_calls_at_once(store: Keystore, keys: RemoteKeys) -> None:
    """More calls than go in one move are answered in order, each for itself, as the keystore answers them."""
    rows = [(bytes([number]) * 16, *store.wrap(bytes([number]) * 16)[1:]) for number in range(2 * remote.TOGETHER + 3)]
    rows[40] = (rows[40][0], rows[40][1], rows[41][2])
    found, expected = keys.each("unwrap", rows), store.each("unwrap", rows)
    assert isinstance(found[40], RefusedError) and found[40].code is expected[40].code is Code.UNDECRYPTABLE
    assert found[:40] + found[41:] == expected[:40] + expected[41:]
    assert keys.each("index", []) == []
    with pytest.raises(RuntimeError, match="change changes keys"):
        keys.each("change", [(RenewEnc(NOW),)])


def test_many_calls_over_a_cut_connection(store: Keystore, tmp_path: Path) -> None:
    """A key service that was started again answers all of them; one that stays away is told as such."""
    path = tmp_path / "keyd.sock"
    with serving(store, path), asking(path) as keys:
        first = keys.each("index", [(b"a",), (b"b",)])
    with serving(store, path):
        assert keys.each("index", [(b"a",), (b"b",)]) == first
    with pytest.raises(TransientError) as caught:
        keys.each("index", [(b"a",)])
    assert caught.value.code is Code.UNREACHABLE


def test_rows_and_content_keys(store: Keystore, keys: RemoteKeys) -> None:
    """What one side wraps the other unwraps; a content key that was sealed for the node opens."""
    data_key, epoch, wrapped = keys.wrap(ROW)
    assert store.unwrap(ROW, epoch, wrapped) == keys.unwrap(ROW, epoch, wrapped) == data_key
    assert keys.change(RenewEnc(NOW)) and not keys.change(RenewEnc(NOW))
    (listed_key,) = keys.enc_public(NOW)
    cek = os.urandom(32)
    enc = seal_cek(listed_key.pub, cek, b"info")
    assert keys.open_cek(listed_key.kid, enc, b"info") == cek
    with pytest.raises(RemoteError, check=lambda error: error.code is Code.UNKNOWN_RECIPIENT_KEY):
        keys.open_cek("A" * 22, enc, b"info")
    with pytest.raises(RemoteError, check=lambda error: error.code is Code.UNDECRYPTABLE):
        keys.open_cek(listed_key.kid, enc, b"other info")


def test_a_rotation_wraps_many_rows_at_once(store: Keystore, keys: RemoteKeys) -> None:
    """Each row opens under the new epoch with the data key it had; one that is damaged stays behind and is told."""
    rows = [(bytes([n]) * 8, *keys.wrap(bytes([n]) * 8)) for n in range(100)]
    assert keys.change(BeginEpoch(NOW + DAY)) == keys.epoch == 2
    assert (keys.old_epochs, keys.epoch_made, keys.gen) == ((1,), NOW + DAY, 2)
    new = keys.rewrap([(row, epoch, wrapped) for row, _, epoch, wrapped in rows] + [(b"x", 1, b"w" * 72)])
    assert new[-1] is None
    assert [keys.unwrap(row, 2, new[n] or b"") for n, (row, *_) in enumerate(rows)] == [dk for _, dk, _, _ in rows]
    keys.change(FinishEpoch(1))
    assert keys.old_epochs == ()
    with refused_local(Code.UNDECRYPTABLE):
        keys.unwrap(rows[0][0], 1, rows[0][3])


@contextmanager
def refused_local(code: Code) -> Iterator[None]:
    """Expect a RefusedError with this code."""
    with pytest.raises(RefusedError, check=lambda error: error.code is code):
        yield


def test_what_a_node_must_not_say_is_not_signed(store: Keystore, keys: RemoteKeys) -> None:
    """Another node's payload, a type that online keys do not sign, and a checkpoint of another log."""
    keys.activate((listed(store),), NOW)
    for payload_type, payload in ((KEYSET, canon({"node": "n1" + "b" * 32})), (TOMBSTONE, canon({"node": NODE}))):
        with refused_local(Code.INVALID):
            keys.sign(payload_type, payload)
    own = Checkpoint(origin=listed(store).log, size=1, root=b"r" * 32).text
    assert keys.sign_log(own)
    with refused_local(Code.INVALID):
        keys.sign_log(own.replace(b"nrm1/", b"nrm2/"))
    assert keys.sign(KEYSET, canon({"node": NODE})).kid == keys.sig_kid


def test_what_is_signed_together_is_one_call(store: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """32 documents go over the socket once, and the key service makes the tree: what it answers proves each of them."""
    asked = list[bytes]()
    documents = [(RECEIPT, canon({"from": NODE, "to": OTHER_NODE, "n": number})) for number in range(32)]
    with serving(store, tmp_path / "keyd.sock") as server:
        answer = server.answer

        def noted(request: bytes) -> bytes:
            asked.append(request)
            return answer(request)

        monkeypatch.setattr(server, "answer", noted)
        with asking(tmp_path / "keyd.sock") as keys:
            batch, inclusions = keys.sign_batch(documents)
            assert len(asked) == 1
            with refused_local(Code.INVALID):
                keys.sign_batch([*documents, (RECEIPT, canon({"from": OTHER_NODE, "to": NODE}))])
    batch.verify(store.public(Use.SIG)[0])
    for document, inclusion in zip(documents, inclusions, strict=True):
        Proof(batch=batch, inclusion=inclusion).require(*document)


def test_an_intruder_names_no_keys(store: Keystore, keys: RemoteKeys) -> None:
    """A descriptor that the roots did not sign, or of a later version alone, changes nothing: the connection is cut."""
    keys.activate((listed(store),), NOW)
    used, origin = store.sig_kid, store._origin
    forged = A.document(
        keys=list(store.first_records(NOW)), issued=NOW, expires=NOW + 400 * DAY, log=f"b.{A.first().node}.trm"
    )
    unsigned = replace(forged, signatures=tuple(Node("b").document().signatures))
    for document in (unsigned, replace(forged, payload=forged.payload.replace(b'"b.n1', b'"c.n1'))):
        with pytest.raises(TransientError):
            keys.activate((parse_descriptor(document),), NOW)
    assert (store.sig_kid, store._origin) == (used, origin)


def test_a_key_that_has_ended_is_told_at_once(store: Keystore, keys: RemoteKeys) -> None:
    """`activate` without a valid key is refused, and from then on the client knows that nothing is signed."""
    with refused_local(Code.NO_KEY):
        keys.activate((listed(store),), NOW + 800 * DAY)
    assert not keys.may_speak
    with refused_local(Code.NO_KEY):
        _ = keys.sig_kid
    with refused_local(Code.NO_KEY):
        keys.sign(KEYSET, canon({"node": NODE}))
    assert keys.unwrap(ROW, *keys.wrap(ROW)[1:])


def test_many_threads(keys: RemoteKeys) -> None:
    """Each has a connection of its own, and each gets its own answer."""

    def work(n: int) -> bool:
        row = n.to_bytes(8, "big")
        data_key, epoch, wrapped = keys.wrap(row)
        return keys.unwrap(row, epoch, wrapped) == data_key and keys.sign(KEYSET, canon({"node": NODE, "n": n})) != b""

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))


# --- away --------------------------------------------------------------------------------------------------------


def test_a_worker_waits_for_its_return(store: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off and back within the patience: the call is answered, by a key service that knows what it signs by."""
    monkeypatch.setattr(remote, "PATIENCE", 10.0)
    path = tmp_path / "keyd.sock"
    with serving(store, path), asking(path) as keys:
        keys.activate((listed(store),), NOW)
        current = keys.http_kid
        held = ThreadPoolExecutor(1)
        assert held.submit(keys.wrap, ROW).result()
    again = Keystore.open(tmp_path / "keystore", "open sesame", at_least=CHEAP)
    again._signers = {}
    with held:
        waiting = held.submit(keys.sign_http, b"base")
        time.sleep(0.2)
        assert not waiting.done()
        with serving(again, path):
            assert len(waiting.result(PATIENCE)) == 64
            assert again.http_kid == current
    keys.close()


def test_away_is_transient(store: Keystore, tmp_path: Path) -> None:
    """After its patience a call says that trying again may help, never that something does not open."""
    with serving(store, tmp_path / "keyd.sock"), asking(tmp_path / "keyd.sock") as keys:
        row = keys.wrap(ROW)[1:]
    for call in (
        lambda: keys.unwrap(ROW, *row),
        lambda: keys.open_cek("k", b"", b""),
        lambda: keys.change(BeginEpoch(NOW)),
    ):
        began = time.monotonic()
        with pytest.raises(TransientError, match="does not answer", check=lambda error: error.code is Code.UNREACHABLE):
            call()
        assert time.monotonic() - began < remote.CHANGE, "a call waits so long for an answer"
    with pytest.raises(TransientError):
        RemoteKeys.reach(tmp_path / "keyd.sock")


async def test_the_loop_does_not_wait(store: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call from the event loop fails at once while the key service is away, and works at once when it is back."""
    monkeypatch.setattr(remote, "PATIENCE", PATIENCE)
    path = tmp_path / "keyd.sock"
    with serving(store, path):
        keys = RemoteKeys.reach(path)
        assert keys.index(b"x")
    began = time.monotonic()
    with pytest.raises(TransientError):
        keys.index(b"x")
    assert time.monotonic() - began < PATIENCE / 2
    with serving(store, path):
        assert keys.index(b"x") == await asyncio.to_thread(keys.index, b"x")
    keys.close()


def test_a_change_is_not_repeated(store: Keystore, tmp_path: Path) -> None:
    """One that may have arrived is left to its caller; the next call shows how the keys stand."""
    path = tmp_path / "keyd.sock"
    with serving(store, path) as server, asking(path) as keys:
        answer = server.answer

        def cut(request: bytes) -> bytes:
            done = answer(request)
            if b"AddKey" in request:
                raise ClosedError("the answer never comes")
            return done

        server.answer = cut  # type: ignore[method-assign]
        before = len(keys.public(Use.HTTP))
        with pytest.raises(TransientError):
            keys.change(AddKey(Use.HTTP, NOW))
        assert len(keys.public(Use.HTTP)) == before + 1
        assert keys.gen == store.gen == 2


def test_an_older_key_store_is_not_followed(store: Keystore, tmp_path: Path) -> None:
    """A key service that comes back with an older file than before is not asked: destroyed keys would live again."""
    path, old = tmp_path / "keyd.sock", tmp_path / "old"
    copy_keystore(tmp_path / "keystore", old)
    with serving(store, path), asking(path) as keys:
        keys.change(RenewEnc(NOW))
    with (
        serving(Keystore.open(old, "open sesame", at_least=CHEAP), path),
        pytest.raises(TransientError, check=lambda error: error.code is Code.ROLLBACK),
    ):
        keys.index(b"x")
    keys.close()


# --- the door ----------------------------------------------------------------------------------------------------


def test_the_socket_is_private(store: Keystore, tmp_path: Path) -> None:
    """Mode 0600, and gone when the key service is gone; 0660 where another user asks."""
    path = tmp_path / "keyd.sock"
    with keyd._listening(path, shared=False):
        assert path.stat().st_mode & 0o777 == 0o600
    with keyd._listening(path, shared=True):
        assert path.stat().st_mode & 0o777 == 0o660
    assert not path.exists()


def test_another_user_is_turned_away(store: Keystore, tmp_path: Path) -> None:
    """The kernel says who asks; whoever is not the one user hears nothing."""
    path = tmp_path / "keyd.sock"
    with serving(store, path, uid=os.getuid() + 1), pytest.raises(TransientError):
        RemoteKeys.reach(path, 0.2)


def raw(path: Path) -> Channel:
    """A connection that says what it wants."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(path))
    channel = Channel(connection)
    channel.receive()
    return channel


@pytest.mark.parametrize("junk", [lp(b""), lp(b"junk"), lp(lp(b"node")), (LIMIT + 1).to_bytes(4, "big")])
def test_junk_ends_the_connection(store: Keystore, tmp_path: Path, junk: bytes) -> None:
    """What is no request is not answered, and the next connection is served."""
    path = tmp_path / "keyd.sock"
    with serving(store, path):
        channel = raw(path)
        channel._socket.sendall(junk)
        with pytest.raises(ClosedError):
            channel.receive()
        channel.close()
        with asking(path) as keys:
            assert keys.index(b"x")


def test_too_many_connections(store: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is closed; when one ends there is room again."""
    monkeypatch.setattr(keyd, "MOST_CONNECTIONS", 2)
    path = tmp_path / "keyd.sock"
    with serving(store, path):
        first, second = raw(path), raw(path)
        with pytest.raises((ClosedError, OSError)):
            raw(path)
        first.close()
        with asking(path) as keys:
            assert keys.index(b"x")
        second.close()


def test_row_214_more_than_its_limit_is_busy(store: Keystore, tmp_path: Path) -> None:
    """On the event loop at once; nothing is opened, what has no limit goes on, and both are counted."""
    path = tmp_path / "keyd.sock"
    with serving(store, path, paces={**PACES, Paced.UNWRAP: 3}), asking(path) as keys:
        row = keys.wrap(ROW)[1:]
        assert {len(keys.unwrap(ROW, *row)) for _ in range(3)} == {32}

        async def on_the_loop() -> None:
            with pytest.raises(TransientError, check=lambda error: error.code is Code.BUSY):
                keys.unwrap(ROW, *row)
            assert [getattr(found, "code", None) for found in keys.each("unwrap", [(ROW, *row)] * 2)] == [Code.BUSY] * 2

        asyncio.run(on_the_loop())
        assert keys.index(b"x")
        told = {one.use: one for one in keys.paced_calls()}
        assert told["unwrap"] == PacedCalls(use="unwrap", per_minute=3, done=3, refused=3)
        assert (told["open"].done, told["open"].refused, set(told)) == (0, 0, {"sign", "open", "unwrap"})


def test_row_214_honest_work_above_the_limit_waits_and_is_done(store: Keystore, tmp_path: Path) -> None:
    """A worker thread asks again for what was refused, and that alone, until all is there, in its order."""
    path, rows = tmp_path / "keyd.sock", [bytes([number]) * 16 for number in range(80)]
    with serving(store, path, paces={**PACES, Paced.UNWRAP: 20 * 60}) as server, asking(path) as keys:
        wrapped = [(row, *keys.wrap(row)) for row in rows]
        server._paces[Paced.UNWRAP]._left = 40.0
        found = keys.each("unwrap", [(row, epoch, blob) for row, _, epoch, blob in wrapped])
        assert found == [data_key for _, data_key, _, _ in wrapped]
        (told,) = (one for one in keys.paced_calls() if one.use == "unwrap")
        assert told.done == 80 and told.refused >= 40


def test_row_214_whoever_waits_in_vain_is_told_so(store: Keystore, tmp_path: Path) -> None:
    """Where nothing is done for a while, since somebody else takes it all, a worker thread is busy too."""
    path = tmp_path / "keyd.sock"
    with serving(store, path, paces={**PACES, Paced.UNWRAP: 1}), asking(path) as keys:
        row = keys.wrap(ROW)[1:]
        keys.unwrap(ROW, *row)
        with pytest.raises(TransientError, check=lambda error: error.code is Code.BUSY):
            keys.unwrap(ROW, *row)


def test_row_215_only_the_node_asks_its_own_key_service(store: Keystore, tmp_path: Path) -> None:
    """Another process of the same user is turned away before it hears anything."""
    path = tmp_path / "keyd.sock"
    with serving(store, path, pid=os.getpid()), asking(path) as keys:
        assert keys.index(b"x") and not keys.alone
    with serving(store, path, pid=os.getppid()), pytest.raises(TransientError):
        RemoteKeys.reach(path, 0.2)


def test_a_backup_for_another_recovery_key_is_refused(store: Keystore, tmp_path: Path) -> None:
    """Who took over the listener does not get every signing key in a file that it can open itself."""
    named, other = (RecoveryPublic(kid=key.kid, public=key.public, made=NOW) for key in (ENC, OTHER))
    path = tmp_path / "keyd.sock"
    with serving(store, path, recovery=named.kid), asking(path) as keys:
        assert keys.backup(named, b"[]", NOW)
        with refused_local(Code.FORBIDDEN):
            keys.backup(other, b"[]", NOW)
    with serving(store, path), asking(path) as keys, refused_local(Code.FORBIDDEN):
        keys.backup(named, b"[]", NOW)


def test_row_214_pace() -> None:
    """A minute's worth at once, then as many as the time allows, and never more than a minute's worth saved up."""
    now = [0.0]
    pace = Pace(3, lambda: now[0])
    assert [pace.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 20.0
    assert [pace.take() for _ in range(2)] == [True, False]
    now[0] = 10_000.0
    assert [pace.take() for _ in range(4)] == [True, True, True, False]
    assert pace.tell(Paced.OPEN) == PacedCalls(use="open", per_minute=3, done=7, refused=3)


def test_a_fault_of_ours_tells_nothing(store: Keystore) -> None:
    """A broken promise inside is one byte; its text could hold a secret."""

    def broken(data: bytes) -> bytes:
        raise ValueError(data)

    store.index = broken  # type: ignore[method-assign]
    server = KeyServer(store, uid=0)
    assert server.answer(encode_request("index", (b"secret",))) == FAULT


def test_one_key_service_for_one_key_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one is refused while the first has the lock."""
    monkeypatch.setattr(keyd, "LOCK_PATIENCE", 0.1)
    with (
        keyd.lock_keystore(tmp_path / "keyd.lock"),
        refused_local(Code.LOCKED),
        keyd.lock_keystore(tmp_path / "keyd.lock"),
    ):
        raise AssertionError("two at once")
