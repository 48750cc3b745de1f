"""A node is upgraded while a conversation is open: the catalogue grows, and what began by the older one goes on by it.

The newer node runs a newer package: a copy of `schemas/` in which all that is there is released, one type has a second
revision (a longer limit) and a second version.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodeproc import HOUR, ROOT, Pair, make_pair
from support.open_case import Case, agree_to_all, restart
from support.pair import START

from keys.primitives.encoding import b64u, sha256_hex
from schemas.publishing.build import build_derived_files, list_released

OLD, NEW, LAST = (b64u(name.ljust(16, b".")) for name in (b"before", b"between", b"after"))
LONGER = 600
"""Characters of a question that only the second revision allows."""


def newer(base: Path) -> Path:
    """A package folder whose catalogue has more of `info.request` than this repository."""
    root = base / "newer" / "schemas"
    shutil.copytree(ROOT / "schemas", root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "released.json").write_bytes(list_released(root, sha256_hex))
    source = json.loads((root / "source" / "info.request.1.json").read_bytes())
    question = source["content"]["object"]["items"]["list"]["object"]["question"]
    question["text"] = LONGER
    (root / "source" / "info.request.1.json").write_text(json.dumps(source | {"revision": 3}))
    (root / "source" / "info.request.2.json").write_text(
        json.dumps(source | {"body_type": "info.request/2", "revision": 1})
    )
    groups = json.loads((root / "groups.json").read_bytes())  # else every field of the new version stays closed
    asked = groups["groups"]["question"]["fields"]
    asked["info.request/2"] = asked["info.request/1"]
    (root / "groups.json").write_text(json.dumps(groups))
    changed = build_derived_files(root, sha256_hex, check=False)
    assert changed == ["catalogue.json", "published/info.request.1.3.json", "published/info.request.2.1.json"]
    return root.parent


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes of today's package."""
    made = make_pair(tmp_path, start=START)
    try:
        yield made
    finally:
        made.close()


def test_a_conversation_goes_on_by_what_it_began_with(pair: Pair, tmp_path: Path) -> None:
    """Old with new, new with old, and both new: the old conversation keeps its version, a new one takes the newest that
    both hold.
    """
    fr, al = pair.a, pair.b
    agree_to_all(fr)
    old = Case(pair, OLD)
    old.begin()
    first = old.send(al, old.question())

    packages = newer(tmp_path)
    restart(pair, al, (packages,))
    old.send(fr, old.request("info.reply/1", "AL") | {"in_reply_to": first})
    old.send(al, old.question())
    problem = old.refused(al, old.question(LONGER))
    assert [(f["place"], f["rule"]) for f in problem["findings"]] == [("/content/items/0/question", "maxLength")]
    problem = old.refused(al, old.question(body_type="info.request/2"))
    assert (problem["code"], problem["hint"]) == (
        "no_common_schema",
        "write it as info.request/1; info.request/2 can be used in a new conversation",
    )
    assert old.standing(fr) == old.standing(al)

    between = Case(pair, NEW)  # a new conversation with a node that still has only the older revision
    between.begin()
    between.send(al, between.question())
    assert between.refused(al, between.question(LONGER))["findings"][0]["rule"] == "maxLength"

    restart(pair, fr, (packages,))
    pair.advance(2 * HOUR, step=HOUR)
    last = Case(pair, LAST)
    last.begin()
    last.send(al, last.question())  # the sender has asked by now what the other side holds
    for case, length in ((old, 20), (between, 20)):
        case.send(al, case.question(length))
        assert case.refused(al, case.question(LONGER))["findings"][0]["rule"] == "maxLength"
        assert case.standing(fr) == case.standing(al)
    newest = Case(pair, b64u(b"with both newer."))
    newest.begin()
    newest.send(al, newest.question(LONGER))
    other = Case(pair, b64u(b"the next version"))
    other.begin()
    other.send(al, other.question(LONGER, "info.request/2"))
    assert newest.standing(fr) == newest.standing(al) and other.standing(fr) == other.standing(al)
