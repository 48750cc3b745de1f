"""The clients of a release between two nodes: the examples of docs/clients.md, run as they stand, and their tokens."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.acting import FIRST, SECOND
from support.ceremony import ADMINS, change, play
from support.desks import consent, pair, served
from support.elsewhere import listening_elsewhere
from support.patience import PATIENCE
from support.policies import open_on, text_of
from support.sides import Programs, Side, examples, side

from adapters.kit.client import Node
from clients.make import MakingError, make_python

NUMBER = "FR-2026-117"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 400 + b"\n%%EOF\n"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """FR refers, its policy opens files; AL has no case system inside its node."""
    base = tmp_path_factory.mktemp("clients")
    fr, al = side(base, "FR", at_the_desk=False), side(base, "AL", at_the_desk=True)
    with served(fr.desk, al.desk):
        pair(fr.desk, al.desk)
        play(change(ADMINS, "policy.widen", "node", policy=text_of(open_on(("FR", "AL")))), fr.desk.ask)
        yield fr, al


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_referral_goes_and_is_taken(
    sides: tuple[Side, Side], language: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Alone a program is refused, with a code that it knows; two people release what it kept, and the other side's
    program gets the referral with its file.
    """
    (fr, al), programs = sides, programs_in(request, language)
    paper = tmp_path / "decision.pdf"
    paper.write_bytes(PDF)
    refused, kept = programs.printed(fr, "refer", paper)
    assert (refused, kept[0]) == (["refused", "forbidden", "attestation"], "kept")
    sent = released(fr, kept[1])
    take(programs, al, sent)
    assert (programs.folder / "0.pdf").read_bytes() == PDF
    receipts = delivered(fr, sent)
    followed = {id: rest for id, *rest in programs.printed(fr, "follow")}
    assert followed[sent][0] == "referral.request/1" and set(receipts) <= set(followed[sent][2:])


def programs_in(request: pytest.FixtureRequest, language: str) -> Programs:
    """The programs in this language; what the other one needs is not made for them."""
    found: Programs = request.getfixturevalue(language)
    return found


def released(at: Side, draft: str) -> str:
    """Two people release a draft with the person's consent; the id of the message."""
    given = at.desk.ask("consent.record", number=NUMBER, content=consent("AL"))
    first = at.desk.ask("draft.release", by=FIRST, id=draft, consent=given["id"])
    assert first["state"] == "waiting_second"
    return str(at.desk.ask("draft.release", by=SECOND, id=draft)["id"])


def take(programs: Programs, at: Side, id: str) -> None:
    """Take what comes until the referral is among it: the consent comes before it, alone or together with it."""
    took, end = list[list[str]](), time.monotonic() + PATIENCE
    while ["took", id, "referral.request/1"] not in took:
        assert time.monotonic() < end, "the referral did not come"
        took += programs.printed(at, "take")


def delivered(at: Side, id: str) -> list[str]:
    """Wait for the receipt of the other side; all receipts that are there."""
    node, end = Node(at.url, at.token), time.monotonic() + PATIENCE
    while "delivered" not in (found := [receipt["status"] for receipt in node.message(id)["receipts"]]):
        assert time.monotonic() < end, "no receipt came"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_client_keeps_its_token(sides: tuple[Side, Side], language: str, request: pytest.FixtureRequest) -> None:
    """Printed it shows none; neither a proxy that the environment names nor whom a redirection names gets one, nor an
    address that is none of a node.
    """
    (fr, _), programs = sides, programs_in(request, language)
    with listening_elsewhere() as elsewhere:
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), elsewhere.url)
        told = programs.printed(fr, "look", elsewhere.url, NO_PROXY="", no_proxy="", **proxies)
    assert [words[0] for words in told] == ["Messages", "printed", "answered", *["refused"] * 3]
    assert fr.token not in str(told) and "ana:word" not in str(told)
    assert [token for _, token in elsewhere.came] == [f"Bearer {fr.token}"]  # asked by its address, and no more


def test_the_page_has_each_example_in_each_language() -> None:
    """Six blocks, none of them forgotten by the pattern."""
    found = examples("clients.md", (r"[a-z]+",), (r"[a-z]+",))
    assert set(found) == {(language, name) for language in ("python", "ts") for name in ("refer", "follow", "take")}


def test_type_checkers_are_told_of_the_types(python: Programs) -> None:
    """The mark of PEP 561 is in the wheel, beside what we add and what was made."""
    package = Path(python.environment["PYTHONPATH"]) / "trm_gateway_client"
    assert {"py.typed", "connecting.py", "client.py", "models"} <= {path.name for path in package.iterdir()}


LATER = """
from trm_gateway_client.models import Problem
said = {"type": "t", "title": "t", "status": 409, "code": "came_later", "hint": "", "gate": None, "findings": []}
print(Problem.from_dict(said).code)
print(Problem.from_dict(said).to_dict()["code"])
"""


def test_a_word_that_came_later_is_read_as_it_is(python: Programs) -> None:
    """A node is newer than the program beside it: its codes and states are still read, and given on."""
    done = subprocess.run(
        [*python.run, "-c", LATER], env=python.environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("came_later\ncame_later\n", "")


def test_what_a_generator_leaves_out_ends_the_making(description: Path, tmp_path: Path) -> None:
    """An operation whose body has no shape would be missing in the wheel, and nobody would know."""
    whole: dict[str, Any] = json.loads(description.read_bytes())
    path = "/api/v1/attachments"
    whole["paths"] = {path: {"post": whole["paths"][path]["post"]}}
    shapes = whole["components"]["schemas"]
    whole["components"]["schemas"] = {name: shapes[name] for name in ("Added", "Fault", "Problem")}
    for content in whole["paths"][path]["post"]["requestBody"]["content"].values():
        del content["schema"]
    cut = tmp_path / "openapi.json"
    cut.write_text(json.dumps(whole))
    with pytest.raises(MakingError, match="Missing schema"):
        make_python(cut, tmp_path)
    assert [*tmp_path.glob("*.whl")] == []
