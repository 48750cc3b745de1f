"""An answer about a column stands in the mapping file, and nothing else in it has changed."""

from __future__ import annotations

import pytest

from adapters.sheet import htcds
from gateway.errors import Code, RefusedError
from gateway.mapping.answers import answer_dates
from gateway.mapping.case_system import parse_text
from gateway.mapping.dates import DayOrder

FILE = """\
# what our office has
format: trm-mapping/1
name: office
body_type: referral.request/1
aliases: {Born: [Date of Birth]}
fields:
  content.person.birth_date:  # asked in April
    from: Born
    type: date
  header.handling.retain_until: {from: Keep, type: date}   # until when
  content.person.pseudonym: {from: Name, type: text}
"""


def orders(text: str) -> dict[str, DayOrder | None]:
    """The answer of each column of dates."""
    return {rule.sources[0]: rule.dates for rule in parse_text(text).rules if rule.kind == "date"}


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["plain", "of Windows"])
@pytest.mark.parametrize(("label", "column"), [("born", "Born"), ("Date  of birth", "Born"), ("Keep", "Keep")])
def test_the_answer_stands_in_the_file(label: str, column: str, end: str) -> None:
    """In a table of either style; by any spelling of the column; every line that was there is there still."""
    text = FILE.replace("\n", end)
    answered = answer_dates(text, label, DayOrder.DAY_FIRST)
    assert orders(answered.text) == {"Born": None, "Keep": None} | {column: DayOrder.DAY_FIRST}
    assert answered.before == [None]
    without = answered.text.replace(f"dates: day_first{end}    ", "").replace("dates: day_first, ", "")
    assert without == text


def test_another_answer_takes_its_place() -> None:
    """And the same one again changes nothing."""
    first = answer_dates(FILE, "Born", DayOrder.DAY_FIRST)
    second = answer_dates(first.text, "Born", DayOrder.MONTH_FIRST)
    assert (second.before, second.text) == ([DayOrder.DAY_FIRST], first.text.replace("day_first", "month_first"))
    assert answer_dates(second.text, "Born", DayOrder.MONTH_FIRST).text == second.text


def test_the_mapping_of_the_standard_can_be_answered() -> None:
    """Each of its columns of dates, with all of its comments left."""
    text = htcds.MAPPING.read_text(encoding="utf-8")
    for column in orders(text):
        text = answer_dates(text, column, DayOrder.DAY_FIRST).text
    assert set(orders(text).values()) == {DayOrder.DAY_FIRST}
    before, after = htcds.MAPPING.read_text(encoding="utf-8").splitlines(), text.splitlines()
    assert [line for line in after if line.strip() != "dates: day_first"] == before


def test_a_column_without_dates_is_an_answer() -> None:
    """The columns that hold dates are named, and nothing is written."""
    with pytest.raises(RefusedError, match="reads no date from such a column; it was left as it is") as told:
        answer_dates(FILE, "Name", DayOrder.DAY_FIRST)
    assert (told.value.code, told.value.hint) == (Code.NOT_FOUND, "it reads dates from: Born, Keep")


def test_a_file_that_cannot_be_added_to_is_left() -> None:
    """A table that is written in a way of its own is for a person, who is told what to write."""
    odd = FILE.replace("{from: Keep, type: date}", "!!map {from: Keep, type: date}")
    with pytest.raises(RefusedError, match="cannot be added to; it was left as it is") as told:
        answer_dates(odd, "Keep", DayOrder.DAY_FIRST)
    assert "dates: day_first" in told.value.hint
