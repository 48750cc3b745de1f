"""A real key store and a real store, cheap enough for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodes import NOW

from gateway.service.vault import Vault
from gateway.store import Store
from keys.keystore import Cost, Keystore, system_rand

CHEAP = Cost(t=1, m=8 * 1024 * 1024)


@pytest.fixture(scope="session")
def cost() -> Cost:
    """A key derivation that costs a test nothing."""
    return CHEAP


@pytest.fixture
def keys(tmp_path: Path) -> Keystore:
    """The key store of a node that exists nowhere else."""
    return Keystore.create(tmp_path / "keystore", "pw", node="n1" + "a" * 32, now=NOW, cost=CHEAP)


@pytest.fixture
def vault(keys: Keystore) -> Vault:
    """Seals under `keys`."""
    return Vault(keys, system_rand)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store."""
    opened = Store(tmp_path / "node.db")
    yield opened
    opened.close()
