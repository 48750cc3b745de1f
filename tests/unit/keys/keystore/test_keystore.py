"""keys.keystore.keystore and keys.primitives.sealed_file: file, passphrase, service (nrm1 13.5;
threats 44, 45, 46, 48).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.keystores import CHEAP, NODE, ROW, A, fails, new_keystore, opened
from support.nodes import NOW, Node, Seeds, refused, signed
from support.sign_as import in_first_form, sign_as

from gateway.errors import Code
from keys.backups.backup import KEYRING, Opening
from keys.backups.backup_header import Kind, RecoveryPublic
from keys.documents.descriptor import Revocation, name_log
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Receipt, Statement, Status, Void
from keys.documents.key_records import KeyRecord, Use
from keys.documents.log_signatures import cosignature_text, cosigned_at, open_checkpoint
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.keystore.key_changes import AddKey, BeginEpoch, DestroyAllEnc, DestroyEnc, FinishEpoch, RemoveKey, RenewEnc
from keys.keystore.keyring import Keyring
from keys.keystore.keystore import Keystore
from keys.keystore.service import KeyService
from keys.primitives import sealed_file
from keys.primitives.domains import (
    BATCH,
    DESCRIPTOR,
    DESCRIPTOR_1,
    KEYSET,
    RECEIPT,
    STATEMENT,
    TOMBSTONE,
    TRUST,
    VOID,
)
from keys.primitives.encoding import DAY, canon
from keys.primitives.hybrid_keys import verify
from keys.primitives.raw_signatures import verify_raw
from keys.primitives.seal import EncPrivateKey, seal_cek


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keystore lies."""
    return tmp_path / "keystore"


@pytest.fixture
def store(path: Path) -> Keystore:
    """A new keystore."""
    return new_keystore(path)


# --- the file ----------------------------------------------------------------------------------------------------


def test_it_is_the_key_service(store: Keystore) -> None:
    """The keystore has every method that the rooms of the node ask for."""
    service: KeyService = store
    names = [name for name in dir(KeyService) if not name.startswith("_")]
    assert {"sign", "sign_http", "open_cek", "wrap", "unwrap", "index", "change", "follow"} <= set(names)
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


def receipt(node: str, to: str = NODE) -> bytes:
    """A receipt in the name of `node`."""
    one = Receipt(of="A" * 43, msg="A" * 22, from_=node, from_desc=1, to=to, n=1, status=Status.RECEIVED, at=NOW)
    return one.encode()


def void(node: str) -> bytes:
    """A void in the name of `node`."""
    return Void(id="A" * 22, from_=node, to=NODE, epoch=1, n=1, commit=None, prev=None, created=NOW).encode()


def named(node: str) -> bytes:
    """What a keyset or a trust record has in common."""
    return canon({"node": node})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [(VOID, void), (KEYSET, named), (TRUST, named)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_signs_for_its_own_node_only(store: Keystore, kind: str, payload: Callable[[str], bytes]) -> None:
    """nrm1 13.6: what the node says is signed; what another node would have to say is not."""
    signature = store.sign(kind, payload(NODE))
    verify(store.public(Use.SIG)[0], kind, payload(NODE), signature)
    assert signature.kid == store.sig_kid
    with fails(Code.INVALID, "its own node"):
        store.sign(kind, payload("n1" + "a" * 32))


def test_signs_in_a_batch_what_its_own_node_says_to_one_other(store: Keystore) -> None:
    """nrm1 13.6: statements and receipts share a signature, and the key store makes the tree that it signs."""
    documents = [(STATEMENT, statement(NODE)), *[(RECEIPT, receipt(NODE))] * 2]
    batch, inclusions = store.sign_batch(documents)
    batch.verify(store.public(Use.SIG)[0])
    assert batch.signature.kid == store.sig_kid
    for document, inclusion in zip(documents, inclusions, strict=True):
        assert inclusion.root_over(*document) == batch.root
    assert len({inclusion.blind for inclusion in inclusions}) == 3


OTHER = "n1" + "a" * 32


@pytest.mark.parametrize(
    "documents",
    [
        [(STATEMENT, statement(OTHER))],
        [(STATEMENT, statement(NODE)), (RECEIPT, receipt(OTHER))],
        [(STATEMENT, statement(NODE)), (RECEIPT, receipt(NODE, OTHER))],
        [(STATEMENT, statement(NODE)), (VOID, void(NODE))],
        [(BATCH, canon({"from": NODE, "to": NODE}))],
        [(STATEMENT, canon([NODE]))],
        [(STATEMENT, canon({"from": NODE}))],
        [(STATEMENT, statement(NODE))] * 129,
        [],
    ],
    ids=[
        "another node",
        "one of another node",
        "two peers",
        "a void",
        "a batch",
        "no object",
        "for nobody",
        "too many",
        "none",
    ],
)
def test_signs_no_other_batch(store: Keystore, documents: list[tuple[str, bytes]]) -> None:
    """A stolen node can sign for no other, mixes no peers, and gets no root signed that it brings along."""
    with fails(Code.INVALID, "its own node says to one other"):
        store.sign_batch(documents)


@pytest.mark.parametrize("kind", [DESCRIPTOR, TOMBSTONE, STATEMENT, RECEIPT, BATCH, "text/plain"])
def test_signs_nothing_else(store: Keystore, kind: str) -> None:
    """nrm1 13.6: a stolen node can not sign a descriptor, a tombstone, anything without a type of its own, and alone
    nothing that belongs into a batch.
    """
    with fails(Code.INVALID):
        store.sign(kind, canon({"node": NODE, "from": NODE}))


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
    old, public = store.sig_kid, store.change(AddKey(Use.SIG, NOW))
    later = replace(records[0], public=public, from_=NOW + 14 * DAY)
    payload = A.next(first, keys=[*records, later], expires=NOW + 30 * DAY)
    second = accept_descriptor(first, signed(payload, A.roots[:2]), NOW + 1)
    store.activate((first, second), NOW + 1)
    assert store.sig_kid == old
    with fails(Code.INVALID, "in use"):
        store.change(RemoveKey(old))
    store.activate((first, second), NOW + 14 * DAY)
    assert store.sig_kid == public.kid == store.sign(VOID, void(NODE)).kid
    store.change(RemoveKey(old))
    assert [key.kid for key in opened(path).public(Use.SIG)] == [public.kid]


def test_a_retired_key_signs_nothing_when_its_successor_is_revoked(store: Keystore) -> None:
    """Whatever the roots have signed: the newest descriptor lists only the retired key, so nothing is signed."""
    first = descriptor_of(store)
    records = store.first_records(NOW)
    old, public = store.sig_kid, store.change(AddKey(Use.SIG, NOW))
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
        store.sign_batch([(STATEMENT, statement(NODE))])
    assert store.sign_http(b"base")
    store.activate((descriptor_of(store),), NOW)
    assert store.may_speak


def test_under_a_descriptor_of_the_first_form_only_http_is_signed(store: Keystore) -> None:
    """Whatever the node asks for: nothing is signed before its roots have signed the next descriptor; then all is."""
    payload = in_first_form(descriptor_of(store).document.payload)
    before = sign_as(DESCRIPTOR_1, payload, *(root.key for root in A.roots[:2]))
    first = accept_descriptor(None, before, NOW)
    with fails(Code.ROOTS_DUE):
        store.activate((first,), NOW)
    assert not store.may_speak
    note = Checkpoint(origin=name_log(NODE), size=1, root=bytes(32)).text
    theirs = cosignature_text(Checkpoint(origin=name_log(Node("b").first().node), size=1, root=bytes(32)).text, NOW)
    for ask in (
        lambda: store.sign(VOID, void(NODE)),
        lambda: store.sign_batch([(STATEMENT, statement(NODE))]),
        lambda: store.sign_log(note),
        lambda: store.cosign(theirs),
    ):
        with fails(Code.ROOTS_DUE, "nothing is signed any more"):
            ask()
    assert store.sign_http(b"base")
    kept = [record for record in store.first_records(NOW) if record.use in (Use.SIG, Use.HTTP)]
    notes = [
        KeyRecord(use=use, from_=NOW, until=NOW + DAY, public=store.change(AddKey(use, NOW)))
        for use in (Use.LOG, Use.WIT)
    ]
    second = accept_descriptor(first, signed(A.next(first, keys=[*kept, *notes]), A.roots[:2]), NOW + 1)
    store.activate((first, second), NOW + 1)
    assert store.may_speak and store.sign_log(note) and store.cosign(theirs)


# --- encryption keys ---------------------------------------------------------------------------------------------


def test_encryption_key_opens_until_it_is_destroyed(path: Path, store: Keystore) -> None:
    """Threat 48: half an hour after its last use the seed is gone from memory and disk, and the code says so."""
    assert store.change(RenewEnc(NOW))
    assert not store.change(RenewEnc(NOW + 1))
    (key,) = store.enc_public(NOW)
    enc = seal_cek(key.pub, b"k" * 32, b"info")
    assert store.change(DestroyEnc(NOW + 3 * DAY + 1_799)) == ()
    assert opened(path).open_cek(key.kid, enc, b"info") == b"k" * 32
    gen = store.gen
    assert store.change(DestroyEnc(NOW + 3 * DAY + 1_800)) == (key.kid,)
    assert store.gen == gen + 1
    for keystore in (store, opened(path)):
        with refused(Code.UNKNOWN_RECIPIENT_KEY):
            keystore.open_cek(key.kid, enc, b"info")


def test_wrong_content_key_is_undecryptable(store: Keystore) -> None:
    """A known key that does not open is another code than an unknown key."""
    store.change(RenewEnc(NOW))
    (key,) = store.enc_public(NOW)
    with refused(Code.UNDECRYPTABLE):
        store.open_cek(key.kid, b"\0" * 1168, b"info")


def test_panic_destroys_every_seed(path: Path, store: Keystore) -> None:
    """nrm1 2.27: all seeds at once; the next keyset has a new key."""
    for day in range(3):
        store.change(RenewEnc(NOW + day * DAY))
    assert len(store.change(DestroyAllEnc())) == 3
    assert opened(path).enc_public(NOW) == ()
    assert store.change(RenewEnc(NOW + 2 * DAY))


# --- data at rest ------------------------------------------------------------------------------------------------


def test_data_keys(path: Path, store: Keystore) -> None:
    """A data key opens for its row and epoch, also after a restart, and for no other row or epoch."""
    dk, epoch, wrapped = store.wrap(ROW)
    assert (len(dk), epoch, len(wrapped)) == (32, 1, 24 + 32 + 16)
    assert opened(path).unwrap(ROW, epoch, wrapped) == dk
    for row, n, data in [
        (b"s" * 16, 1, wrapped),
        (ROW, 2, wrapped),
        (ROW, 1, wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
        (ROW, 1, b""),
    ]:
        with fails(Code.UNDECRYPTABLE):
            store.unwrap(row, n, data)


def test_epoch_rotation_survives_a_crash_between_any_two_steps(path: Path, store: Keystore) -> None:
    """nrm1 13.2: the keystore is opened anew after each step, and each row is readable until its epoch is finished."""
    dk, epoch, wrapped = store.wrap(ROW)
    assert opened(path).change(BeginEpoch(NOW + 7 * DAY)) == 2  # step 1, then a crash
    second = opened(path)
    assert (second.epoch, second.old_epochs, second.epoch_made) == (2, (1,), NOW + 7 * DAY)
    assert second.change(BeginEpoch(NOW + 8 * DAY)) == 2  # step 1 again
    assert second.unwrap(ROW, epoch, wrapped) == dk
    new_epoch, new_wrapped = second.wrap_dk(ROW, dk)  # step 2, then a crash
    third = opened(path)
    third.change(FinishEpoch(1))  # step 3, then a crash
    fourth = opened(path)
    fourth.change(FinishEpoch(1))  # step 3 again
    assert (fourth.old_epochs, fourth.unwrap(ROW, new_epoch, new_wrapped)) == ((), dk)


def test_row_of_a_finished_epoch_is_erased(path: Path, store: Keystore) -> None:
    """Threat 45: a row in an old backup of the database opens no more once its epoch was finished."""
    _, epoch, wrapped = store.wrap(ROW)
    store.change(FinishEpoch(store.change(BeginEpoch(NOW)) - 1))
    for keystore in (store, opened(path)):
        with fails(Code.UNDECRYPTABLE, "epoch was destroyed"):
            keystore.unwrap(ROW, epoch, wrapped)
    with fails(Code.INVALID, "newest storage epoch"):
        store.change(FinishEpoch(store.epoch))


def test_indexes_are_stable_and_apart(path: Path, store: Keystore) -> None:
    """Look-up values survive a restart, and those of persons are others."""
    assert store.index(b"x") == opened(path).index(b"x") != store.actor(b"x") == opened(path).actor(b"x")


def test_listing_has_ages_and_no_keys(store: Keystore) -> None:
    """Every key is listed once with its age; of each use one is in use."""
    store.change(RenewEnc(NOW))
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
    store.change(RenewEnc(NOW))
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
            store.change(RenewEnc(NOW + day * DAY))
        stop.set()
        assert all(worker.result() > 0 for worker in workers)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: store.change(AddKey(Use.HTTP, NOW + i)), range(8)))
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
    note = SignedNote(text=head.text, signatures=read_signatures(store.sign_log(head.text)))
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
    line = read_signatures(store.cosign(cosignature_text(head.text, NOW)))
    assert cosigned_at(head.text, line, store.public(Use.WIT)) == NOW
    mine = Checkpoint(origin=own.log, size=7, root=b"r" * 32)
    for text in (cosignature_text(mine.text, NOW), head.text, b""):
        with fails(Code.INVALID, "other logs"):
            store.cosign(text)


# --- backup ------------------------------------------------------------------------------------------------------


def test_a_restored_key_store_goes_on_with_its_generation(store: Keystore, path: Path) -> None:
    """nrm1 13.4, 13.5: a backup holds all but encryption seeds; put back, it is newer than any file the node had."""
    store.change(RenewEnc(NOW))
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
