"""The log of a running node: nothing departs on one that was rolled back or is not confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.logs import grow
from support.nodechild import SteeredClock
from support.pair import START, Party, make_party, two_nodes
from support.witnessed import cosigned, kept_by

from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError
from gateway.federation.time_rules import Doubt
from gateway.peers.confirmed_time import BELIEVED


async def _state(party: Party, id: str, state: str) -> bool:
    return await party.state(id) == state


async def test_a_proof_stops_everything_at_once(tmp_path: Path) -> None:
    """A running node whose database is shortened below what its own log signed sends nothing any more."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 60)
        node = two.fr.running

        def shorten(connection) -> None:
            for statement in ("audit where seq > 50", "checkpoint where size > 50", "cosignature where size > 50"):
                connection.exec_driver_sql(f"delete from {statement}")

        await node.store.move(shorten)
        await node.log.checkpoint()
        await node.checkpointer.ask(two.al.running.own.node)
        assert "log.rolled_back" in await two.fr.alarms()
        id = await two.fr.submit("stays here")
        two.clock.advance(5)
        await two.calm()
        assert await two.fr.state(id) == "queued"
        with pytest.raises(RefusedError) as raised:
            await node.log.checkpoint()
        assert raised.value.code is Code.LOG_ROLLED_BACK


async def test_without_the_kept_checkpoint_nothing_departs_unconfirmed(tmp_path: Path) -> None:
    """A node whose kept checkpoint is gone sends nothing until its peer has cosigned its tree since the start."""
    async with two_nodes(tmp_path) as two:
        await cosigned(two, two.fr)
        await two.fr.stop()
        (two.fr.folder / "checkpoint").unlink()
        await two.al.stop()
        await two.fr.start()
        id = await two.fr.submit("waits for the witness")
        two.clock.advance(5)
        await two.calm()
        await two.fr.stop()
        await two.fr.start()  # which confirms nothing
        two.clock.advance(5)
        await two.calm()
        shown = await two.fr.call("audit.show")
        assert (shown["halted"], await two.fr.state(id)) == ("log_unconfirmed", "queued")
        await two.al.start()
        await two.until(lambda: _state(two.fr, id, "awaiting_opening"), seconds=200, what="the message")
        assert (await two.fr.call("audit.show"))["halted"] is None
        assert two.al.running.own.node in kept_by(two.fr)


async def test_a_clock_before_what_was_believed_dates_nothing(tmp_path: Path) -> None:
    """Threat 19: a node starts before the last time it believed, and is in doubt; 300 s are allowed."""
    clock = SteeredClock(START)
    party = await make_party(tmp_path, "FR", clock)
    await party.start()
    clock.advance(10_000)
    await party.running.store.move(lambda c: journal.append_leaf(c, leaf(clock.now(), "content.read", id="x")))
    assert await party.running.log.last_dated() == clock.now()
    await party.running.store.move(lambda c: meta.set_meta(c, BELIEVED, b"%d" % clock.now()))
    await party.stop()
    for at, doubt in ((START + 10_000 - 301, Doubt.BACK), (START + 10_000 - 299, Doubt.UNSEEN)):
        early = Party("FR", party.folder, SteeredClock(at))
        await early.start()
        assert early.running.time.standing().doubt is doubt
        await early.stop()


async def test_a_log_without_peers_says_so(tmp_path: Path) -> None:
    """It is signed, it holds, and it is unwitnessed."""
    party = await make_party(tmp_path, "FR", SteeredClock(START))
    await party.start()
    try:
        await party.running.log.checkpoint()
        shown, verdict = await party.call("audit.show"), await party.call("audit.verify")
        assert (shown["quorum"], shown["witnessed"], shown["halted"]) == (0, None, None)
        assert (verdict["ok"], verdict["witnessed"]) == (True, None)
    finally:
        await party.stop()
