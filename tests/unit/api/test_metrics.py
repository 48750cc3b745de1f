"""What Prometheus reads: every line is of its grammar, ages are counted at the reading, labels can not break out."""

from __future__ import annotations

import re
from typing import Any

from support.shapes import misfits

from gateway.api.metrics import render_metrics

NOW = 1_800_000_000
LABEL = r'[a-z]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"(trm_[a-z_]+)(\{{{LABEL}(?:,{LABEL})*\}})? (\d+)")
NOTHING = {"count": 0, "oldest": None}


def status(**changes: Any) -> dict[str, Any]:
    """A reading as the desk gives it."""
    peer = {
        "name": "AL",
        "state": "active",
        "delivery": "failing",
        "held": None,
        "unreceived": NOTHING,
        "queued": {"count": 3, "oldest": NOW - 90},
        "undelivered": {"count": 1, "oldest": NOW - 90_000},
        "failing_since": NOW - 60,
        "attempts": 4,
        "next_try": NOW + 5,
        "contact": None,
    }
    return {
        "at": NOW,
        "stopped": None,
        "maintenance": None,
        "peers": [peer],
        "webhooks": [],
        "failed": [{"kind": "failed", "peer": "AL", "reason": "expired", "count": 2, "oldest": NOW - 5}],
        "hand_over": {"adapter": None, "messages": NOTHING, "news": NOTHING, "drafts": 1},
        "content": {"damaged": 0, "key_place": "file", "epoch": 3, "epoch_made": NOW - 86_400, "rotating": False},
        "key_service": [{"use": "unwrap", "per_minute": 12_000, "done": 40, "refused": 2}],
        "backup": None,
        "storage": {"database": 100, "log": 23, "free": 7, "files": 1, "file_bytes": 11, "coming": 0},
        "erasing": {"looked": None, "next": None, "erased": [], "left": 0, "requests": 1, "overdue": 1, "holds": 0},
        "audit": {"entries": 9, "checkpoint": None, "witnessed": None, "halted": None},
        "alarms": [{"kind": "peer.silent", "count": 1, "oldest": NOW}],
        **changes,
    }


def samples(text: str) -> dict[str, int]:
    """Each sample by its name with labels; every line that is no comment is one."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            parsed = SAMPLE.fullmatch(line)
            assert parsed, line
            found[line.rpartition(" ")[0]] = int(parsed[3])
    return found


def test_the_reading_is_what_the_desk_promises():
    """What is rendered here has the shape of the operation."""
    assert misfits("node.status", status()) == []


def test_figures_are_those_of_the_reading():
    """Counts as they are, times as ages; what is not there yet is nothing."""
    found = samples(render_metrics(status()))
    assert found['trm_queue_messages{peer="AL"}'] == 3
    assert found['trm_queue_oldest_seconds{peer="AL"}'] == 90
    assert found['trm_peer_failing_seconds{peer="AL"}'] == 60
    assert found['trm_undelivered_messages{peer="AL"}'] == 1
    assert found['trm_failed_messages{kind="failed",peer="AL",reason="expired"}'] == 2
    assert found['trm_alarms{kind="peer.silent"}'] == 1
    assert found["trm_database_bytes"] == 123
    assert found['trm_key_service_calls{use="unwrap",answer="done"}'] == 40
    assert found['trm_key_service_calls{use="unwrap",answer="refused"}'] == 2
    assert found["trm_retention_seconds"] == 0


def test_every_metric_says_what_it_is():
    """Help and type stand once before the samples of each name, also where there is none."""
    text = render_metrics(status(peers=[], failed=[], alarms=[]))
    told = re.findall(r"^# HELP (trm_[a-z_]+) [a-z0-9]", text, re.MULTILINE)
    assert told == re.findall(r"^# TYPE (trm_[a-z_]+) gauge$", text, re.MULTILINE)
    assert len(set(told)) == len(told)
    assert {name.partition("{")[0] for name in samples(render_metrics(status()))} <= set(told)
    assert text.endswith("\n")


def test_a_name_can_not_add_a_line():
    """Names of peers are people's: quotes, backslashes and line feeds stay inside of their label."""
    evil = status()
    evil["peers"][0]["name"] = 'A"} 1\ntrm_alarms 7\\'
    found = samples(render_metrics(evil))
    assert "trm_alarms" not in found
    assert found['trm_queue_messages{peer="A\\"} 1\\ntrm_alarms 7\\\\"}'] == 3


def test_a_queue_from_the_future_has_no_age():
    """A clock that went back makes no negative age."""
    late = status()
    late["peers"][0]["queued"]["oldest"] = NOW + 10
    assert samples(render_metrics(late))['trm_queue_oldest_seconds{peer="AL"}'] == 0
