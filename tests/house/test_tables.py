"""A table that is checked as one case checks every row, and names each one that is wrong."""

from __future__ import annotations

import inspect

import pytest
from support.tables import Faults, RowFaultsError, table

SECRET = "Amaryllis"


def test_every_row_is_checked_and_each_fault_names_its_row_and_its_rule():
    """Two wrong rows of four; the values that differ are not in the message."""
    seen = []

    @table("number, text", [(1, "a"), (2, SECRET), (3, "a"), (4, SECRET)], ids=["one", "two", "three", "four"])
    def check(number: int, text: str) -> None:
        seen.append(number)
        assert text == "a"

    with pytest.raises(RowFaultsError, match=r"^2 faults in the table\n") as caught:
        check()
    assert seen == [1, 2, 3, 4]
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["two", "four"]
    assert all(fault.endswith('assert text == "a"') for fault in caught.value.faults)
    assert SECRET not in str(caught.value)


def test_other_errors_are_faults_of_their_row():
    """An exception, and one that did not come."""

    @table("value", ["1", "x"])
    def reads(value: str) -> None:
        int(value)

    @table("value", ["1", "x"])
    def refuses(value: str) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            int(value)

    with pytest.raises(RowFaultsError, match=r"\nx: ValueError at test_tables.py:\d+: int\(value\)"):
        reads()
    with pytest.raises(RowFaultsError, match=r"\n1: test_tables.py"):
        refuses()


class FailureGroup(BaseExceptionGroup):
    """A group that is no `Exception`, as a generator of requests raises it."""


def test_a_group_of_errors_is_a_fault_with_their_kinds():
    """In its row, as any other error."""

    @table("value", ["first", "second"])
    def check(value: str) -> None:
        raise FailureGroup(SECRET, [KeyError(SECRET), OSError(), KeyError()])

    with pytest.raises(RowFaultsError, match=r"\nsecond: KeyError, OSError at test_tables.py"):
        check()


async def test_a_test_that_waits_is_one_too():
    """Each row is awaited."""

    @table("value", [1, 2])
    async def check(value: int) -> None:
        assert value == 1

    with pytest.raises(RowFaultsError, match=r"\n2: "):
        await check()


def test_a_row_of_several_values_has_its_number_and_its_words():
    """Short words and keys; what is long, or is no word, is left out."""

    @table("first, second, third, fourth", [(SECRET * 10, {"kind": SECRET}, b"bytes", 7)])
    def check(**row: object) -> None:
        raise ValueError(SECRET)

    with pytest.raises(RowFaultsError) as caught:
        check()
    (fault,) = caught.value.faults
    assert fault.startswith("row 0 (kind, 7): ValueError at test_tables.py:")
    assert fault.endswith("raise ValueError(SECRET)")


def test_words_of_the_author_are_told():
    """The message of an assertion says where in the row."""

    @table("value", [1])
    def check(value: int) -> None:
        assert value == 2, "at the field /content/x"

    with pytest.raises(RowFaultsError, match=r": at the field /content/x$"):
        check()


def test_stacked_tables_are_one():
    """Each row of the outer one meets each of the inner one; the fault names both."""

    @table("first", "ab")
    @table("second", "cd")
    def check(first: str, second: str) -> None:
        assert first + second != "bc"

    with pytest.raises(RowFaultsError, match=r"\nb: c: "):
        check()


def test_fixtures_are_asked_for_and_columns_are_not():
    """What pytest sees of the test."""

    @table("row", [1])
    def check(row: int, tmp_path: str) -> None:
        assert (row, tmp_path) == (1, "here")

    assert list(inspect.signature(check).parameters) == ["tmp_path"]
    check(tmp_path="here")


def test_a_table_without_rows_is_a_fault():
    """It would check nothing, and look as if it had."""

    @table("row", [])
    def check(row: int) -> None:
        raise RuntimeError

    with pytest.raises(AssertionError, match="checks nothing"):
        check()


def test_rows_of_something_open_are_collected():
    """What stands outside the rows is no fault of a row."""
    with pytest.raises(RowFaultsError, match=r"^1 fault in the table\nfile, 2: "), Faults() as faults:
        for number in (1, 2):
            with faults.row("file", number):
                assert number == 1
    with pytest.raises(RuntimeError), Faults():
        raise RuntimeError
