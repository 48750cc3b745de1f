"""The examples of docs/api-examples.md, run as they stand: each language asks one node and takes it at the other."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.desks import enquiry, pair, served
from support.house import ROOT
from support.patience import PATIENCE
from support.ports import free_port
from support.sides import Side, examples, ran, side

from adapters.kit.client import Node, ProblemError

EXAMPLES = examples("api-examples.md", ("sh", "python", "js"), ("ask", "take"))
RUN = {"sh": ["sh", "-eu"], "python": [sys.executable], "js": ["node"]}
SUFFIX = {"sh": ".sh", "python": ".py", "js": ".mjs"}


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """FR asks, AL has no case system inside its node."""
    base = tmp_path_factory.mktemp("examples")
    fr, al = side(base, "FR", at_the_desk=False), side(base, "AL", at_the_desk=True)
    with served(fr.desk, al.desk):
        pair(fr.desk, al.desk)
        yield fr, al


def printed(at: Side, language: str, name: str, folder: Path) -> str:
    """What one example prints, run in an empty folder."""
    program = folder / f"example{SUFFIX[language]}"
    program.write_text(EXAMPLES[language, name])
    return ran(at, *RUN[language], program, folder=folder, PYTHONPATH=str(ROOT))


@pytest.mark.parametrize("language", RUN)
def test_a_question_is_asked_and_taken(sides: tuple[Side, Side], tmp_path: Path, language: str):
    """The id that one example prints is the one that the other took, and the sender knows that it was delivered."""
    if shutil.which(RUN[language][0]) is None or (language == "sh" and shutil.which("curl") is None):
        assert not os.environ.get("TRM_TESTS_COMPLETE"), f"{language} can not be run here"
        pytest.skip(f"{language} can not be run here")
    fr, al = sides
    asked = printed(fr, language, "ask", tmp_path)
    taken = printed(al, language, "take", tmp_path).split()[-1]
    assert taken in asked
    assert list(Node(al.url, al.token).inbox()) == []
    delivered(fr, taken)


def delivered(at: Side, id: str) -> None:
    """Wait for the receipt of the other side."""
    node, end = Node(at.url, at.token), time.monotonic() + PATIENCE
    while "delivered" not in {receipt["status"] for receipt in node.message(id)["receipts"]}:
        assert time.monotonic() < end, "no receipt came"
        time.sleep(0.05)


def test_the_page_has_each_example_in_each_language():
    """Six blocks, none of them forgotten by the pattern."""
    assert set(EXAMPLES) == {(language, name) for language in RUN for name in ("ask", "take")}


def test_the_client_tells_what_was_refused(sides: tuple[Side, Side]):
    """A problem comes with its code, its places and what to do; a draft that was changed meanwhile is one."""
    fr, _ = sides
    node = Node(fr.url, fr.token)
    with pytest.raises(ProblemError) as caught:
        node.submit({"type": "enquiry.capacity/1", "attested": {"by": "u-117"}})
    assert (caught.value.status, caught.value.code) == (400, "invalid")
    assert "/to" in [finding["place"] for finding in caught.value.findings]
    assert node.codes("role", language="fr").keys() >= {"national_focal_point"}
    assert {item["owes"] for item in node.due()} <= {"us", "them"}
    saved = node.save({"type": "enquiry.capacity/1"})
    assert saved["findings"]
    with pytest.raises(ProblemError) as caught:  # who makes drafts may not change them: a person at the desk may
        node.change(saved["id"], {}, version=saved["version"])
    assert caught.value.status == 403


def test_the_client_submits_many_in_one_call(sides: tuple[Side, Side]):
    """By key what became of each: one that is refused stops no other, and what was stored is answered as before."""
    fr, al = sides
    node, good = Node(fr.url, fr.token), enquiry("AL") | {"attested": {"by": "u-117"}}
    drafts = {"places-1": good, "places-2": {"type": "enquiry.capacity/1", "attested": {"by": "u-117"}}}
    answers = node.submit_many(drafts)
    assert answers["places-1"]["submitted"]["state"] == "queued"
    assert "/to" in [finding["place"] for finding in answers["places-2"]["refused"]["findings"]]
    sent = answers["places-1"]["submitted"]["id"]
    assert node.submit(good, key="places-1")["id"] == sent
    there = Node(al.url, al.token)
    (came,) = there.inbox(wait=30)
    assert came["id"] == sent and there.take(sent)


def test_the_client_comes_back_to_a_node_that_was_away():
    """It tries again, and says at the end that nobody answers."""
    node = Node(f"http://127.0.0.1:{free_port()}", "t", tries=1)
    with pytest.raises(OSError, match="does not answer"):
        node.due()
    with pytest.raises(ValueError, match="http"):
        Node("file:///etc/passwd", "t")
