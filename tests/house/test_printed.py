"""Texts that the program prints are in the documentation as it prints them."""

from __future__ import annotations

import re

from support import catalogue_pages
from support.house import ROOT


def test_the_pages_of_the_catalogue_are_those_of_the_schemas():
    """docs/messages and docs/codes.md are up to date, with no page for a type that is not held; `./dev docs` renews."""
    wanted = catalogue_pages.documents(ROOT / "schemas" / "examples")
    assert {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in wanted} == wanted
    there = {f"messages/{path.name}" for path in (ROOT / "docs" / "messages").iterdir()}
    assert there == {name for name in wanted if name.startswith("messages/")}


def test_a_link_to_a_code_list_leads_to_its_section():
    """Each anchor that a page names is a heading of docs/codes.md."""
    pages = catalogue_pages.documents(ROOT / "schemas" / "examples")
    headings = set(re.findall(r"^## (\w+)$", pages["codes.md"], re.MULTILINE))
    named = {name for text in pages.values() for name in re.findall(r"codes\.md#(\w+)", text)}
    assert len(named) > 40 and named <= headings
