"""The tour in docs/training.md, printed from the tasks that `trm demo --training` tells and checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from support.pages import put_between

from gateway.demo.training.tour import TASKS


def document(page: Path) -> str:
    """The text of the page with the ten tasks between its markers."""
    return put_between(page.read_text(encoding="utf-8"), "tour", list(_lines()))


def _lines() -> Iterator[str]:
    yield "| | who | what to do | what you see at the end |"
    yield "|---|---|---|---|"
    for number, task in enumerate(TASKS, 1):
        yield f"| {number} | {task.who} | **{task.title}.** {task.what} | {task.end} |"
