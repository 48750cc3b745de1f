"""What a wrong clock does: it erases nothing, is told to people, and is forgotten when it is right again.

Real processes whose wall clocks are set while the other clock of the machine runs on (nrm1 12.17).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import ADMINS, change, play
from support.holders import signed
from support.nodechild import SteeredClock
from support.nodeproc import DAY, HOUR, MINUTE, NodeProcess, Pair, enquiry, eventually, make_pair, references
from support.pair import example

from keys.documents.change import Change
from keys.primitives.encoding import canon

AHEAD = 200 * DAY


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes that know each other; the clocks are only the test's."""
    made = make_pair(tmp_path, start=int(time.time()))
    yield made
    made.close()


def arrived(pair: Pair, reference: str, *, days: int) -> str:
    """An enquiry of A that B has and may keep for so many days; its id."""
    assert pair.a.steered is not None
    until = datetime.fromtimestamp(pair.a.steered + days * DAY, UTC).date().isoformat()
    asked = enquiry(reference)
    asked["header"]["handling"]["retain_until"] = until
    id = str(pair.a.call("message.submit", **asked)["id"])
    pair.until(lambda: reference in references(pair.b))
    pair.until(lambda: pair.a.state(id) == "awaiting_opening")
    return id


def knows_time(node: NodeProcess) -> bool:
    """Whether the clock does not keep the node from sending; it never makes it unready."""
    said = node.call("node.ready")
    assert said["ready"], said["why"]
    assert said["sending"] == (said["sending_why"] == [])
    return "clock" not in said["sending_why"]


def says_back(node: NodeProcess) -> bool:
    """Whether an alarm says that the clock is behind what was believed."""
    return "clock.back" in node.alarms()


def erased(node: NodeProcess) -> int:
    """How many messages of a node were erased."""
    return int(node.rows("select count(*) from erasure")[0][0])


def is_left(node: NodeProcess, records_and_erased: tuple[int, int]) -> bool:
    """Whether so many records are in the case system and so many were erased, after somebody has looked at what is
    overdue: nothing is erased before.
    """
    for alarm in node.call("alarm.list", limit=500)["alarms"]:
        if alarm["kind"] == "conversation.overdue":
            node.call("alarm.dismiss", id=alarm["id"])
    return (node.count(), erased(node)) == records_and_erased


def destroyed(node: NodeProcess) -> int:
    """How many keys of a node were destroyed."""
    return int(node.rows("""select count(*) from audit where cast(leaf as text) like '%"key.destroyed"%'""")[0][0])


def test_a_clock_that_is_ahead_for_minutes_erases_nothing(pair: Pair) -> None:
    """Content, keys and the record in the case system outlive a clock that is set 200 days ahead, also over a start;
    people are told; with the right time the node goes on by itself.
    """
    b = pair.b
    arrived(pair, "kept", days=100)
    b.jump(AHEAD)
    for _ in range(2):
        pair.advance(2 * HOUR, step=10 * MINUTE)
        eventually(lambda: "clock.unconfirmed" in b.alarms() and not knows_time(b), "the clock is in doubt")
        assert (erased(b), b.count(), destroyed(b)) == (0, 1, 0)
        b.stop()
        b.start()
    b.stop()
    assert b.steered is not None
    b.steered -= AHEAD
    b.start()
    pair.until(lambda: knows_time(b) and not {"clock.unconfirmed", "clock.back"} & set(b.alarms()))
    id = b.call("message.submit", **enquiry("later", "FR"))["id"]
    pair.until(lambda: b.state(id) == "awaiting_opening")
    assert (erased(b), b.count(), destroyed(b)) == (0, 1, 0)


def test_two_nodes_that_were_away_confirm_each_other(pair: Pair) -> None:
    """After three days of which neither knows anything both are in doubt, ask each other, and go on in seconds."""
    a, b = pair.a, pair.b
    for node in (a, b):
        node.stop()
        assert node.steered is not None
        node.steered += 3 * DAY
    for node in (a, b):
        node.launch()
    for node in (a, b):
        assert node._line() == "ready", node.log()
    id = a.call("message.submit", **enquiry("after the weekend"))["id"]
    pair.until(lambda: a.state(id) == "awaiting_opening", seconds=120, step=10)
    eventually(lambda: knows_time(a) and knows_time(b), "both know the time")


def test_an_alert_is_tried_and_a_person_is_told_to_telephone(pair: Pair) -> None:
    """While the clock is 200 days ahead an enquiry waits without a number, an alert is not dated by that clock either,
    and the desk is told to telephone; with the right time both go, and the alarm ends.
    """
    a, b = pair.a, pair.b
    arrived(pair, "before", days=100)
    a.jump(AHEAD)
    pair.advance(2 * MINUTE, step=MINUTE)
    late = "w-3"  # what others signed in with is over by this clock
    waits = a.call("message.submit", **enquiry("waits"), by=late)["id"]
    alert = a.call("message.submit", **example("safety.alert/1", "AL"), by=late)["id"]
    pair.advance(5 * MINUTE, step=MINUTE)
    assert [a.state(id) for id in (waits, alert)] == ["queued", "queued"]
    assert a.rows("select count(*) from message where n is null and direction = 'out'") == [(2,)]
    alarms = a.call("alarm.list", limit=500)["alarms"]
    assert [alarm["message"] for alarm in alarms if alarm["kind"] == "message.telephone"] == [alert]
    a.jump(-AHEAD)
    pair.advance(2 * MINUTE, step=10)
    pair.until(lambda: [a.state(id) for id in (waits, alert)] == ["awaiting_opening"] * 2, seconds=200)
    assert "message.telephone" not in a.alarms()
    assert [message["content"].get("note") for message in b.received()].count("waits") == 1


def test_without_peers_a_person_confirms_once_per_start(tmp_path: Path) -> None:
    """A node alone erases nothing before a person has compared its clock, and nothing after the clock was set."""
    node = NodeProcess(name="FR", base=tmp_path, steered=int(time.time()))
    node.make(SteeredClock(int(time.time())))
    node.start()
    try:
        for _ in range(2):
            with closing(node.client()) as client:
                assert client.ask("POST", "/api/v1/keys/rotate-epoch", {}, "k1")[1]["code"] == "clock"
            shown = node.call("clock.confirm", by="admin")
            assert (shown["confirmed"], shown["doubt"], shown["peers"]) == (True, None, [])
            node.call("keys.rotate_epoch", by="admin")
            node.jump(2 * HOUR)
            assert node.call("clock.show")["doubt"] == "moved"
            node.jump(-2 * HOUR)
            assert node.call("clock.show")["confirmed"]
            node.stop()
            node.start()
    finally:
        node.stop()


def test_a_time_that_was_wrongly_believed_is_taken_back_by_two(pair: Pair) -> None:
    """Two nodes believed each other for minutes; afterwards the clock is right and earlier than what was signed: one
    administrator is not enough, two go on, and the peer takes the keyset that supersedes that of the future.
    """
    a, b = pair.a, pair.b
    for node in (a, b):
        node.jump(30 * DAY)
    pair.advance(5 * MINUTE, step=MINUTE)
    pair.until(lambda: knows_time(a) and knows_time(b))
    pair.advance(2 * MINUTE, step=MINUTE)
    believed = a.call("node.show")["keyset"]["version"]
    for node in (a, b):
        node.stop()
        assert node.steered is not None
        node.steered -= 30 * DAY
        node.start()
        eventually(partial(says_back, node), "it says so")
        assert node.call("clock.show")["doubt"] == "back" and not knows_time(node)
        pending = play(change(ADMINS[:1], "clock.reset", "clock"), node.call)
        assert pending["state"] == "pending" and node.call("clock.show")["doubt"] == "back"
        approval = ADMINS[1].approve(Change.parse(canon(pending["change"])), at=node.steered, emergency=False)
        done = node.call("change.approve", id=pending["id"], approval=approval.document.to_json())
        assert done["state"] == "done"
    id = a.call("message.submit", **enquiry("again"))["id"]
    pair.until(lambda: a.state(id) == "awaiting_opening", seconds=300, step=10)
    assert a.call("node.show")["keyset"]["version"] > believed
    assert not {"clock.back", "clock.unconfirmed"} & {*a.alarms(), *b.alarms()}


def test_no_descriptor_is_dated_by_a_clock_in_doubt(pair: Pair) -> None:
    """Peers take none that is dated before one they hold: with a clock 200 days ahead none is made, but for a
    revocation, which nothing may block; with the right time it is (threat 150).
    """
    a = pair.a
    pair.until(lambda: knows_time(a))
    a.jump(AHEAD)

    def asked(**wanted: Any) -> Any:
        with closing(a.client()) as client:
            return client.ask("POST", "/api/v1/keys/request", wanted, f"key-{wanted}"[:40])

    status, said = asked(rotate=["sig"])
    assert (status, said["code"]) == (422, "clock"), said
    a.jump(-AHEAD)
    pair.until(lambda: knows_time(a))
    assert a.call("keys.request", rotate=["sig"])["version"] == 2


def test_what_was_published_in_a_future_that_both_believed(pair: Pair) -> None:
    """A descriptor of that future is held by both: the nodes start, exchange, and take back the time; the next one
    waits for its day, and says so.
    """
    a, b = pair.a, pair.b
    for node in (a, b):
        node.jump(30 * DAY)
    pair.advance(5 * MINUTE, step=MINUTE)
    pair.until(lambda: knows_time(a) and knows_time(b))
    request = a.call("keys.request", rotate=["sig"], at_once=True)["request"]
    assert a.call("keys.publish", document=signed(a.base, a.name, request))["version"] == 2
    pair.until(lambda: b.rows("select max(version) from peer_descriptor") == [(2,)])
    for node in (a, b):
        node.stop()
        assert node.steered is not None
        node.steered -= 30 * DAY
        node.start()
        eventually(partial(says_back, node), "it says so")
        assert play(change(ADMINS, "clock.reset", "clock"), node.call)["state"] == "done"
    id = a.call("message.submit", **enquiry("again"))["id"]
    pair.until(lambda: a.state(id) == "awaiting_opening", seconds=300, step=10)
    with closing(a.client()) as client:
        assert client.ask("POST", "/api/v1/keys/request", {"rotate": ["sig"]}, "k9")[1]["code"] == "clock"


def test_retention_with_a_clock_that_is_set_two_hundred_days_ahead(pair: Pair) -> None:
    """Two things to keep for 25 and 55 days, and a clock that is set 200 days ahead and back on the way, before each
    and after: each goes when its days are over, here and in the case system, and never before (threat 149).
    """
    b, kept = pair.b, (25, 55)
    for reference, days in zip(("one", "more"), kept, strict=True):
        arrived(pair, reference, days=days)
    for day in range(10, 80, 10):
        pair.advance(10 * DAY, step=DAY)
        over = sum(days < day for days in kept)
        left = (len(kept) - over, over)
        pair.until(partial(is_left, b, left), seconds=2 * HOUR, step=10 * MINUTE)
        if day in (20, 40, 60):
            b.jump(AHEAD)
            pair.advance(HOUR, step=20 * MINUTE)
            b.jump(-AHEAD)
            assert is_left(b, left)
            pair.until(lambda: knows_time(b), seconds=300)
