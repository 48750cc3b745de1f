"""The page of the protocol's rules names clauses, vectors, code and tests that exist."""

from __future__ import annotations

import ast
from pathlib import Path

from support.house import ROOT, syntax
from support.protocol_rules import PAGE, RULES, document

VECTORS = ROOT / "docs" / "spec" / "vectors"


def names_in(path: Path) -> set[str]:
    """What a file defines at its top: functions, classes and constants."""
    found: set[str] = set()
    for node in syntax(path).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
    return found


def missing(places: set[str], base: Path) -> list[str]:
    """Those of `FILE::NAME` that are not there."""
    split = [(place, *place.split("::")) for place in sorted(places)]
    return [place for place, file, name in split if not (base / file).exists() or name not in names_in(base / file)]


def test_every_code_place_and_test_exists() -> None:
    """Each file defines what the page names of it."""
    assert missing({place for rule in RULES for place in rule.code}, ROOT) == []
    assert missing({test for rule in RULES for test in rule.tests}, ROOT / "tests") == []


def test_every_vector_file_exists() -> None:
    """And a rule without vectors is one of those that a peer cannot see."""
    assert [name for rule in RULES for name in rule.vectors if not (VECTORS / name).exists()] == []
    unseen = {clause.split(".")[0] for rule in RULES if not rule.vectors for clause in rule.clauses}
    assert unseen <= {"9", "13"}


def test_the_page_is_printed_from_the_rules() -> None:
    """Each rule once, with a link to each clause; a clause that no page has would end the printing."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == document(ROOT)
    assert len({rule.words for rule in RULES}) == len(RULES)


def test_a_place_that_is_not_there_is_seen() -> None:
    """The check fails for an invented name and for an invented file."""
    here = "house/test_protocol_rules.py"
    places = {f"{here}::test_nothing", "house/nothing.py::x"}
    assert missing({*places, f"{here}::missing"}, ROOT / "tests") == sorted(places)
