"""The play of the demonstration: what it prints is on its page."""

from __future__ import annotations

import re

from support.house import ROOT


def test_the_page_about_the_demonstration_names_its_steps():
    """docs/demo.md has every heading that the program prints."""
    page = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    source = (ROOT / "gateway" / "demo" / "play.py").read_text(encoding="utf-8")
    steps = re.findall(r'\bstep\(\s*f?"([^"]+)"\s*\)', source)
    said = {
        "{home.title}": "Albania",
        "{host.title}": "France",
        "{none}": ", Morocco has none",
        "{declines}": ", Ukraine declines",
        "{_ASKED[full is not None]}": "Two enquiries",
        "{many.capitalize()}": "Four",
        "{_NUMBERS[len(federation.countries)]}": "four",
    }
    for name, text in said.items():
        steps = [step.replace(name, text) for step in steps]
    assert len(steps) >= 14
    assert [step for step in steps if step not in page] == []
