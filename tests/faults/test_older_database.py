"""A database that is older than what was seen of it: its last writes are lost, or the machine was put back
(nrm1 5.15, 13.16). Two real nodes, one of which is killed and loses its write-ahead log.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.ceremony import ADMINS, change, play
from support.nodeproc import NodeProcess, Pair, enquiry, make_pair
from support.pair import two_nodes
from support.patience import PATIENCE

from gateway.audit.checkpointer import PROMPT
from gateway.messages.store import links
from gateway.messages.store.links import NumberRow
from keys.primitives.encoding import b64u

KEPT, LOST = 20, 30
CLAIMED = NumberRow(n=7, id=b64u(bytes(16)), prev=b64u(bytes(32)), link=b64u(bytes(32)))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes, paired and serving, whose clocks are only the test's."""
    made = make_pair(tmp_path, start=int(time.time()))
    try:
        yield made
    finally:
        made.close()


def send(pair: Pair, first: int, count: int) -> None:
    """So many more messages of FR, which AL's case system has."""
    for n in range(first, first + count):
        pair.a.call("message.submit", key=f"m{n}", **enquiry(f"m{n}"))
    pair.until(lambda: pair.b.count() == first + count)


def as_now(node: NodeProcess, to: Path) -> Path:
    """What of the database is on the disk without its write-ahead log."""
    with closing(sqlite3.connect(node.folder / "node.db", timeout=PATIENCE)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return Path(shutil.copy(node.folder / "node.db", to))


def position(node: NodeProcess) -> int:
    """How many entries the file beside the database has seen."""
    return int(json.loads((node.folder / "position").read_bytes())["size"])


def lose(node: NodeProcess, then: Path) -> None:
    """SIGKILL, and what was written since is gone."""
    node.kill()
    for name in ("node.db-wal", "node.db-shm"):
        (node.folder / name).unlink(missing_ok=True)
    shutil.copy(then, node.folder / "node.db")


def signed(node: NodeProcess) -> bool:
    """Whether the log is signed up to the last change of trust or keys, so that no checkpoint follows soon."""
    ((size,),) = node.rows("select coalesce(max(size), 0) from checkpoint")
    return not any(PROMPT.search(leaf) for (leaf,) in node.rows("select leaf from audit where seq > ?", size))


def high(node: NodeProcess, way: str) -> int:
    """The highest number of the only link."""
    ((found,),) = node.rows("select high from link where direction = ?", way)
    return int(found)


def reset(pair: Pair, here: NodeProcess, there: NodeProcess) -> None:
    """Two people here and one there begin the link anew; here it accepts again. The alarm can be read a moment before
    the node has read again what it is about.
    """
    play(change(ADMINS, "link.reset", there.name), here.call)
    pair.until(lambda: "peer.link_reset" in there.alarms())

    def accepted() -> bool:
        with suppress(AssertionError):
            play(change(ADMINS, "link.accept_reset", here.name), there.call)
            return True
        return False

    pair.until(accepted)
    pair.until(lambda: bool(here.call("node.ready")["ready"]))


def test_thirty_of_fifty_messages_lost_with_a_wal(pair: Pair, tmp_path: Path) -> None:
    """The file beside the database tells at the start: not ready, an alarm, nothing accepted until the reset."""
    fr, al = pair.a, pair.b
    send(pair, 0, KEPT)
    pair.until(lambda: signed(al), seconds=300)
    then = as_now(al, tmp_path / "then.db")
    ((entries,),) = al.rows("select max(seq) from audit")
    send(pair, KEPT, LOST)
    pair.until(lambda: position(al) > entries, seconds=300)
    lose(al, then)
    al.start()
    assert high(al, "in") == KEPT
    ready = al.call("node.ready")
    assert (ready["ready"], ready["why"]) == (False, ["link_reset_required"])
    assert "node.older" in al.alarms()
    new = fr.call("message.submit", key="new", **enquiry("new"))["id"]
    pair.until(lambda: "peer.link_reset_required" in fr.alarms(), seconds=300)
    assert high(al, "in") == KEPT  # nothing was accepted
    reset(pair, al, fr)
    pair.until(lambda: fr.state(new) == "awaiting_opening", seconds=300)
    pair.until(lambda: "node.older" not in al.alarms(), seconds=300)
    assert "message.forgotten" in fr.alarms()  # a person at FR knows of what AL has no memory of


def test_a_peer_tells_what_it_was_sent_and_answered(pair: Pair, tmp_path: Path) -> None:
    """The whole folder was put back, its own file too: the peer holds receipts for numbers that never came."""
    fr, al = pair.a, pair.b
    send(pair, 0, 3)
    al.stop()
    shutil.copytree(al.folder, tmp_path / "then", ignore=shutil.ignore_patterns("*.sock"))
    al.start()
    send(pair, 3, 3)
    al.kill()
    shutil.rmtree(al.folder)
    shutil.copytree(tmp_path / "then", al.folder)
    al.start()
    new = fr.call("message.submit", key="new", **enquiry("new"))["id"]
    pair.until(lambda: "node.older" in al.alarms(), seconds=300)
    pair.until(lambda: "peer.link_reset_required" in fr.alarms(), seconds=300)
    assert high(al, "in") == 3
    reset(pair, al, fr)
    pair.until(lambda: fr.state(new) == "awaiting_opening", seconds=300)


def test_numbers_that_were_given_away_are_not_used_again(pair: Pair, tmp_path: Path) -> None:
    """The node that sent forgot that it did: it asks before it numbers, so that its peer sees no fraud."""
    fr, al = pair.a, pair.b
    send(pair, 0, 3)
    fr.stop()
    shutil.copytree(fr.folder, tmp_path / "then", ignore=shutil.ignore_patterns("*.sock"))
    fr.start()
    send(pair, 3, 3)
    fr.kill()
    shutil.rmtree(fr.folder)
    shutil.copytree(tmp_path / "then", fr.folder)
    fr.start()
    pair.advance(1)  # what is of the second of the last entry counts as before it, and is asked about
    new = fr.call("message.submit", key="new", **enquiry("new"))["id"]
    pair.until(lambda: "node.older" in fr.alarms(), seconds=300)
    assert high(fr, "out") == 3
    reset(pair, fr, al)
    pair.until(lambda: fr.state(new) == "awaiting_opening", seconds=300)
    assert al.call("peer.list")["peers"][0]["state"] == "active"


async def test_a_peer_that_lies_stops_its_own_link(tmp_path: Path) -> None:
    """AL claims numbers that it was never sent: FR stops that link and tells a person; nothing else of FR changes."""
    async with two_nodes(tmp_path) as two:
        await two.al.running.store.move(lambda c: links.use(c, two.fr.running.own.node, links.IN, 1, [CLAIMED], 7))
        await two.fr.stop()
        two.clock.advance(1)  # what is of the second of the last entry counts as before it, and is asked about
        await two.fr.start()
        await two.fr.submit("waits")

        async def told() -> bool:
            return "node.older" in await two.fr.alarms()

        await two.until(told, seconds=60)
        assert await two.fr.rows("select value from meta where key = 'restored'") == []
        assert await two.fr.rows("select state from message") == [("queued",)]
        ready = await two.fr.call("node.ready")
        assert (ready["ready"], ready["sending"]) == (False, False)  # it has no other peer
