"""How large and how deep a body may be: a call with many messages holds each of them as it may come alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.local import FakeDesk, LocalApi, running_api

from gateway.api.routes import BATCH_LIMIT, BODY_LIMIT, PREFIX
from gateway.strict_json import DEPTH

CANARY = "Tulpe-7391"
ONE, MANY = f"{PREFIX}/messages", f"{PREFIX}/messages/batch"


@pytest.fixture
async def api(tmp_path: Path):
    """A running API over a desk that says what the test wants."""
    async with running_api(tmp_path, FakeDesk()) as running:
        yield running


def nested(levels: int) -> Any:
    """A list of lists, so many levels deep."""
    found: list[Any] = []
    for _ in range(levels - 1):
        found = [found]
    return found


async def test_a_call_with_many_is_larger_than_one(api: LocalApi):
    """Between the two limits it is taken as a call with many only, and arrives whole."""
    body = {"items": [{"key": "k", "draft": {"content": "x" * BODY_LIMIT}}]}
    assert (await api.person.ask("POST", ONE, body, Idempotency_Key="k")).status == 413
    assert (await api.person.ask("POST", MANY, body, Idempotency_Key="k")).status == 200
    assert [call[:2] for call in api.desk.calls] == [("message.submit_many", body)]


async def test_a_call_that_is_too_large_is_told_its_limit(api: LocalApi):
    """413 with the bytes that this route takes, and nothing was asked."""
    body = {"items": [{"key": "k", "draft": {"content": CANARY * (BATCH_LIMIT // 10 + 1)}}]}
    answer = await api.person.ask("POST", MANY, body, Idempotency_Key="k")
    assert (answer.status, answer.value["code"]) == (413, "too_large")
    assert str(BATCH_LIMIT) in answer.value["hint"] and CANARY not in answer.text
    assert api.desk.calls == []


async def test_a_draft_may_be_as_deep_as_alone(api: LocalApi):
    """And no deeper: the limit of a call counts what holds the draft."""
    deepest = {"content": nested(DEPTH - 1)}
    deeper = {"content": nested(DEPTH)}
    for path, wrapped in ((ONE, lambda draft: draft), (MANY, lambda draft: {"items": [{"key": "k", "draft": draft}]})):
        taken = await api.person.ask("POST", path, wrapped(deepest), Idempotency_Key="k")
        refused = await api.person.ask("POST", path, wrapped(deeper), Idempotency_Key="k")
        assert (path, taken.status, refused.status) == (path, 200, 400)


async def test_a_call_with_many_needs_a_key(api: LocalApi):
    """Without one a repeat could not be told from a second call."""
    assert (await api.person.ask("POST", MANY, {"items": []})).status == 400
    assert api.desk.calls == []
