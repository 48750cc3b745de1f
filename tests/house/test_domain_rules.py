"""The table of rules of docs/domain: what each row names is there, and the page is what the data print."""

from __future__ import annotations

import ast
import re

from support import rules_page
from support.house import ROOT

from gateway.policy.gates.gate_table import GATES
from schemas.catalogue import load_catalogue
from schemas.clocks import load_clocks
from schemas.codelists import code_lists
from schemas.guidance import load_general_texts
from schemas.types import type_name

RULES = rules_page.load_rules(ROOT)
LEFT = rules_page.load_left(ROOT)
FINDINGS = (
    *(f"A{number}" for number in range(1, 13)),
    *"BC",
    *(f"D{number}" for number in range(1, 13)),
    *"EF",
    *(f"G{number}" for number in range(1, 16)),
)
"""Every finding of the review."""
INDEX = (ROOT / "docs" / "domain" / "README.md").read_text(encoding="utf-8")


def years() -> dict[str, str]:
    """The year of each document that rules come from, by its short name."""
    table = INDEX.partition("| short name |")[2].partition("\n\n")[0]
    rows = (row.strip("| ").split(" | ") for row in table.splitlines()[2:])
    return {cells[0]: cells[-1] for cells in rows}


def is_kept(what: str) -> bool:
    """Whether a gate, message, clock or alarm that a row names is there."""
    kind, _, name = what.partition(" ")
    match kind:
        case "gate":
            return name == "G10" or any(gate.__name__.startswith(f"{name.lower()}_") for gate in GATES)
        case "message":
            return name in {type_name(entry.body_type) for entry in load_catalogue().types}
        case "clock":
            return name in load_clocks()
        case "alarm":
            return f"| `{name}`" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        case "code":
            return name.removeprefix("list ") in code_lists()
        case "text":
            return name in load_general_texts()
        case _:
            return what in ("case", "descriptor", "retention", "statistics")


def test_the_page_is_what_the_data_print():
    """`./dev docs` renews it."""
    assert (ROOT / rules_page.PAGE).read_text(encoding="utf-8") == rules_page.document(ROOT)


def test_each_rule_names_a_law_of_a_year_and_a_clause():
    """A document without a year, such as a page that changes, is not the only source of a rule."""
    known = years()
    for row in RULES:
        assert any(re.search(r"\d{4}", known[name]) for name in row["from"]), row["rule"]
        page = next(
            p for p in (ROOT / "docs" / "domain").glob("*.md") if f'id="{row["clause"]}"' in p.read_text("utf-8")
        )
        assert page.name != "README.md"


def test_what_keeps_a_rule_is_there():
    """A gate, a message, a clock, an alarm or a text that is gone would keep nothing."""
    assert [(row["rule"], what) for row in RULES for what in row["kept"] if not is_kept(what)] == []
    assert not is_kept("gate G16") and not is_kept("message no.such") and not is_kept("nothing")


def test_each_rule_has_the_test_that_it_names():
    """A test that was renamed or dropped is missed here."""
    for row in RULES:
        file, _, name = row["test"].partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in found, row["test"]


def test_no_finding_was_forgotten():
    """Each is a rule with its test, or stands among what is left; and nothing else is called a finding."""
    assert {row["finding"] for row in (*RULES, *LEFT)} == set(FINDINGS)


def test_what_is_left_has_its_reason_and_a_clause():
    """What is done otherwise, in part or not says so, once, and names the clause that comes nearest."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "domain").glob("*.md"))
    for row in LEFT:
        assert row["state"] in ("in part", "otherwise", "not done"), row
        assert row["what"] and row["why"] and f'id="{row["clause"]}"' in pages, row
    assert len({row["what"] for row in LEFT}) == len(LEFT)
