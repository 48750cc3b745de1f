"""No file of the two procedures imports I/O, a clock, randomness, a primitive or a key (DESIGN 2, 3c Purity)."""

from __future__ import annotations

import ast

import pytest
from support.shared import ROOT

FILES = sorted((ROOT / "gateway" / "exchange").glob("*.py"))
ALLOWED = {"__future__", "collections", "dataclasses", "datetime", "enum", "itertools", "re", "typing"}
OURS = ("gateway.core", "gateway.errors", "gateway.exchange", "keys", "schemas")
IMPURE = {"keys.keystore", "keys.roots", "keys.sealedfile", "keys.tls"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_pure_file_imports_no_world(path):
    """A closed set of the standard library and the pure rooms below."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in found if name.partition(".")[0] not in ALLOWED and not name.startswith(OURS)} == set()
    assert found & IMPURE == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_pure_file_asks_no_clock_and_holds_no_key(path):
    """`now`, `rand`, `sign` and `open_cek` are arguments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert {call.attr for call in calls if isinstance(call, ast.Attribute)} & {"now", "today", "utcnow"} == set()
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names & {"SigningKey", "EncPrivateKey", "Keystore"} == set()
