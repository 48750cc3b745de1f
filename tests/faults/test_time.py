"""What days do to messages in flight: real processes, steered clocks, a wire that can be cut.

nrm1 12.1, 12.2, 12.8.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.nodeproc import DAY, HOUR, NodeProcess, Pair, enquiry, eventually, make_pair, references

MakePair = Callable[..., Pair]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakePair]:
    """Makes pairs whose clocks only the test moves, and ends them."""
    made: list[Pair] = []

    def make_one(*, proxied: bool = False) -> Pair:
        pair = make_pair(tmp_path, start=int(time.time()), proxied=proxied)
        made.append(pair)
        return pair

    yield make_one
    for pair in made:
        pair.close()


def enc_keys(node: NodeProcess, *, current: bool = False) -> set[str]:
    """Key ids of the encryption keys that a node holds, or of the one that it shows."""
    keys = node.call("keys.list")["keys"]
    return {key["kid"] for key in keys if key["use"] == "enc" and (key["current"] or not current)}


def test_peer_down_for_eight_days(make: MakePair) -> None:
    """After eight days every key and keyset is another one, and all arrives within 60 s of the peer's first push."""
    pair = make()
    a, b = pair.a, pair.b
    pair.until(lambda: a.call("peer.show", id="AL")["keyset_seen"] is not None)
    keys = [enc_keys(node) for node in (a, b)]
    versions = [node.call("node.show")["keyset"]["version"] for node in (a, b)]
    b.stop()
    sent = [a.call("message.submit", **enquiry(f"e-{number}"))["id"] for number in range(5)]
    pair.advance(8 * DAY, step=8 * HOUR)
    peer = a.call("peer.show", id="AL")
    assert peer["queued"] == 5
    assert peer["attempts"] >= 8  # once a day at least
    assert a.steered is not None and a.steered - peer["failing_since"] > 7 * DAY
    trying = a.steered - 8 * HOUR
    pair.until(lambda: a.call("peer.show", id="AL")["next_try"] > trying)
    assert {a.state(id) for id in sent} == {"queued"}
    eventually(lambda: "peer.undelivered" in a.alarms(), "people are told")
    b.start()
    assert pair.until(lambda: sorted(references(b)) == [f"e-{number}" for number in range(5)]) <= 60
    pair.until(lambda: {a.state(id) for id in sent} == {"awaiting_opening"})
    assert all(not enc_keys(node, current=True) & old for node, old in zip((a, b), keys, strict=True))
    assert all(node.call("node.show")["keyset"]["version"] > old for node, old in zip((a, b), versions, strict=True))
    peer = a.call("peer.show", id="AL")
    assert (peer["attempts"], peer["failing_since"], peer["queued"]) == (0, None, 0)


def test_answer_lost_then_key_destroyed_then_repeated(make: MakePair) -> None:
    """The same bytes come again after the key that opens them is gone: one message, its receipt, no equivocation."""
    pair = make(proxied=True)
    a, b = pair.a, pair.b
    wire_to_a, wire_to_b = pair.proxies
    pair.until(lambda: a.call("peer.show", id="AL")["keyset_seen"] is not None)
    wire_to_a.set("cut")
    wire_to_b.set("lossy")
    used = enc_keys(b)
    id = a.call("message.submit", **enquiry("once"))["id"]
    pair.until(lambda: references(b) == ["once"] and wire_to_b.lost > 0)
    wire_to_b.set("cut")
    assert a.state(id) == "awaiting_receipt"
    pair.advance(11 * DAY, step=DAY)
    eventually(lambda: not used & enc_keys(b), "its keys are gone")
    assert a.state(id) == "awaiting_receipt"
    wire_to_a.set("open")
    wire_to_b.set("open")
    b.stop()
    b.start()
    pair.until(lambda: a.state(id) == "awaiting_opening")
    assert references(b) == ["once"]
    assert [peer.call("peer.list")["peers"][0]["state"] for peer in (a, b)] == ["active", "active"]
    assert not [kind for kind in a.alarms() + b.alarms() if "equivocation" in kind or "message" in kind]


def test_expired_after_fourteen_days(make: MakePair) -> None:
    """A message that nobody took for fourteen days comes back to the case system with a code, and as an alarm."""
    pair = make()
    a, b = pair.a, pair.b
    b.stop()
    id = released(pair, "draft-1")
    pair.advance(13 * DAY, step=DAY)
    assert a.state(id) == "queued"
    pair.advance(DAY + 2 * HOUR, step=2 * HOUR)
    pair.until(lambda: a.state(id) == "failed", seconds=120)
    pair.until(lambda: any(notice["kind"] == "failed" for notice in a.notices()))
    (notice,) = [notice for notice in a.notices() if notice["kind"] == "failed"]
    assert (notice["code"], notice["message_id"]) == ("expired", id)
    eventually(lambda: "message.failed" in a.alarms(), "people are told")
    b.start()
    pair.advance(120, step=10)
    assert references(b) == []
    assert a.state(id) == "failed"


def test_numbered_message_that_expires_is_voided(make: MakePair) -> None:
    """What was numbered and never arrived is asked about when it expires: its number is used up, its sender is told."""
    pair = make(proxied=True)
    a, b = pair.a, pair.b
    _, wire_to_b = pair.proxies
    pair.until(lambda: a.call("peer.show", id="AL")["keyset_seen"] is not None)
    wire_to_b.set("deaf")
    id = released(pair, "draft-1")
    pair.until(lambda: wire_to_b.lost > 0 and a.state(id) == "awaiting_receipt")
    b.stop()
    pair.advance(15 * DAY, step=DAY)
    pair.until(lambda: a.state(id) == "voiding", seconds=120)
    wire_to_b.set("open")
    b.start()
    later = a.call("message.submit", **enquiry("later"))["id"]
    pair.until(lambda: a.state(id) == "failed")
    pair.until(lambda: a.state(later) == "awaiting_opening")
    assert references(b) == ["later"]
    shown = a.call("message.show", id=id)
    assert shown["reason"] == "expired"
    assert [(receipt["status"], receipt["code"]) for receipt in shown["receipts"]] == [("rejected", "void")]
    pair.until(lambda: [n["code"] for n in a.notices() if n["kind"] == "failed"] == ["expired"])


def released(pair: Pair, name: str) -> str:
    """The office drops a draft, a person releases it; the id of the message."""
    a = pair.a
    a.drop(name, enquiry(name))
    pair.until(lambda: bool(a.call("draft.list")["drafts"]))
    (draft,) = a.call("draft.list")["drafts"]
    id = str(a.call("draft.release", id=draft["id"], by="w-1")["id"])
    eventually(lambda: a.state(id) in ("queued", "awaiting_receipt"), "released")
    return id
