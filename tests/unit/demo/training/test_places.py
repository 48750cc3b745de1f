"""The folder of a training: made once, found again, and never in a folder of somebody else."""

from __future__ import annotations

import stat

import pytest

from gateway.demo.training.places import begin_training, find_training, people_file
from gateway.demo.training.script import CASES, SHORT
from gateway.errors import RefusedError


def test_what_was_begun_is_found_again(tmp_path):
    """With the same countries at the same ports, since their addresses are signed."""
    assert find_training(tmp_path / "t") is None
    begun = begin_training(tmp_path / "t", cases=len(CASES))
    assert find_training(tmp_path / "t") == begun
    assert [country.code for country in begun.countries] == ["FR", "IT", "AL", "MA"]
    assert len({port for one in begun.countries for port in (one.port, one.console_port)}) == 8


def test_a_short_one_has_two_countries(tmp_path):
    """Those between which its cases are."""
    begun = begin_training(tmp_path / "t", cases=len(SHORT))
    assert [country.code for country in begun.countries] == ["FR", "AL"]


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    """Nothing is made in it."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RefusedError, match="no training was begun in it; nothing was changed"):
        begin_training(tmp_path, cases=len(CASES))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_path_too_long_for_a_socket_is_refused(tmp_path):
    """Before anything is made."""
    base = tmp_path / ("x" * 100)
    with pytest.raises(RefusedError, match="too long for the sockets"):
        begin_training(base, cases=len(CASES))
    assert not base.exists()


def test_everything_in_it_is_for_this_user(tmp_path):
    """Folders with keys, tokens and passphrases are opened by nobody else."""
    begun = begin_training(tmp_path / "t", cases=len(CASES))
    assert {stat.S_IMODE(path.stat().st_mode) for path in (begun.base, *begun.base.iterdir()) if path.is_dir()} == {
        0o700
    }
    assert people_file(begun.country("IT")) == begun.base / "secrets" / "IT-people.json"
