"""Keystores of one node, as tests open them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.nodes import NOW, Node

from gateway.errors import Code, RefusedError
from keys.keystore.keystore import Cost, Keystore

CHEAP = Cost(t=1, m=8192)
A = Node("a")
NODE = A.first().node
ROW = b"r" * 16


def opened(path: Path, min_gen: int = 1) -> Keystore:
    """What is on the disk now."""
    return Keystore.open(path, "open sesame", min_gen, at_least=CHEAP)


def fails(code: Code, words: str | None = None) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, match=words, check=lambda error: error.code is code)


def new_keystore(path: Path) -> Keystore:
    """Make the keystore of the node in this file."""
    return Keystore.create(path, "open sesame", node=NODE, now=NOW, cost=CHEAP)
