"""The documentation site ends its build at each fault a reader would meet; `tests/browser/test_site.py` opens it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from support.house import ROOT
from support.shared import lacking

FAULTS = {
    "[there](nowhere.md)": "not found among documentation files",
    "[there](other.md#nowhere)": "does not contain an anchor '#nowhere'",
    "[there](#nowhere)": "there is no such anchor on this page",
    "[there](/other/)": "absolute link",
    "[there](folder)": "unrecognized relative link",
}
"""What is wrong in a page, and how the build names it."""


def settings() -> str:
    """The part of mkdocs.yml that says which faults there are."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    return text[text.index("\nvalidation:\n") : text.index("\nnav:\n")]


def build(place: Path) -> subprocess.CompletedProcess[str]:
    """Build the pages in `place` with our settings, one of them without a line in the navigation."""
    if importlib.util.find_spec("mkdocs") is None:
        lacking("mkdocs is not installed, ./dev check installs it")
    (place / "mkdocs.yml").write_text(f"site_name: x\nstrict: true\nnav: [index.md]\n{settings()}", encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(place / "out")]
    out = subprocess.PIPE
    return subprocess.run(command, cwd=place, stdout=out, stderr=subprocess.STDOUT, text=True, check=False)


def test_a_fault_of_a_page_ends_the_build(tmp_path: Path):
    """A link or an anchor that leads nowhere and a page that nothing lists are named, each of them."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "other.md").write_text("# Other\n", encoding="utf-8")
    (docs / "index.md").write_text("# Here\n\n" + "\n\n".join(FAULTS), encoding="utf-8")
    ran = build(tmp_path)
    assert ran.returncode == 1
    missing = [words for words in (*FAULTS.values(), 'not included in the "nav"') if words not in ran.stdout]
    assert missing == []
    assert f"Aborted with {len(FAULTS) + 1} warnings in strict mode" in ran.stdout
