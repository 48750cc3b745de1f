"""The counting of mutants: which slices there are, what a mutant is called, and which count as noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import mutant_order, pair
from support.mutant_counts import (
    Mutant,
    Slice,
    choose_sample,
    configure,
    count_mutants,
    name_function,
    read_diff,
    read_equivalent,
    read_slices,
)
from support.mutant_order import count_reached, mirror
from support.mutants import EQUIVALENT, ROOT, Bench

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
DIFF = """--- gateway/consent/rules.py
+++ gateway/consent/rules.py
@@ -1,3 +1,3 @@
 def lets(self, unit):
-    return self.units and unit in self.units
+    return self.units or unit in self.units
"""
LETS = Mutant("gateway.a.lets", "return self.units and unit in self.units", "return self.units or unit in self.units")


def test_the_paths_of_every_slice_exist():
    """A module that is moved takes its slice along."""
    slices = read_slices(PYPROJECT)
    assert [path for part in slices for path in (*part.code, *part.tests) if not (ROOT / path).exists()] == []
    assert len(slices) > 5


def test_a_slice_that_was_not_begun_has_no_mutants_yet():
    """Where the time was over before it, it is counted as nothing, and what was found of others is told."""
    bench = Bench(Slice("of which nobody asked", ("gateway/a.py",), ("tests/unit/a",)))
    assert (bench.verdicts(), bench.unnoticed(), bench.checked(), bench.left_out()) == ({}, [], 0, 0)


def test_a_work_folder_is_configured_for_its_slice():
    """What is altered and what judges it stand beside what holds for all."""
    made = tomllib.loads(configure(PYPROJECT, Slice("one", ("gateway/a.py",), ("tests/unit/a",))))["tool"]["mutmut"]
    assert (made["source_paths"], made["pytest_add_cli_args_test_selection"]) == (["gateway/a.py"], ["tests/unit/a"])
    assert "gateway" in made["also_copy"]


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("gateway.a.rules.x_covers__mutmut_12", "gateway.a.rules.covers"),
        ("gateway.a.rules.x__places__mutmut_1", "gateway.a.rules._places"),
        ("gateway.a.rules.xǁHandlingǁlets__mutmut_3", "gateway.a.rules.Handling.lets"),
    ],
)
def test_a_mutant_is_named_by_its_function(mutant: str, function: str):
    """Its number changes with every line above it."""
    assert name_function(mutant) == function


def test_the_tests_of_the_module_come_first():
    """A module may have several test files; before mutants are asked about there is no module."""
    assert mirror("gateway.a.rules.xǁHandlingǁlets__mutmut_3") == "a/test_rules"
    assert mirror("gateway.rules.x_lets__mutmut_3") == "test_rules"
    assert mirror("stats") == "test_"


def test_tests_that_reach_most_of_the_module_come_first():
    """A function of another module counts for nothing, also where that one's name begins alike."""
    stats = json.dumps(
        {
            "tests_by_mangled_function_name": {
                "gateway.a.rules.x_lets": ["t.py::wide", "t.py::narrow"],
                "gateway.a.rules.xǁHandlingǁlets": ["t.py::wide"],
                "gateway.a.rules_of.x_lets": ["t.py::narrow", "t.py::other"],
            }
        }
    )
    assert count_reached("gateway.a.rules.xǁHandlingǁlets__mutmut_3", stats) == {"t.py::wide": 2, "t.py::narrow": 1}


def test_each_test_is_chosen_once_before_any_with_another_parameter():
    """Twenty parameters of one test would else be all that is asked; but what is in the own file goes before all."""
    items = [
        SimpleNamespace(nodeid=name) for name in ("t.py::a[1]", "t.py::a[2]", "t.py::b", "t.py::a[3]", "t.py::c[1]")
    ]
    chosen = [item.nodeid for item in mutant_order.choose(items)]
    assert chosen == ["t.py::a[1]", "t.py::b", "t.py::c[1]", "t.py::a[2]", "t.py::a[3]"]
    own = [SimpleNamespace(nodeid=f"a/test_rules.py::{name}") for name in ("b[1]", "b[2]")]
    assert mutant_order.choose([*items, *own], "a/test_rules")[:3] == [*own, items[0]]


def test_what_a_mutant_keeps_from_coming_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch):
    """Without a mutant the patience is that of a slow machine."""
    monkeypatch.setattr(pair, "PATIENCE", pair.PATIENCE)
    patient = pair.PATIENCE
    for mutant, patience in (("", patient), ("stats", patient), ("gateway.a.x_b__mutmut_1", mutant_order.PATIENCE)):
        monkeypatch.setenv("MUTANT_UNDER_TEST", mutant)
        next(mutant_order.pytest_collection_modifyitems([]))
        assert patience == pair.PATIENCE


def test_a_test_that_can_not_be_named_ends_the_run(tmp_path: Path):
    """Else each mutant that it reaches would count as noticed: pytest does not find it and fails."""
    (tmp_path / "test_ids.py").write_text(
        "import pytest\n\n\n@pytest.mark.parametrize('text', ['a'], ids=[r'\\u202e'])\ndef test_it(text):\n    pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "support.mutant_order", "-p", "no:cacheprovider", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no test is found by this name" in done.stdout + done.stderr


def test_a_mutant_is_told_by_its_changed_lines():
    """Without their indentation, so that moving them changes nothing."""
    assert read_diff("gateway.a.lets", DIFF) == LETS


def test_what_is_named_equivalent_does_not_count():
    """A mutant that never ends is noticed; one without tests is not."""
    known = read_equivalent(
        f'[[equivalent]]\nfunction = "{LETS.function}"\nbefore = "{LETS.before}"\n'
        f'after = ["{LETS.after}"]\nreason = "r"\n'
    )
    other = Mutant("gateway.a.lets", "return 1", "return 2")
    verdicts = {"a": "killed", "b": "timeout", "c": "survived", "d": "no tests", "e": "not checked"}
    tally = count_mutants("one", verdicts, [LETS, other], known)
    assert (tally.noticed, tally.checked, tally.equivalent, tally.survivors) == (2, 3, 1, (other,))
    assert not tally.reached
    assert str(tally).endswith("66.7% of 3, 1 not checked")


def test_what_is_named_for_nothing_is_told():
    """A mutant that a test notices now needs no reason any more; before all were asked about nobody can say."""
    known = {LETS: "a reason"}
    checked = {"gateway.a.x_lets__mutmut_1": "killed"}
    assert count_mutants("one", checked, [], known).needless == (LETS,)
    assert count_mutants("one", checked, [LETS], known).needless == ()
    assert count_mutants("one", checked | {"gateway.a.x_lets__mutmut_2": "not checked"}, [], known).needless == ()
    assert count_mutants("one", {"gateway.a.x_other__mutmut_1": "killed"}, [], known).needless == ()


def test_a_sample_has_something_of_every_function():
    """The same each time, whatever the order; a larger one goes on where the smaller one ended."""
    large, small = ([f"gateway.a.x_{name}__mutmut_{number}" for number in range(1, 9)] for name in ("large", "small"))
    mutants = [*large, *small[:2]]
    five = choose_sample(mutants, 5)
    assert {name_function(mutant) for mutant in five[:2]} == {"gateway.a.large", "gateway.a.small"}
    assert set(small[:2]) < set(five)
    assert choose_sample(reversed(mutants), 7)[:5] == five
    assert sorted(choose_sample(mutants, 99)) == sorted(mutants)


def test_a_sample_is_told_as_one():
    """What is not in it was not noticed by a test, so nothing is said of the slice as a whole."""
    known = {LETS: "a reason"}
    tally = count_mutants("one", {"gateway.a.x_lets__mutmut_1": "killed"}, [], known, left_out=7)
    assert tally.needless == ()
    assert str(tally).endswith("100.0% of 1; a sample, 7 are not in it")


def test_each_equivalent_mutant_has_its_reason():
    """One sentence at least, and code that is still there."""
    known = read_equivalent(EQUIVALENT.read_text(encoding="utf-8"))
    assert [mutant for mutant, reason in known.items() if len(reason) < 20] == []
    for mutant in known:
        path = next(p for p in _modules(mutant.function) if p.exists())
        assert mutant.function.rpartition(".")[2] in path.read_text(encoding="utf-8"), mutant


def _modules(function: str):
    parts = function.split(".")
    return [ROOT / ("/".join(parts[:end]) + ".py") for end in range(len(parts) - 1, 1, -1)]
