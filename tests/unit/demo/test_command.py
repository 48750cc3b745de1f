"""`trm demo`: what it refuses before it begins."""

from __future__ import annotations

import pytest

from gateway.demo.cluster import postgresql
from gateway.demo.command import run_demo
from gateway.errors import RefusedError


def test_without_a_postgresql_no_folder_is_made(monkeypatch, tmp_path):
    """Several workers need a server: that there is none is said before anything is there."""
    monkeypatch.setattr(postgresql, "find_programs", lambda: None)
    with pytest.raises(RefusedError, match="there is none on this machine; nothing was started"):
        run_demo.callback(folder=tmp_path / "d", keep=False, cluster=True)
    assert not (tmp_path / "d").exists()
