"""The folders under the root of a drop folder, and the side that writes each of them."""

from __future__ import annotations

from pathlib import Path

from adapters.kit.drop_folder import CLAIMED, ERASED, INCOMING, NOTICES, OUTGOING, REFUSED, TAKEN

JOURNAL = "journal"
"""One small file for each thing handed over, by its key; never touched by the office."""

ALL = (OUTGOING, CLAIMED, TAKEN, REFUSED, INCOMING, NOTICES, ERASED, JOURNAL)


def make_folders(root: Path) -> None:
    """Make the missing folders under `root`, private to this user.

    Only an administrator's command calls this, never the running adapter: on a share that is not mounted it would build
    an empty layout on the wrong disk and report that nothing waits.
    """
    for name in ALL:
        (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
