"""The secret that a key store is sealed with besides its passphrase: the port, and where it may lie (nrm1 13.5).

It is replaced with each generation of the key store, so a copy of an older generation is worth what a copy of its
secret is worth, and that depends on the place alone.

There are two slots. The secret of generation `gen` lies in ``slot_of(gen)``; the other slot is empty except while one
generation follows the other, so that a crash at any moment leaves the secret of whichever generation is on the disk.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, Protocol

SECRET: Final = 32
"""Bytes of a secret."""
Slot = Literal[0, 1]
SLOTS: Final[tuple[Slot, Slot]] = (0, 1)


class Place(StrEnum):
    """Where the secret lies. In a `file` it is overwritten, in a TPM 2.0 and in a PKCS#11 token it is deleted."""

    FILE = "file"
    TPM = "tpm"
    PKCS11 = "pkcs11"


def slot_of(gen: int) -> Slot:
    """Return the slot of the secret of generation `gen`."""
    return 1 if gen % 2 else 0


class DestructibleSecret(Protocol):
    """The two slots of one key store in one place.

    Each method is durable when it returns. Each raises TransientError(unreachable) when the place is away or does not
    take it, and RefusedError(invalid) when it never will: no such token, another PIN.
    """

    @property
    def place(self) -> Place:
        """Where it lies."""
        ...

    def make(self, slot: Slot) -> bytes:
        """Put a new random secret into `slot`, in place of what is there, and return its 32 bytes."""
        ...

    def read(self, slot: Slot) -> bytes | None:
        """Return the 32 bytes of the secret in `slot`, None where there is none."""
        ...

    def destroy(self, slot: Slot) -> None:
        """Make the secret in `slot` unreadable for ever; nothing where there is none."""
        ...
