"""`trm node status`: what waits, failed and is missed, for a person who runs the node."""

from __future__ import annotations

import json

from gateway.cli.administration import node

NOTHING = {"count": 0, "oldest": None}


def test_a_running_node_tells_how_it_stands(federation):
    """Each peer has its line; with --json the answer is that of the operation."""
    ran = federation.fr.trm("node", "status")
    assert ran.exit_code == 0
    assert any(line.split()[:2] == ["AL", "idle"] for line in ran.stdout.splitlines())
    assert "things that do not open" in ran.stdout
    told = json.loads(federation.fr.trm("node", "status", "--json").stdout)
    assert [peer["name"] for peer in told["peers"]] == ["AL"]


def test_what_is_wrong_is_told(capsys):
    """A peer that fails, one that is held, what failed with its reason and what to do, and what stops the node."""
    peer = {
        "name": "AL",
        "state": "active",
        "delivery": "failing",
        "held": None,
        "unreceived": {"count": 7, "oldest": 0},
        "queued": {"count": 3, "oldest": 0},
        "undelivered": NOTHING,
        "failing_since": 0,
        "attempts": 4,
        "next_try": 0,
        "contact": None,
    }
    node._show_status(
        {
            "stopped": "roots_due",
            "maintenance": None,
            "peers": [peer, peer | {"name": "UA", "delivery": "held", "held": "our side has suspended it"}],
            "failed": [{"kind": "failed", "peer": "AL", "reason": "expired", "count": 2, "oldest": 0}],
            "hand_over": {"adapter": None, "messages": NOTHING, "news": NOTHING, "drafts": 1},
            "webhooks": [{"name": "desk", "url": "http://127.0.0.1", "waiting": 5, "oldest": 0, "attempts": 1}],
            "content": {"damaged": 0, "key_place": "tpm", "epoch": 3, "epoch_made": 0, "rotating": False},
            "key_service": [],
            "backup": None,
            "storage": {"database": 2**20, "log": 0, "free": 2**30, "files": 1, "file_bytes": 11, "coming": 0},
            "erasing": {"looked": None, "next": None, "erased": [], "left": 0, "requests": 1, "overdue": 1, "holds": 0},
            "audit": {"entries": 9, "checkpoint": None, "witnessed": None, "halted": "log_rolled_back"},
            "alarms": [{"kind": "peer.silent", "count": 1, "oldest": 0}],
        }
    )
    printed = capsys.readouterr()
    for told in (
        "held: our side has suspended it",
        "expired",
        "log_rolled_back",
        "1 peer.silent",
        "1024 MiB free",
        "roots_due",
    ):
        assert told in printed.out
    assert "trm message resend" in printed.err


def test_a_worker_that_is_lost_is_told_from_one_that_is_there(capsys):
    """How long ago it was seen, in words, and what its line means."""
    there = {"id": "a", "here": True, "host": "h", "version": "1", "since": 0, "seen": 1, "away": False, "ahead": 0}
    lost = there | {"id": "b", "here": False, "seen": 7_300, "away": True}
    node._show_workers({"workers": [one | {"leads": []} for one in (there, lost)]})
    printed = capsys.readouterr()
    assert "1 s ago" in printed.out and "lost, seen 2 hours ago" in printed.out
    assert "was killed" in printed.err
    node._show_workers({"workers": [there | {"leads": []}]})
    assert "was killed" not in capsys.readouterr().err
