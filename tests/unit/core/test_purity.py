"""No file of the pure core imports I/O, a clock, randomness or a primitive (DESIGN 2)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[3] / "gateway" / "core"
ALLOWED = {
    *("__future__", "collections", "dataclasses", "datetime", "enum", "fractions", "functools", "itertools", "math"),
    *("bisect", "codecs", "re", "struct", "types", "typing", "unicodedata", "zlib"),
    "snowballstemmer",  # tables and string functions: the stems of words
}
OURS = ("gateway.core", "gateway.errors", "schemas")


def imported(tree: ast.Module) -> set[str]:
    """Every module that the file imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_a_pure_file_imports_no_world(path):
    """Only a closed set of the standard library and the rooms below."""
    found = imported(ast.parse(path.read_text(encoding="utf-8")))
    strangers = {n for n in found if n.partition(".")[0] not in ALLOWED and not n.startswith(OURS)}
    assert strangers == set()


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_a_pure_file_asks_no_clock(path):
    """`today` and `now` are arguments: nobody calls today(), now() or utcnow()."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not {call.attr for call in calls if isinstance(call, ast.Attribute)} & {"today", "now", "utcnow"}
