"""What `trm doctor` sees of the machine under a node: whether its disk takes a write, how its process is hardened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.administration.doctor.folder import Check, ok, red, skipped, warn
from gateway.ports import Json

TRIAL = ".trm-doctor"
SWAPS = Path("/proc/swaps")
_PAGE = b"\0" * 4_096


def writing(folder: Path) -> Check:
    """Write a page beside the database, force it to the disk, read it back and remove it."""
    name, path = "disk write", folder / TRIAL
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, _PAGE)
            os.fsync(handle)
            whole = os.pread(handle, len(_PAGE), 0) == _PAGE
        finally:
            os.close(handle)
            path.unlink()
    except OSError as exc:
        why = (exc.strerror or type(exc).__name__).lower()
        return red(name, f"nothing can be written in {folder}: {why}", _mend_disk(exc, path))
    return (
        ok(name, "a page was written, forced to the disk and read back")
        if whole
        else red(
            name, "what was written came back changed", "stop the node and replace the disk; then restore a backup"
        )
    )


def _mend_disk(error: OSError, path: Path) -> str:
    if isinstance(error, FileExistsError):
        return f"a doctor was cut off: rm {path}"
    return "make room, mount the disk writable, and give the folder to the user of the node"


def secret(path: Path | None) -> Iterator[Check]:
    """The passphrase opens everything: nobody else may read its file."""
    if path is None or not path.is_file():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield red("passphrase file", f"{path} has mode {mode:04o}", f"chmod 0600 {path}")
    else:
        yield ok("passphrase file", f"mode {mode:04o}")


def hardening(told: Mapping[str, Json], *, running: bool, swaps: Path = SWAPS) -> Iterator[Check]:
    """What the kernel promised to the process of the running node; `told` is the answer of node.show."""
    name, found = "hardening", told.get("process")
    if not running or not isinstance(found, dict):
        yield skipped(name, "seen of a running node only", "run trm serve, then ask again")
        return
    wrong = [(judge, what) for member, judge, what in _HARD if found.get(member) is not True]
    for judge, what in wrong:
        yield judge(name, what, _RESTART)
    if found.get("locked") is not True and _swaps(swaps):
        yield warn(
            name,
            "its memory may be written to swap, which is there",
            "turn swap off or encrypt it, or let the node lock its memory (LimitMEMLOCK=infinity)",
        )
    elif not wrong:
        yield ok(name, "no core dumps, not dumpable, no new privileges; memory is not swapped out")


_RESTART = "start the node by trm serve, and see what the service manager takes away from it"
_HARD = (
    ("no_core", red, "a crash would write memory with keys to the disk"),
    ("not_dumpable", red, "another process of the same user can read its memory"),
    ("no_new_privileges", warn, "what it starts could gain rights; it starts nothing"),
)


def _swaps(path: Path) -> bool:
    """Whether there is swap on a disk; compressed memory (zram) is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return False
    return any(not line.startswith("/dev/zram") for line in lines if line.strip())
