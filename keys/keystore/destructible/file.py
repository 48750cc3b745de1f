"""The secret in a file beside the key store, overwritten where it lies (nrm1 13.5).

Each slot has a sector of its own, so a torn write of one does not reach the other, and the file never changes its size,
so a full disk keeps no secret alive. Whoever copied the file before, and a medium that keeps what is overwritten
(snapshots, copy-on-write, wear levelling of flash), has the old secret: `trm doctor` and docs/keys.md say so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.errors import Code, RefusedError
from keys.keystore.destructible.secret import SECRET, SLOTS, Place, Slot
from keys.primitives import disk
from keys.primitives.hybrid_keys import Rand

_SECTOR: Final = 4096
_NONE: Final = bytes(SECRET)


def secret_file_of(keystore: Path) -> Path:
    """Return the file of the secret of a key store."""
    return keystore.with_name(keystore.name + ".secret")


class SecretInFile:
    """Implements ``DestructibleSecret``."""

    place: Final = Place.FILE

    def __init__(self, keystore: Path, rand: Rand) -> None:
        self._path, self._rand = secret_file_of(keystore), rand

    def make(self, slot: Slot) -> bytes:
        """See ``DestructibleSecret``."""
        secret = self._rand(SECRET)
        with disk.report_fault(self._path, "used"):
            if not self._path.exists():
                disk.write_new(self._path, bytes(_SECTOR * len(SLOTS)))
            disk.write_in_place(self._path, secret, slot * _SECTOR)
        return secret

    def read(self, slot: Slot) -> bytes | None:
        """See ``DestructibleSecret``. Raises RefusedError(invalid) for a file that others can read."""
        with disk.report_fault(self._path, "used"):
            if not self._path.exists():
                return None
            if self._path.stat().st_mode & 0o077:
                name = self._path.name
                raise RefusedError(Code.INVALID, f"{name} can be read by others", hint=f"chmod 600 {name}")
            found = self._path.read_bytes()[slot * _SECTOR :][:SECRET]
        return None if len(found) < SECRET or found == _NONE else found

    def destroy(self, slot: Slot) -> None:
        """See ``DestructibleSecret``."""
        with disk.report_fault(self._path, "used"):
            if self._path.exists():
                disk.write_in_place(self._path, _NONE, slot * _SECTOR)
