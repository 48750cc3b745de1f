"""Whoever asks the key service for more than a node needs is told to people (nrm1 13.6)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from support.paced_keys import served
from support.pair import two_nodes

from gateway.administration.doctor import key_service
from gateway.administration.doctor.folder import State
from gateway.api.metrics import render_metrics
from gateway.identity.key_pace import KeyPaceWatch, count_refused
from keys.keystore.keystore import Keystore
from keys.keystore.service import PacedCalls


async def test_row_214_a_thief_at_the_socket_raises_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused since the last look is in the log once, by kind; the alarm, metrics and doctor tell it too."""
    monkeypatch.setattr("keys.keystore.remote.PATIENCE", 0.1)
    async with two_nodes(tmp_path) as two:
        node = two.fr.running
        assert isinstance(node.keys, Keystore)
        with served(node.keys, tmp_path / "keyd.sock", unwraps=3) as remote:
            watch = KeyPaceWatch(store=node.store, keys=remote, workers=node.workers, clock=node.clock)
            node.status_metrics._key_pace = watch
            row = remote.wrap(b"r" * 16)[1:]
            await watch.look()
            assert "own.keys_busy" not in await two.fr.alarms()
            calls = [(b"r" * 16, *row)] * 10
            stolen = await asyncio.to_thread(remote.each, "unwrap", calls)
            assert sum(isinstance(one, bytes) for one in stolen) == 3
            await watch.look()
            await watch.look()
        (told,) = [one for one in watch.seen if one.use == "unwrap"]
        assert await two.fr.alarms() == ["own.keys_busy"]
        leaves = await two.fr.rows("select cast(leaf as text) from audit where instr(cast(leaf as text), 'keys.busy')")
        assert [f'"count":{told.refused}' in leaf and '"use":"unwrap"' in leaf for (leaf,) in leaves] == [True]
        status = await two.fr.call("node.status")
        figures = render_metrics(status, CollectorRegistry()).decode()
        assert f'trm_key_service_calls{{answer="refused",use="unwrap"}} {float(told.refused)}' in figures
        found = key_service.pace(status)
        assert found.state is State.WARN and f"{told.refused} of unwrap (3 in a minute)" in found.found


def calls(done: int, refused: int) -> PacedCalls:
    """So many unwrappings."""
    return PacedCalls(use="unwrap", per_minute=3, done=done, refused=refused)


@pytest.mark.parametrize(
    ("before", "now", "count"),
    [
        (None, calls(5, 0), 0),
        (None, calls(5, 2), 2),
        (calls(5, 2), calls(9, 2), 0),
        (calls(5, 2), calls(9, 7), 5),
        (calls(5, 2), calls(1, 4), 4),
        (calls(5, 4), calls(6, 1), 1),
    ],
    ids=["first, none", "first, some", "no more", "some more", "begun anew", "begun anew, and busier"],
)
def test_what_was_refused_since_the_last_look(before: PacedCalls | None, now: PacedCalls, count: int) -> None:
    """A key service that was started again counts from nothing."""
    assert count_refused(before, now) == count


def test_nothing_is_said_of_keys_in_this_process() -> None:
    """A verb on a stopped node opens them itself: there is no limit, and nothing to warn of."""
    assert key_service.pace({"key_service": []}).state is State.OK
    told = {"use": "open", "per_minute": 6_000, "done": 9, "refused": 0}
    assert key_service.pace({"key_service": [told]}).found == "nothing was asked of it above its limits"
