"""`node.status` and the durations of stages for Prometheus (text format 0.0.4): names, labels and numbers, and nothing
about a person.

Ages are seconds at the moment of the reading, so that a rule needs no clock of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, str], int]


class StatusCollector:
    """One reading of `node.status` as a collector of `prometheus_client`."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self._status = status

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every figure as a gauge with its samples."""
        from prometheus_client.core import GaugeMetricFamily

        for name, about, samples in _metrics(self._status):
            labelled = [*samples]
            names = [*labelled[0][0]] if labelled else []
            family = GaugeMetricFamily(f"trm_{name}", about, labels=names)
            for labels, value in labelled:
                family.add_metric([labels[label] for label in names], value)
            yield family


def render_metrics(status: Mapping[str, Any], durations: CollectorRegistry) -> bytes:
    """Render every metric with its help, type and samples."""
    from prometheus_client import CollectorRegistry, generate_latest

    figures = CollectorRegistry()
    figures.register(StatusCollector(status))
    return generate_latest(figures) + generate_latest(durations)


def _metrics(status: Mapping[str, Any]) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    at, peers, storage = status["at"], status["peers"], status["storage"]
    handed, content, erasing = status["hand_over"], status["content"], status["erasing"]

    def age(since: int | None) -> int:
        return 0 if since is None else max(0, at - since)

    def by_peer(value: Any) -> list[Sample]:
        return [({"peer": one["name"]}, value(one)) for one in peers]

    yield (
        "peer_active",
        "1 while messages to and from the peer are permitted",
        by_peer(lambda one: int(one["state"] == "active" and one["held"] is None)),
    )
    yield "queue_messages", "messages that wait to go to the peer", by_peer(lambda one: one["queued"]["count"])
    yield "queue_oldest_seconds", "age of the oldest of them", by_peer(lambda one: age(one["queued"]["oldest"]))
    yield (
        "peer_failing_seconds",
        "for how long the peer has not answered",
        by_peer(lambda one: age(one["failing_since"])),
    )
    yield "peer_attempts", "attempts since it answered last", by_peer(lambda one: one["attempts"])
    yield (
        "unreceived_messages",
        "sent and without a receipt for an hour",
        by_peer(lambda one: one["unreceived"]["count"]),
    )
    yield (
        "undelivered_messages",
        "received by the peer and taken by nobody there for a day",
        by_peer(lambda one: one["undelivered"]["count"]),
    )
    yield (
        "failed_messages",
        "messages that a person has to look at",
        [
            ({"kind": one["kind"], "peer": one["peer"] or "", "reason": one["reason"] or ""}, one["count"])
            for one in status["failed"]
        ],
    )
    yield "handover_messages", "accepted messages that nobody here has taken", [({}, handed["messages"]["count"])]
    yield "handover_oldest_seconds", "age of the oldest of them", [({}, age(handed["messages"]["oldest"]))]
    yield "news_waiting", "news that the case system has not taken", [({}, handed["news"]["count"])]
    yield "drafts_waiting", "drafts that wait for a person", [({}, handed["drafts"])]
    yield (
        "webhook_waiting",
        "calls that a receiver has not answered",
        [({"hook": one["name"]}, one["waiting"]) for one in status["webhooks"]],
    )
    yield (
        "webhook_oldest_seconds",
        "age of the oldest of them",
        [({"hook": one["name"]}, age(one["oldest"])) for one in status["webhooks"]],
    )
    yield "content_damaged", "stored things that do not open", [({}, content["damaged"])]
    yield "storage_epoch_seconds", "age of the storage epoch", [({}, age(content["epoch_made"]))]
    yield (
        "key_service_calls",
        "what the key service was asked for since it began",
        [
            ({"use": one["use"], "answer": answer}, one[answer])
            for one in status["key_service"]
            for answer in ("done", "refused")
        ],
    )
    yield (
        "database_bytes",
        "size of the database with its write-ahead log",
        [({}, storage["database"] + storage["log"])],
    )
    yield "disk_free_bytes", "free space beside it", [({}, storage["free"])]
    yield "attachment_bytes", "size of the stored attachments", [({}, storage["file_bytes"])]
    yield "retention_seconds", "since the day on which retention looked last", [({}, age(erasing["looked"]))]
    yield "erasure_requests_overdue", "requests of peers to erase that are over time", [({}, erasing["overdue"])]
    yield "audit_entries", "entries of the audit log", [({}, status["audit"]["entries"])]
    yield (
        "audit_witnessed_entries",
        "entries that witnesses have cosigned",
        [({}, (status["audit"]["witnessed"] or {"size": 0})["size"])],
    )
    yield (
        "audit_halted",
        "1 while nothing departs because of the log",
        [({}, int(status["audit"]["halted"] is not None))],
    )
    yield (
        "maintenance_seconds",
        "for how long people work on this node still",
        [({}, max(0, (status["maintenance"] or at) - at))],
    )
    yield "alarms", "open alarms", [({"kind": one["kind"]}, one["count"]) for one in status["alarms"]]
