"""Pushed documents are judged behind their answers: none holds up another, and none is waited for without end."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import Code, RemoteError
from gateway.federation import pushes
from gateway.federation.endpoints import POST_KEYSET, Endpoint
from gateway.federation.pushes import AT_ONCE, PushedDocuments


class Judge:
    """Judges when it is let; what it began, and what it told."""

    def __init__(self) -> None:
        self.began: list[bytes] = []
        self.told: list[Exception] = []
        self.gate = asyncio.Event()
        self.fault: Exception | None = None

    async def judge(self, row: Endpoint, body: bytes) -> None:
        """Wait for the gate."""
        self.began.append(body)
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault

    def tell(self, row: Endpoint, error: Exception) -> None:
        """Note it."""
        self.told.append(error)


async def test_more_than_are_judged_at_once_are_let_go() -> None:
    """A flood takes no more memory than so many documents; later ones are judged again."""
    judge = Judge()
    pushed = PushedDocuments(judge.judge, judge.tell)
    for n in range(AT_ONCE + 5):
        pushed.take(POST_KEYSET, b"%d" % n)
    await asyncio.sleep(0)
    assert len(judge.began) == AT_ONCE
    judge.gate.set()
    await pushed.settled()
    pushed.take(POST_KEYSET, b"later")
    await pushed.settled()
    assert judge.began[AT_ONCE:] == [b"later"]


@pytest.mark.parametrize("fault", [RemoteError(Code.ROLLBACK, "older than the one held"), OSError("no disk")])
async def test_what_is_wrong_with_one_is_told_here(fault: Exception) -> None:
    """Also a fault of this node; the next document is judged all the same."""
    judge = Judge()
    judge.gate.set()
    judge.fault = fault
    pushed = PushedDocuments(judge.judge, judge.tell)
    for _ in range(2):
        pushed.take(POST_KEYSET, b"d")
        await pushed.settled()
    assert judge.told == [fault, fault]


async def test_nobody_waits_for_one_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that does not answer while its chain is fetched holds up no other; the end of the node ends it."""
    monkeypatch.setattr(pushes, "PATIENCE", 0.01)
    judge = Judge()
    pushed = PushedDocuments(judge.judge, judge.tell)
    pushed.take(POST_KEYSET, b"slow")
    await pushed.settled()
    await pushed.close()
    judge.gate.set()
    await pushed.settled()
    assert (judge.began, judge.told) == ([b"slow"], [])
