"""The vectors of evidence as they were in the first form: never made anew, and judged alike for ever (nrm1 1.17)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.released import ROOT
from support.vector_evidence import judge

from gateway.evidence.form import FIRST

FILE: dict[str, Any] = json.loads((ROOT / "docs/spec/vectors/evidence-first-form.json").read_bytes())


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_both_verifiers_judge_it_as_before(case: dict[str, Any]) -> None:
    """Each signature has the verdict and the caveats of before, and one more: that it is of the first form."""
    found = judge(FILE, case)
    if isinstance(found, str):
        assert found == case["verdicts"]
        return
    for signature in found:
        signature["caveats"].remove(FIRST.caveat)
    assert found == case["verdicts"]
