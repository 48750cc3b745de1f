"""The threat model names tests that exist, for every threat of the protocol."""

from __future__ import annotations

import ast
import re

from support.house import ROOT, syntax

PAGE = ROOT / "docs" / "threat-model.md"
THREATS = 58
"""Those of the protocol; rows of what was found later have higher numbers."""
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")
ROW = re.compile(r'^\| <a id="t(\d+)"></a>\1 \|(.*)\|$', re.MULTILINE)


def rows() -> dict[int, list[str]]:
    """The cells of each threat: threat, control, test, what remains."""
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {int(number): [cell.strip() for cell in rest.split("|")] for number, rest in found}


def named() -> list[tuple[str, str]]:
    """Every test that a row names, once."""
    return sorted({test for cells in rows().values() for test in NAMED.findall(cells[2])})


def exists(file: str, name: str) -> bool:
    """Whether the file under tests/ has a test, or a class of tests, of this name."""
    path = ROOT / "tests" / file
    if not path.exists():
        return False
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = (node.name for node in ast.walk(syntax(path)) if isinstance(node, kinds))
    return name in found and name.startswith(("test_", "Test"))


def test_every_threat_has_a_row():
    """Rows 1 to 58 and those found later, each under its anchor and with four cells, in their order."""
    numbers = list(rows())
    assert numbers[:THREATS] == list(range(1, THREATS + 1)) and numbers == sorted(set(numbers))
    assert {len(cells) for cells in rows().values()} == {4}


def test_a_named_test_exists():
    """A test that the page names is in the file it names."""
    assert [f"{file}::{name}" for file, name in named() if not exists(file, name)] == []


def test_a_row_names_a_test_or_says_that_there_is_none():
    """No row is silent about how its control is proven."""
    silent = [n for n, cells in rows().items() if not NAMED.search(cells[2]) and cells[2] not in SAID]
    assert silent == []


SAID = ("not yet tested",)


def test_a_test_that_is_not_there_is_seen():
    """The check fails for an invented name, of a function or a class, for what is no test and for an invented file."""
    assert NAMED.findall("`house/test_threat_model.py::TestNothing`") == [("house/test_threat_model.py", "TestNothing")]
    for name in ("test_nothing", "TestNothing", "exists"):
        assert not exists("house/test_threat_model.py", name)
    assert not exists("house/test_nothing.py", "test_every_threat_has_a_row")
