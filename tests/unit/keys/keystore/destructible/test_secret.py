"""keys.keystore.destructible: one contract for the three places of a secret, each the real thing (nrm1 13.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.keystores import fails
from support.tokens import MODULE, SoftToken, SoftTpm

from gateway.errors import Code, TransientError
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.destructible.places import Places, Token
from keys.keystore.destructible.secret import SECRET, SLOTS, DestructibleSecret, Place, Slot, slot_of
from keys.primitives.sealed_file import system_rand

SALT = bytes(range(16))


@dataclass(frozen=True)
class Held:
    """One place under test."""

    place: Place
    places: Places
    keystore: Path

    def secret(self, salt: bytes = SALT, name: str = "keystore") -> DestructibleSecret:
        """The secret of a key store, named and read anew."""
        return self.places.secret(self.place, self.keystore.with_name(name), salt, system_rand)


@pytest.fixture(params=Place)
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Held]:
    """Each of the places, empty before and after."""
    place = request.param
    known = (
        Places() if place is Place.FILE else request.getfixturevalue(str(place) if place == "tpm" else "token").places
    )
    held = Held(place, known, tmp_path / "keystore")
    yield held
    for slot in SLOTS:
        held.secret().destroy(slot)


def test_generations_take_turns() -> None:
    """The secret of a generation never lies where that of the one before does."""
    assert [slot_of(gen) for gen in (1, 2, 3, 4)] == [1, 0, 1, 0]


def test_what_is_made_is_read_until_it_is_destroyed(held: Held) -> None:
    """A slot is empty, then holds the secret for whoever comes later, then is empty for everybody."""
    secret = held.secret()
    assert secret.place is held.place
    assert [secret.read(slot) for slot in SLOTS] == [None, None]
    made = secret.make(1)
    assert len(made) == SECRET
    assert [held.secret().read(slot) for slot in SLOTS] == [None, made]
    secret.destroy(1)
    assert [held.secret().read(slot) for slot in SLOTS] == [None, None]


def test_a_new_secret_is_another_one(held: Held) -> None:
    """Made again in its slot it is another one, and the former is read nowhere."""
    secret = held.secret()
    former = secret.make(0)
    made = secret.make(0)
    assert made != former
    assert [held.secret().read(slot) for slot in SLOTS] == [made, None]


def test_the_slots_do_not_know_each_other(held: Held) -> None:
    """Neither making nor destroying in one slot touches the other."""
    secret = held.secret()
    first, second = secret.make(0), secret.make(1)
    assert first != second
    secret.destroy(0)
    assert [secret.read(slot) for slot in SLOTS] == [None, second]
    secret.make(0)
    assert secret.read(1) == second


@pytest.mark.parametrize("slot", SLOTS)
def test_destroying_nothing_is_no_fault(held: Held, slot: Slot) -> None:
    """What an opening does each time: the free slot is destroyed whatever is in it."""
    held.secret().destroy(slot)
    assert held.secret().read(slot) is None


def test_two_key_stores_share_a_place(held: Held) -> None:
    """What one key store does with its secret leaves that of another alone."""
    other = held.secret(bytes(range(16, 32)), "other")
    kept = other.make(1)
    secret = held.secret()
    assert secret.make(1) != kept
    secret.destroy(1)
    assert other.read(1) == kept
    other.destroy(1)


# --- what only one of them can do ---------------------------------------------------------------------------------


def test_the_file_is_overwritten_where_it_lies(tmp_path: Path) -> None:
    """The old secret is gone from the very bytes that held it: same file, same length, nothing beside it."""
    secret = Places().secret(Place.FILE, tmp_path / "keystore", SALT, system_rand)
    made = secret.make(0)
    file = secret_file_of(tmp_path / "keystore")
    before = file.stat()
    assert file.read_bytes().count(made) == 1
    secret.destroy(0)
    assert (file.stat().st_ino, file.stat().st_size, file.read_bytes().strip(b"\0")) == (
        before.st_ino,
        before.st_size,
        b"",
    )
    assert (list(tmp_path.iterdir()), before.st_mode & 0o777) == ([file], 0o600)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As with the key store itself; the hint says what to do."""
    secret = Places().secret(Place.FILE, tmp_path / "keystore", SALT, system_rand)
    secret.make(0)
    secret_file_of(tmp_path / "keystore").chmod(0o640)
    with fails(Code.INVALID, "read by others"):
        secret.read(0)


AWAY: dict[Place, Callable[[SoftTpm, SoftToken], SoftTpm | SoftToken]] = {
    Place.TPM: lambda tpm, token: tpm,
    Place.PKCS11: lambda tpm, token: token,
}


@pytest.mark.parametrize("place", AWAY)
def test_away_and_back(place: Place, tpm: SoftTpm, token: SoftToken, tmp_path: Path) -> None:
    """While it is away every call says so and loses nothing; when it is back the secret is there."""
    device = AWAY[place](tpm, token)
    secret = device.places.secret(place, tmp_path / "keystore", SALT, system_rand)
    made = secret.make(1)
    device.stop()
    try:
        for call in (secret.make, secret.read, secret.destroy):
            with pytest.raises(TransientError, match="nothing was lost") as caught:
                call(1)
            assert "docs/keys.md" in caught.value.hint
    finally:
        device.start()
    assert secret.read(1) == made
    secret.destroy(1)


def test_a_wrong_pin_is_refused_at_once(token: SoftToken, tmp_path: Path) -> None:
    """A token counts wrong PINs: it is refused in words and not tried again."""
    wrong = tmp_path / "pin"
    wrong.write_text("0")
    places = Places(token=Token(module=MODULE, label=token.label, pin_file=wrong))
    with fails(Code.INVALID, "does not take the PIN"):
        places.secret(Place.PKCS11, tmp_path / "keystore", SALT, system_rand).read(0)
    for spoil in (lambda: wrong.write_bytes(b"\xff"), wrong.unlink):
        spoil()
        with fails(Code.INVALID, "PIN of the token cannot be read"):
            places.secret(Place.PKCS11, tmp_path / "keystore", SALT, system_rand).read(0)


@pytest.mark.parametrize("place", AWAY)
def test_a_place_that_nobody_told_of(place: Place, tmp_path: Path) -> None:
    """A key store whose place this key service was not told of is refused, with where to say it."""
    with fails(Code.INVALID, "nothing says how to reach it") as caught:
        Places().secret(place, tmp_path / "keystore", SALT, system_rand)
    assert f"keys.{place}" in caught.value.hint
