"""The `[adapter]` of a node whose case system is a drop folder."""

from __future__ import annotations

from pathlib import Path

from gateway.foundation.config import AdapterSection


def drop_folder(path: Path, seconds: int = 1) -> AdapterSection:
    """The section, with so many seconds between two looks."""
    return AdapterSection.model_validate({"kind": "folder", "path": str(path), "poll_seconds": seconds})
