"""The folders under the root of a drop folder, and the side that writes each of them."""

from __future__ import annotations

from pathlib import Path

OUTGOING = "outgoing"
"""The office puts drafts here, by rename; the adapter only moves them away."""
CLAIMED = "claimed"
"""Drafts the node has read and not yet judged. Only the adapter writes here, and in all that follow."""
TAKEN = "taken"
"""Drafts that became drafts of the node, as they were."""
REFUSED = "refused"
"""Drafts that did not, each with the reasons beside it."""
INCOMING = "incoming"
"""Received messages; the office may take them away."""
NOTICES = "notices"
"""News about the office's drafts; the office may take them away."""
ERASED = "erased"
"""One small file for each message that must be gone, naming it and not repeating it."""
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
