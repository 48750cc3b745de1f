"""One contract for every adapter: the fake, and each kind that is installed with this one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from support.benches import MemoryBench

from adapters import template
from adapters.kit.cases import CASES, Case, Trial, Verdict, run
from adapters.kit.contract import Trouble, in_folders
from adapters.kit.kind import offered
from gateway.conformance import examine


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
        case.name for case in CASES if case.registered or case.needs & NOT_OF_THE_TEMPLATE
    }


NOT_OF_THE_TEMPLATE = {Trouble.EQUAL_STAMPS, Trouble.CLOCK_AHEAD, Trouble.CLOCK_BEHIND}
"""It has no stamps of time to go wrong."""


@pytest.mark.parametrize("kind", offered())
async def test_a_kind_keeps_the_contract(kind: str, tmp_path: Path) -> None:
    """Every case that its bench can cause; `trm adapter check` runs the same."""
    outcomes = [outcome async for outcome in examine(kind, tmp_path)]
    assert [(o.case.name, o.why) for o in outcomes if o.verdict is Verdict.BROKEN] == []
    assert {case.name for case in CASES if not case.needs} <= {
        o.case.name for o in outcomes if o.verdict is Verdict.KEPT
    }
