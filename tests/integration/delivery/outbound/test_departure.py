"""What a sender does when the peer, its keys or the wire are not as they should be.

nrm1 12.1 to 12.4, 5.5, 6.9.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, delete, update
from support.nodechild import CHEAP
from support.nodeproc import DAY, HOUR
from support.pair import Party, Spoiler, Two, example, in_two_steps, introduce, make_party, two_nodes
from support.patience import PATIENCE
from support.relied_on import CONSENT, recorded, referral, types

from gateway.composition.senders import make_sender
from gateway.database.tables import envelope, link_number, message
from gateway.delivery.outbound.departure import Ready
from gateway.delivery.outbound.lookout import Grounds
from gateway.delivery.outbound.sealing import Proven, Sealed
from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.client import Answered
from gateway.identity import store
from gateway.messages.answers import Answer, encode_answers
from gateway.messages.store import messages
from gateway.peers.registry import Peer, address
from gateway.ports import Delivery, Notice
from keys.documents.descriptor import Revocation
from keys.documents.envelope import link_hash, parse_envelope
from keys.documents.key_records import Use
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.keystore.key_changes import DestroyAllEnc
from keys.keystore.keystore import Keystore
from keys.offline.roots import load_root
from keys.primitives.domains import DESCRIPTOR
from keys.primitives.sign import SignedDocument


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def in_state(party: Party, id: str, state: str) -> Callable[[], Awaitable[bool]]:
    """Whether a message is in a state."""

    async def question() -> bool:
        return await party.state(id) == state

    return question


def forget_keys(party: Party) -> None:
    """All encryption keys of a node are destroyed, as in a panic (nrm1 2.27)."""
    keys = party.running.keys
    assert isinstance(keys, Keystore)
    keys.change(DestroyAllEnc())


async def pass_time(two: Two, total: int, step: int) -> None:
    """Both clocks move on, with a moment for the loops after each step."""
    for _ in range(0, total, step):
        two.clock.advance(step)
        await two.calm()


async def test_a_clock_that_was_ahead_for_a_while(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put off while the clock was hours ahead goes soon after it is right again, on the wire and to the case
    system.
    """
    wire, adapter, busy = Spoiler(two.fr), two.al.running.adapter, [True]
    assert adapter is not None
    push = adapter.push

    async def take(item: Delivery | Notice) -> str:
        if busy:
            raise TransientError(Code.ADAPTER_BUSY, "the case system is away")
        return await push(item)

    monkeypatch.setattr(adapter, "push", take)
    await two.fr.submit("put off by the case system")
    attempted = "select 1 from inbox where attempts > 0"

    async def postponed() -> bool:
        return await two.al.rows(attempted) == [(1,)]

    await two.until(postponed, seconds=30)
    wire.away = True
    await two.fr.submit("put off by the wire")
    await two.until(lambda: bool(two.fr.peer().attempts), seconds=30)
    two.clock.jump(6 * HOUR)
    ahead = two.clock.now()
    attempted = f"select 1 from inbox where next_try > {ahead}"
    await two.until(postponed, seconds=30)
    await two.until(lambda: two.fr.peer().next_try > ahead, seconds=30)
    two.clock.jump(-6 * HOUR)
    wire.away = False
    busy.clear()
    await two.until(lambda: len(two.al.notes()) == 2, seconds=120)


async def test_failed_connection_numbers_nothing(two: Two) -> None:
    """While no connection comes about a message stays without number and seal; failures are counted with jitter."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("waits")
    for _ in range(12):
        two.clock.advance(60)
        await two.calm()
    shown = await two.fr.show(id)
    assert (shown["state"], shown["n"]) == ("queued", None)
    assert await two.fr.rows("select count(*) from envelope") == [(0,)]
    peer = await two.fr.call("peer.show", id="AL")
    assert peer["attempts"] >= 5
    assert peer["failing_since"] <= two.clock.now() - 600
    assert peer["next_try"] > two.clock.now() - 60


async def test_failures_survive_a_restart_and_a_call_ends_them(two: Two) -> None:
    """Attempts and backoff are on disk; when the peer calls, the queue goes at once, whatever the backoff says."""
    wire = Spoiler(two.fr)
    wire.away = True
    await two.fr.submit("waits")
    while (await two.fr.call("peer.show", id="AL"))["attempts"] <= 5:
        await pass_time(two, HOUR, 1_200)
    await two.fr.rest()  # an attempt under way would count between the question and the stop
    before = await two.fr.call("peer.show", id="AL")
    await two.fr.stop()
    await two.fr.open()
    after = await two.fr.call("peer.show", id="AL")
    assert after["attempts"] >= before["attempts"] > 5  # one more may have been written while `before` was read
    assert after["failing_since"] == before["failing_since"]
    assert after["next_try"] >= before["next_try"] > 0
    await two.fr.stop()
    await two.fr.start()
    two.fr.running.wakeups.called.clear()
    keyset = two.al.running.own.keyset.document.encode()
    await two.al.running.client.push_keyset(address(two.al.peer().descriptor), keyset)
    await two.until(lambda: two.al.notes() == ["waits"])
    await two.until(lambda: not two.fr.peer().attempts)
    peer = await two.fr.call("peer.show", id="AL")
    assert (peer["attempts"], peer["failing_since"]) == (0, None)


async def test_sealed_anew_for_a_new_key(two: Two) -> None:
    """A peer that lost its keys gets the same message at the same place, sealed to a new one; each sealing is kept."""
    forget_keys(two.al)
    await two.al.running.own.issue_keyset()
    wire = Spoiler(two.fr)
    id = await two.fr.submit("again")
    await two.until(lambda: bool(wire.envelopes()))  # before the peer has told of its new keys by itself
    await two.until(in_state(two.fr, id, "awaiting_opening"), seconds=60)
    assert two.al.notes() == ["again"]
    assert len(wire.envelopes()) == 2
    assert wire.envelopes()[0][0] != wire.envelopes()[1][0]
    assert await two.fr.rows("select count(*) from statement") == [(2,)]
    assert (await two.fr.show(id))["n"] == 1


async def test_sealing_anew_has_an_end(two: Two) -> None:
    """A peer that shows keys it does not have is asked twice and then left alone for a while."""
    forget_keys(two.al)
    wire = Spoiler(two.fr)
    id = await two.fr.submit("never")
    await two.until(lambda: two.fr.peer().attempts > 0)
    await two.calm()
    assert len(wire.envelopes()) == 2
    assert await two.fr.state(id) == "awaiting_receipt"
    await two.al.running.own.issue_keyset()
    await two.until(in_state(two.fr, id, "awaiting_opening"), seconds=60)
    assert two.al.notes() == ["never"]


async def test_what_was_numbered_in_the_first_form_is_chained_anew(two: Two) -> None:
    """Two messages that release 0.1.0 numbered, whose links said nothing of their content, are sealed in the second
    form: each follows the link that the number before it has now, and so does what is numbered after them.
    """
    forget_keys(two.al)
    wire = Spoiler(two.fr)
    for note in ("one", "two"):
        await two.fr.submit(note)
    await two.until(lambda: two.fr.peer().attempts > 0)
    await two.calm()
    wire.away = True
    rows = await two.fr.rows("select id, n from message order by n")
    assert [n for _, n in rows] == [1, 2]
    first = link_hash(epoch=1, n=1, id=rows[0][0], commit=None, prev=None)
    second = link_hash(epoch=1, n=2, id=rows[1][0], commit=None, prev=first)

    def before(connection: Connection) -> None:
        for n, prev, link in ((1, None, first), (2, first, second)):
            connection.execute(update(link_number).where(link_number.c.n == n).values(prev=prev, link=link))
            connection.execute(update(message).where(message.c.n == n).values(prev=prev))
        connection.execute(delete(envelope))

    await two.fr.running.store.move(before)
    await two.al.running.own.issue_keyset()
    wire.away = False
    third = await two.fr.submit("three")
    await two.until(in_state(two.fr, third, "awaiting_opening"), seconds=60)
    assert two.al.notes() == ["one", "two", "three"]
    sent = await two.fr.rows("select n, prev, link from link_number where direction = 'out' order by n")
    assert sent == await two.al.rows("select n, prev, link from link_number where direction = 'in' order by n")


async def revoke_a_key(party: Party) -> None:
    """The root holder of a node signs version 2 of its descriptor, which revokes the http key that is not in use."""
    node = party.running
    root = load_root(
        party.folder.with_name(f"{party.name}-roots") / f"{party.name}-root-1.key", "roots", at_least=CHEAP
    )
    held, now = node.own.descriptor, party.clock.now()
    spare = next(key for key in held.keys if key.use is Use.HTTP and key.kid != node.keys.http_kid)
    payload = build_descriptor(
        name=held.name,
        issued=now,
        expires=now + 300 * DAY,
        roots=held.roots,
        threshold=held.threshold,
        keys=[key for key in held.keys if key.kid != spare.kid],
        endpoints=held.endpoints,
        log=held.log,
        country=held.country,
        contact=held.contact,
        tls_spki=held.tls_spki,
        units=held.units,
        revoked=[Revocation(kid=spare.kid, at=now, since=now, reason="compromised")],
        node=held.node,
        version=2,
        prev=held.hash,
    )
    document = sign_descriptor(payload, [root.key]).encode()
    await node.store.move(lambda c: store.add_own(c, 2, document))
    await node.own.load()
    await node.own.issue_keyset()


async def test_sealed_anew_for_a_newer_descriptor(two: Two) -> None:
    """What relies on a descriptor of before a revocation is refused without a receipt and sealed anew."""
    await revoke_a_key(two.al)
    wire = Spoiler(two.fr)
    id = await two.fr.submit("again")
    await two.until(lambda: bool(wire.envelopes()))  # before the peer has told of its descriptor by itself
    await two.until(in_state(two.fr, id, "awaiting_opening"), seconds=60)
    assert two.al.notes() == ["again"]
    assert len(wire.envelopes()) == 2
    assert two.fr.peer().descriptor.version == 2


async def test_one_descriptor_by_two_roads(two: Two) -> None:
    """A descriptor that is pushed while it is fetched is kept once and ends nobody's loop."""
    await revoke_a_key(two.al)
    node, held = two.fr.running, two.fr.peer()
    document = SignedDocument.decode(two.al.running.own.documents[-1], DESCRIPTOR)
    taken = await asyncio.gather(*(node.sync.take_chain(held, [document]) for _ in range(3)))
    assert [peer.descriptor.version for peer in taken] == [2, 2, 2]


async def test_void_of_what_arrived(two: Two) -> None:
    """A cancelled message whose answer was lost turns out to have arrived: the stored receipt answers the void."""
    in_two_steps(two.al)
    wire, back = Spoiler(two.fr), Spoiler(two.al)
    back.away = True
    wire.lose = 1
    id = await two.fr.submit("there")
    await two.until(lambda: two.al.notes() == ["there"])
    wire.away = True
    assert (await two.fr.call("message.cancel", id=id, by="w-1"))["state"] == "voiding"
    wire.away = False
    await two.until(in_state(two.fr, id, "awaiting_handover"), seconds=60)
    assert [name for name, _ in wire.asked] == ["post_messages", "post_void"]
    assert (await two.fr.show(id))["reason"] is None
    assert two.al.notes() == ["there"]


async def test_void_of_what_never_arrived(two: Two) -> None:
    """A void uses up the number; the envelope that turns up later gets the same signed refusal, and no hand-over."""
    wire = Spoiler(two.fr)
    wire.deaf = True
    id = await two.fr.submit("lost")
    await two.until(lambda: bool(wire.asked))
    (envelope,) = wire.envelopes()[0]
    await two.fr.call("message.cancel", id=id, by="w-1")
    wire.deaf = False
    await two.until(in_state(two.fr, id, "failed"), seconds=60)
    shown = await two.fr.show(id)
    assert (shown["reason"], [(r["status"], r["code"]) for r in shown["receipts"]]) == (
        "cancelled",
        [("rejected", "void")],
    )
    late = await two.fr.running.client.post_messages(address(two.fr.peer().descriptor), [envelope])
    assert json.loads(late.body)["answers"] == [{"id": id, "code": "void"}]
    following = await two.fr.submit("next")
    await two.until(in_state(two.fr, following, "awaiting_opening"))
    assert two.al.notes() == ["next"]


async def test_cancelled_before_its_number(two: Two) -> None:
    """What has no number is cancelled and asks nobody."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("no")
    assert (await two.fr.call("message.cancel", id=id, by="w-1"))["state"] == "cancelled"
    wire.away = False
    await pass_time(two, 120, 20)
    assert two.al.notes() == []
    assert wire.asked == []


async def test_stale_keyset_fails_closed(two: Two) -> None:
    """A peer that shows only a keyset of long ago gets nothing and a person is told; a new one lets all go."""
    in_two_steps(two.al)
    wire, back = Spoiler(two.fr), Spoiler(two.al)
    wire.frozen = two.al.running.own.keyset.document.encode()
    back.away = True
    await pass_time(two, 3 * DAY, 6 * HOUR)
    id = await two.fr.submit("fresh")
    await two.until(lambda: two.fr.peer().attempts > 0)
    assert (await two.fr.show(id))["n"] is None
    assert "peer.stale_keyset" in await two.fr.alarms()
    wire.frozen = None
    await two.until(in_state(two.fr, id, "awaiting_handover"), seconds=60)


async def test_suspended_peer(two: Two) -> None:
    """What is ordinary is held at the sender, which knows of the suspension, and goes after it; a withdrawal passes
    (nrm1 4.20).
    """
    wire = Spoiler(two.fr)
    wire.away = True
    ordinary = await two.fr.submit("no")
    await two.al.changes("peer.suspend")
    await two.until(lambda: not two.fr.agreed())
    wire.away = False
    urgent = (await two.fr.call("message.submit", **example("consent.withdrawal/1", "AL")))["id"]
    await two.until(in_state(two.fr, urgent, "awaiting_opening"), seconds=60)
    assert [delivery.type for delivery in two.al.deliveries()] == ["consent.withdrawal/1"]
    shown = await two.fr.show(ordinary)
    assert (shown["state"], shown["held"]) == ("queued", "their side has suspended it")
    with pytest.raises(RefusedError, match="their side has suspended it") as refused:
        await two.fr.submit("not even queued")
    assert refused.value.code is Code.OUT_OF_SCOPE
    await two.al.changes("peer.resume")
    await two.until(in_state(two.fr, ordinary, "awaiting_opening"))
    assert (await two.fr.show(ordinary))["held"] is None


async def test_revoked_peer(two: Two) -> None:
    """A revoked peer meets a bare 403, which is never final: its message stays queued and nothing is stored here."""
    wire = Spoiler(two.al)
    wire.away = True  # FR does not hear of it
    await two.al.changes("peer.revoke")
    urgent = (await two.fr.call("message.submit", **example("consent.withdrawal/1", "AL")))["id"]
    await two.until(lambda: two.fr.peer().attempts > 0)
    assert await two.fr.state(urgent) in ("queued", "awaiting_receipt")
    assert await two.al.rows("select count(*) from message") == [(0,)]


async def test_unknown_sender(two: Two, tmp_path: Path) -> None:
    """A node that is not active here gets no answer but 403, although it is active at its own side."""
    ua = await make_party(tmp_path, "UA", two.clock)
    try:
        await ua.start()
        await introduce(ua, two.fr)
        await ua.call("peer.add", chain=await two.al.call("node.pairing"), by="admin")
        await ua.changes("peer.activate", "AL")
        with pytest.raises(RefusedError, match="their administrators have not approved it yet") as alone:
            await ua.submit("hello", to="AL")
        assert alone.value.code is Code.OUT_OF_SCOPE
        await two.until(lambda: ua.agreed("FR"), seconds=30)
        known = await ua.submit("hello", to="FR")
        await two.until(in_state(ua, known, "awaiting_opening"), seconds=30)
    finally:
        await ua.stop()
    assert await two.al.rows("select count(*) from message") == [(0,)]
    assert two.fr.notes() == ["hello"]


async def test_receipts_go_in_one_batch(two: Two) -> None:
    """Receipts that were owed while the peer was away go under one signature, repeated until it is answered."""
    in_two_steps(two.al)
    back = Spoiler(two.al)
    back.away = True
    sent = [await two.fr.submit(f"r-{number}") for number in range(5)]
    await two.until(lambda: len(two.al.notes()) == 5)
    await two.calm()
    back.away = False
    await two.until(in_state(two.fr, sent[-1], "awaiting_opening"), seconds=120)
    (document,) = [body for name, body in back.asked if name == "post_receipts"]
    told = [item["receipt"] for item in json.loads(document)["receipts"]]
    assert {receipt["msg"] for receipt in told} == {*sent}
    assert {receipt["status"] for receipt in told} == {"delivered"}


@pytest.mark.parametrize("action", ["peer.suspend", "peer.revoke"])
async def test_own_decision_takes_effect_at_once(two: Two, action: str) -> None:
    """What waits for a peer that this node suspends or revokes does not go."""
    wire = Spoiler(two.fr)
    wire.away = True
    await two.fr.submit("no")
    await two.fr.changes(action)
    wire.away = False
    await pass_time(two, 120, 20)
    assert two.al.notes() == []


async def test_a_withdrawal_while_bytes_are_made_stops_the_message(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person does between the judging of a message and its numbering counts: the message keeps the end that it
    was given, gets no number, and nothing of it is there to be sent.
    """
    fr = two.fr
    await recorded(two)
    departure = fr.running.departure
    seal, withdrawn = departure._sealing.seal, asyncio.Event()
    loop = asyncio.get_running_loop()

    def seal_late(items: list[object]) -> object:
        """Seal after a person has withdrawn the consent; runs in a worker thread."""
        if (
            items
            and any(item.stated.message.body_type.startswith("referral") for item in items)
            and not withdrawn.is_set()
        ):
            withdrawn.set()
            act = fr.call("consent.withdraw", id=CONSENT, by="w-1")
            asyncio.run_coroutine_threadsafe(act, loop).result(timeout=PATIENCE)
        return seal(items)

    monkeypatch.setattr(departure._sealing, "seal", seal_late)
    id = (await fr.call("message.submit", **referral()))["id"]
    await two.until(in_state(fr, id, "failed"))
    await two.until(lambda: "consent.withdrawal/1" in types(two))
    shown = await fr.show(id)
    assert (shown["reason"], shown["n"]) == ("gate_g7", None)
    assert "referral.request/1" not in types(two)
    assert await fr.rows("select * from envelope where ref in (select ref from message where state = 'failed')") == []


async def test_what_is_cancelled_while_bytes_are_made_is_never_sent(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twelve messages that are being sealed a person cancels eight, and is told that they are cancelled: only the
    four others get a number and leave.
    """
    fr, wire = two.fr, Spoiler(two.fr)
    wire.away = True
    ids = [await fr.submit(f"note-{number:02}") for number in range(12)]
    stopped, sealing, seal = ids[::3] + ids[1::3], fr.running.departure._sealing, fr.running.departure._sealing.seal
    loop, under_way = asyncio.get_running_loop(), set[str]()

    async def cancel() -> list[str]:
        """What a person is told about each."""
        return [(await fr.call("message.cancel", id=id, by="w-1"))["state"] for id in stopped]

    def seal_late(items: Sequence[Proven]) -> list[Sealed]:
        """Seal after a person has cancelled; runs in a worker thread."""
        if not under_way:
            under_way.update(item.row.id for item in items)
            told = asyncio.run_coroutine_threadsafe(cancel(), loop).result(timeout=PATIENCE)
            assert told == ["cancelled"] * 8
        return seal(items)

    monkeypatch.setattr(sealing, "seal", seal_late)
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)
    for id in ids[2::3]:
        await two.until(in_state(fr, id, "awaiting_opening"), seconds=60)
    await two.calm()
    assert under_way >= {*stopped}
    assert two.al.notes() == ["note-02", "note-05", "note-08", "note-11"]
    assert {parse_envelope(data).id for request in wire.envelopes() for data in request} == {*ids[2::3]}
    assert [(shown["state"], shown["n"]) for shown in [await fr.show(id) for id in stopped]] == [
        ("cancelled", None)
    ] * 8
    bytes_of = "select id from message where ref in (select ref from envelope union select message from statement)"
    assert {id for (id,) in await fr.rows(bytes_of)} == {*ids[2::3]}
    assert [n for (n,) in await two.al.rows("select n from message order by n")] == [1, 2, 3, 4]


async def test_what_is_stopped_before_it_is_shown_to_the_peer_stays_here(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages that a person cancels after they were numbered and before their request is made are not in it: the
    peer is asked to fence their numbers and never holds their bytes.
    """
    fr, wire, departure = two.fr, Spoiler(two.fr), two.fr.running.departure
    wire.away = True
    ids = [await fr.submit(f"stopped-{number}") for number in range(4)]
    depart, stopped = departure.depart, asyncio.Event()

    async def depart_late(peer: Peer, refs: Sequence[int]) -> list[Ready]:
        """Number them; then a person cancels three of the four."""
        made = await depart(peer, refs)
        if not stopped.is_set():
            stopped.set()
            for id in ids[:3]:
                assert (await fr.call("message.cancel", id=id, by="w-1"))["state"] == "voiding"
        return made

    monkeypatch.setattr(departure, "depart", depart_late)
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)
    await two.until(in_state(fr, ids[3], "awaiting_opening"), seconds=30)
    for id in ids[:3]:
        await two.until(in_state(fr, id, "failed"), seconds=30)
    assert two.al.notes() == ["stopped-3"]
    assert sum(len(request) for request in wire.envelopes()) == 1
    assert [(await fr.show(id))["reason"] for id in ids[:3]] == ["cancelled"] * 3


async def test_an_asylum_hold_while_bytes_are_made_stops_the_message(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that a person places between the judging of a message and its numbering counts, although no state of the
    message tells of it.
    """
    fr = two.fr
    await recorded(two)
    departure, placed = fr.running.departure, asyncio.Event()
    seal, loop = departure._sealing.seal, asyncio.get_running_loop()
    request = referral()
    request["content"]["person"]["nationalities"] = ["AL"]

    def seal_late(items: list[object]) -> object:
        """Seal after a person has placed the hold; runs in a worker thread."""
        if any(item.stated.message.body_type.startswith("referral") for item in items) and not placed.is_set():
            placed.set()
            act = fr.call("asylum.hold", id=items[0].stated.message.conversation, by="w-1")
            asyncio.run_coroutine_threadsafe(act, loop).result(timeout=PATIENCE)
        return seal(items)

    monkeypatch.setattr(departure._sealing, "seal", seal_late)
    id = (await fr.call("message.submit", **request))["id"]
    await two.until(in_state(fr, id, "failed"), seconds=30)
    shown = await fr.show(id)
    assert (shown["reason"], shown["n"]) == ("gate_g5", None)
    assert "referral.request/1" not in types(two)


async def test_an_asylum_hold_after_the_numbering_stops_the_message(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its number and its bytes, and its request is about to be made: it is judged anew at once, and the peer is
    asked to fence the number. What else would have gone in that request goes.
    """
    fr, wire = two.fr, Spoiler(two.fr)
    await recorded(two)
    departure, placed = fr.running.departure, asyncio.Event()
    depart, wire.away = departure.depart, True
    request = referral()
    id = (await fr.call("message.submit", **request))["id"]
    other = await fr.submit("goes")

    async def depart_late(peer: Peer, refs: Sequence[int]) -> list[Ready]:
        """Number them; then a person places the hold."""
        made = await depart(peer, refs)
        if len(made) > 1 and not placed.is_set():
            placed.set()
            await fr.call("asylum.hold", id=request["conversation"], by="w-1", states=["AL"])
        return made

    monkeypatch.setattr(departure, "depart", depart_late)
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)
    await two.until(in_state(fr, other, "awaiting_opening"), seconds=30)
    await two.until(in_state(fr, id, "failed"), seconds=30)
    assert placed.is_set()
    assert (await fr.show(id))["reason"] == "gate_g5"
    assert "referral.request/1" not in types(two)
    assert two.al.notes() == ["goes"]


async def test_a_late_refusal_gives_up_no_newer_bytes(two: Two) -> None:
    """A coded refusal of bytes that are no longer those of the message, or that were answered by a receipt meanwhile,
    seals nothing anew.
    """
    fr = two.fr
    wire = Spoiler(fr)
    wire.deaf = True
    id = await fr.submit("once")
    await two.until(lambda: bool(wire.asked))
    sender = make_sender(fr.running, fr.peer().node)
    ((ref, data),) = await fr.rows("select ref, data from envelope")
    row = (await fr.running.store.read(lambda c: messages.get(c, [ref])))[ref]
    grounds = Grounds(node=row.peer, standing=None, acts=None)
    older = Ready(row=row, data=b"of before", void=False, withdraws=False, grounds=grounds)
    await sender._exchange._seal_anew(fr.peer(), [(older, Code.REVOKED_KEY)])
    assert await fr.rows("select data from envelope") == [(data,)]
    wire.deaf = False
    await two.until(in_state(fr, id, "awaiting_opening"), seconds=60)
    assert await fr.rows("select count(*) from statement") == [(1,)]


@pytest.mark.parametrize("code", [Code.REVOKED_KEY, Code.MALFORMED, None], ids=["sealed anew", "voided", "no code"])
async def test_an_answer_that_is_later_than_the_receipt_seals_nothing_anew(
    two: Two, monkeypatch: pytest.MonkeyPatch, code: Code | None
) -> None:
    """The peer's receipt comes by a request of its own while the answer to ours is still out; when that answer is a
    refusal, or says nothing, the message keeps its state, and is neither sealed nor sent again.
    """
    in_two_steps(two.al)
    fr, wire, answered = two.fr, Spoiler(two.fr), asyncio.Event()
    post = fr.running.client.post_messages

    async def post_late(peer: PeerAddress, envelopes: Sequence[bytes]) -> Answered:
        """Answer when the receipt has come."""
        answer, id = await post(peer, envelopes), parse_envelope(envelopes[0]).id
        await two.until(in_state(fr, id, "awaiting_opening"), seconds=60)
        answered.set()
        return replace(answer, body=encode_answers([Answer(id=id, code=code)], None))

    monkeypatch.setattr(fr.running.client, "post_messages", post_late)
    id = await fr.submit("once")
    await two.until(answered.is_set)
    await pass_time(two, 300, 30)
    assert await fr.state(id) == "awaiting_opening"
    assert [name for name, _ in wire.asked if name != "post_receipts"] == ["post_messages"]
    assert await fr.rows("select count(*) from statement") == [(1,)]
    assert two.al.notes() == ["once"]


async def test_a_receipt_that_comes_before_a_message_departs_again_ends_that(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost and the message is about to be repeated when the peer's receipt comes by a request of its own
    and its bytes are dropped: it is not sealed anew to be sent once more.
    """
    in_two_steps(two.al)
    fr, wire, back = two.fr, Spoiler(two.fr), Spoiler(two.al)
    departure, begun = fr.running.departure, [0]
    back.away, wire.lose, depart = True, 1, departure.depart

    async def depart_late(peer: Peer, refs: Sequence[int]) -> list[Ready]:
        """Look up what waits, the second time when the receipt has come."""
        begun[0] += 1
        if begun[0] == 2:
            back.away = False
            sent = parse_envelope(wire.envelopes()[0][0]).id
            await two.until(in_state(fr, sent, "awaiting_opening"), seconds=300)
        return await depart(peer, refs)

    monkeypatch.setattr(departure, "depart", depart_late)
    id = await fr.submit("once")
    await two.until(in_state(fr, id, "awaiting_opening"), seconds=60)
    await pass_time(two, 300, 30)
    assert begun == [2]
    assert len(wire.envelopes()) == 1
    assert await fr.rows("select count(*) from statement") == [(1,)]
    assert two.al.notes() == ["once"]


async def test_a_receipt_that_comes_while_a_message_is_sealed_anew_stops_that(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message was refused by a code, and is sealed anew when the peer's receipt for the bytes of before comes by a
    request of its own: the new bytes are not kept, and not sent.
    """
    in_two_steps(two.al)
    fr, wire, back = two.fr, Spoiler(two.fr), Spoiler(two.al)
    back.away = True
    post, sealing, seal = (
        fr.running.client.post_messages,
        fr.running.departure._sealing,
        fr.running.departure._sealing.seal,
    )
    loop, sealed = asyncio.get_running_loop(), [0]

    async def post_and_refuse(peer: PeerAddress, envelopes: Sequence[bytes]) -> Answered:
        """Refuse what was taken."""
        answer, id = await post(peer, envelopes), parse_envelope(envelopes[0]).id
        return replace(answer, body=encode_answers([Answer(id=id, code=Code.REVOKED_KEY)], None))

    def seal_late(items: Sequence[Proven]) -> list[Sealed]:
        """Seal anew after the receipt has come; runs in a worker thread."""
        sealed[0] += 1
        if sealed[0] == 2:
            back.away = False
            received = two.until(in_state(fr, items[0].row.id, "awaiting_opening"), seconds=300)
            asyncio.run_coroutine_threadsafe(received, loop).result(timeout=PATIENCE)
        return seal(items)

    monkeypatch.setattr(fr.running.client, "post_messages", post_and_refuse)
    monkeypatch.setattr(sealing, "seal", seal_late)
    id = await fr.submit("once")
    await two.until(in_state(fr, id, "awaiting_opening"), seconds=60)
    await pass_time(two, 300, 30)
    assert sealed == [2]
    assert await fr.state(id) == "awaiting_opening"
    assert len(wire.envelopes()) == 1
    assert await fr.rows("select count(*) from statement") == [(1,)]
    assert two.al.notes() == ["once"]
