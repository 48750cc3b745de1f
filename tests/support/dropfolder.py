"""A drop folder as the case system of a node, and how an office's program drops a draft into it."""

from __future__ import annotations

from pathlib import Path

from adapters.kit.drop_folder import OUTGOING
from gateway.foundation.config import AdapterSection


def drop_folder(path: Path, seconds: int = 1) -> AdapterSection:
    """The `[adapter]` section, with so many seconds between two looks."""
    return AdapterSection.model_validate({"kind": "folder", "path": str(path), "poll_seconds": seconds})


def drop_draft(root: Path, name: str, text: str) -> None:
    """Put a draft into the folder at `root` as an office has to: whole, by rename."""
    unfinished = root / OUTGOING / f".{name}"
    unfinished.write_text(text)
    unfinished.rename(root / OUTGOING / name)
