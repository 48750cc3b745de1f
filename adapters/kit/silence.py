"""Capture everything that an adapter logs or prints: records of every level, standard output and error, warnings."""

from __future__ import annotations

import io
import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def heard() -> Iterator[Callable[[], str]]:
    """Capture all output; the yielded function returns it. Levels and handlers are restored afterwards."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings(record=True) as warned:
            yield lambda: said.getvalue() + "".join(str(warning.message) for warning in warned)
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def place(error: BaseException) -> str:
    """Return the place in the source where an error was raised, without its text, which may hold content."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
