"""What a process that holds keys asks of the kernel before it reads one (nrm1 13.7).

    no core      a crash writes no memory to the disk
    not dumpable nobody but root attaches to the process or reads its memory, also not under the same uid
    no new privileges   nothing it starts gains rights by a set-uid bit
    locked       its memory is not swapped out, where the limits of the process allow that

None of it stops root on the live machine. What the kernel refuses is left out and shown by ``standing``.
"""

from __future__ import annotations

import ctypes
import resource
from dataclasses import dataclass
from pathlib import Path

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4  # include/uapi/linux/prctl.h
_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # mlockall(2); on fault: what is touched, not what is reserved
_CAP_IPC_LOCK = 14  # include/uapi/linux/capability.h
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessProtection:
    """What holds for this process now."""

    no_core: bool
    not_dumpable: bool
    no_new_privileges: bool
    locked: bool


def harden() -> None:
    """Ask for all of it; it holds until the process ends. To be called before anything secret is read."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _may_lock():
        libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def standing() -> ProcessProtection:
    """As the kernel sees it."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ProcessProtection(
        no_core=resource.getrlimit(resource.RLIMIT_CORE)[0] == 0,
        not_dumpable=libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
        no_new_privileges=libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
        locked=int(_status("VmLck").split()[0]) > 0,
    )


def _may_lock() -> bool:
    """Without a limit only: under one the process would lock some of its memory and then fail to get more."""
    capable = int(_status("CapEff"), 16) >> _CAP_IPC_LOCK & 1
    return bool(capable) or resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY


def _status(name: str) -> str:
    """One line of the kernel's account of this process; zero where it gives none."""
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return "0"
