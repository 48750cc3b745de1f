"""A case goes on between a node of before the second edition of the roles and one of today, whoever is upgraded first.

The nodes of before run the program of that commit, out of the history of this repository, and were made by it. Nearly
every type has a revision since, there is a type that they do not have, and codes that they do not know.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import CARDS
from support.nodeproc import HOUR, NodeProcess, Pair, introduce
from support.open_case import Case, agree_to_all, restart
from support.pair import START, example
from support.released import checked_out
from support.shared import lacking

import schemas
from keys.primitives.encoding import b64u

BEFORE = "dcf7d0fa"
"""The last commit before the second edition of the roles."""
OLD, BETWEEN, LAST, NEW = (b64u(name.ljust(16, b".")) for name in (b"before", b"between", b"last", b"new"))
MAKE = """
import json, sys
from pathlib import Path
from support import nodeproc
from support.nodechild import SteeredClock
from keys.documents.admin_card import AdminCard
base, start, cards, *names = sys.argv[1:]
nodeproc.CARDS = [AdminCard.from_json(card) for card in json.loads(cards)]
for name in names:
    nodeproc.NodeProcess(name=name, base=Path(base), steered=int(start)).make(SteeredClock(int(start)))
"""
POLICY = """
from support.policies import open_on, text_of
print(text_of(open_on(("FR", "AL"))), end="")
"""
TODAY: tuple[Path, ...] = ()
"""What comes before this repository on the import path of a node of today."""


@pytest.fixture
def before(tmp_path: Path) -> tuple[Path, ...]:
    """The program of before, and what its tests steer it with."""
    tree = checked_out(tmp_path, BEFORE, name="before")
    if tree is None:
        lacking("the history of this repository is not here")
    return tree, tree / "tests"


def run(before: tuple[Path, ...], code: str, *arguments: str) -> str:
    """Run some lines with the program of before; what they printed."""
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, before))}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=before[0], env=paths, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def pair(tmp_path: Path, before: tuple[Path, ...]) -> Iterator[Pair]:
    """Two nodes that the program of before made and runs."""
    cards = json.dumps([card.to_json() for card in CARDS])  # of those who change trust below
    run(before, MAKE, str(tmp_path), str(START), cards, "FR", "AL")
    fr, al = (NodeProcess(name=name, base=tmp_path, steered=START, packages=before) for name in ("FR", "AL"))
    found = Pair(a=fr, b=al)
    try:
        for node in (fr, al):
            node.start()
        introduce(fr, al)
        yield found
    finally:
        found.close()


def clinical(case: Case, to: str) -> dict[str, Any]:
    """A question with a member and a code that the revision of before does not have."""
    asked = case.request("info.request/1", to, about="identification", blocks_decision=False)
    return asked | {"content": asked["content"] | {"items": asked["content"]["items"][:1]}}


def sheltered(case: Case) -> dict[str, Any]:
    """A referral with a legal status that the revision of before does not have."""
    return case.request("referral.request/1", "AL", legal_status="temporary_protection")


def words_of(problem: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and rule of each finding; each says what to do."""
    assert all(found["hint"] for found in problem["findings"])
    return [(found["place"], found["rule"]) for found in problem["findings"]]


def held(node: NodeProcess) -> int:
    """How many messages a node holds."""
    ((count,),) = node.rows("select count(*) from message")
    return int(count)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("first", ["FR", "AL"])
def test_a_case_of_before_goes_on_with_a_node_of_today(
    pair: Pair, before: tuple[Path, ...], first: str, record_property: Callable[[str, object], None]
) -> None:
    """Both of before, one of today, both of today: what was begun keeps its versions; what the other node does not have
    is refused in words and nothing of it is stored; a new case takes the newest that both hold; nothing is lost.
    """
    record_property("examples", 1)
    fr, al = pair.a, pair.b
    newer, other = (fr, al) if first == "FR" else (al, fr)
    to = "AL" if newer is fr else "FR"
    agree_to_all(fr, run(before, POLICY))
    old = Case(pair, OLD)
    old.begin()
    asked = old.send(al, old.question())

    restart(pair, newer, TODAY)
    old.send(fr, old.request("info.reply/1", "AL") | {"in_reply_to": asked})
    old.send(al, old.question())
    old.send(fr, old.question() | {"to": "AL"})
    there = held(newer)
    assert words_of(old.refused(newer, clinical(old, to))) == [("/content", "additionalProperties")]
    complaint = example("service.complaint/1", to, consent_ref=old.question()["header"]["consent_ref"])
    refused = old.refused(newer, complaint | {"purpose": "assistance", "conversation": OLD})
    assert refused["code"] == "out_of_scope" and refused["hint"]  # what both agreed on has no such type
    assert refused["title"] == "service.complaint/1 is not in the scope agreed with this peer, because of its types"
    assert held(newer) == there
    assert old.standing(fr) == old.standing(al)

    between = Case(pair, BETWEEN)
    if newer is fr:
        found = words_of(between.refused(fr, sheltered(between)))
        assert found == [("/content/legal_status", rule) for rule in ("gate_g11", "unknown_code")]
    between.begin()
    between.send(al, between.question())
    assert between.standing(fr) == between.standing(al)

    restart(pair, other, TODAY)
    pair.advance(2 * HOUR, step=HOUR)
    for case in (old, between):
        case.send(al, case.question())
        assert words_of(case.refused(al, clinical(case, "FR"))) == [("/content", "additionalProperties")]
        assert case.standing(fr) == case.standing(al)
    Case(pair, LAST).begin()  # who sends has asked by now
    new = Case(pair, NEW)
    new.send(fr, sheltered(new))
    new.send(al, clinical(new, "FR"))
    assert new.standing(fr) == new.standing(al)

    assert held(fr) == held(al)
    for node in (fr, al):
        assert set(node.rows("select state from message where direction = 'out'")) <= {
            ("awaiting_opening",),
            ("opened",),
        }
        assert {"content.damaged", "message.failed"}.isdisjoint(node.alarms())
    assert schemas.load_catalogue().get("info.request/1").revision > 1
