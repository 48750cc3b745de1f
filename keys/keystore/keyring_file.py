"""The keyring of a node in its sealed file: made, opened, restored, moved, and replaced as a whole (nrm1 13.5).

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
from keys.keystore.destructible.places import Places
from keys.keystore.destructible.secret import Place
from keys.keystore.generations import GenerationFile
from keys.keystore.keyring import Keyring
from keys.primitives.hybrid_keys import Rand
from keys.primitives.sealed_file import DEFAULT_COST, Cost, SealedFile, kind_of, parse_content, system_rand

KIND: Final = "nrm.keystore/2"
FORMER: Final = "nrm.keystore/1"
"""The form whose generations all had one key: opened once, and written anew."""
HERE: Final = Places()
"""A machine of which no TPM and no token is known."""


class KeyringFile:
    """A keyring and the file that it is in. Prints as <redacted> and cannot be pickled."""

    def __init__(self, file: GenerationFile, ring: Keyring, rand: Rand) -> None:
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
        place: Place = Place.FILE,
        places: Places = HERE,
        cost: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Create a keystore for a new node in a new file, mode 0600, its secret in `place`.

        Raises RefusedError(exists), or invalid for an empty passphrase and a place that can not be used here;
        TransientError(unreachable) for one that is away.
        """
        return cls._create(path, passphrase, Keyring.new(node, now, rand), 1, place, places, cost, rand)

    @classmethod
    def open(
        cls,
        path: Path,
        passphrase: str,
        min_gen: int = 1,
        *,
        places: Places = HERE,
        at_least: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Open an existing file. `min_gen` is the generation that the node's log recorded last.

        Raises RefusedError(not_found, invalid, wrong_passphrase, rollback, undecryptable), TransientError(unreachable).
        """
        if path.exists() and path.stat().st_mode & 0o077:
            raise RefusedError(Code.INVALID, f"{path.name} can be read by others", hint=f"chmod 600 {path.name}")
        if path.exists() and kind_of(path) == FORMER:
            return cls._take_over(path, passphrase, min_gen, at_least, rand)
        file, content = GenerationFile.open(
            path, KIND, passphrase, places=places, at_least=at_least, min_gen=min_gen, rand=rand
        )
        return cls(file, parse_content(path.name, content, Keyring.parse), rand)

    @classmethod
    def restore(
        cls,
        path: Path,
        passphrase: str,
        ring: Keyring,
        gen: int,
        *,
        place: Place = Place.FILE,
        places: Places = HERE,
        cost: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Write a keyring from a backup into a new file of generation `gen`, which the node has not had yet.

        Raises as ``create``.
        """
        return cls._create(path, passphrase, ring, gen, place, places, cost, rand)

    @classmethod
    def _create(
        cls,
        path: Path,
        passphrase: str,
        ring: Keyring,
        gen: int,
        place: Place,
        places: Places,
        cost: Cost,
        rand: Rand,
    ) -> Self:
        file = GenerationFile.create(
            path, KIND, passphrase, ring.encode(), place=place, places=places, cost=cost, rand=rand, gen=gen
        )
        return cls(file, ring, rand)

    @classmethod
    def _take_over(cls, path: Path, passphrase: str, min_gen: int, at_least: Cost, rand: Rand) -> Self:
        former, ring = SealedFile.read(path, FORMER, passphrase, Keyring.parse, at_least=at_least, min_gen=min_gen)
        return cls(GenerationFile.take_over(path, KIND, former, ring.encode(), rand), ring, rand)

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

    @property
    def place(self) -> Place:
        """Where the secret lies that the file is sealed with besides the passphrase."""
        return self._file.place

    def move(self, place: Place, places: Places) -> None:
        """Put the secret of the file into another place. Raises RefusedError(invalid, exists), TransientError."""
        with self._change:
            self._file.move(self._ring.encode(), place, places)

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
