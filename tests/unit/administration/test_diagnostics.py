"""The file for the people who help: made by an allow-list, so that what is not known to be harmless is not in it."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.administration.diagnostics import (
    ASKED,
    build_diagnostics,
    describe_diagnostics,
    list_versions,
    strip_answer,
    strip_settings,
)
from gateway.foundation.config import Config
from gateway.node.rows import ROWS

MARK = "tulpe7391"
"""In the form of a word of this program: only where it stands keeps it out."""


def test_texts_stay_only_where_they_are_words_of_this_program():
    """By the name of their member and by their form; figures and truth values stay, lists keep their order."""
    answer = {
        "state": "active",
        "reason": "gate_g2",
        "why": ["roots_due", "Ana Doe", "clock"],
        "count": 3,
        "ready": False,
        "note": MARK,
        "url": f"https://{MARK}.example",
        "fingerprint": "60028 11545",
        "inner": {"code": "expired", "title": MARK, "kind": "Ana Doe"},
        "at": "sender.py:12",
        "step": "message.submit",
    }
    assert strip_answer(answer, {}) == {
        "state": "active",
        "reason": "gate_g2",
        "why": ["roots_due", "clock"],
        "count": 3,
        "ready": False,
        "inner": {"code": "expired"},
        "at": "sender.py:12",
        "step": "message.submit",
    }
    assert strip_answer({"step": f"GET /api/v1/messages/{MARK}", "at": f"/home/{MARK}.py:1"}, {}) == {}


def test_peers_are_numbered_and_nobody_else_is_named():
    """The same peer has the same number everywhere, so that a queue and a failure of it can be put together."""
    known = {"AL": "peer 1", "UA": "peer 2"}
    answer = {"peers": [{"name": "AL"}, {"name": "UA"}], "failed": [{"peer": "UA", "count": 1}], "hook": {"name": MARK}}
    assert strip_answer(answer, known) == {
        "peers": [{"name": "peer 1"}, {"name": "peer 2"}],
        "failed": [{"peer": "peer 2", "count": 1}],
        "hook": {},
    }


def test_settings_say_that_something_is_set_and_not_what():
    """A path, an address or a name of a colleague; how many units there are, and no unit."""
    given = {"level": "debug", "listen": "127.0.0.1:1", "units": [{"id": MARK}], "days": 7, "tls": None}
    assert strip_settings(given) == {"level": "debug", "listen": "set", "units": 1, "days": 7, "tls": None}


def test_a_file_is_made_of_a_node_that_can_not_be_asked(tmp_path: Path):
    """With the checks, by name; those named after somebody have only what they are."""
    (tmp_path / "node.db").write_bytes(b"12345")
    checks = [
        {"check": f"peer {MARK}", "state": "red", "found": MARK, "fix": MARK},
        {"check": "sig key", "state": "ok"},
    ]
    made = build_diagnostics(told={}, checks=checks, config=None, folder=tmp_path, now=7)
    assert made["doctor"] == [{"check": "peer", "state": "red"}, {"check": "sig key", "state": "ok"}]
    assert made["files"] == {"node.db": 5, "attachments": 0}
    assert MARK not in json.dumps(made)
    assert {part for part, _, _ in describe_diagnostics(made)} == {"versions", "doctor", "files"}


def test_what_an_adapter_is_told_is_not_in_it(tmp_path: Path):
    """Its kind and how often it looks; of its own settings only how many there are."""
    config = Config.model_validate(
        {
            "node": {"name": MARK, "country": "FR"},
            "units": [{"id": MARK, "name": MARK, "roles": ["national_focal_point"], "kind": "public_authority"}],
            "federation": {"listen": "127.0.0.1:1"},
            "adapter": {"kind": "folder", "path": MARK, "marks": {MARK: MARK}},
        }
    )
    made = build_diagnostics(told={}, checks=[], config=config, folder=tmp_path, now=7)
    assert made["settings"]["adapter"] == {"kind": "folder", "poll_seconds": 5, "own": 2}  # type: ignore[index, call-overload]
    assert MARK not in json.dumps(made)


def test_every_part_is_an_operation_and_is_described():
    """Whoever sends the file away has read what is in each part of it."""
    assert set(ASKED) <= set(ROWS)
    every = {part: {"one": 1} for part in (*ASKED, "versions", "settings", "doctor", "files")}
    assert {part for part, _, _ in describe_diagnostics(every)} == set(every)
    versions = list_versions()
    assert versions["trm-gateway"] and "structlog" in versions["libraries"]  # type: ignore[operator]
