"""`trm demo --training` as a trainer runs it: countries, people and cases, the tour, and a second start.

Deep rounds: a few cases of one pair of countries, and the whole.
"""

from __future__ import annotations

import json
import re
import stat
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.consoles import console, person
from support.shown_ids import ACTING, ALLOWED, CrewDesk, find_ids, walk_pages
from support.tables import Faults
from support.trained import opened, start, stop

from gateway.demo.bodies import Writer
from gateway.demo.training.crew import FOCAL, WORKER
from gateway.demo.training.letters import ITEM
from gateway.demo.training.script import CASES, SHORT
from gateway.demo.training.tour import TASKS, check_tour

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """One training of a few cases whose nodes are up: (folder, what it printed)."""
    base = tmp_path_factory.mktemp("t") / "t"
    ran = start(base, len(SHORT))
    try:
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
        yield base, ran.stdout
    finally:
        if (base / "pids").exists():
            stop(base)


def states(base: Path) -> dict[str, str]:
    """How far the tour is, by title."""
    return {task.title: state for task, state in check_tour(opened(base))}


def test_it_says_what_to_expect_who_signs_in_and_how_it_ends(short):
    """The time it takes, an invitation for each person that is answered, the tour, how to check, stop and remove."""
    base, said = short
    assert "It takes three to five minutes" in said
    invited = re.findall(r"(FR|AL) (focal point|case worker|auditor|trust administrator) .*(http\S+/enrol)#\S+", said)
    assert len(invited) == 6
    for _, _, address in invited:
        with urllib.request.urlopen(address) as answer:
            assert answer.status == 200
    assert [task.title for task in TASKS if task.title not in said] == []
    for part in ("--training --check --dir", "kill $(cat", f"rm -r {base}"):
        assert part in said


def test_how_people_sign_in_is_kept_in_the_folder_only(short):
    """The file with tokens is for this user alone."""
    base, _ = short
    files = list((base / "secrets").glob("*-people.json"))
    assert len(files) == 2
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


def test_cases_are_weeks_old_and_one_is_overdue(short):
    """Ages are real: the list of cases has what came half a month ago, and one that the trained country owes."""
    base, _ = short
    crew = opened(base).crews["FR"]
    found: Any = crew.ask(FOCAL, "case.find", limit=100)
    ages = sorted((time.time() - case["moved"]) / 86_400 for case in found["cases"])
    assert ages[0] < 2 and ages[-1] > 14
    late: Any = crew.ask(FOCAL, "case.find", overdue=True, owes="us")
    assert len(late["cases"]) == 1
    clock: Any = crew.owner("clock.show")
    assert clock["confirmed"] is True


def test_a_second_start_goes_on(short):
    """Nothing is filled twice, and whoever has no passkey yet is invited again."""
    base, _ = short
    steps = (base / "steps.jsonl").read_bytes()
    pids = (base / "pids").read_text()
    again = start(base, len(SHORT))
    assert (again.returncode, again.stderr) == (0, "")
    assert "this goes on with it" in again.stdout and again.stdout.count("/enrol#") == 6
    assert ((base / "steps.jsonl").read_bytes(), (base / "pids").read_text()) == (steps, pids)


def test_the_tour_knows_what_is_done(short):
    """A task is done when the node says so: the wrong consent does not count, the right one does."""
    base, _ = short
    before = states(base)
    assert set(before.values()) == {"to do"}
    training = opened(base)
    crew, steps = training.crews["FR"], training.steps
    of = {one.tour: one.key for one in SHORT if one.tour}

    crew.ask(FOCAL, "draft.release", id=steps.answer("desk.draft")["id"])
    assert states(base)["Release with a second person"] == "done"

    crew.ask(FOCAL, "case.release", id=steps.answer(f"{of['hold']}.begin")["id"])
    assert states(base)["Lift a hold that is over"] == "done"

    wrong, right = (steps.answer(f"{of[which]}.consent")["id"] for which in ("wrong", "right"))
    crew.ask(WORKER, "consent.withdraw", id=right)
    assert states(base)["Withdraw the right consent"] == "done"
    crew.ask(WORKER, "consent.withdraw", id=wrong)
    assert states(base)["Withdraw the right consent"] == "to do"


@pytest.mark.parametrize("role", ACTING)
async def test_no_page_shows_a_random_id(short, role):
    """Where a thing has a name, people read the name; in two languages, for everybody who works with cases."""
    base, _ = short
    crew = opened(base).crews["FR"]
    with Faults() as wrong:
        for language in ("fr", "en"):
            async with console(desk=CrewDesk(crew, ACTING[role])) as there:
                there.sign_in.sessions["secret"] = person(role, language=language)
                pages = await walk_pages(there, "/", most=60)
                assert len(pages) > 20
                for address, page in pages.items():
                    with wrong.row(language, address):
                        assert ALLOWED.match(address) or find_ids(page) == []


def test_the_whole_training_and_its_tour(tmp_path):
    """Forty cases in four countries and all stages, with all that makes lists real; then each task is done."""
    base = tmp_path / "t"
    ran = start(base, len(CASES))
    try:
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
        assert ran.stdout.count("/enrol#") == 10
        _check_lists(base)
        assert Counter(states(base).values()) == {"to do": 9, "look yourself": 1}
        _take_the_tour(base)
        assert Counter(states(base).values()) == {"done": 9, "look yourself": 1}
    finally:
        if (base / "pids").exists():
            stop(base)


def _check_lists(base: Path) -> None:
    training = opened(base)
    stages: Counter[str | None] = Counter()
    for crew in training.crews.values():
        found: Any = crew.ask(FOCAL, "case.find", limit=100)
        stages.update(case["stage"] for case in found["cases"])
        assert found["counts"]["overdue"] >= 1
    assert {None, "referral", "assistance", "return", "monitoring"} == set(stages), "None: known in one country alone"
    crew = training.crews["FR"]
    alerts: Any = crew.ask(FOCAL, "alert.list")
    drafts: Any = crew.ask(FOCAL, "draft.list")
    assert len(alerts["alerts"]) == 1
    assert {draft["state"] for draft in drafts["drafts"]} == {"waiting", "waiting_second"}
    steps = [json.loads(line)["step"] for line in training.place.steps.read_text().splitlines()]
    assert sum(name.endswith(".begin") for name in steps) == len(CASES)


def _take_the_tour(base: Path) -> None:
    """Do as the people of France what the tour asks of them."""
    training = opened(base)
    crew, steps, albania = training.crews["FR"], training.steps, training.place.country("AL")
    of = {one.tour: one.key for one in CASES if one.tour}
    writer = Writer(crew.country, datetime.now(UTC).date())

    def sent(tour: str, what: str) -> Any:
        name = f"{of[tour]}.{what}"
        return steps.answer(f"{name}.second" if f"{name}.second" in steps else name)

    def consent(tour: str) -> str:
        return str(sent(tour, "consent")["id"])

    decline = writer.decline(albania, sent("overdue", "refer"), consent("overdue"))
    crew.ask(WORKER, "message.submit", **decline)
    answer: Any = writer.answer(albania, sent("question", "question"), consent("question"))
    answer["content"]["answers"][0]["item_id"] = ITEM
    crew.ask(WORKER, "message.submit", **answer)
    crew.ask(FOCAL, "draft.release", id=steps.answer("desk.draft")["id"])
    crew.ask(WORKER, "consent.withdraw", id=consent("right"))
    crew.ask(FOCAL, "alert.acknowledge", id=sent("alert", "alert")["id"], actions=["call_person"])
    crew.ask(WORKER, "message.open", id=sent("new", "refer")["id"])
    crew.ask(FOCAL, "case.confirm", id=steps.answer("desk.join")["change"])
    crew.ask(FOCAL, "case.assign", id=sent("assign", "begin")["id"], worker=crew.person(WORKER))
    crew.ask(FOCAL, "case.release", id=sent("hold", "begin")["id"])
