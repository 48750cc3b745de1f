"""The script of a training: forty cases, every stage, and all that the tour speaks of."""

from __future__ import annotations

from collections import Counter

from gateway.demo.training import acts, places, script, tour
from gateway.demo.training.script import CASES, DAYS, PATHS, SHORT, draw_cases


def test_there_are_forty_cases_on_both_shores():
    """Each between a country that hosts people and one of origin, most of them of the country that is trained."""
    assert [one.number for one in CASES] == list(range(1, 41))
    assert all((one.sender in places.HOSTS) != (one.recipient in places.HOSTS) for one in CASES)
    assert sum("FR" in (one.sender, one.recipient) for one in CASES) >= 30
    assert set(PATHS) == {one.path for one in CASES}


def test_every_path_ends_within_the_days():
    """Nothing of a case is left out because the days are over, and the last thing was done lately in some."""
    assert all(one.first + len(PATHS[one.path]) <= len(DAYS) for one in CASES)
    assert list(DAYS) == sorted(DAYS, reverse=True)


def test_whom_cases_are_about_is_the_same_each_time():
    """Pseudonyms are drawn from a seed, none twice, in four scripts."""
    drawn = [persona.pseudonym for _, persona in draw_cases()]
    assert drawn == [persona.pseudonym for _, persona in draw_cases()]
    assert len(set(drawn)) == len(CASES)
    scripts = Counter(persona.language for _, persona in draw_cases())
    assert {"ar", "uk", "el"} < set(scripts)


def test_each_task_has_its_case():
    """Ten tasks, each about a case of the script; and what a short form has is between one pair."""
    words = {one.tour for one in CASES if one.tour}
    assert len(tour.TASKS) == 10
    assert {task.about for task in tour.TASKS} <= words
    assert {(one.sender, one.recipient) for one in SHORT} <= {("FR", "AL"), ("AL", "FR")}


def test_each_act_of_a_path_is_known():
    """A word of a path that nobody can do would be found in the middle of a training."""
    names = {word for path in PATHS.values() for day in path for word in day.split()}
    assert names == set(acts.CaseActs.ACTS)
    assert script.choose_cases(40) is CASES and script.choose_cases(3) is SHORT
