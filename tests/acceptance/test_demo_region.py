"""`trm demo --region` from the wheel: the second region of the documentation plays the story to its proofs."""

from __future__ import annotations

import os
import shutil

import pytest
from support import keycost
from support.wheels import InstalledWheel

pytestmark = pytest.mark.deep

LONGEST = 480
"""Seconds, as for the demonstration of the program's own countries."""


def test_the_second_region_plays_the_story(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Italy, Mali and Niger: every step observed, none of the program's own countries in it."""
    base = tmp_path_factory.mktemp("r")
    program = InstalledWheel(base)
    new = ["region", "new", "./sahel", "--from", "IT", "--to", "ML:fr", "--to", "NE:fr"]
    assert program.trm(new, where=base).returncode == 0
    env = {"PYTHONPATH": os.pathsep.join([str(keycost.SUPPORT / "cheap"), str(keycost.SUPPORT.parent)])}  # no tree
    ran = program.trm(["demo", "--region", "./sahel", "--dir", "./d"], where=base, env=env, timeout=LONGEST)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout[-3000:] + ran.stderr
    assert "A woman is in Italy and wishes to go home to Mali. Three countries help" in ran.stdout
    assert "Mali accepts" in ran.stdout and "Niger declines" in ran.stdout
    assert "expected observations were made" in ran.stdout and ": 0 found" in ran.stdout
    assert not any(name in ran.stdout for name in ("France", "Albania", "Ukraine", "Morocco"))
    shutil.rmtree(base / "d", ignore_errors=True)
