"""Lists come in pages: behind which row a page begins, and the cursor of the page behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.errors import Code, RefusedError
from gateway.operations.models import Asked, Cursor, Limit

Row = TypeVar("Row")


class Page(Asked):
    """A page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None

    @property
    def position(self) -> int | None:
        """The row behind which the page begins; None for the first page. Raises RefusedError invalid."""
        return None if self.cursor is None else read_cursor(self.cursor)


def read_cursor(cursor: str) -> int:
    """The row that a cursor names. Raises RefusedError invalid."""
    if len(cursor) > 15 or not cursor.isascii() or not cursor.isdigit():
        raise RefusedError(Code.INVALID, "the cursor is not valid", hint="take it from the page before")
    return int(cursor)


def paged(rows: Sequence[Row], limit: int, ref: Callable[[Row], int]) -> tuple[Sequence[Row], str | None]:
    """A page out of one row more than it has, and the cursor of the page behind it."""
    shown = rows[:limit]
    return shown, str(ref(shown[-1])) if shown and len(rows) > limit else None
