"""What `./dev clients` writes, as far as no generator has a part in it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.shapes import document

from clients import make


def test_the_files_are_named_with_their_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was there before is gone, and `sha256sum` finds each file as it was made."""
    monkeypatch.setattr(make, "MADE", tmp_path / "clients")
    monkeypatch.setattr(make, "ROOT", tmp_path)
    make.MADE.mkdir()
    (make.MADE / "old.whl").write_text("of another version")
    assert make.main(["--only", "requests"]) == 0
    names = {"openapi.json", "trm-gateway.http", "http-client.env.json", "SHA256SUMS"}
    assert {path.name for path in make.MADE.iterdir()} == names
    assert "clients/trm-gateway.http" in capsys.readouterr().out
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=make.MADE, check=True)
    assert len((make.MADE / "SHA256SUMS").read_text().splitlines()) == len(names) - 1
    assert json.loads((make.MADE / "openapi.json").read_bytes()) == document()


def test_a_client_that_is_not_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without node.js there is no package for TypeScript, and no list of hashes that looks whole."""
    monkeypatch.setattr(make, "MADE", tmp_path / "clients")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make.main(["--only", "typescript"]) == 1
    assert "node.js and npm" in capsys.readouterr().err
    assert not (make.MADE / "SHA256SUMS").exists()


def test_the_tools_are_installed_when_their_lock_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, and again for another lock; npm is asked for exactly what the lock says and runs no script of it."""
    tools, asked, npm = tmp_path / "tools", tmp_path / "asked", tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nmkdir -p {tools}/node_modules\n')
    npm.chmod(0o755)
    monkeypatch.setattr(make, "TOOLS", tools)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    make.install_tools()
    make.install_tools()
    (once,) = asked.read_text().splitlines()
    assert once.startswith("ci ") and "--ignore-scripts" in once
    (tools / "package-lock.json").write_text("{}")
    make.install_tools()
    assert len(asked.read_text().splitlines()) == 2
