"""A change is read at a shell from the exact object, and compared with what another screen shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import ADMINS
from support.desks import run

from gateway.cli import connection
from gateway.trust.change_text import words
from keys.documents.change import Change

SUSPEND = Change(node="n1" + "a" * 32, subject="n1" + "b" * 32, prev=None, at=1_000, action="peer.suspend", body={})
REVOKE = replace(SUSPEND, action="peer.revoke")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, Any]]:
    """A node that answers `change.show` with whatever a test writes into its answer."""
    told: dict[str, Any] = {"state": "pending", "approvals": [], "words": ["made by the node"], "digits": "0"}

    def answer(_folder: Path, operation: str, arguments: Mapping[str, Any], **_more: Any) -> Any:
        assert operation == "change.show"
        return {"id": arguments["id"], **told}

    monkeypatch.setattr(connection, "call_node", answer)
    return tmp_path, told


def test_the_words_and_the_digits_are_made_here(node: tuple[Path, dict[str, Any]]) -> None:
    """Nothing that the node says of the change is printed but its state and who has approved it."""
    folder, told = node
    told["change"] = SUSPEND.to_json()
    told["approvals"] = [{"admin": ADMINS[0].card.pseudonym, "label": "Ana B.", "at": 1_000, "emergency": False}]
    ran = run("change", "show", SUSPEND.hash, "--node", str(folder))
    assert ran.exit_code == 0, ran.stderr
    *lines, approved = ran.stdout.splitlines()
    assert approved.startswith("approved by: Ana B., 1970-01-01T00:16:40Z")
    assert lines == [
        *words(SUSPEND.to_json()),
        f"hash: {SUSPEND.hash}",
        f"digits: {SUSPEND.digits}",
        "state: pending",
    ]


def test_row_213_a_node_that_shows_another_change_is_noticed(node: tuple[Path, dict[str, Any]]) -> None:
    """Exit 1 and nothing of the change printed, where the object does not have the hash that was named."""
    folder, told = node
    for shown in (REVOKE.to_json(), SUSPEND.to_json() | {"at": 1_001}, SUSPEND.to_json() | {"more": 1}, None):
        told["change"] = shown
        ran = run("change", "show", SUSPEND.hash, "--node", str(folder))
        assert (ran.exit_code, ran.stdout) == (1, ""), ran.stdout
        assert "nothing was signed" in ran.stderr
