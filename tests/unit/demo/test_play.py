"""The play of the demonstration: what it prints is on its page."""

from __future__ import annotations

import re

from support.house import ROOT


def test_the_page_about_the_demonstration_names_its_steps():
    """docs/demo.md has every heading that the program prints."""
    page = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    source = (ROOT / "gateway" / "demo" / "play.py").read_text(encoding="utf-8")
    steps = re.findall(r'\bstep\("([^"]+)"\)', source)
    assert len(steps) >= 10
    assert [step for step in steps if step not in page] == []
