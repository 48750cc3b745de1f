"""Aggregates: what leaves can not be turned back into a small count, by sums, by subtraction or by asking again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.count_tables import DAY, PLAN, people, plan, table
from support.solver import Cell, values, witness

from gateway.errors import Code, RefusedError
from gateway.statistics.rules import Release, called, cells_of, content_of, from_json, release, to_json
from gateway.statistics.suppression import Table, leak, table_of
from gateway.statistics.tallies import Case, count, read_tally, tally, tally_json
from schemas.region_pack.statistics import StatisticsPlan

LATER = date(2026, 1, 2)


# --- two questions -----------------------------------------------------------------------------------------------

TWO = plan(table(3, 2, name="x"), table(2, 2, name="y"))


def released(cases: list[Case], *, of: StatisticsPlan = TWO) -> Release:
    """The release of 2025."""
    return release(of, "2025", cases, today=LATER, released=())


def drawn(numbers: list[int]) -> list[Case]:
    """Cases with pseudo-random categories in all four dimensions."""
    return [
        Case(
            registered=DAY,
            codes={"x0": frozenset("abc"[n % 3]), "x1": frozenset("ab"[n // 3 % 2])}
            | {"y0": frozenset("ab"[n // 6 % 2]), "y1": frozenset("ab"[n // 12 % 2])},
        )
        for n in numbers
    ]


def units(found: Mapping[Cell, int]) -> Iterator[Cell]:
    """One inner cell for each case of a table."""
    for cell, n in sorted(found.items(), key=str):
        if None not in cell:
            yield from [cell] * n


@given(numbers=st.lists(st.integers(0, 23), min_size=10, max_size=120))
def test_two_tables_together_pin_nothing(numbers: list[int]) -> None:
    """For every suppressed cell of every table there is another population with the same release and another value.

    That is the strongest attack on one period: all published numbers of all tables at once, so also their differences.
    """
    cases = drawn(numbers)
    found = released(cases)
    full = {name: count(one, cases) for name, one in TWO.tables.items()}
    for name, cells in found.tables.items():
        for cell in [cell for cell, n in (cells or {}).items() if n is None]:
            assert cells is not None
            other = next(v for v in values(cells, cell, enough=2) if v != full[name][cell])
            changed = witness(cells, {cell: other})
            assert changed is not None
            mixed = full | {name: changed}
            people = [
                Case(
                    registered=DAY,
                    codes={"x0": frozenset({x[0]}), "x1": frozenset({x[1]})}
                    | {"y0": frozenset({y[0]}), "y1": frozenset({y[1]})},  # type: ignore[dict-item]
                )
                for x, y in zip(units(mixed["x"]), units(mixed["y"]), strict=True)
            ]
            assert len(people) == found.total
            again = {key: count(one, people) for key, one in TWO.tables.items()}
            assert again[name][cell] == other
            for key, published in found.tables.items():
                assert all(n is None or again[key][c] == n for c, n in (published or {}).items())


@given(numbers=st.lists(st.integers(0, 23), max_size=60))
def test_a_release_is_stored_and_read(numbers: list[int]) -> None:
    """What is stored once gives the same answers for ever."""
    found = released(drawn(numbers))
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


def test_a_question_is_one_of_the_list() -> None:
    """There is no table but those of the plan, so no filter can be subtracted."""
    found = released(drawn(list(range(24)) * 4))
    assert cells_of(found, "x") == found.tables["x"]
    with pytest.raises(RefusedError) as caught:
        cells_of(found, "x_of_march")
    assert caught.value.code is Code.GATE_G12


def test_a_withheld_table_is_no_answer() -> None:
    """With fewer cases than the threshold not even their number leaves."""
    found = released(drawn([1, 2, 3]))
    assert found.total is None and set(found.tables.values()) == {None}
    with pytest.raises(RefusedError, match="withheld"):
        cells_of(found, "x")


def test_no_case_is_a_number_that_may_be_told() -> None:
    """A period without any case is published as zeros."""
    found = released([])
    assert found.total == 0
    assert set(cells_of(found, "x").values()) == {0}


@pytest.mark.parametrize(
    ("name", "today", "before"),
    [
        ("2025-Q1", LATER, ()),
        ("2025", date(2025, 12, 31), ()),
        ("2025", LATER, ("2025",)),
        ("2025", LATER, ("2025-Q3",)),
    ],
    ids=["another length", "not over", "released before", "overlaps a quarter"],
)
def test_a_second_or_early_count_is_refused(name: str, today: date, before: tuple[str, ...]) -> None:
    """Two counts that differ by a few cases would show these cases, so there is one count for each time."""
    with pytest.raises(RefusedError) as caught:
        release(TWO, name, [], today=today, released=before)
    assert caught.value.code is Code.GATE_G12


def test_a_case_counts_in_the_period_of_its_registration() -> None:
    """A case registered late counts later; nothing is added to a period that is over."""
    cases = drawn([0] * 12)
    late = [replace(case, registered=date(2026, 1, 1)) for case in cases]
    assert released([*cases, *late]).total == 12
    assert release(TWO, "2026", [*cases, *late], today=date(2027, 1, 1), released=("2025",)).total == 12


# --- the plan of the region --------------------------------------------------------------------------------------


def test_the_plan_of_the_region_counts_real_cases() -> None:
    """Every table of the region takes cases and gives numbers; what is small in it stays hidden."""
    found = release(PLAN, "2025", people(200), today=LATER, released=())
    assert found.total == 200
    victims = cells_of(found, "victims")
    assert victims["woman", None, None] == 133
    assert victims["man", "child", "labour"] is None
    registrations = cells_of(found, "registrations")
    assert registrations["police", None, None] == 50


def test_a_classification_has_no_invented_name() -> None:
    """Categories have the name that CTDC publishes or none; of IC-TIP none was entered, so none is used."""
    cells, unnamed = called(PLAN.tables["victims"], "CTDC")
    assert cells["woman", None, "sexual"] == ("Woman", None, "isSexualExploit")
    assert "age_group/adult" in {found.place for found in unnamed}
    only, _ = called(PLAN.tables["victims"], "IC-TIP")
    assert set(only) == {(None, None, None)}


# --- in the codes of the message -----------------------------------------------------------------------------------


def test_a_table_is_told_in_codes_of_the_message() -> None:
    """Categories by their one code, what was not stated as such, sums by what is left out, a corridor by both ends."""
    found = release(PLAN, "2025", people(200), today=LATER, released=())
    content: Any = content_of(PLAN, found, "registrations", "FR")
    cells = {json.dumps(cell["key"], sort_keys=True): cell for cell in content["cells"]}
    assert cells["{}"] == {"key": {}, "n": 200}
    assert cells['{"registering_body": "Police"}']["n"] == 50
    assert '{"citizenship_group": "other_eu", "corridor": {"from": "FR", "to": "AL"}}' in cells
    assert '{"registering_body": "NGO", "unstated": ["corridor"]}' in cells
    assert content["period"] == "2025-01-01/2025-12-31"
    assert content["method"] == {"threshold": 10, "secondary": True}


@pytest.mark.parametrize("table", PLAN.tables)
@pytest.mark.parametrize("number", [0, 60, 200, 1000])
def test_what_leaves_passes_the_reader_of_the_gate(number: int, table: str) -> None:
    """The table of the message is the table of the release, and G12 finds nothing in it; else it is withheld."""
    found = release(PLAN, "2025", people(number), today=LATER, released=())
    cells = found.tables[table]
    if cells is None:
        assert number == 60
        return
    read = table_of(content_of(PLAN, found, table, "FR"))
    assert isinstance(read, Table)
    assert len(read.cells) == len(cells)
    assert sorted(map(str, read.cells.values())) == sorted(map(str, cells.values()))
    assert leak(read) is None


def test_another_version_of_the_plan_tells_nothing() -> None:
    """Categories may mean something else since: the stored release is not put into new words."""
    found = release(PLAN, "2025", people(200), today=LATER, released=())
    with pytest.raises(RefusedError, match="another version"):
        content_of(replace(PLAN, version=PLAN.version + 1), found, "victims", "FR")


# --- counted before content was erased -----------------------------------------------------------------------------


@given(numbers=st.lists(st.integers(0, 23), max_size=60), parts=st.lists(st.integers(0, 60), max_size=3))
def test_it_does_not_matter_when_a_case_was_counted(numbers: list[int], parts: list[int]) -> None:
    """Cases in as many tallies as one likes, each stored and read again, give the release that all at once give."""
    cases, before, start = drawn(numbers), None, 0
    for end in sorted(min(part, len(cases)) for part in parts):
        before = read_tally(json.loads(json.dumps(tally_json(tally(TWO, cases[start:end], before)))))
        start = end
    assert release(TWO, "2025", cases[start:], today=LATER, released=(), before=before) == released(cases)


def test_what_another_version_counted_is_not_stated() -> None:
    """Its categories may mean something else: the cases are there, and nothing more is said of them."""
    before = tally(replace(PLAN, version=7), people(15))
    found = tally(PLAN, people(3), before)
    assert (found.version, found.cases) == (PLAN.version, 18)
    assert found.tables["victims"]["not_stated", "not_stated", "not_stated"] == 15
