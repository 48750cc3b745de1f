"""What `trm doctor` says of the workers of a node whose rows are on a server."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.cluster.rules import may_lead
from gateway.foundation.json import list_objects
from gateway.ports import Json


def check_workers(told: Mapping[str, Json]) -> Check:
    """Judge whether all are at work, by one clock and in one version; `told` is the answer of node.workers."""
    workers = list_objects(told, "workers")
    if not workers:
        return ok("workers", "one process; the rows are in a file of this folder")
    wrong = [str(one["host"]) for one in workers if not may_lead(1_000 * _number(one["ahead"]))]
    if wrong:
        return red("workers", f"the clock of {', '.join(wrong)} is wrong: it does nothing for all", "set it by NTP")
    away = [str(one["host"]) for one in workers if one["away"]]
    if away:
        return warn("workers", f"{', '.join(away)} is away", "trm serve there; what it did, the others do meanwhile")
    versions = sorted({str(one["version"]) for one in workers})
    if len(versions) > 1:
        return warn("workers", f"they run {' and '.join(versions)}", "bring each to the newest version, one by one")
    return ok("workers", f"{len(workers)} at work")


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0
