"""Signed records of trust on the wire, missed and repeated, and what they end (nrm1 8.9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection
from support.ceremony import ADMINS, change
from support.holders import signed
from support.pair import Spoiler, Two, aplay
from support.patience import PATIENCE
from support.sign_as import sign_as
from support.trusting import scope_of

from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.client import Answered
from gateway.federation.endpoints import JSON
from gateway.peers.scope import PeerState
from gateway.peers.trust_record_store import TrustRow, add_record
from gateway.trust.record_exchange import LONGEST_RETRY
from keys.documents.key_records import Use
from keys.documents.trust_record import TRUSTS, TrustState
from keys.keystore.keystore import Keystore
from keys.primitives.domains import TRUST, TRUST_1
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

ANA, BEN = ADMINS
RECORDS = "select hash, document from trust_record where direction = '{}' order by seq"


async def test_a_missed_record_is_asked_for_again(two: Two) -> None:
    """A peer that lost our chain says so and gets it whole."""
    forget = "delete from trust_record where direction = 'in'"
    await two.al.running.store.move(lambda c: c.exec_driver_sql(forget))
    await two.al.running.peers.refresh()
    assert not two.al.agreed()
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, max_bytes=999_000))
    count = "select count(*) from trust_record where direction = 'in'"

    async def whole() -> bool:
        return await two.al.rows(count) == [(2,)]

    await two.until(whole, seconds=30)
    assert two.al.agreed()
    await two.calm()
    assert await two.fr.rows("select count(*) from trust_record where direction = 'out' and acked is null") == [(0,)]


async def test_a_revoked_peer_is_told_and_heard_no_more(two: Two) -> None:
    """The end reaches the peer as a signed record; its own records meet a bare 403 from then on."""
    await two.fr.changes("peer.revoke")
    await two.until(lambda: two.al.peer().standing(two.clock.now()).missing == "their side has revoked it", seconds=30)
    assert "peer.revoked_us" in await two.al.alarms()
    await two.al.changes("peer.suspend")
    await two.calm()
    assert await two.al.rows("select count(*) from trust_record where direction = 'out' and acked is null") == [(1,)]
    with pytest.raises(RefusedError, match="the peer is revoked"):
        await two.fr.changes("peer.resume")


async def resume_without_a_word(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """France has suspended Albania and resumes it; its loop that brings records stands still."""
    await two.fr.changes("peer.suspend")
    await two.until(lambda: two.al.peer().trust.missing(two.clock.now()) == "their side has suspended it", seconds=30)
    await two.until(lambda: not two.fr.peer().owed)

    async def bring() -> None:
        pass

    monkeypatch.setattr(two.fr.running.record_exchange, "bring", bring)
    await two.fr.changes("peer.resume")
    assert two.fr.peer().owed


async def test_what_relies_on_a_new_record_goes_behind_it(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer judges by the last record that it has taken: what comes before the new one would be refused for good."""
    await resume_without_a_word(two, monkeypatch)
    id = await two.fr.submit("anew")

    async def arrived() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(arrived, seconds=30)
    assert not two.fr.peer().owed


@pytest.mark.parametrize("said", [None, Code.STALE, Code.MISDIRECTED])
async def test_a_record_that_is_not_taken(two: Two, monkeypatch: pytest.MonkeyPatch, said: Code | None) -> None:
    """One that could not be brought keeps back what relies on it, and is tried again with it; so does one of which the
    peer wants the request signed anew. One that the peer refuses does not, and has its own time.
    """
    refused = said is Code.MISDIRECTED
    await resume_without_a_word(two, monkeypatch)
    client, asked = two.fr.running.client, list[object]()
    post = client.post_trust

    async def fail(*arguments: Any) -> Any:
        asked.append(arguments)
        if len(asked) > 2 and not refused:
            return await post(*arguments)
        if said is None:
            raise TransientError(Code.UNREACHABLE, "as the test says")
        return Answered(status=400, content_type=JSON, body=canon({"code": str(said)}))

    monkeypatch.setattr(client, "post_trust", fail)
    ids = [await two.fr.submit(f"anew {each}") for each in range(3)]

    async def settled() -> bool:
        return {await two.fr.state(id) for id in ids} == {"rejected" if refused else "awaiting_opening"}

    await two.until(settled, seconds=0 if refused else 60)  # its own time is seconds, which are not to pass meanwhile
    assert (len(asked), two.fr.peer().owed) == ((1, True) if refused else (3, False))


async def test_what_is_decided_while_a_record_is_brought_goes_first_too(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People resume a peer while the sender brings it the suspension: what waits goes behind both records. Between
    them the peer would refuse it for good.
    """
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("waiting")

    async def bring() -> None:
        pass

    monkeypatch.setattr(two.fr.running.record_exchange, "bring", bring)
    await two.fr.changes("peer.suspend")
    client, asked = two.fr.running.client, list[object]()
    post = client.post_trust

    async def post_and_resume(*arguments: Any) -> Any:
        asked.append(arguments)
        answered = await post(*arguments)
        if len(asked) == 1:
            await two.fr.changes("peer.resume")
        return answered

    monkeypatch.setattr(client, "post_trust", post_and_resume)
    wire.away = False

    async def settled() -> bool:
        return await two.fr.state(id) in ("awaiting_opening", "rejected")

    await two.until(settled, seconds=90)
    assert (await two.fr.state(id), len(asked)) == ("awaiting_opening", 2)


async def test_a_peer_that_hangs_keeps_records_from_no_other(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """While its sender waits for the answer to a record, the loop that brings records to all goes on to the next."""
    bring = two.fr.running.record_exchange.bring
    await resume_without_a_word(two, monkeypatch)
    hangs, ended = asyncio.Event(), asyncio.Event()

    async def hang(*_: object) -> Answered:
        hangs.set()
        await ended.wait()
        raise TransientError(Code.UNREACHABLE, "as the test says")

    monkeypatch.setattr(two.fr.running.client, "post_trust", hang)
    await two.fr.submit("anew")
    await two.until(hangs.is_set, seconds=30)
    try:
        async with asyncio.timeout(PATIENCE):
            await bring()
    finally:
        ended.set()


async def test_what_waits_for_a_revoked_peer_fails_at_once(two: Two) -> None:
    """What has not departed can never go: its sender is told now, and not when its life is over. What has departed may
    have arrived, and keeps its time.
    """
    wire = Spoiler(two.fr)
    wire.deaf = True
    departed = await two.fr.submit("departed")
    await two.until(lambda: bool(wire.asked), seconds=30)
    wire.away = True
    waiting = await two.fr.submit("waiting")
    await two.fr.changes("peer.revoke")
    await two.until(lambda: two.fr.peer().state is PeerState.REVOKED, seconds=30)

    async def failed() -> bool:
        return await two.fr.state(waiting) == "failed"

    await two.until(failed, seconds=120)
    assert (await two.fr.show(waiting))["reason"] == "not_active"
    assert await two.fr.state(departed) == "awaiting_receipt"
    assert "message.failed" in await two.fr.alarms()


async def test_no_content_in_any_of_it(two: Two) -> None:
    """Changes, approvals and records hold ids, codes and times: a marked value of a case is nowhere in them."""
    await two.fr.submit("MARKED-VALUE")
    await two.fr.changes("peer.suspend")
    for table, column in (("change", "payload"), ("approval", "document"), ("trust_record", "document")):
        for (data,) in await two.fr.rows(f"select {column} from {table}"):
            assert b"MARKED-VALUE" not in bytes(data)


async def test_a_stop_is_at_once_by_any_clock(two: Two) -> None:
    """The clock of the person who stops a peer is two minutes ahead of the node's: the peer is stopped now."""
    ahead = two.clock.now() + 120
    await aplay(change([ANA], "peer.suspend", "AL", at=ahead), two.fr.call)
    assert two.fr.peer().state == "suspended"
    await two.until(lambda: two.al.peer().trust.missing(two.clock.now()) == "their side has suspended it", seconds=30)
    shown = await two.fr.call("peer.show", id="AL")
    assert shown["faults"] == [] and shown["history"][-1]["effective"] < ahead


@pytest.mark.parametrize(("state", "taken"), [(TrustState.SUSPENDED, True), (TrustState.REVOKED, False)])
async def test_what_was_said_in_the_first_form_is_history(two: Two, state: TrustState, taken: bool) -> None:
    """A chain of the second form is taken behind it, and both are kept; but nothing follows a revocation."""
    mine = two.fr.peer().trust.mine
    assert mine is not None
    old = replace(mine, payload_type=TRUST_1, state=state, prev=None)
    keys = two.fr.running.keys
    assert isinstance(keys, Keystore)
    document = sign_as(TRUST_1, old.encode(), keys._signer(Use.SIG).key).encode()
    row = TrustRow(peer=mine.node, direction="in", seq=1, hash=old.hash, document=document, acked=two.clock.now())

    def before(connection: Connection) -> None:
        connection.exec_driver_sql("delete from trust_record where direction = 'in'")
        add_record(connection, row)

    await two.al.running.store.move(before)
    await two.al.running.peers.refresh()
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, max_bytes=999_000))
    for _ in range(12):
        two.clock.advance(5)
        await two.calm()
    held = await two.al.rows("select document from trust_record where direction = 'in' order by seq")
    assert [SignedDocument.decode(bytes(data), *TRUSTS).payload_type for (data,) in held] == (
        [TRUST_1, TRUST, TRUST] if taken else [TRUST_1]
    )
    assert two.al.agreed() is taken


async def test_a_record_whose_key_was_revoked_is_signed_anew(two: Two) -> None:
    """It could not be brought before; the record and its hash are the same. One whose key is good goes as it is."""
    wire = Spoiler(two.fr)
    wire.away = True
    await two.fr.changes("peer.suspend")
    stolen = two.fr.running.keys.sig_kid
    asked = await two.fr.call("keys.request", by="admin", revoke={"kids": [stolen], "reason": "stolen"})
    await two.fr.call("keys.publish", document=signed(two.fr.folder.parent, "FR", asked["request"]), by="admin")
    wire.away = False
    await two.until(lambda: two.al.peer().trust.missing(two.clock.now()) == "their side has suspended it", seconds=120)
    sent = [(hash, bytes(document)) for hash, document in await two.fr.rows(RECORDS.format("out"))]
    came = [(hash, bytes(document)) for hash, document in await two.al.rows(RECORDS.format("in"))]
    assert sent[0] == came[0]
    assert sent[1][0] == came[1][0]
    was, anew = (SignedDocument.decode(rows[1][1], *TRUSTS) for rows in (sent, came))
    assert was.payload == anew.payload
    assert (was.signature.kid, anew.signature.kid) == (stolen, two.fr.running.keys.sig_kid)
    assert stolen != two.fr.running.keys.sig_kid


async def test_a_peer_that_is_away_is_brought_a_record_ever_more_seldom(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 5, 10, 20 and 40 seconds, and the first attempt that arrives ends it: nothing is owed, nothing is asked."""
    wire = Spoiler(two.fr)
    wire.away = True
    client, asked = two.fr.running.client, list[float]()
    post = client.post_trust

    async def counted(*arguments: Any) -> Any:
        asked.append(two.clock.monotonic())
        return await post(*arguments)

    monkeypatch.setattr(client, "post_trust", counted)
    await two.fr.changes("peer.suspend")
    await two.calm()
    for _ in range(15):
        two.clock.advance(5)
        await two.calm()
    assert len(asked) >= 5
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert all(wait >= least for wait, least in zip(waits, (5, 10, 20, 40), strict=False))
    wire.away = False
    before = len(asked)
    await two.until(lambda: two.al.peer().trust.missing(two.clock.now()) == "their side has suspended it", seconds=300)
    two.clock.advance(LONGEST_RETRY)
    await two.calm()
    assert len(asked) == before + 1
