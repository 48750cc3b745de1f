"""`trm words`: a workbook is written once, and nothing is taken where nothing was reviewed."""

from __future__ import annotations

import json
from pathlib import Path

from support.desks import run


def test_a_workbook_goes_out_and_back(tmp_path: Path) -> None:
    """It never takes the place of a file; what nobody touched changes nothing; the numbers are told."""
    file = tmp_path / "pl.xlsx"
    made = run("words", "export", str(file), "--language", "pl")
    assert (made.exit_code, file.stat().st_mode & 0o777) == (0, 0o600)
    assert run("words", "export", str(file), "--language", "pl").exit_code == 1
    back = run("words", "import", str(file), "--json")
    told = json.loads(back.stdout)
    assert back.exit_code == 0
    assert (told["language"], told["taken"], told["files"], told["refused"], told["left"]) == ("pl", 0, [], [], [])
    assert f"{told['reviewed']} of {told['total']} texts are reviewed" in run("words", "import", str(file)).stdout


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    """Another ending, English, a file that is no workbook."""
    assert run("words", "export", str(tmp_path / "fr.csv"), "--language", "fr").exit_code == 2
    english = run("words", "export", str(tmp_path / "en.xlsx"), "--language", "en")
    assert english.exit_code == 1 and "name another language" in english.stderr
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    other = run("words", "import", str(tmp_path / "x.xlsx"))
    assert other.exit_code == 1 and "nothing was changed" in other.stderr
