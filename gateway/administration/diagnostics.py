"""One file for the people who help with a node, made of what it answers and of what lies in its folder.

It is made by an allow-list: numbers and truth values stay, and texts only where the name of the member says that they
are words of this program (`WORDS`) and they have the form of one. Names of peers become `peer 1`, `peer 2`. Everything
else is left out: what a later version adds to an answer is not shown until it is named here.
"""

from __future__ import annotations

import platform
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from gateway.foundation import node_folder
from gateway.foundation.config import Config
from gateway.foundation.installed import DISTRIBUTION
from gateway.foundation.json import list_objects
from gateway.ports import Json

FORMAT = "trm.diagnostics/1"
ASKED = ("node.show", "node.ready", "node.status", "node.diagnostics", "keys.list", "clock.show", "maintenance.show")
"""Operations whose answers are a part of the file, under their names."""
WORDS = frozenset(
    {
        "adapter",
        "answer",
        "code",
        "delivery",
        "doubt",
        "error",
        "event",
        "halted",
        "key_place",
        "kind",
        "level",
        "reason",
        "revision",
        "state",
        "step",
        "stopped",
        "subject",
        "table",
        "timestamp",
        "use",
        "why",
        "sending_why",
    }
)
"""Members whose texts are words of this program. `at` of a log line is a place in its source."""
NAMES = frozenset({"name", "peer"})
"""Members that may have the name of a peer."""
_SETTINGS = frozenset({"epoch_days", "kind", "language", "level", "region", "tls"})
"""Settings whose texts come from a closed list."""
_WORD = re.compile(r"[a-z][a-z0-9_.]{0,63}|\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Z][A-Za-z]{0,63}Error")
_STEP = re.compile(r"[a-z]+\.[a-z_]+|console|(GET|POST|PUT) /v1/[a-z{}/]+")
_PLACE = re.compile(r"[a-z_0-9]+\.py:\d+")
_OF_SOMEBODY = ("peer", "person", "token", "webhook")
"""Checks of the doctor that are named after somebody."""
_FILES = (node_folder.DATABASE, node_folder.KEYSTORE, node_folder.CHECKPOINT, node_folder.LEDGER, node_folder.POSITION)


def build_diagnostics(
    *,
    told: Mapping[str, Json],
    checks: Sequence[Mapping[str, Json]],
    config: Config | None,
    folder: Path,
    now: int,
) -> dict[str, Json]:
    """Make the content of the file: `told` is what the operations of `ASKED` answered, or nothing of a node that can
    not be asked; `checks` those of the doctor; `config` the settings, None where they can not be read.
    """
    status = told.get("node.status")
    peers = list_objects(status, "peers") if isinstance(status, dict) else []
    known = {str(peer["name"]): f"peer {n}" for n, peer in enumerate(peers, 1)}
    return {
        "format": FORMAT,
        "made": now,
        "versions": list_versions(),
        "settings": None if config is None else _settings(config),
        "doctor": [{"check": _check(str(one["check"])), "state": one["state"]} for one in checks],
        "files": dict(_sizes(folder)),
        **{operation: strip_answer(answer, known) for operation, answer in told.items()},
    }


def describe_diagnostics(found: Mapping[str, Json]) -> Iterator[tuple[str, int, str]]:
    """Each part of the file with the number of its entries and what it holds, for whoever sends it away."""
    about = {
        "versions": "of this program, its libraries and the machine",
        "settings": "numbers and words of closed lists; of every other one only that it is set",
        "doctor": "every check by its name with its state, without what was found",
        "files": "sizes in the node folder",
        "node.show": "dates of descriptor and keyset, counts, what the kernel gave the process",
        "node.ready": "whether it can accept and send, codes of what stops it",
        "node.status": "queues, ages, failures by code, storage; peers as peer 1, peer 2",
        "node.diagnostics": "rows of each table, the revision, the newest log lines by code",
        "keys.list": "uses and dates of keys, without the keys and their ids",
        "clock.show": "whether the time is confirmed",
        "maintenance.show": "whether people work on the node",
    }
    for part, text in about.items():
        value = found.get(part)
        if isinstance(value, dict | list):
            yield part, len(value), text


def strip_answer(value: Json, known: Mapping[str, str], member: str = "") -> Json:
    """Return an answer without every text that is not a word of this program; `known` has other names for peers."""
    if isinstance(value, dict):
        stripped = {name: strip_answer(one, known, name) for name, one in value.items()}
        return {name: one for name, one in stripped.items() if one is not None}
    if isinstance(value, list):
        return [one for one in (strip_answer(one, known, member) for one in value) if one is not None]
    if isinstance(value, str):
        if member in NAMES:
            return known.get(value)
        forms = {"step": _STEP, "at": _PLACE}
        allowed = member in WORDS or member in forms
        return value if allowed and forms.get(member, _WORD).fullmatch(value) else None
    return value


def strip_settings(value: Json, member: str = "") -> Json:
    """Return settings as numbers and words of closed lists, `set` for every other text, and lists by their length."""
    if isinstance(value, dict):
        return {name: strip_settings(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return len(value)
    if isinstance(value, str):
        return value if member in _SETTINGS and _WORD.fullmatch(value) else "set"
    return value


def _settings(config: Config) -> Json:
    """What an adapter is told is the business of its kind: its members may have names that people chose."""
    given = config.model_dump(mode="json")
    if config.adapter is not None:
        given["adapter"] = {"kind": config.adapter.kind, "poll_seconds": config.adapter.poll_seconds}
        given["adapter"]["own"] = len(config.adapter.own)
    return strip_settings(given)


def list_versions() -> dict[str, Json]:
    """List the versions of this program, of what it needs, and of the machine below it."""
    needed = sorted({re.split(r"[^A-Za-z0-9_.-]", one, maxsplit=1)[0] for one in requires(DISTRIBUTION) or ()})
    libraries: dict[str, Json] = {}
    for name in needed:
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue  # of an extra that is not installed
    return {
        DISTRIBUTION: version(DISTRIBUTION),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "bits": sys.maxsize.bit_length() + 1,
        "libraries": libraries,
    }


def _check(name: str) -> str:
    first = name.partition(" ")[0]
    return first if first in _OF_SOMEBODY else name


def _sizes(folder: Path) -> Iterator[tuple[str, Json]]:
    for name in (*_FILES, f"{node_folder.DATABASE}-wal"):
        if (path := folder / name).is_file():
            yield name, path.stat().st_size
    attachments = [path.stat().st_size for path in (folder / node_folder.ATTACHMENTS).rglob("*") if path.is_file()]
    yield node_folder.ATTACHMENTS, sum(attachments)
