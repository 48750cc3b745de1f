"""One cell under its rule: a value, an absence, or a fault; nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest
from support.referral_maps import REFERRAL_FILE

from gateway.mapping import cells
from gateway.mapping.cells import Cell, CellFault, read_cell
from gateway.mapping.file_format import parse
from gateway.mapping.types import Rule, compared
from gateway.ports import Json


def rule_of(path: str, **keys: Any) -> Rule:
    """The rule of one path, alone in its file."""
    value = {key: REFERRAL_FILE[key] for key in ("format", "name", "body_type")}
    (rule,) = parse({**value, "fields": {path: {"from": "X", **keys}}}).rules
    return rule


DATE = rule_of("content.person.birth_date", type="date", year_to="content.person.birth_year")
COUNT = rule_of("content.children", type="integer")
TEXT = rule_of("content.summary", type="text", unknown_values={"nothing": "refused"})
KINDS = rule_of("content.exploitation[]", type="code", list="exploitation", codes={"L": "ForcedLabour"})
TAGS = rule_of("content.tags[]", type="text", split=";")


@pytest.mark.parametrize(
    ("rule", "value", "values"),
    [
        (COUNT, 2, (2,)),
        (COUNT, "2", (2,)),
        (TEXT, "", ()),
        (TEXT, None, ()),
        (DATE, "1994-05-06", ("1994-05-06",)),
        (TAGS, "a; b", ("a", "b")),
        (KINDS, ["L"], ("ForcedLabour",)),
    ],
    ids=repr,
)
def test_what_can_be_read_is_a_value(rule: Rule, value: Json, values: tuple[Json, ...]) -> None:
    """Each part of a cell that is split is one value; an empty cell says nothing."""
    found = read_cell(rule, value)
    assert isinstance(found, Cell)
    assert tuple(found.values) == values


@pytest.mark.parametrize(
    ("rule", "value"),
    [(COUNT, "two"), (COUNT, True), (COUNT, ["2"]), (DATE, "6.5.94"), (DATE, "1994-02-30"), (KINDS, "Zana")],
    ids=repr,
)
def test_what_would_be_a_guess_is_a_fault(rule: Rule, value: Json) -> None:
    """The hint never repeats the cell."""
    found = read_cell(rule, value)
    assert isinstance(found, CellFault)
    assert "Zana" not in found.hint


class Comparisons:
    """`compared`, with a count of how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: str) -> str:
        self.count += 1
        return compared(text)


@pytest.mark.parametrize("pieces", [10, 100, 1_000])
@pytest.mark.parametrize("word", ["L", "nothing known"])
def test_a_cell_of_many_pieces_is_read_in_linear_time(pieces: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compared a few times for each piece, however many there are, also where known values hold the separator."""
    codes = {"L": "ForcedLabour", "water; sewerage; waste": "ForcedLabour"}
    rule = rule_of("content.exploitation[]", type="codes", list="exploitation", codes=codes)
    comparisons = Comparisons()
    monkeypatch.setattr(cells, "compared", comparisons)
    found = read_cell(rule, ";".join([word] * pieces))
    assert isinstance(found, Cell if word == "L" else CellFault)
    assert pieces <= comparisons.count <= 8 * pieces


@pytest.mark.parametrize("value", ["L; Water; sewerage; waste", "water;sewerage; waste ;l", "Water; sewerage; waste"])
def test_a_known_value_that_holds_the_separator_is_found_whole(value: str) -> None:
    """So is what stands before and after it."""
    codes = {"L": "ForcedLabour", "Water; sewerage; waste": "Servitude", "water;sewerage; waste ": "Servitude"}
    found = read_cell(rule_of("content.exploitation[]", type="codes", list="exploitation", codes=codes), value)
    assert isinstance(found, Cell)
    assert set(found.values) <= {"ForcedLabour", "Servitude"}
    assert "Servitude" in found.values
