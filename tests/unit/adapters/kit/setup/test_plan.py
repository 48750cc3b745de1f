"""What is prepared is private, and what was there before stays as it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from adapters.kit.setup.plan import Asked, Outcome, carry_out, plain_name, sample_draft, starter_mapping
from gateway.errors import Code, RefusedError

TODAY = date(2026, 11, 30)


def test_what_is_made_is_private(tmp_path: Path):
    """Folders are 0700 and files 0600, also the folder of the adapter itself and one that was named whole."""
    made = carry_out(tmp_path / "a", ["in", str(tmp_path / "b")], {"one.txt": "text", "two.bin": b"\0"})
    assert [outcome for _, outcome in made] == [Outcome.MADE] * 5
    modes = {path.name: path.stat().st_mode & 0o777 for path, _ in made}
    assert modes == {"a": 0o700, "in": 0o700, "b": 0o700, "one.txt": 0o600, "two.bin": 0o600}


def test_a_second_run_changes_nothing(tmp_path: Path):
    """What is there is told and left, whatever is in it and whoever may read it; what is gone is made anew."""
    carry_out(tmp_path / "a", ["in"], {"one.txt": "text", "two.txt": "text"})
    (tmp_path / "a" / "one.txt").write_text("my own")
    (tmp_path / "a" / "in").chmod(0o750)
    (tmp_path / "a" / "two.txt").unlink()
    made = carry_out(tmp_path / "a", ["in"], {"one.txt": "text", "two.txt": "text"})
    assert [outcome for _, outcome in made] == [Outcome.THERE, Outcome.THERE, Outcome.THERE, Outcome.MADE]
    assert (tmp_path / "a" / "one.txt").read_text() == "my own"
    assert (tmp_path / "a" / "in").stat().st_mode & 0o777 == 0o750


def test_nothing_is_written_through_a_link(tmp_path: Path):
    """A link in the place of a file is left, and a file in the place of a folder is refused."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").symlink_to(tmp_path / "elsewhere")
    assert carry_out(tmp_path / "a", [], {"one.txt": "text"})[-1][1] is Outcome.THERE
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusedError, match="is no folder"):
        carry_out(tmp_path / "file", [], {})


def test_a_setting_that_is_needed_is_named(tmp_path: Path):
    """The refusal says which, and how it is given."""
    asked = Asked(folder=tmp_path, given={}, recipient="AL", language="en", today=TODAY, line_list=lambda language: b"")
    with pytest.raises(RefusedError, match="url is not given") as caught:
        asked.setting("url")
    assert "--set url=" in caught.value.hint


def test_samples_are_for_the_peer_that_was_named():
    """A name that is none is refused before it stands in a file."""
    assert (sample_draft("Maroc-2", TODAY)["to"], 'to: "Maroc-2"' in starter_mapping("Maroc-2")) == ("Maroc-2", True)
    for name in ("", 'AL"', "A\nb", "x" * 65):
        with pytest.raises(RefusedError) as caught:
            plain_name(name)
        assert caught.value.code is Code.INVALID
