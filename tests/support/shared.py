"""Where the independent vectors and the development data are, when this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared(path: str) -> Path:
    """The file or folder `path` of the shared data; skips the test where it is absent, fails if the run must be
    complete.
    """
    base = Path(os.environ.get("TRM_SHARED", ROOT.parent / "shared"))
    found = base / path
    if not found.exists():
        if os.environ.get("TRM_TESTS_COMPLETE") == "1":
            pytest.fail(f"shared/{path} is missing and TRM_TESTS_COMPLETE=1")
        pytest.skip(f"shared/{path} is not on this machine")
    return found
