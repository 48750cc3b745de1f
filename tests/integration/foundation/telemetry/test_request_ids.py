"""One request from the caller at one node to the case system at the other, told by the log lines of both."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from support.acting import ask
from support.pair import Party, two_nodes

from gateway.foundation.logs import configure
from gateway.foundation.telemetry.request_ids import RequestId, request_scope

TRACE = RequestId("4bf92f3577b34da6a3ce929d0e0e4736")
OTHER = RequestId("0af7651916cd43dd8448eb211c80319c")
NOTE = "Tulpe-7391 waits at the station"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of the nodes of this process, as it would be written."""
    stream = io.StringIO()
    before = structlog.get_config()
    configure("info", stream)
    try:
        yield stream
    finally:
        structlog.configure(**before)


async def submit(party: Party, note: str, trace: RequestId) -> None:
    """A message of a caller that named this request."""
    with request_scope(trace):
        await party.submit(note)


async def test_a_caller_finds_its_request_at_both_ends(tmp_path: Path, log: io.StringIO) -> None:
    """Each stage has its line under the caller's id, and no line has a word of what was said."""
    async with two_nodes(tmp_path) as two:
        await submit(two.fr, NOTE, TRACE)
        await two.until(lambda: two.al.notes() == [NOTE], seconds=60)
        lines: list[dict[str, Any]] = [json.loads(line) for line in log.getvalue().splitlines()]
        mine = [line["event"] for line in lines if line.get("trace") == TRACE]
        assert [event for event in mine if event.startswith("message.")] == [
            "message.taken",
            "message.sent",
            "message.received",
            "message.handed_over",
        ]
        assert "Tulpe" not in log.getvalue()


async def test_messages_of_two_callers_go_under_an_id_of_neither(tmp_path: Path, log: io.StringIO) -> None:
    """The line of each says which request it came by."""
    async with two_nodes(tmp_path) as two:
        await ask(two.fr.running, "maintenance.begin", {"seconds": 600})
        two.fr.running.maintenance.require_over = lambda left: None  # type: ignore[method-assign]
        await submit(two.fr, "one", TRACE)
        await submit(two.fr, "two", OTHER)
        await ask(two.fr.running, "maintenance.end", {})
        await two.until(lambda: len(two.al.notes()) == 2, seconds=60)
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        sent = [line for line in lines if line["event"] == "message.sent"]
        assert [line["via"] for line in sent] == [TRACE, OTHER]
        (shown,) = {line["trace"] for line in sent}
        assert shown not in (TRACE, OTHER)
        received = [line["trace"] for line in lines if line["event"] == "message.received"]
        assert received == [shown, shown]
