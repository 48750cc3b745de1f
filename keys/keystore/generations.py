"""A sealed file whose content changes, each generation under a key of its own (nrm1 13.5).

    header = canonical JSON {type, kdf, t, m, p, salt, nonce, gen, place}
    k      = H("ks", argon2id(passphrase, salt, t, m) || secret of this generation)

What is kept in memory is the stretched passphrase, so that a generation costs milliseconds. It opens no generation
without the secret of that generation, and the process that keeps it holds the whole content anyway.

A generation follows another in these steps; at a crash after any of them the file opens, and the next opening does what
was left:

    1  a new secret into the free slot
    2  the new generation, sealed under it, beside the file, synced
    3  renamed over the file
    4  the folder synced: from here on no power cut brings the old generation back
    5  the old secret destroyed: the old generation opens nowhere any more
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from gateway.errors import Code, GatewayError, RefusedError
from keys.keystore.destructible.places import Places
from keys.keystore.destructible.secret import SLOTS, DestructibleSecret, Place, Slot, slot_of
from keys.primitives import disk
from keys.primitives.encoding import h, one_of, text
from keys.primitives.hybrid_keys import Rand
from keys.primitives.sealed_file import (
    SALT,
    Cost,
    ReadFile,
    SealedFile,
    Stretched,
    kind_of,
    seal_content,
    stretch_passphrase,
    write_new_file,
)

_GONE: Final = {
    Place.FILE: "the file of its secret does not hold the secret that it was sealed with",
    Place.TPM: "the TPM does not hold the secret that it was sealed with",
    Place.PKCS11: "the token does not hold the secret that it was sealed with",
}
_RESTORE: Final = (
    "a replaced TPM or token, or an older copy of the disk: restore a backup with the recovery key, docs/keys.md"
)


class GenerationFile:
    """An opened file: it knows its path, generation and place, and replaces its content. Prints as <redacted>."""

    __slots__ = ("_kind", "_old", "_path", "_rand", "_secret", "_stretched", "gen")

    def __init__(
        self, path: Path, kind: str, stretched: Stretched, secret: DestructibleSecret, gen: int, rand: Rand
    ) -> None:
        self._path, self._kind, self._stretched, self._secret, self._rand = path, kind, stretched, secret, rand
        self._old: tuple[DestructibleSecret, Slot] | None = None
        """The secret of the generation before, where steps 4 and 5 are left to do."""
        self.gen = gen

    @property
    def place(self) -> Place:
        """Where its secret lies."""
        return self._secret.place

    @property
    def machine(self) -> str:
        """The id of the machine that has this file: another machine of the node has another file."""
        return h("machine", self._stretched.salt)[:8].hex()

    @classmethod
    def create(
        cls,
        path: Path,
        kind: str,
        passphrase: str,
        content: bytes,
        *,
        place: Place,
        places: Places,
        cost: Cost,
        rand: Rand,
        gen: int = 1,
    ) -> Self:
        """Write a new file, mode 0600; `gen` continues the count of a file that was restored from a backup.

        Raises RefusedError(exists) and leaves the existing file alone; invalid for an empty passphrase, and for a place
        that can not be used here; TransientError(unreachable).
        """
        if path.exists():
            raise RefusedError(Code.EXISTS, f"{path.name} exists already", hint="nothing was overwritten")
        stretched = stretch_passphrase(passphrase, rand(SALT), cost)
        made = cls(path, kind, stretched, places.secret(place, path, stretched.salt, rand), gen, rand)
        _require_free(made._secret)
        write_new_file(path, made._seal(content, gen, made._secret))
        return made

    @classmethod
    def open(
        cls, path: Path, kind: str, passphrase: str, *, places: Places, at_least: Cost, min_gen: int, rand: Rand
    ) -> tuple[Self, bytes]:
        """Open a file, return it with its content, and destroy every other secret that an interrupted change left.

        Raises RefusedError: not_found, invalid (no such file, cost out of bounds, a place that can not be used here),
        rollback (older than `min_gen`), undecryptable (its secret is gone), wrong_passphrase (or damaged: the two
        cannot be told apart). Raises TransientError(unreachable) for a place that is away.
        """
        found = ReadFile.of(path, kind, {"place": one_of(*Place)})
        stretched = found.stretch(passphrase, at_least)
        secret = places.secret(Place(text(found.header["place"])), path, stretched.salt, rand)
        try:
            content = found.open(stretched, _read_secret(secret, found))
        except RefusedError:
            found.require_not_older(min_gen)  # an older one does not open, and that it is older is the better word
            raise
        found.require_not_older(min_gen)
        disk.temporary_of(path).unlink(missing_ok=True)
        secret.destroy(slot_of(found.gen + 1))
        for other in places.others(secret.place):
            with suppress(GatewayError):  # one that is away keeps nobody from a key store that it does not seal
                _destroy_all(places.secret(other, path, stretched.salt, rand))
        return cls(path, kind, stretched, secret, found.gen, rand), content

    @staticmethod
    def read(path: Path, kind: str, passphrase: str, *, places: Places, at_least: Cost) -> bytes:
        """Return the content of a file that another process may have open: nothing is changed or destroyed.

        Raises as ``open``; undecryptable also where the file is being replaced in this moment.
        """
        found = ReadFile.of(path, kind, {"place": one_of(*Place)})
        stretched = found.stretch(passphrase, at_least)
        secret = places.secret(Place(text(found.header["place"])), path, stretched.salt, _no_rand)
        return found.open(stretched, _read_secret(secret, found))

    @classmethod
    def take_over(cls, path: Path, kind: str, former: SealedFile, content: bytes, rand: Rand) -> Self:
        """Write the content of a file of the form before, with no secret, as the next generation of this form."""
        made = cls(path, kind, former.stretched, Places().secret(Place.FILE, path, b"", rand), former.gen, rand)
        made.replace(content)
        return made

    def discard(self) -> None:
        """Take the file and its secret away. Raises TransientError(unreachable); the secret goes last."""
        with disk.report_fault(self._path, "removed"):
            self._path.unlink()
            disk.sync_folder(self._path)
        _destroy_all(self._secret)

    def replace(self, content: bytes) -> None:
        """Write `content` as the next generation. When this returns it is on disk, and the generation before opens
        nowhere any more.

        Raises TransientError(unreachable) when the disk or the place of the secret does not take it. Then the caller
        goes on with the content of before; the file holds it, or already the new one, and either opens.
        """
        self._write(content, self._secret)

    def move(self, content: bytes, place: Place, places: Places) -> None:
        """Write `content` as the next generation with its secret in another place. Raises as ``replace``, and
        RefusedError(invalid) for a place that can not be used here; then nothing was changed.
        """
        secret = places.secret(place, self._path, self._stretched.salt, self._rand)
        _require_free(secret)
        self._write(content, secret)

    def _write(self, content: bytes, secret: DestructibleSecret) -> None:
        with disk.report_fault(self._path, "written"):
            # Before anything else: the slot that the old secret lies in is the one that is written next.
            self._finish()
            disk.write_beside(self._path, self._seal(content, self.gen + 1, secret))
            self._rename()
            self._old = self._secret, slot_of(self.gen)
            self._secret, self.gen = secret, self.gen + 1
            self._finish()

    def _rename(self) -> None:
        try:
            disk.rename_over(self._path)
        except OSError:
            # Over a network it may have happened all the same; then the secret of what is there now must stay.
            if disk.temporary_of(self._path).exists():
                raise

    def _finish(self) -> None:
        """Do steps 4 and 5 where they are left to do."""
        if self._old is not None:
            disk.sync_folder(self._path)
            old, slot = self._old
            old.destroy(slot)
            self._old = None

    def _seal(self, content: bytes, gen: int, secret: DestructibleSecret) -> bytes:
        return seal_content(
            content,
            self._stretched,
            kind=self._kind,
            gen=gen,
            more={"place": secret.place.value},
            secret=secret.make(slot_of(gen)),
            rand=self._rand,
        )

    def __repr__(self) -> str:
        return "<redacted>"


def read_place(path: Path) -> Place | None:
    """Return where the header of a file says that its secret lies; None for a file of another form."""
    with suppress(RefusedError):
        kind = kind_of(path)
        if kind is not None:
            return Place(text(ReadFile.of(path, kind, {"place": one_of(*Place)}).header["place"]))
    return None


def _read_secret(secret: DestructibleSecret, found: ReadFile) -> bytes:
    held = secret.read(slot_of(found.gen))
    if held is None:
        what = f"{found.name} does not open: {_GONE[secret.place]}; nothing was changed"
        raise RefusedError(Code.UNDECRYPTABLE, what, hint=_RESTORE)
    return held


def _require_free(secret: DestructibleSecret) -> None:
    # In a TPM the name of a slot is short, and what is overwritten there is the life of another key store.
    if any(secret.read(slot) is not None for slot in SLOTS):
        raise RefusedError(
            Code.EXISTS, f"another key store has its secret in this place ({secret.place}); nothing was changed"
        )


def _no_rand(_size: int) -> bytes:
    raise RuntimeError("nothing is made while a file is only read")


def _destroy_all(secret: DestructibleSecret) -> None:
    for slot in SLOTS:
        secret.destroy(slot)
