"""What a hostile exporter or party can truly sign: descriptors, log entries and checkpoints that are wrong in
themselves. Both verifiers refuse each, and take each that is only unusual.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.endpoints import edited
from support.exhibits import A, B, C, Logbook, conversation, next_version, stated
from support.nodes import NOW, signed
from support.stranger import verified

from keys.documents.signed_note import Checkpoint, NoteSignature, SignedNote, sign_checkpoint
from keys.documents.statement import signatures_hash
from keys.primitives.encoding import DAY, b64u, canon
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
    "sig": signatures_hash(REFERRAL.signatures),
    "seq": 1,
}
Change = Callable[[Any], object]

# --- descriptors -----------------------------------------------------------------------------------------------------


def with_second_descriptor(change: Change) -> bytes:
    """The bundle with a second version of A's descriptor that two of its roots signed, whatever it says."""
    payload = edited(A.next(CASE.chains[0][-1]), change)
    document = signed(payload, A.roots[:2]).to_json()
    document["signatures"] = sorted(document["signatures"], key=lambda item: item["kid"])

    def append(value: Any) -> None:
        first = CASE.chains[0][0].document.payload
        chain = next(chain for chain in value["parties"] if chain[0]["payload"] == b64u(first))
        chain.append(document)

    return edited(DATA, append)


def with_key(value: Any, **changes: Any) -> None:
    """Another first key record."""
    value["keys"][0] |= changes


BAD_DESCRIPTORS: dict[str, Change] = {
    "more": lambda v: v.update(more=1),
    "less": lambda v: v.pop("contact"),
    "type": lambda v: v.update(type="nrm.descriptor/2"),
    "name bidi": lambda v: v.update(name="NRM \u202e"),
    "name empty": lambda v: v.update(name=""),
    "name long": lambda v: v.update(name="n" * 101),
    "contact line": lambda v: v.update(contact="a\nb"),
    "contact long": lambda v: v.update(contact="n" * 301),
    "version": lambda v: v.update(version=3),
    "version true": lambda v: v.update(version=True),
    "prev": lambda v: v.update(prev=b64u(b"\0" * 32)),
    "prev null": lambda v: v.update(prev=None),
    "issued before": lambda v: v.update(issued=v["issued"] - 1_000_000, expires=v["expires"] - 1_000_000),
    "life": lambda v: v.update(expires=v["issued"] + 401 * DAY),
    "no life": lambda v: v.update(expires=v["issued"]),
    "threshold": lambda v: v.update(threshold=4),
    "threshold 0": lambda v: v.update(threshold=0),
    "node": lambda v: v.update(node=C.first().node),
    "root twice": lambda v: v["roots"].append(v["roots"][0]),
    "no root": lambda v: v.update(roots=[]),
    "root in keys": lambda v: v["keys"].append(v["roots"][0]),
    "key in roots": lambda v: v["roots"].append(v["keys"][0]),
    "kid": lambda v: with_key(v, kid=b64u(b"\0" * 16)),
    "use": lambda v: with_key(v, use="enc"),
    "halves": lambda v: with_key(v, mldsa65=None),
    "ends": lambda v: with_key(v, until=v["keys"][0]["from"]),
    "low order": lambda v: with_key(v, ed25519=b64u(b"\1" + b"\0" * 31)),
    "classical with a half": lambda v: with_key(v, use="http"),
    "endpoint": lambda v: v.update(endpoints=["http://a.example"]),
    "port": lambda v: v.update(endpoints=["https://a.example:65536"]),
    "endpoint twice": lambda v: v.update(endpoints=["https://a.example"] * 2),
    "suite": lambda v: v.update(suites=["tls"]),
    "log": lambda v: v.update(log="a+b"),
    "country": lambda v: v.update(country="fr"),
    "unit gateway": lambda v: v.update(units=[{"id": "gateway", "name": "x", "roles": []}]),
    "unit twice": lambda v: v.update(units=[{"id": "u", "name": "x", "roles": []}] * 2),
    "unit role": lambda v: v.update(units=[{"id": "u", "name": "x", "roles": ["A"]}]),
    "tls": lambda v: v.update(tls_spki=[]),
    "revoked and listed": lambda v: v.update(
        revoked=[{"kid": v["keys"][0]["kid"], "at": NOW, "since": NOW * 2, "reason": "lost"}]
    ),
    "revoked twice": lambda v: v.update(revoked=[{"kid": "A" * 22, "at": NOW, "since": NOW, "reason": "lost"}] * 2),
    "reason": lambda v: v.update(revoked=[{"kid": "A" * 22, "at": NOW, "since": NOW, "reason": "Lost"}]),
}
GOOD_DESCRIPTORS: dict[str, Change] = {
    "as it is": lambda v: None,
    "another name": lambda v: v.update(name="Ministère de l’Intérieur"),
    "no contact": lambda v: v.update(contact=""),
    "address": lambda v: v.update(endpoints=["https://[2001:db8::1]:65535", "https://a.example"]),
    "units": lambda v: v.update(units=[{"id": "u-1", "name": "x", "roles": ["ngo"]}]),
    "country": lambda v: v.update(country="secretariat"),
    "a stranger revoked": lambda v: v.update(revoked=[{"kid": "A" * 22, "at": NOW, "since": NOW, "reason": "lost"}]),
}


@pytest.mark.parametrize("name", BAD_DESCRIPTORS)
def test_a_descriptor_that_its_roots_should_not_have_signed(name: str) -> None:
    """Each rule of nrm1 2.13 to 2.17, inside of true signatures."""
    assert not verified(with_second_descriptor(BAD_DESCRIPTORS[name]), CASE.anchors)


@pytest.mark.parametrize("name", GOOD_DESCRIPTORS)
def test_an_unusual_descriptor(name: str) -> None:
    """What nrm1 2.13 to 2.17 allows, both take."""
    assert verified(with_second_descriptor(GOOD_DESCRIPTORS[name]), CASE.anchors)


# --- entries and checkpoints -----------------------------------------------------------------------------------------


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


def leaf(**changes: Any) -> bytes:
    """The entry about the referral, but for `changes`; None takes a member out."""
    return canon({name: value for name, value in (FACTS | changes).items() if value is not None})


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


def noted(change: Callable[[list[str]], object]) -> bytes:
    """The bundle with a checkpoint whose lines are changed and that A signed all the same."""
    book = Logbook(A, leaves=[leaf()])
    text = Checkpoint(origin=A.first().log, size=1, root=book.tree(1).root()).text.decode()
    lines = text.split("\n")[:-1]
    change(lines)
    signed_text = "".join(f"{line}\n" for line in lines).encode()
    signature = A.log.sign_raw(signed_text)
    key = sign_checkpoint(text.encode(), A.log)[:4]
    name = lines[0] if lines else "x"
    note = SignedNote(text=signed_text, signatures=(NoteSignature(name=name, key_id=key, value=signature),))
    entries = [{"leaf": b64u(leaf()), "path": []}]
    return with_log(leaf(), checkpoints=[{"note": note.encode().decode(), "leaves": entries}])


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


def test_the_longest_chain_of_a_party_is_judged_whole() -> None:
    """Ten versions verify, and the fingerprint is that of the newest roots."""
    chain = CASE.chains[0]
    for _ in range(9):
        chain = next_version(A, chain)
    data = CASE.build(chains=(chain, CASE.chains[1]))
    assert verified(data, CASE.anchors)
    assert len(max(json.loads(data)["parties"], key=len)) == 10
