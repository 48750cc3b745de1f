"""The pages about region packs and policies say what the data say."""

from __future__ import annotations

from pathlib import Path

from support.region_pages import documents

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_tables_are_those_of_the_pack() -> None:
    """The table of groups and the table of steps are printed from the data; `./dev docs` renews them."""
    for page, text in documents(DOCS).items():
        assert page.read_text(encoding="utf-8") == text
        assert text.count("\n| ") > 30
