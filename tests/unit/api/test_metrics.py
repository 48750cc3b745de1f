"""What Prometheus reads: every line is of its grammar, ages are counted at the reading, labels can not break out."""

from __future__ import annotations

import re
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from support.shapes import misfits

from gateway.api import metrics
from gateway.foundation.telemetry.durations import Durations, MessageStage

NOW = 1_800_000_000
LABEL = r'[a-z]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"(trm_[a-z_]+)(\{{{LABEL}(?:,{LABEL})*\}})? (\d+)\.0")
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


def render_metrics(found: dict[str, Any]) -> str:
    """The figures, without what is measured besides."""
    return metrics.render_metrics(found, CollectorRegistry()).decode()


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
    assert found['trm_key_service_calls{answer="done",use="unwrap"}'] == 40
    assert found['trm_key_service_calls{answer="refused",use="unwrap"}'] == 2
    assert found["trm_retention_seconds"] == 0


def test_every_metric_says_what_it_is():
    """Help and type stand once before the samples of each name, also where there is none."""
    text = render_metrics(status(peers=[], failed=[], alarms=[]))
    told = re.findall(r"^# HELP (trm_[a-z_]+) [a-z0-9]", text, re.MULTILINE)
    assert told == re.findall(r"^# TYPE (trm_[a-z_]+) gauge$", text, re.MULTILINE)
    assert len(set(told)) == len(told)
    assert {name.partition("{")[0] for name in samples(render_metrics(status()))} <= set(told)
    assert text.endswith("\n")


def test_the_time_of_maintenance_that_is_left_is_told():
    """In seconds; none for a node that does its work."""
    told = {until: render_metrics(status(maintenance=until)) for until in (None, NOW + 600)}
    assert [samples(text)["trm_maintenance_seconds"] for text in told.values()] == [0, 600]


def test_every_stage_has_its_histogram_before_anything_was_measured():
    """In fixed buckets, so that a rule finds its series from the first reading on; the parser of Prometheus agrees."""
    durations = Durations()
    with durations.measure(MessageStage.SENDING):
        pass
    durations.observe(MessageStage.RECEIVING, 0.3)
    durations.observe_wait(7_000)
    text = metrics.render_metrics(status(), durations.open()).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    counted = {
        sample.labels["stage"]: sample.value
        for sample in families["trm_stage_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert counted == {"taking_in": 0, "sending": 1, "receiving": 1, "handing_over": 0}
    waits = {s.labels.get("le"): s.value for s in families["trm_queue_wait_seconds"].samples}
    assert (waits["3600.0"], waits["21600.0"]) == (0, 1)
    assert not any(name.endswith("_created") for name in families)
    assert "process_resident_memory_bytes" in families


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
