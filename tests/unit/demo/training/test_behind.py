"""The program on a clock that is behind: for demonstrations, and for nothing else."""

from __future__ import annotations

import asyncio

import pytest

from gateway.demo.training.behind import run_behind
from gateway.demo.training.clock import LaggingClock, write_lag
from gateway.errors import RefusedError

SETTINGS = """
[node]
name = "FR"
country = "FR"

[federation]
listen = "127.0.0.1:8443"

[[units]]
id = "focal-point"
name = "Focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""


def test_a_node_that_is_no_demonstration_is_refused(tmp_path):
    """Nothing of it is opened: a real node has the clock of its machine."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "node.toml").write_text(SETTINGS, encoding="utf-8")
    write_lag(tmp_path / "clock", 86_400)
    with pytest.raises(RefusedError, match="only a demonstration runs on a clock that is behind; nothing was started"):
        asyncio.run(run_behind(folder, tmp_path / "secret", LaggingClock(tmp_path / "clock")))
    assert [path.name for path in folder.iterdir()] == ["node.toml"]
