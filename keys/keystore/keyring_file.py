"""The keyring of a node in its sealed file: made, opened, restored, moved, and replaced as a whole (nrm1 13.5).

Every change is on disk before it takes effect: the new keyring is written as the next generation, and only then used.
When the disk does not take it, TransientError is raised and nothing has changed. Changes run one at a time.

A node of one machine makes its changes here (``change``). Where the node has several machines the key store is *linked*
(``keys.keystore.steps``): it only proposes a change, the database decides whose comes first, and every machine, the one
that proposed included, follows the steps that are there (``follow``).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn, Self, TypeVar

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from keys.keystore.destructible.places import Places
from keys.keystore.destructible.secret import Place
from keys.keystore.generations import GenerationFile
from keys.keystore.key_changes import KeyChange
from keys.keystore.keyring import Keyring
from keys.keystore.steps import Link, Step, decode_content, encode_content, open_step, seal_step
from keys.primitives.hybrid_keys import Rand
from keys.primitives.sealed_file import DEFAULT_COST, Cost, SealedFile, kind_of, parse_content, system_rand

T = TypeVar("T")
KIND: Final = "nrm.keystore/2"
FORMER: Final = "nrm.keystore/1"
"""The form whose generations all had one key: opened once, and written anew."""
HERE: Final = Places()
"""A machine of which no TPM and no token is known."""


class KeyringFile:
    """A keyring and the file that it is in. Prints as <redacted> and cannot be pickled."""

    def __init__(self, file: GenerationFile, ring: Keyring, rand: Rand, link: Link | None = None) -> None:
        self._file = file
        self._ring = ring
        self._link = link
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
        link, ring = parse_content(path.name, content, _parse)
        return cls(file, ring, rand, link)

    @classmethod
    def join(
        cls,
        path: Path,
        passphrase: str,
        content: bytes,
        *,
        node: NodeId,
        place: Place = Place.FILE,
        places: Places = HERE,
        cost: Cost = DEFAULT_COST,
        rand: Rand = system_rand,
    ) -> Self:
        """Write what another machine of `node` handed over (``keys.keystore.invitation``) into a new file of this
        machine. Raises as ``create``, and RefusedError(wrong_node).
        """
        link, ring = parse_content(path.name, content, _parse)
        if ring.node != node:
            raise RefusedError(Code.WRONG_NODE, "the invitation is of another node; nothing was made")
        file = GenerationFile.create(
            path, KIND, passphrase, content, place=place, places=places, cost=cost, rand=rand, gen=1
        )
        return cls(file, ring, rand, link)

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

    def discard(self) -> None:
        """Take a file away that was just made and is not to stay, with its secret."""
        self._file.discard()

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

    @property
    def machine(self) -> str:
        """The id of the machine whose file it is."""
        return self._file.machine

    @property
    def step(self) -> int:
        """The number of the last step that this key store has followed; 0 where the node has one machine."""
        return 0 if self._link is None else self._link.n

    @property
    def mark(self) -> bytes:
        """The mark of that step, 16 bytes; empty where the node has one machine."""
        return b"" if self._link is None else self._link.mark

    def move(self, place: Place, places: Places) -> None:
        """Put the secret of the file into another place. Raises RefusedError(invalid, exists), TransientError."""
        with self._change:
            self._file.move(encode_content(self._link, self._ring.encode()), place, places)

    def change(self, change: KeyChange[T]) -> T:
        """Make a change. The new keyring is used only once it is on disk.

        Raises RefusedError: conflict for a linked key store, and what the change raises; TransientError(unreachable).
        """
        with self._change:
            if self._link is not None:
                raise RefusedError(Code.CONFLICT, "the keys of this node are on several machines; nothing was changed")
            new, result = change.apply(self._ring, self._rand)
            if new is not self._ring:
                self._save(new, None)
            return result

    def link(self) -> None:
        """From now on the keys of this node may be on several machines; nothing where they may already."""
        with self._change:
            if self._link is None:
                self._save(self._ring, Link.new(1, self._rand))

    def propose(self, change: KeyChange[T]) -> tuple[Step | None, T]:
        """Return the step that would make a change, None where there is nothing to do, and what would come of it.
        Nothing is changed.

        Raises RefusedError: conflict for a key store that is not linked, and what the change raises.
        """
        with self._change:
            ring, link = self._ring, self._require_link()
        new, result = change.apply(ring, self._rand)
        return None if new is ring else seal_step(self.node, link, new.encode(), self._rand), result

    def follow(self, steps: Sequence[Step]) -> None:
        """Follow these steps, each the next one: the last keyring is used once it is on disk, and what opened the steps
        is destroyed.

        Raises RefusedError: conflict, undecryptable; TransientError(unreachable). None of the steps was followed then.
        """
        with self._change:
            link, ring = self._require_link(), None
            for step in steps:
                link, ring = open_step(self.node, link, step)
            if ring is not None:
                self._save(parse_content(f"step {link.n}", ring, Keyring.parse), link)

    def _require_link(self) -> Link:
        if self._link is None:
            raise RefusedError(Code.CONFLICT, "the keys of this node are on one machine; nothing was changed")
        return self._link

    def _save(self, ring: Keyring, link: Link | None) -> None:
        # In this order: a key in use that is not on disk is lost with the process, and with it what it sealed.
        self._file.replace(encode_content(link, ring.encode()))
        self._ring, self._link = ring, link


def read_content(path: Path, passphrase: str, *, places: Places = HERE, at_least: Cost = DEFAULT_COST) -> bytes:
    """Return what a linked key store file holds, for an invitation; the file may be in use and stays as it is.

    Raises RefusedError as ``KeyringFile.open``, and conflict for one that is not linked; TransientError(unreachable).
    """
    content = GenerationFile.read(path, KIND, passphrase, places=places, at_least=at_least)
    link, _ = parse_content(path.name, content, _parse)
    if link is None:
        raise RefusedError(
            Code.CONFLICT,
            "the rows of this node are in its folder, so its keys are on this machine alone; nothing was made",
            hint="trm database move brings the rows to a server that several machines reach: docs/database.md",
        )
    return content


def _parse(content: bytes) -> tuple[Link | None, Keyring]:
    link, ring = decode_content(content)
    return link, Keyring.parse(ring)
