"""The log in a bundle, made by hand: entries and checkpoints say what this node would write, or nothing verifies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.endpoints import edited
from support.exhibits import A, B, C, Logbook, conversation, stated
from support.nodes import NOW
from support.stranger import verified

from keys.documents.log_signatures import sign_checkpoint
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.documents.statement import proof_hash
from keys.primitives.encoding import b64u, canon
from keys.primitives.merkle_tree import prove_inclusion

CASE = conversation()
DATA = CASE.build()
REFERRAL = CASE.sealed["referral"]
SAID = stated(REFERRAL)
FACTS = {
    "ev": "message.departed",
    "at": NOW,
    "of": REFERRAL.statement_hash,
    "peer": SAID.to,
    "n": SAID.n,
    "sig": proof_hash(REFERRAL.proof),
    "seq": 1,
}


def leaf(**changes: Any) -> bytes:
    """The entry about the referral, but for `changes`; None takes a member out."""
    return canon({name: value for name, value in (FACTS | changes).items() if value is not None})


def with_log(*leaves: bytes, **changes: Any) -> bytes:
    """The bundle with a log of A, or of `changes`, that truly has these leaves and that B witnessed."""
    book = Logbook(A, leaves=list(leaves))
    book.checkpoint((B, NOW + 5))
    size = len(leaves)
    tree = book.tree(size)
    entries = [
        {"leaf": b64u(leaf), "path": [b64u(step) for step in prove_inclusion(place, size, tree.node)]}
        for place, leaf in enumerate(leaves)
    ]
    log = {
        "node": A.first().node,
        "witnesses": [],
        "checkpoints": [{"note": book.notes[size].decode(), "leaves": entries}],
    } | changes
    return edited(DATA, lambda value: value.update(log=log))


BAD_LEAVES: dict[str, bytes] = {
    "seq": leaf(seq=2),
    "seq 0": leaf(seq=0),
    "seq true": leaf(seq=True),
    "time": leaf(at=-1),
    "time true": leaf(at=True),
    "event": leaf(ev="message.received"),
    "event of receipts": leaf(ev="receipts.issued"),
    "event of nothing": leaf(ev="x"),
    "no event": leaf(ev=None),
    "number": leaf(n=SAID.n + 1),
    "number true": leaf(n=True),
    "peer": leaf(peer=C.first().node),
    "peer itself": leaf(peer=A.first().node),
    "of nothing": leaf(of="A" * 43),
    "of a list": leaf(of=["A"]),
    "no signature": leaf(sig=None),
    "another signature": leaf(sig="A" * 43),
    "more": leaf(more=1),
    "code": leaf(code="void"),
    "no object": b"[]",
    "a text": b'"x"',
    "not canonical": leaf() + b"\n",
    "nothing": b"",
}


def noted(change: Callable[[list[str]], object]) -> bytes:
    """The bundle with a checkpoint whose lines are changed and that A signed all the same."""
    book = Logbook(A, leaves=[leaf()])
    text = Checkpoint(origin=A.first().log, size=1, root=book.tree(1).root()).text.decode()
    lines = text.split("\n")[:-1]
    change(lines)
    signed_text = "".join(f"{line}\n" for line in lines).encode()
    # ML-DSA-44 signs what the three lines say, and not as they are written: its half stays that of the true text.
    classical, half = read_signatures(sign_checkpoint(text.encode(), A.log))
    name = lines[0] if lines else "x"
    own = replace(classical, name=name, value=A.log.sign_raw(signed_text)), replace(half, name=name)
    note = SignedNote(text=signed_text, signatures=own)
    entries = [{"leaf": b64u(leaf()), "path": []}]
    return with_log(leaf(), checkpoints=[{"note": note.encode().decode(), "leaves": entries}])


def test_a_log_made_by_hand() -> None:
    """What is spoiled below is true as it stands."""
    assert verified(with_log(leaf()), CASE.anchors)


@pytest.mark.parametrize("name", BAD_LEAVES)
def test_an_entry_that_says_something_else(name: str) -> None:
    """In the tree, signed and witnessed, and still no entry that this node would write about the bundle."""
    assert not verified(with_log(BAD_LEAVES[name]), CASE.anchors)


def test_no_node_witnesses_its_own_log() -> None:
    """A cosigns its own checkpoint by its true `wit` key: its word would count as that of another."""
    book = Logbook(A, leaves=[leaf()])
    book.checkpoint((A, NOW + 5))
    checkpoints = [{"note": book.notes[1].decode(), "leaves": [{"leaf": b64u(leaf()), "path": []}]}]
    assert not verified(with_log(leaf(), checkpoints=checkpoints), CASE.anchors)


@pytest.mark.parametrize(
    ("change", "good"),
    [
        (lambda lines: None, True),
        (lambda lines: lines.append("extension"), False),
        (lambda lines: lines.pop(), False),
        (lambda lines: lines.__setitem__(0, B.first().log), False),
        (lambda lines: lines.__setitem__(1, "01"), False),
        (lambda lines: lines.__setitem__(1, "2"), False),
        (lambda lines: lines.__setitem__(1, "0"), False),
        (lambda lines: lines.__setitem__(1, str(2**53)), False),
        (lambda lines: lines.__setitem__(2, lines[2].rstrip("=")), False),
        (lambda lines: lines.__setitem__(2, lines[2][:-2] + "B="), False),
    ],
    ids=["true", "extension", "cut", "origin", "zeroes", "size", "empty", "huge", "padding", "trailing bits"],
)
def test_a_checkpoint_that_says_something_else(change: Callable[[list[str]], object], good: bool) -> None:
    """Three lines, each in its one spelling, of this log."""
    assert verified(noted(change), CASE.anchors) is good


@pytest.mark.parametrize(
    "changes",
    [
        {"more": 1},
        {"node": C.first().node},
        {"node": B.first().node},
        {"checkpoints": []},
        {"witnesses": [[C.first().document.to_json()]]},
        {"witnesses": [[B.first().document.to_json()]]},
        {"witnesses": [[]]},
    ],
    ids=["more", "another node", "the other side", "no checkpoint", "idle witness", "party as witness", "empty chain"],
)
def test_the_parts_of_a_log(changes: dict[str, Any]) -> None:
    """Nothing unknown, nothing idle, nobody else's."""
    assert not verified(with_log(leaf(), **changes), CASE.anchors)


def test_entries_and_checkpoints_have_one_order() -> None:
    """Moving a thing is as much a fault as changing it, and no entry is shown twice."""
    for change in (
        lambda log: log["checkpoints"].reverse(),
        lambda log: log["checkpoints"].append(log["checkpoints"][-1]),
        lambda log: log["checkpoints"][0]["leaves"].reverse(),
        lambda log: log["checkpoints"][0]["leaves"].append(log["checkpoints"][0]["leaves"][-1]),
        lambda log: log["checkpoints"][0].update(leaves=[]),
        lambda log: log["checkpoints"][0].update(more=1),
        lambda log: log["checkpoints"][0]["leaves"][0].update(more=1),
        lambda log: log["checkpoints"][0]["leaves"][0]["path"].append("A" * 43),
        lambda log: log["checkpoints"][0]["leaves"][0]["path"].pop(),
    ):
        assert not verified(edited(DATA, lambda value, change=change: change(value["log"])), CASE.anchors)
