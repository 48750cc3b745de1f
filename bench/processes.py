"""What a node takes of the machine, read from /proc: of its own process and of its key service, which it starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def list_pids(root: int) -> list[int]:
    """List a process and all that it started."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(pid for child in children for pid in list_pids(int(child)))]


def read_memory(pids: Sequence[int]) -> float:
    """Return their MiB; a page that two of them use counts once (PSS), where that can be read."""
    return sum(_kib(pid) for pid in pids) / 1024


def read_cpu(pids: Sequence[int]) -> float:
    """Return the CPU seconds that they have used, in user and system mode."""
    return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def read_cpu_of_ended(pid: int) -> float:
    """Return the CPU seconds of the processes that a process has started and seen end."""
    return sum(map(int, _read_stat(pid)[13:15])) / os.sysconf("SC_CLK_TCK")


def count_files(pids: Sequence[int]) -> int:
    """Count their open file descriptors."""
    return sum(1 for pid in pids for _ in Path(f"/proc/{pid}/fd").iterdir())


def read_size(folder: Path) -> int:
    """Return the bytes of all files below a folder; one that goes meanwhile counts nothing."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += 0 if path.is_symlink() or not path.is_file() else path.stat().st_size
        except FileNotFoundError:
            continue
    return size


def _kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:  # a hardened process shows it to root only
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(("Pss:", "VmRSS:"))), 0)


def _ticks(pid: int) -> int:
    return sum(map(int, _read_stat(pid)[11:13]))


def _read_stat(pid: int) -> list[str]:
    """What /proc tells of a process behind its name: the state and all numbers."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
