"""Compares a table as one case: every row is checked, and the case tells all rows that are wrong.

`table` takes the place of `pytest.mark.parametrize`, and the body of the test stays what it is: it checks one row.
`Faults` collects the rows of a test that keeps something open meanwhile, such as a node or a console.

A fault names its row and the assertion that failed, as it stands in the test; the values that were compared stay out
of it, since they may be the content of a case. pytest shows them for the first fault alone, as the cause of the list.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]
WORD = 40  # longer values are no part of the name of a row
FAILURES = (Exception, BaseExceptionGroup, pytest.fail.Exception)
Test = Callable[..., Any]
Ids = Iterable[object] | Callable[[Any], object] | None


class RowFaultsError(AssertionError):
    """Rows of a table are wrong; the message has one line for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join([f"{count} in the table", *faults]))
        self.faults = faults


class Faults:
    """Collects the faults of rows, and fails at the end of the `with` block if there are any."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.rows = 0
        self._first: BaseException | None = None

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        __tracebackhide__ = True
        if exc is None:
            assert self.rows, "a table without rows checks nothing"
            if self.faults:
                raise RowFaultsError(self.faults) from self._first

    @contextmanager
    def row(self, *place: object) -> Iterator[None]:
        """Check one row in the block; an exception in it is a fault at `place`, and the next row is checked."""
        self.rows += 1
        try:
            yield
        except FAILURES as exc:
            self._first = self._first or exc
            at = ", ".join(map(str, place))
            self.faults += [f"{at}: {told}" for told in _tell(exc)]


def table(names: str | Sequence[str], rows: Iterable[Any], *, ids: Ids = None) -> Any:
    """Run a test for every row within one case; the arguments are those of `pytest.mark.parametrize`.

    Fixtures of the test are shared by all rows, so a row must leave them as it found them. Tables can be stacked.
    """
    columns = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    values = [row if len(columns) > 1 else (row,) for row in rows]
    places = list(_places(values, ids))

    def decorate(test: Test) -> Test:
        asynchronous = inspect.iscoroutinefunction(test)

        @wraps(test)
        def checked(**fixtures: Any) -> None:
            __tracebackhide__ = True
            with Faults() as faults:
                for place, row in zip(places, values, strict=True):
                    with faults.row(place):
                        test(**fixtures, **dict(zip(columns, row, strict=True)))

        @wraps(test)
        async def awaited(**fixtures: Any) -> None:
            __tracebackhide__ = True
            with Faults() as faults:
                for place, row in zip(places, values, strict=True):
                    with faults.row(place):
                        await test(**fixtures, **dict(zip(columns, row, strict=True)))

        made: Any = awaited if asynchronous else checked
        whole = inspect.signature(test)
        made.__signature__ = whole.replace(
            parameters=[part for name, part in whole.parameters.items() if name not in columns]
        )
        return made

    return decorate


def _places(values: Sequence[Sequence[Any]], ids: Ids) -> Iterator[str]:
    """The name of each row: its id, the one short word that it is, or its number with its short words."""
    if ids is not None and not callable(ids):
        yield from map(str, ids)
        return
    for number, row in enumerate(values):
        words = [str(word) for value in row if (word := (ids and ids(value)) or _word(value))]
        if ids and words:
            yield "-".join(words)
        elif words and len(row) == 1:
            yield words[0]
        else:
            yield f"row {number}" + (f" ({', '.join(words)})" if words else "")


def _word(value: object) -> str:
    """A value as a word of a name: what is no word has none, and of a mapping only its keys count."""
    match value:
        case Enum():
            text = str(value.value)
        case Path():
            text = f"{value.parent.name}/{value.name}"
        case str() | int():
            text = str(value)
        case Mapping() | set() | frozenset():
            text = "+".join(sorted(map(_word, value)))
        case _:
            named = getattr(value, "name", None) or getattr(value, "__name__", None)
            text = named if isinstance(named, str) else ""
    return text if len(text) <= WORD and text.isprintable() else ""


def _tell(exc: BaseException) -> list[str]:
    """What was wrong in one row: the last line of a test that led there, and what its author says about it.

    The words of other exceptions, and those that pytest makes of the values of an assertion, are left out.
    """
    if isinstance(exc, RowFaultsError):
        return list(exc.faults)
    step, line = exc.__traceback__, "no line of a test"
    while step:
        path = Path(step.tb_frame.f_code.co_filename)
        if path.is_relative_to(TESTS) and path != Path(__file__):
            source = linecache.getline(str(path), step.tb_lineno).strip()
            line = f"{path.name}:{step.tb_lineno}: {source}"
        step = step.tb_next
    if isinstance(exc, BaseExceptionGroup):
        return [f"{', '.join(sorted({type(one).__name__ for one in exc.exceptions}))} at {line}"]
    if not isinstance(exc, AssertionError | pytest.fail.Exception):
        return [f"{type(exc).__name__} at {line}"]
    first = str(exc).partition("\n")[0]
    return [line if not first or first.startswith("assert ") else f"{line}: {first}"]
