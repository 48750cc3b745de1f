"""A node is upgraded while a conversation is open: the catalogue grows, and what began by the older one goes on by it.

The newer node runs a newer package: a copy of `schemas/` in which all that is there is released, one type has a second
revision (a longer limit) and a second version.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import ADMINS, change, play
from support.nodeproc import HOUR, ROOT, UNIT, NodeProcess, Pair, make_pair
from support.pair import START, example
from support.policies import open_on, text_of

from keys.primitives.encoding import b64u, sha256_hex
from schemas.publishing.build import build_derived_files, list_released

CONSENT = b64u(b"consent consent."[:16])
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


@dataclass
class Case:
    """FR has referred a person to AL; AL asks, FR answers."""

    pair: Pair
    id: str

    def request(self, body_type: str, to: str, **content: Any) -> dict[str, Any]:
        """An example of a type as a message of this case."""
        made = example(body_type, to, consent_ref=CONSENT)
        made["content"] |= content
        return made | {"purpose": "referral", "conversation": self.id}

    def question(self, length: int = 20, body_type: str = "info.request/1") -> dict[str, Any]:
        """A question of so many characters."""
        made = self.request("info.request/1", "FR", blocks_decision=False)
        made["content"]["items"][0]["question"] = "q" * length
        return made | {"type": body_type}

    def begin(self) -> None:
        """The request is there and opened."""
        id = self.send(self.pair.a, self.request("referral.request/1", "AL"))
        self.pair.b.call("message.open", id=id, by="w-2")

    def send(self, node: NodeProcess, request: dict[str, Any]) -> str:
        """Submitted, and in the other side's case system."""
        other = self.pair.a if node is self.pair.b else self.pair.b
        before = other.count()
        id = str(node.call("message.submit", **request)["id"])
        self.pair.until(lambda: other.count() > before or node.state(id) in ("rejected", "failed"))
        assert node.state(id) not in ("rejected", "failed"), node.call("message.show", id=id)
        other.collect()
        return id

    def refused(self, node: NodeProcess, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a draft that is refused."""
        with closing(node.client()) as client:
            status, problem = client.submit(request, b64u(b"k" * 16))
        assert status >= 400, problem
        return dict(problem)

    def standing(self, node: NodeProcess) -> tuple[str, dict[str, str]]:
        """State and outcomes as a node folds them."""
        shown = node.call("conversation.show", id=self.id)
        return shown["standing"][0]["state"], {message["id"]: message["outcome"] for message in shown["messages"]}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes of today's package."""
    made = make_pair(tmp_path, start=START)
    try:
        yield made
    finally:
        made.close()


def restart(pair: Pair, node: NodeProcess, packages: Path) -> None:
    """The node comes back with a newer package, and is found again."""
    node.stop()
    node.packages = (packages,)
    node.start()


def test_a_conversation_goes_on_by_what_it_began_with(pair: Pair, tmp_path: Path) -> None:
    """Old with new, new with old, and both new: the old conversation keeps its version, a new one takes the newest that
    both hold.
    """
    fr, al = pair.a, pair.b
    record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
    record["grants"] = [
        {
            "purpose": "referral",
            "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
            "data_categories": ["identity", "contact", "exploitation", "needs", "immigration", "risk", "documents"],
            "until": "2027-11-30",
        }
    ]
    fr.call("consent.record", by="w-1", number="fr-7f3a", content=record)
    wide = text_of(open_on(("FR", "AL")))  # an answer about documents leaves after the acceptance else
    play(change(ADMINS, "policy.widen", "node", policy=wide), fr.call)
    old = Case(pair, OLD)
    old.begin()
    first = old.send(al, old.question())

    packages = newer(tmp_path)
    restart(pair, al, packages)
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

    restart(pair, fr, packages)
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
