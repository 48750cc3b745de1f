"""`trm demo`: what it refuses before it begins."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gateway.demo.cluster import postgresql
from gateway.demo.command import run_demo
from gateway.errors import RefusedError


def test_without_a_postgresql_no_folder_is_made(monkeypatch, tmp_path):
    """Several workers need a server: that there is none is said before anything is there."""
    monkeypatch.setattr(postgresql, "find_programs", lambda: None)
    with pytest.raises(RefusedError, match="there is none on this machine; nothing was started"):
        run_demo.callback(folder=tmp_path / "d", keep=False, cluster=True, training=False, region=None, check=False)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("words", [("--training", "--keep"), ("--training", "--cluster"), ("--check",)])
def test_a_training_is_no_other_kind_of_demonstration(words, tmp_path):
    """It is refused before anything is there."""
    ran = CliRunner().invoke(run_demo, [*words, "--dir", str(tmp_path / "d")])
    assert ran.exit_code == 2 and "--check goes with --training" in ran.output
    assert not (tmp_path / "d").exists()


def test_a_training_that_is_not_there_is_not_checked(tmp_path):
    """Nothing is made by looking."""
    with pytest.raises(RefusedError, match=r"there is no training in .* that is ready"):
        run_demo.callback(folder=tmp_path / "d", keep=False, cluster=False, training=True, region=None, check=True)
    assert not (tmp_path / "d").exists()
