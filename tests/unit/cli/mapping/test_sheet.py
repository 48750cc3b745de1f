"""`trm sheet new`: a workbook for an office, made without a node."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desks import run

from adapters.sheet import htcds
from adapters.sheet.bench import sheet_cells


def test_a_workbook_is_made(tmp_path: Path):
    """A private file with the columns of HTCDS and ours, and the setting that belongs to it."""
    ran = run("sheet", "new", str(tmp_path / "cases.xlsx"), "--language", "fr")
    assert (ran.exit_code, ran.stdout) == (0, f"wrote {tmp_path / 'cases.xlsx'}\n")
    assert 'language = "fr"' in ran.stderr
    assert (tmp_path / "cases.xlsx").stat().st_mode & 0o777 == 0o600
    assert htcds.KEY in sheet_cells(tmp_path / "cases.xlsx")["Cas"][1]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("kept.xlsx", "--language", "fr"), 1, "exists already"),
        (("new.xlsx", "--language", "xx"), 1, "no such language"),
        (("new.xlsx", "--language", "fr", "--mapping", "none.yaml"), 1, "cannot be read"),
        (("new.ods", "--language", "fr"), 2, "ends in .xlsx"),
        (("new.xlsx",), 2, "--language"),
    ],
)
def test_what_is_refused(tmp_path: Path, monkeypatch, words, code, told):
    """Nothing is overwritten, and nothing is written where a word is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.xlsx").write_bytes(b"kept")
    ran = run("sheet", "new", *words)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert told in ran.stderr
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("kept.xlsx", b"kept")]
