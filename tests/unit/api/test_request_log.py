"""The id of a local request: named by the answer, and in a log line that has no path."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.local import FakeDesk, LocalApi, running_api

from gateway.api.routes import PREFIX
from gateway.foundation import logs
from gateway.foundation.telemetry.request_ids import read_request_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def api(tmp_path: Path):
    """A running API."""
    async with running_api(tmp_path, FakeDesk()) as running:
        yield running


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of the API, as it would be written."""
    stream, before = io.StringIO(), structlog.get_config()
    logs.configure("info", stream)
    yield stream
    structlog.configure(**before)


async def test_an_answer_names_the_id_that_counts(api: LocalApi):
    """The caller's, if it looks random, else one of this node; also where nothing is at that address."""
    given = f"00-{TRACE}-00f067aa0ba902b7-01"
    for path in (f"{PREFIX}/inbox", f"{PREFIX}/nowhere", "/health/live"):
        answer = await api.socket.ask("GET", path, traceparent=given)
        assert read_request_id([answer.headers["traceresponse"]]) == TRACE
    padded = f"00-{'19870203':0>32}-00f067aa0ba902b7-01"
    for headers in ({}, {"traceparent": padded}):
        answer = await api.socket.ask("GET", f"{PREFIX}/inbox", **headers)
        assert read_request_id([answer.headers["traceresponse"]]) not in (None, TRACE)


async def test_a_change_has_a_line_without_its_path(api: LocalApi, log: io.StringIO):
    """The operation, its status and the id; not the id of the message that the path has."""
    await api.socket.ask("POST", f"{PREFIX}/messages/Tulpe-7391/ack", {}, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    told = log.getvalue()
    line = json.loads(told)
    assert (line["event"], line["step"], line["status"], line["trace"]) == ("api.answered", "message.ack", 200, TRACE)
    assert "Tulpe" not in told
