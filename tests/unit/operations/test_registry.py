"""One row for each operation, on the method that does it."""

from __future__ import annotations

import pytest

from gateway.operations.ids import ConsentId
from gateway.operations.models import Answer, Asked, Nothing
from gateway.operations.registry import About, joined, operation, rows_of
from gateway.operations.roles import CASES, OWNER, Caller
from gateway.ports import OperationResult


class One(Asked):
    """A consent."""

    id: ConsentId


class Some(Answer):
    """Something."""


class ExampleOperations:
    """Two operations, and a method that is none."""

    @operation("consent.show", "one", roles=CASES, about=About.CASE, answer=Some)
    async def show(self, asked: One, caller: Caller, key: str | None) -> OperationResult:
        """Answer who asked."""
        return OperationResult(value=[asked.id, key])

    @operation("consent.list", "all", roles=CASES, about=About.CASE, answer=Some)
    async def list_all(self, _asked: Nothing) -> OperationResult:
        """Answer nothing."""
        return OperationResult(value=None)

    def helps(self) -> None:
        """Is no operation."""


class SameOperations:
    """One that has a name of the others."""

    @operation("consent.show", "one", roles=CASES, about=About.CASE, answer=Some)
    async def show(self, asked: One) -> OperationResult:
        """Answer nothing."""
        return OperationResult(value=None)


class NoOperations:
    """A class that forgot its rows."""


def test_a_row_is_read_from_the_class():
    """The model of the arguments from the first parameter, the rest of what the handler wants from the others."""
    rows = rows_of([ExampleOperations])
    assert list(rows) == ["consent.show", "consent.list"]
    assert rows["consent.show"].arguments is One
    assert rows["consent.show"].takes == {"caller", "key"}
    assert rows["consent.list"].arguments is Nothing
    assert rows["consent.list"].takes == set()


def test_a_handler_names_only_what_it_is_given():
    """A slip in a name would be found by whoever asks the operation first."""
    with pytest.raises(RuntimeError, match=r"consent\.slip wants what no operation is given"):

        @operation("consent.slip", "one", roles=CASES, about=About.CASE, answer=Some)
        async def slip(self: object, asked: One, callers: Caller) -> OperationResult:
            return OperationResult(value=None)


async def test_an_object_gives_what_does_it():
    """The row of the class with the method of the object."""
    found = joined([ExampleOperations()])
    done = await found["consent.show"].handler(One(id="c"), caller=OWNER, key="k")
    assert done.value == ["c", "k"]


def test_no_name_is_given_twice():
    """A fault of ours, told when the node is tied and not when it is asked."""
    with pytest.raises(RuntimeError, match=r"two operations are called consent\.show"):
        joined([ExampleOperations(), SameOperations()])
    with pytest.raises(RuntimeError, match=r"two operations are called consent\.show"):
        rows_of([ExampleOperations, SameOperations])


def test_a_class_without_rows_is_refused():
    """Its operations would be asked in vain."""
    with pytest.raises(RuntimeError, match="NoOperations has no operation"):
        joined([NoOperations()])
