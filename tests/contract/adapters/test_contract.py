"""One contract for every adapter: the fake, and each kind that is installed with this one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from support.benches import MemoryBench
from support.databases import SERVERS, ServerBench, office_on

from adapters import template
from adapters.kit.cases import CASES, Case, Trial, Verdict, run
from adapters.kit.contract import Trouble, in_folders
from adapters.kit.kind import find, offered
from gateway.mapping.conformance import examine
from gateway.ports import RecordEraser

HOLD_FILES = {"folder", "sftp", "sql", "rest", "primero"}
"""Kinds whose systems can hold files: the cases about them are not passed over."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_fake_keeps_the_contract(case: Case, tmp_path: Path) -> None:
    """What tests use in place of a case system is held to the same promises."""
    async with partial(in_folders, MemoryBench)(tmp_path) as new:
        outcome = await run(case, Trial(bench=new()))
    assert outcome.verdict is not Verdict.BROKEN, outcome.why


async def test_the_template_keeps_the_contract(tmp_path: Path) -> None:
    """What everybody begins with; an adapter made from it is killed and mapped as well (tests/acceptance)."""
    async with template.KIND.stand_in(tmp_path) as new:
        outcomes = [await run(case, Trial(bench=new())) for case in CASES]
    assert [(o.case.name, o.why) for o in outcomes if o.verdict is Verdict.BROKEN] == []
    assert {o.case.name for o in outcomes if o.verdict is Verdict.NOT_TRIED} == {
        case.name for case in CASES if case.registered or case.files or case.needs & NOT_OF_THE_TEMPLATE
    }


NOT_OF_THE_TEMPLATE = {Trouble.EQUAL_STAMPS, Trouble.CLOCK_AHEAD, Trouble.CLOCK_BEHIND}
"""It has no stamps of time to go wrong."""


@pytest.mark.parametrize("kind", offered())
async def test_a_kind_keeps_the_contract(kind: str, tmp_path: Path) -> None:
    """Every case that its bench can cause; `trm adapter check` runs the same."""
    outcomes = [outcome async for outcome in examine(kind, tmp_path)]
    assert [(o.case.name, o.why) for o in outcomes if o.verdict is Verdict.BROKEN] == []
    assert {case.name for case in CASES if not case.needs and (kind in HOLD_FILES or not case.files)} <= {
        o.case.name for o in outcomes if o.verdict is Verdict.KEPT
    }


@pytest.mark.parametrize("kind", offered())
async def test_a_kind_can_be_asked_to_erase_a_record(kind: str, tmp_path: Path) -> None:
    """No kind of this repository leaves the record of a message out: the cases about it are not passed over."""
    async with find(kind).stand_in(tmp_path) as new:
        assert isinstance(new().adapter(), RecordEraser)


SHORT = {
    "settles_once",
    "one_key_once",
    "many_at_once",
    "odd_content",
    "erased_is_gone",
    "erased_record_stays_away",
    "description_says_nothing",
}
"""What another kind of database is most likely to break; `./dev deep` runs all."""


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param([case for case in CASES if case.name in SHORT], id="short"),
        pytest.param(CASES, id="all", marks=pytest.mark.deep),
    ],
)
@pytest.mark.parametrize("server", SERVERS)
async def test_a_real_server_keeps_the_contract(server: str, cases: Sequence[Case], tmp_path: Path) -> None:
    """The database adapter on PostgreSQL and MariaDB, beside the SQLite that comes with its kind."""
    outcomes = [await run(case, Trial(bench=ServerBench(office_on(server, tmp_path)))) for case in cases]
    assert [(o.case.name, o.why) for o in outcomes if o.verdict is Verdict.BROKEN] == []
    assert {case.name for case in cases if not case.needs and not case.registered} <= {
        o.case.name for o in outcomes if o.verdict is Verdict.KEPT
    }
