"""Texts that the program prints are in the documentation as it prints them."""

from __future__ import annotations

import pytest
from support.derived import help_block, help_text
from support.house import ROOT


def test_the_readme_has_the_help_of_trm():
    """The block in README.md is what `trm --help` prints; `./dev docs` renews it."""
    if not list((ROOT / "gateway" / "cli").glob("__main__.py")):
        pytest.skip("gateway.cli is not there yet")
    assert help_block((ROOT / "README.md").read_text(encoding="utf-8"), help_text()) == (ROOT / "README.md").read_text(
        encoding="utf-8"
    )


def test_a_stale_help_block_is_seen():
    """Another text between the markers is replaced, and nothing outside of them."""
    page = "above\n<!-- help -->\n```\nold\n```\n<!-- /help -->\nbelow\n"
    assert help_block(page, "new\n") == "above\n<!-- help -->\n```\nnew\n```\n<!-- /help -->\nbelow\n"
