"""The keyring of a node in its sealed file: made, opened, restored, and replaced as a whole (nrm1 13.5).

Every change is on disk before it takes effect: the new keyring is written as the next generation, and only then used.
When the disk does not take it, TransientError is raised and nothing has changed. Changes run one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, Self

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from keys.keystore.keyring import Keyring
from keys.primitives.sealed_file import DEFAULT_COST, Cost, SealedFile, system_rand
from keys.primitives.sign import Rand

KIND: Final = "nrm.keystore/1"


class KeyringFile:
    """A keyring and the file that it is in. Prints as <redacted> and cannot be pickled."""

    def __init__(self, file: SealedFile, ring: Keyring, rand: Rand) -> None:
        self._file = file
        self._ring = ring
        self._rand = rand
        self._change = threading.Lock()

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: str,
        *,
        node: NodeId,
        now: int,
        cost: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Create a keystore for a new node in a new file, mode 0600.

        Raises RefusedError(exists), or invalid for an empty passphrase.
        """
        ring = Keyring.new(node, now, rand)
        return cls(SealedFile.create(path, KIND, passphrase, ring.encode(), cost=cost, rand=rand), ring, rand)

    @classmethod
    def open(
        cls,
        path: Path,
        passphrase: str,
        min_gen: int = 1,
        *,
        at_least: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Open an existing file. `min_gen` is the generation that the node's log recorded last.

        Raises RefusedError(not_found, invalid, wrong_passphrase, rollback).
        """
        if path.exists() and path.stat().st_mode & 0o077:
            raise RefusedError(Code.INVALID, f"{path.name} can be read by others", hint=f"chmod 600 {path.name}")
        file, ring = SealedFile.read(
            path, KIND, passphrase, Keyring.parse, at_least=at_least, min_gen=min_gen, rand=rand
        )
        return cls(file, ring, rand)

    @classmethod
    def restore(
        cls,
        path: Path,
        passphrase: str,
        ring: Keyring,
        gen: int,
        *,
        cost: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Write a keyring from a backup into a new file of generation `gen`, which the node has not had yet.

        Raises RefusedError(exists), or invalid for an empty passphrase.
        """
        file = SealedFile.create(path, KIND, passphrase, ring.encode(), cost=cost, rand=rand, gen=gen)
        return cls(file, ring, rand)

    def __repr__(self) -> str:
        return "<redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keystore is not pickled")

    @property
    def node(self) -> NodeId:
        """The node that owns these keys."""
        return self._ring.node

    @property
    def gen(self) -> int:
        """Generation of the file: record it in the node's log after each change, and pass it to ``open``."""
        return self._file.gen

    def _save(self, move: Callable[[Keyring], Keyring]) -> bool:
        """Apply `move` and return whether it changed anything. The new keyring is used only once it is on disk."""
        with self._change:
            new = move(self._ring)
            if new is self._ring:
                return False
            # In this order: a key in use that is not on disk is lost with the process, and with it what it sealed.
            self._file.replace(new.encode())
            self._ring = new
            return True
