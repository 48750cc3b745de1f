"""`trm statistics`: a period of a real node, counted, shown in words, and refused where it would tell somebody."""

from __future__ import annotations

import json

import pytest
from support.desks import Desk

from gateway.cli import statistics
from schemas.region_pack.regions import load_region


@pytest.fixture
def released(federation) -> Desk:
    """France, which has released 2024: a year without a case."""
    ran = federation.fr.trm("statistics", "make", "2024", by="Ana B.")
    assert ran.exit_code == 0, ran.stderr
    return federation.fr


def lines(text: str) -> list[str]:
    """Lines without their padding."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_period_is_counted_once(released) -> None:
    """The second time it is what was counted the first time, and the list has it once."""
    again = released.trm("statistics", "make", "2024", by="Ana B.")
    assert lines(again.stdout) == [
        "2024: counted before, unchanged",
        "victims released",
        "registrations released",
        "identification released",
    ]
    listed = json.loads(released.trm("statistics", "show", "--json").stdout)
    assert [item["period"] for item in listed["releases"]] == ["2024"]


def test_a_table_in_words(released) -> None:
    """Titles of the plan, sums as such, in the language that was wanted."""
    shown = lines(released.trm("statistics", "show", "2024", "--table", "victims").stdout)
    assert "all cases 0" in shown
    assert "Persons by sex, age group and form of exploitation (victims)" in shown
    assert "Woman or girl Adult Sexual exploitation 0" in shown
    assert "(all) (all) (all) 0" in shown
    assert not any(line.endswith("(registrations)") for line in shown)
    ran = released.trm("statistics", "show", "2024", "--table", "victims", "--language", "fr")
    french = ran.stdout
    assert "trm: hint: texts in français" in ran.stderr
    sex = load_region("tact").statistics.tables["victims"].dimensions[0]
    woman = sex.categories["woman"].title["fr"]
    assert woman in french and "[en]" not in french


def test_a_table_in_a_classification(released) -> None:
    """Only what it has a name for, and what it has none for is told."""
    ran = released.trm("statistics", "show", "2024", "--table", "registrations", "--in", "CTDC")
    assert "(all) (all) ALB 0" in lines(ran.stdout)
    assert "registering_body/police has no name in CTDC" in ran.stderr
    assert "Police" not in ran.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("make", "2999"),
        ("make", "2023-Q1"),
        ("make", "May"),
        ("show", "2023"),
        ("show", "2024", "--table", "victims_of_may"),
        ("show", "2024", "--in", "ICD"),
        ("show", "--language", "xx"),
        ("draft", "q2x0bJr3QkK0m1c5n8sT4g"),
    ],
)
def test_what_is_not_released_is_refused(released, words: tuple[str, ...]) -> None:
    """Another period, another table, another classification, a request that nobody sent."""
    ran = released.trm("statistics", *words)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("trm: error: ")


def test_what_is_hidden_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A suppressed count, a withheld table, and a table that the plan has no more."""
    value = {
        "period": "2024",
        "threshold": 10,
        "total": None,
        "tables": {"victims": None, "old": [{"key": ["x", None], "n": None}, {"key": [None, None], "n": 12}]},
    }
    statistics._show_tables(value, load_region("tact").statistics, None, "en")
    shown = lines(capsys.readouterr().out)
    assert "all cases withheld: 1 to 9" in shown
    assert any(line.endswith("(victims): withheld, too few cases to protect anybody in it") for line in shown)
    assert {"x, (all) suppressed", "(all), (all) 12"} <= set(shown)
