"""Where the independent vectors and the development data are, when this machine has them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lacking(what: str) -> NoReturn:
    """Skip the test because this machine lacks something; fail if the run must be complete."""
    if os.environ.get("TRM_TESTS_COMPLETE") == "1":
        pytest.fail(f"{what}, and TRM_TESTS_COMPLETE=1")
    pytest.skip(what)


def shared(path: str) -> Path:
    """The file or folder `path` of the shared data; skips the test where it is absent, fails if the run must be
    complete.
    """
    base = Path(os.environ.get("TRM_SHARED", ROOT.parent / "shared"))
    found = base / path
    if not found.exists():
        lacking(f"shared/{path} is not on this machine")
    return found
