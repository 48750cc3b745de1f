"""Where the demonstration finds a PostgreSQL, and what it says where there is none."""

from __future__ import annotations

import shutil
from importlib.util import find_spec as find_installed
from pathlib import Path

import pytest

from gateway.demo.cluster import postgresql
from gateway.errors import Code, RefusedError


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with the driver and no server; the folder where Debian would have servers."""
    monkeypatch.setattr(postgresql, "find_spec", lambda name: find_installed(name) if name == "psycopg" else None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(postgresql, "HOMES", tmp_path)
    return tmp_path


def place_programs(folder: Path) -> Path:
    """Put programs there."""
    folder.mkdir(parents=True)
    (folder / "initdb").touch()
    return folder


def test_the_newest_one_of_the_system_is_found(bare):
    """By its number, not by its letters."""
    for version in ("9.6", "15", "17"):
        place_programs(bare / version / "bin")
    assert postgresql.require_programs() == bare / "17" / "bin"


def test_one_on_the_path_is_found_before(bare, monkeypatch):
    """Whoever put it there means it; a link leads to where the other programs are."""
    place_programs(bare / "17" / "bin")
    other = place_programs(bare / "mine" / "bin")
    (bare / "initdb").symlink_to(other / "initdb")
    monkeypatch.setattr(shutil, "which", {"initdb": str(bare / "initdb")}.get)
    assert postgresql.require_programs() == other


def test_without_any_the_way_out_is_told(bare):
    """Nothing was started, and what to install is said."""
    with pytest.raises(RefusedError, match="there is none on this machine; nothing was started") as caught:
        postgresql.require_programs()
    assert caught.value.code is Code.UNREACHABLE
    assert "trm-gateway[demo]" in caught.value.hint


def test_without_the_driver_no_server_helps(bare, monkeypatch):
    """A server that nothing can talk to is none."""
    place_programs(bare / "17" / "bin")
    monkeypatch.setattr(postgresql, "find_spec", lambda name: None)
    assert postgresql.find_programs() is None
