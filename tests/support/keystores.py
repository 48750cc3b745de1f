"""Keystores of one node, as tests open them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.nodes import NOW, Node

from gateway.errors import Code, RefusedError
from keys.keystore.destructible.file import SecretInFile, secret_file_of
from keys.keystore.destructible.secret import Place, slot_of
from keys.keystore.keyring import Keyring
from keys.keystore.keyring_file import read_content
from keys.keystore.keystore import KIND, Cost, Keystore, system_rand
from keys.primitives.encoding import one_of
from keys.primitives.sealed_file import ReadFile

CHEAP = Cost(t=1, m=8192)
A = Node("a")
NODE = A.first().node
ROW = b"r" * 16


def opened(path: Path, min_gen: int = 1, passphrase: str = "open sesame") -> Keystore:
    """What is on the disk now."""
    return Keystore.open(path, passphrase, min_gen, at_least=CHEAP)


def fails(code: Code, words: str | None = None) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, match=words, check=lambda error: error.code is code)


def new_keystore(path: Path) -> Keystore:
    """Make the keystore of the node in this file."""
    return Keystore.create(path, "open sesame", node=NODE, now=NOW, cost=CHEAP)


def read_ring(path: Path, passphrase: str) -> Keyring:
    """All that a key store holds, for who has its file, the file of its secret and the passphrase."""
    found = ReadFile.of(path, KIND, {"place": one_of(*Place)})
    secret = SecretInFile(path, system_rand).read(slot_of(found.gen))
    if secret is None:
        raise RefusedError(Code.UNDECRYPTABLE, "its secret is gone")
    return Keyring.parse(found.open(found.stretch(passphrase, CHEAP), secret))


def copy_keystore(path: Path, to: Path) -> None:
    """Copy the file of a key store and the file of its secret, as whoever takes the disk does."""
    shutil.copy(path, to)
    shutil.copy(secret_file_of(path), secret_file_of(to))


def linked_keystore(path: Path) -> Keystore:
    """The keystore of the node on its first machine, which others may join."""
    made = new_keystore(path)
    made.link()
    return made


def join_keystore(of: Path, path: Path) -> Keystore:
    """The keystore of the node on one more machine, in this file, as the one in `of` stands."""
    content = read_content(of, "open sesame", at_least=CHEAP)
    return Keystore.join(path, "another one", content, node=NODE, cost=CHEAP)


def ring_of(keys: Keystore) -> bytes:
    """All that it holds in memory, to be compared."""
    return keys._ring.encode()
