"""Aggregates: what leaves can not be turned back into a small count, by sums, by subtraction or by asking again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.solver import Cell, lines, values, witness

from gateway.errors import Code, RefusedError
from gateway.statistics.rules import (
    SPREAD,
    Case,
    Period,
    Release,
    asked,
    called,
    cells_of,
    classify,
    content_of,
    count,
    countable,
    from_json,
    period,
    period_of,
    protect,
    read_tally,
    release,
    tally,
    tally_json,
    to_json,
)
from gateway.statistics.suppression import Table, leak, table_of
from schemas.region_pack.regions import load_region
from schemas.region_pack.statistics import Category, Dimension, PeriodLength, StatisticsPlan, TablePlan

PLAN = load_region("tact").statistics
DAY = date(2025, 5, 5)
LATER = date(2026, 1, 2)


def dimension(name: str, size: int) -> Dimension:
    """A dimension with categories named a, b, c, ... each with one code of its own."""
    names = "abcdefgh"[:size]
    return Dimension(
        name=name,
        title={"en": name},
        codes="none",
        categories={c: Category(name=c, title={"en": c}, codes=frozenset({c}), code=c, called={}) for c in names},
        missing=names[0],
        several=None,
    )


def table(*sizes: int, name: str = "t") -> TablePlan:
    """A table with dimensions of these sizes."""
    found = tuple(dimension(f"{name}{i}", size) for i, size in enumerate(sizes))
    return TablePlan(name=name, title={"en": name}, dimensions=found)


def plan(*tables: TablePlan) -> StatisticsPlan:
    """A plan of yearly tables."""
    return replace(PLAN, tables={one.name: one for one in tables})


def summed(inner: Mapping[tuple[str, ...], int]) -> dict[Cell, int]:
    """The cells of a table with all sums, from its inner cells: the count of a table, done another way."""
    size = len(next(iter(inner)))
    axes = [sorted({cell[i] for cell in inner}) for i in range(size)]
    return {
        cell: sum(n for key, n in inner.items() if all(c is None or c == k for c, k in zip(cell, key, strict=True)))
        for cell in product(*((*axis, None) for axis in axes))
    }


def inner(*rows: int, shape: tuple[int, ...]) -> dict[Cell, int]:
    """A table from its inner cells in order."""
    return summed(dict(zip(product(*("abcdefgh"[:size] for size in shape)), rows, strict=True)))


@st.composite
def counts(draw: st.DrawFn) -> dict[Cell, int]:
    """A table of one to three dimensions whose cells are mostly small, as those of a small country are."""
    shape = draw(st.sampled_from([(2,), (4,), (2, 2), (3, 2), (3, 3), (2, 4), (2, 2, 2), (3, 2, 2)]))
    number = st.one_of(st.integers(0, 12), st.sampled_from([0, 0, 1, 2, 15, 40]))
    cells = [draw(number) for _ in product(*(range(size) for size in shape))]
    return inner(*cells, shape=shape)


# --- what is counted ---------------------------------------------------------------------------------------------


def test_a_case_counts_once_in_each_dimension() -> None:
    """Several codes are one category, or the one for several; none is the one for missing."""
    exploitation = next(d for t in PLAN.tables.values() for d in t.dimensions if d.name == "exploitation")
    assert classify(exploitation, ["ForcedLabour"]) == "labour"
    assert classify(exploitation, ["ForcedLabour", "Servitude"]) == "labour"
    assert classify(exploitation, ["ForcedLabour", "SexualExploitation"]) == "other"
    assert classify(exploitation, ["Surrogacy"]) == "other"
    assert classify(exploitation, []) == "not_stated"


def test_a_code_without_a_category_is_refused() -> None:
    """A code that nobody sorted is never counted as something else (G11), and is not told."""
    sex = next(d for t in PLAN.tables.values() for d in t.dimensions if d.name == "sex")
    with pytest.raises(RefusedError) as caught:
        classify(sex, ["Zyx"])
    assert caught.value.code is Code.MAPPING_FAILED
    assert [(found.place, found.rule) for found in caught.value.findings] == [("sex", "unmapped_code")]
    assert "Zyx" not in repr((str(caught.value), caught.value.findings))


def test_two_values_where_one_is_expected_are_refused() -> None:
    """A dimension without a category for several values takes no case with two."""
    with pytest.raises(RefusedError, match="count twice"):
        classify(dimension("x", 3), ["a", "b"])


def test_counts_have_all_sums() -> None:
    """Every cell with its sums is there, zeros too, and the sums are right."""
    cases = [Case(registered=DAY, codes={"t0": frozenset(x), "t1": frozenset(y)}) for x, y in ["aa", "ab", "ab", "ba"]]
    assert count(table(2, 2), cases) == inner(1, 2, 1, 0, shape=(2, 2))


# --- suppression -------------------------------------------------------------------------------------------------


def test_nothing_small_nothing_suppressed() -> None:
    """A table without small counts leaves as it is, with its zeros."""
    found = inner(10, 0, 25, 40, shape=(2, 2))
    assert protect(found, 10) == found


def test_a_small_cell_takes_others_with_it() -> None:
    """One small cell alone could be worked out from its row, so a swap of four goes with it."""
    cells = protect(inner(3, 40, 25, 30, 50, 60, shape=(2, 3)), 10)
    assert cells is not None
    hidden = {cell for cell, n in cells.items() if n is None}
    assert hidden == {("a", "a"), ("b", "a"), ("a", "c"), ("b", "c")}


def test_only_primary_suppression_would_be_worked_out() -> None:
    """The attacker of these tests is able: without secondary suppression it finds the number."""
    found = inner(3, 40, 25, 30, 50, 60, shape=(2, 3))
    naive = {cell: None if 0 < n < 10 else n for cell, n in found.items()}
    assert values(naive, ("a", "a"), enough=SPREAD) == [3]


def test_a_sum_that_is_small_is_protected_too() -> None:
    """A small row total goes the same way: it could be worked out from the grand total."""
    cells = protect(inner(3, 2, 40, 50, 30, 60, shape=(3, 2)), 10)
    assert cells is not None and cells["a", None] is None and cells[None, None] == 185
    assert len(values(cells, ("a", None), enough=SPREAD)) == SPREAD


def test_a_row_of_one_small_count_moves_with_its_sum() -> None:
    """A count that is alone in its row is its sum too: both go, with the cell and the sum of another row."""
    cells = protect(inner(0, 1, 11, 15, shape=(2, 2)), 10)
    assert cells is not None
    assert {cell for cell, n in cells.items() if n is None} == {("a", "b"), ("a", None), ("b", "b"), ("b", None)}


@pytest.mark.parametrize(
    "found",
    [inner(3, 0, 0, 40, shape=(2, 2)), inner(3, 0, shape=(2,)), inner(2, 3, shape=(2,))],
    ids=["each row has one", "one category", "too few cases"],
)
def test_what_can_not_be_protected_is_withheld(found: dict[Cell, int]) -> None:
    """Where the number of all cases gives a small count away, the table does not leave."""
    assert protect(found, 10) is None


@given(found=counts())
def test_no_suppressed_cell_can_be_pinned(found: dict[Cell, int]) -> None:
    """An exact solver over the published numbers finds at least five values for every suppressed cell."""
    cells = protect(found, 10)
    assume(cells is not None)
    assert cells is not None
    for cell, n in cells.items():
        if n is None:
            assert len(values(cells, cell, enough=SPREAD)) == SPREAD


@given(found=counts())
def test_no_small_count_leaves(found: dict[Cell, int]) -> None:
    """What is published is true and is 0 or at least the threshold; the number of all cases is always there."""
    cells = protect(found, 10)
    if cells is None:
        return
    assert set(cells) == set(found)
    assert all(n is None or (n == found[cell] and not 0 < n < 10) for cell, n in cells.items())
    assert cells[tuple(None for _ in next(iter(cells)))] is not None


@given(found=counts(), seed=st.integers(0, 2**32))
def test_the_order_of_the_cells_does_not_matter(found: dict[Cell, int], seed: int) -> None:
    """The same counts give the same suppression on every node and every run."""
    mixed = list(found.items())
    random.Random(seed).shuffle(mixed)
    assert protect(dict(mixed), 10) == protect(found, 10)


def test_the_solver_reads_every_sum() -> None:
    """Each line of a table is an equation that its counts satisfy."""
    found = inner(*range(12), shape=(3, 2, 2))
    assert len(lines(found)) == 3 * 3 + 4 * 3 + 4 * 3
    assert all(found[total] == sum(found[part] for part in parts) for total, parts in lines(found))


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


def test_periods_are_calendar_years_and_quarters() -> None:
    """A year has four quarters without gap or overlap."""
    quarters = [period(f"2024-Q{n}") for n in range(1, 5)]
    year = period("2024")
    assert (quarters[0].first, quarters[-1].last) == (year.first, year.last) == (date(2024, 1, 1), date(2024, 12, 31))
    assert all(one.last.toordinal() + 1 == two.first.toordinal() for one, two in pairwise(quarters))
    assert year == Period(name="2024", length=PeriodLength.YEAR, first=date(2024, 1, 1), last=date(2024, 12, 31))


@pytest.mark.parametrize("name", ["", "2025-Q5", "2025-13", "25", "2025-Q0", "1899", "2025 "])
def test_other_periods_do_not_exist(name: str) -> None:
    """A free period could be subtracted from another one."""
    with pytest.raises(RefusedError):
        period(name)


@pytest.mark.parametrize(
    ("interval", "name"), [("2025-01-01/2025-12-31", "2025"), ("2025-04-01/2025-06-30", "2025-Q2")]
)
def test_days_asked_for_are_a_period(interval: str, name: str) -> None:
    """A year and a quarter by their first and last day."""
    assert asked(interval).name == name


@pytest.mark.parametrize(
    "interval",
    ["2025-01-01/2025-12-30", "2025-01-02/2025-12-31", "2025-01-01/2026-12-31", "2025-04-01/2025-09-30", "2025-04-01"],
)
def test_other_days_are_refused(interval: str) -> None:
    """A day less is another population: two such answers could be subtracted."""
    with pytest.raises(RefusedError) as caught:
        asked(interval)
    assert caught.value.code is Code.GATE_G12


# --- the plan of the region --------------------------------------------------------------------------------------


def people(number: int) -> list[Case]:
    """Cases as a node of the region has them."""
    return [
        Case(
            registered=DAY,
            codes={
                "sex": frozenset({"Feminine"} if n % 3 else {"Masculine"}),
                "age_group": frozenset({"adult"} if n % 5 else {"child"}),
                "exploitation": frozenset({"ForcedLabour"} if n % 2 else {"SexualExploitation", "ForcedLabour"}),
                "registering_body": frozenset({"NGO"} if n % 4 else {"Police"}),
                "citizenship_group": frozenset({"AL"} if n % 2 else {"UA"}),
                "corridor": frozenset({"AL"} if n % 3 else {"UA"}),
            },
        )
        for n in range(number)
    ]


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
        content_of(replace(PLAN, version=2), found, "victims", "FR")


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
    assert (found.version, found.cases) == (1, 18)
    assert found.tables["victims"]["not_stated", "not_stated", "not_stated"] == 15


def test_a_case_that_no_table_takes_is_counted_by_its_day() -> None:
    """A code that belongs to no category holds up no erasure, and is not counted as another one."""
    odd = replace(people(1)[0], codes={"sex": frozenset({"Zyx"})})
    assert countable(PLAN, odd) == replace(odd, codes={})
    assert countable(PLAN, people(1)[0]) == people(1)[0]


@pytest.mark.parametrize(
    ("length", "day", "name"),
    [
        (PeriodLength.YEAR, "2026-12-31", "2026"),
        (PeriodLength.QUARTER, "2026-03-31", "2026-Q1"),
        (PeriodLength.QUARTER, "2026-04-01", "2026-Q2"),
        (PeriodLength.QUARTER, "2026-12-31", "2026-Q4"),
    ],
)
def test_a_day_lies_in_one_period(length: PeriodLength, day: str, name: str) -> None:
    """The one of the plan's length, which has the day between its first and its last."""
    found = period_of(replace(PLAN, period=length), date.fromisoformat(day))
    assert found.name == name
    assert found.first <= date.fromisoformat(day) <= found.last
