"""What a kind needs on this machine, looked at where it really is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import pytest

from adapters.kit import memory
from adapters.kit.journal import Journal
from adapters.kit.memory import Turn
from adapters.kit.setup.local import look_at_mapping, look_at_secret, look_in_turn
from adapters.kit.setup.needs import Need, met

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
)


async def _everything() -> Sequence[Need]:
    return [met("everything else")]


def _look(journal: Path) -> list[Need]:
    async def look() -> list[Need]:
        return await look_in_turn(Turn(journal), journal, Journal(journal), Lock(), _everything)

    return asyncio.run(look())


def _told(journal: Path) -> list[tuple[str, str]]:
    return [(need.place, need.rule) for need in _look(journal)]


def _secret(path: Path) -> Need:
    return asyncio.run(look_at_secret(Lock(), path, "login secret"))


def test_a_second_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process is at work with the journal nothing else is looked at; once it has ended all is well."""
    journal = tmp_path / "journal.db"
    monkeypatch.setattr(memory, "PATIENCE", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(journal.with_suffix(".turn"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        (need,) = _look(journal)
        assert (need.place, need.rule) == ("journal", "adapter_busy")
        assert "another process is at work" in need.hint
        other.communicate("\n")
    assert _told(journal) == [("journal", ""), ("everything else", "")]


def test_a_journal_without_its_folder(tmp_path: Path) -> None:
    """The command makes the folder."""
    journal = tmp_path / "none" / "journal.db"
    (need,) = _look(journal)
    assert need.command == f"mkdir -m 700 -p {journal.parent}"
    subprocess.run(need.command, shell=True, check=True)
    assert _told(journal) == [("journal", ""), ("everything else", "")]


def test_secrets(tmp_path: Path) -> None:
    """One that is missing, one that others may read; the command mends it, and no secret is told."""
    path = tmp_path / "secret"
    need = _secret(path)
    assert (need.place, need.command) == ("login secret", f"install -m 600 /dev/stdin {path}")
    subprocess.run(need.command, shell=True, check=True, input=b"s3cret")
    assert _secret(path).rule == ""
    path.chmod(0o644)
    need = _secret(path)
    assert (need.rule, need.command, "s3cret" in repr(need)) == ("open_to_others", f"chmod 600 {path}", False)


def test_a_mapping_that_is_away(tmp_path: Path) -> None:
    """It is told at its own place."""
    need = asyncio.run(look_at_mapping(Lock(), tmp_path / "none.yaml"))
    assert (need.place, need.rule) == ("mapping file", "adapter_busy")
