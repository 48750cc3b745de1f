"""keys.keystore.generations: what was destroyed stays destroyed, and a crash at any step leaves a file that opens."""

from __future__ import annotations

import shutil
from pathlib import Path

import nacl.bindings
import pytest
from support.cuts import Cut, Steps, every_fault, going_wrong
from support.keystores import fails
from support.tokens import SoftToken, SoftTpm, soft_token, soft_tpm

from gateway.errors import Code, GatewayError, RefusedError, TransientError
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.destructible.places import Places
from keys.keystore.destructible.secret import SLOTS, Place, slot_of
from keys.keystore.generations import GenerationFile
from keys.primitives import disk
from keys.primitives.encoding import one_of, unb64u
from keys.primitives.sealed_file import Cost, ReadFile, SealedFile, system_rand

CHEAP = Cost(t=1, m=8192)
KIND = "nrm.test/2"


@pytest.fixture(scope="module")
def places(tpm: SoftTpm, token: SoftToken) -> Places:
    """A machine that has both."""
    return Places(tpm=tpm.tcti, token=token.places.token)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "store"


def make(path: Path, place: Place, places: Places, content: bytes = b"first") -> GenerationFile:
    """Make a file of generation 1."""
    return GenerationFile.create(path, KIND, "word", content, place=place, places=places, cost=CHEAP, rand=system_rand)


def look(path: Path, places: Places, min_gen: int = 1, passphrase: str = "word") -> tuple[GenerationFile, bytes]:
    """Open what is on the disk."""
    return GenerationFile.open(path, KIND, passphrase, places=places, at_least=CHEAP, min_gen=min_gen, rand=system_rand)


def held_slots(path: Path, places: Places) -> dict[Place, list[int]]:
    """The slots that hold a secret of this file, in every place."""
    salt = unb64u(ReadFile.of(path, KIND, {"place": one_of(*Place)}).header["salt"])
    secrets = {place: places.secret(place, path, salt, system_rand) for place in Place}
    found = {place: [slot for slot in SLOTS if secret.read(slot) is not None] for place, secret in secrets.items()}
    return {place: slots for place, slots in found.items() if slots}


def read(data: bytes, place: Place, path: Path, places: Places) -> bytes:
    """What `data` holds, were it the file; nothing is destroyed, since one power cut has one outcome."""
    beside = path.with_name("looked at")
    beside.write_bytes(data)
    found = ReadFile.of(beside, KIND, {"place": one_of(*Place)})
    stretched = found.stretch("word", CHEAP)
    secret = places.secret(place, path, stretched.salt, system_rand).read(slot_of(found.gen))
    assert secret is not None
    return found.open(stretched, secret)


# --- generations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", Place)
def test_each_replacement_is_a_generation(place: Place, path: Path, places: Places) -> None:
    """The newest content counts, under the one secret that is left."""
    file = make(path, place, places)
    for number in range(2, 6):
        file.replace(b"content %d" % number)
        again, content = look(path, places, min_gen=number)
        assert (file.gen, again.gen, again.place, content) == (number, number, place, b"content %d" % number)
        assert held_slots(path, places) == {place: [slot_of(number)]}


def test_a_generation_costs_no_stretching(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id runs once for a process, however often something is destroyed."""
    calls: list[object] = []
    real = nacl.bindings.crypto_pwhash_alg
    monkeypatch.setattr(nacl.bindings, "crypto_pwhash_alg", lambda *args: calls.append(args) or real(*args))
    file = make(path, Place.FILE, Places())
    for number in range(5):
        file.replace(b"%d" % number)
    assert len(calls) == 1


@pytest.mark.parametrize("place", [Place.TPM, Place.PKCS11])
def test_a_copied_disk_opens_nothing_that_was_replaced(place: Place, path: Path, places: Places) -> None:
    """Every file of before, with the passphrase, on the very machine: closed, as soon as one generation followed."""
    file = make(path, place, places)
    copies = [path.read_bytes()]
    for number in range(4):
        file.replace(b"%d" % number)
        copies.append(path.read_bytes())
    for copy in copies[:-1]:
        path.write_bytes(copy)
        with pytest.raises(RefusedError) as caught:
            look(path, places)
        assert caught.value.code in (Code.UNDECRYPTABLE, Code.WRONG_PASSPHRASE)
    path.write_bytes(copies[-1])
    assert look(path, places)[1] == b"3"


def test_what_the_file_as_place_keeps_and_what_not(path: Path) -> None:
    """A copy of the key store alone is closed once a generation followed. A copy that has the secret of its day as well
    opens: that is the limit of this place.
    """
    file = make(path, Place.FILE, Places())
    both = path.with_name("copied with its secret")
    shutil.copy(path, both)
    shutil.copy(secret_file_of(path), secret_file_of(both))
    alone = path.read_bytes()
    file.replace(b"second")
    newest = path.read_bytes()
    path.write_bytes(alone)
    with fails(Code.UNDECRYPTABLE, "does not hold the secret"):
        look(path, Places())
    path.write_bytes(newest)
    assert (look(both, Places())[1], look(path, Places())[1]) == (b"first", b"second")


def test_an_older_file_is_called_older(path: Path) -> None:
    """One whose secret is gone is told as what it is where the node knows of a newer one."""
    file = make(path, Place.FILE, Places())
    old = path.read_bytes()
    file.replace(b"second")
    path.write_bytes(old)
    with fails(Code.ROLLBACK, "older than the one used last"):
        look(path, Places(), min_gen=2)


def test_a_header_of_another_place_opens_nothing(path: Path, places: Places) -> None:
    """The place is authenticated: what names another one finds no secret there, and nothing is destroyed."""
    make(path, Place.FILE, places)
    good = path.read_bytes()
    for place in (b'"tpm"', b'"pkcs11"'):
        spoilt = good.replace(b'"file"', place)
        path.write_bytes((len(spoilt) - len(good) + int.from_bytes(good[:4])).to_bytes(4) + spoilt[4:])
        with pytest.raises(RefusedError) as caught:
            look(path, places)
        assert caught.value.code is Code.UNDECRYPTABLE, caught.value
    path.write_bytes(good)
    assert look(path, places)[1] == b"first"


# --- a place that is away, or another one ------------------------------------------------------------------------


@pytest.mark.parametrize("place", [Place.TPM, Place.PKCS11])
def test_a_place_that_is_away(place: Place, path: Path, tpm: SoftTpm, token: SoftToken) -> None:
    """Nothing is changed while it is away, in use or at a start, and all is well when it is back."""
    device = tpm if place is Place.TPM else token
    file = make(path, place, device.places)
    before = path.read_bytes()
    device.stop()
    try:
        for call in (lambda: file.replace(b"second"), lambda: look(path, device.places)):
            with pytest.raises(TransientError, match="nothing was lost"):
                call()
    finally:
        device.start()
    assert (path.read_bytes(), file.gen, look(path, device.places)[1]) == (before, 1, b"first")
    file.replace(b"third")
    assert look(path, device.places)[1] == b"third"


@pytest.mark.parametrize("place", [Place.TPM, Place.PKCS11])
def test_a_place_that_was_exchanged(place: Place, path: Path) -> None:
    """Another TPM or token does not open it: refused in words, with the way out, and the file is left as it is."""
    with soft_tpm() if place is Place.TPM else soft_token() as device:
        make(path, place, device.places)
        before = path.read_bytes()
        device.exchange()
        with fails(Code.UNDECRYPTABLE, "does not hold the secret") as caught:
            look(path, device.places)
        assert "recovery key" in caught.value.hint
        assert path.read_bytes() == before


# --- moving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", Place)
@pytest.mark.parametrize("place", Place)
def test_moved_to_another_place(place: Place, to: Place, path: Path, places: Places) -> None:
    """The same content under a secret in the other place, and none is left in the one before."""
    file = make(path, place, places)
    if to is place:
        with fails(Code.EXISTS, "has its secret in this place"):
            file.move(b"first", to, places)
        assert look(path, places)[1] == b"first"
        return
    file.move(b"moved", to, places)
    again, content = look(path, places)
    assert (file.place, again.place, again.gen, content) == (to, to, 2, b"moved")
    assert held_slots(path, places) == {to: [0]}
    file.replace(b"third")
    assert (look(path, places)[1], held_slots(path, places)) == (b"third", {to: [1]})


def test_a_secret_of_another_key_store_is_not_overwritten(path: Path, places: Places) -> None:
    """Where a slot is taken nothing is made: it is the life of another key store."""
    file = make(path, Place.FILE, places)
    salt = unb64u(ReadFile.of(path, KIND, {"place": one_of(*Place)}).header["salt"])
    other = places.secret(Place.TPM, path, salt, system_rand)
    kept = other.make(1)
    with fails(Code.EXISTS, "another key store"):
        file.move(b"moved", Place.TPM, places)
    assert (other.read(1), look(path, Places())[1]) == (kept, b"first")
    other.destroy(1)


# --- a crash at each step ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", Place)
@pytest.mark.parametrize("place", Place)
def test_cut_at_each_step(place: Place, to: Place, tmp_path: Path, places: Places) -> None:
    """Wherever the power goes, and also where a rename that was not synced is lost with it: the file opens with what
    was, or with what was being written, one secret is left in the world, and the next change goes through.
    """
    files: dict[int, GenerationFile] = {}
    before: dict[int, bytes] = {}

    def where(number: int) -> Path:
        return tmp_path / f"store {number}"

    def prepare(number: int) -> None:
        files[number] = make(where(number), place, places)
        before[number] = where(number).read_bytes()

    def run(number: int, steps: Steps) -> None:
        path, file = where(number), files[number]
        try:
            file.replace(b"second") if place is to else file.move(b"second", to, places)
        except Cut:
            assert steps.met
        steps.armed = False
        renamed = "rename_over" in steps.done
        if renamed and "sync_folder" not in steps.done[steps.done.index("rename_over") :]:
            assert read(before[number], place, path, places) == b"first"
        again, content = look(path, places)
        assert content == (b"second" if renamed else b"first")
        assert held_slots(path, places) == {again.place: [slot_of(again.gen)]}
        again.replace(b"third")
        assert look(path, places)[1] == b"third"
        assert not disk.temporary_of(path).exists()

    done = every_fault(Cut, run, prepare, to)
    made, gone = (
        "write_in_place" if one is Place.FILE else f"{one} {word}" for one, word in ((to, "make"), (place, "destroy"))
    )
    assert done[-5:] == [made, "write_beside", "rename_over", "sync_folder", gone]


@pytest.mark.parametrize("place", Place)
def test_cut_while_it_is_opened(place: Place, tmp_path: Path, places: Places) -> None:
    """The power goes between two generations, and again while what was left is being destroyed: it opens the third
    time, and the old secret is gone.
    """

    def prepare(number: int) -> None:
        file = make(tmp_path / f"store {number}", place, places)
        with going_wrong(Cut, 4, "after"), pytest.raises(Cut):  # the folder is synced, the old secret not destroyed
            file.replace(b"second")
        assert held_slots(tmp_path / f"store {number}", places) == {place: [0, 1]}

    def run(number: int, steps: Steps) -> None:
        path = tmp_path / f"store {number}"
        try:
            look(path, places)
        except Cut:
            assert steps.met
        steps.armed = False
        assert look(path, places)[1] == b"second"
        assert held_slots(path, places) == {place: [0]}

    assert every_fault(Cut, run, prepare, place)


@pytest.mark.parametrize("place", Place)
def test_refused_at_each_step(place: Place, tmp_path: Path, places: Places) -> None:
    """A disk that is full or fails, a place that goes away in the middle: the caller is told, goes on with what it had,
    and the next change goes through and leaves one secret.
    """
    files: dict[int, GenerationFile] = {}
    path = tmp_path / "store"

    def prepare(number: int) -> None:
        nonlocal path
        path = tmp_path / f"store {number}"
        files[number] = make(path, place, places)

    def run(number: int, steps: Steps) -> None:
        file = files[number]
        try:
            file.replace(b"second")
        except GatewayError as error:
            assert isinstance(error, TransientError)
            assert steps.met
        steps.armed = False
        known = ReadFile.of(path, KIND, {"place": one_of(*Place)}).gen
        assert file.gen == known
        file.replace(b"third")
        assert (file.gen, look(path, places)[1]) == (known + 1, b"third")
        assert held_slots(path, places) == {place: [slot_of(file.gen)]}

    def fault(name: str) -> BaseException:
        # What each layer raises: the disk an OSError, a TPM or token what its class has made of it.
        return TransientError(Code.UNREACHABLE, "away") if " " in name else OSError(28, "No space left on device")

    assert every_fault(fault, run, prepare, place)


# --- the form of before ------------------------------------------------------------------------------------------


def test_the_former_form_is_written_anew(path: Path) -> None:
    """A file of before, whose generations had one key, becomes the next generation of this form; a crash on the way
    leaves the one or the other.
    """

    def prepare(number: int) -> None:
        (path.with_name(f"store {number}")).unlink(missing_ok=True)
        SealedFile.create(
            path.with_name(f"store {number}"), "nrm.test/1", "word", b"old", cost=CHEAP, rand=system_rand, gen=7
        )

    def run(number: int, steps: Steps) -> None:
        where = path.with_name(f"store {number}")
        former, content = SealedFile.open(where, "nrm.test/1", "word", at_least=CHEAP, min_gen=7)
        try:
            GenerationFile.take_over(where, KIND, former, content, system_rand)
        except Cut:
            assert steps.met
        steps.armed = False
        if "rename_over" in steps.done:
            again, content = look(where, Places(), min_gen=8)
            assert (again.gen, again.place, content) == (8, Place.FILE, b"old")
        else:
            former, content = SealedFile.open(where, "nrm.test/1", "word", at_least=CHEAP, min_gen=7)
            assert GenerationFile.take_over(where, KIND, former, content, system_rand).gen == 8

    assert "rename_over" in every_fault(Cut, run, prepare)
