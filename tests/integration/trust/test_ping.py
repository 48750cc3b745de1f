"""`trm peer ping`: each step broken in turn, for real; the right one is named, with its fix, and the exit code is 1."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.descriptors import sign_next
from support.desks import run
from support.nodechild import SteeredClock
from support.pair import Party, Spoiler, Two, introduce, make_party, two_nodes
from support.ports import free_port

from gateway.errors import Code, TransientError
from gateway.federation.client import Answered
from gateway.federation.tls import server_context
from gateway.identity import store
from gateway.messages.probe import TYPE
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import NOTHING
from gateway.trust.link_reset import store as resets
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.key_records import KeyRecord, Use, generate_key
from keys.keystore.keystore import system_rand
from keys.primitives.tls import self_signed, server_files

STEPS = [
    "name",
    "tcp",
    "tls",
    "clock",
    "keys",
    "keyset",
    "versions",
    "schemas",
    "scope",
    "signed round trip",
]
DAY = 86_400


async def ping(party: Party, *words: str) -> Result:
    """The verb, on the socket of the running node."""
    other = "AL" if party.name == "FR" else "FR"
    return await asyncio.to_thread(run, "peer", "ping", other, *words, "--node", str(party.folder))


async def red(party: Party, step: str, *said: str) -> None:
    """The ping ends at `step` with exit code 1; detail and fix hold what is `said`."""
    steps = (await party.call("peer.ping", id="AL"))["steps"]
    assert [item["step"] for item in steps] == STEPS[: STEPS.index(step) + 1], steps
    assert [item["ok"] for item in steps] == [True] * (len(steps) - 1) + [False], steps
    assert steps[-1]["fix"]
    told = f"{steps[-1]['detail']} {steps[-1]['fix']}"
    assert all(word in told for word in said), told
    shown = await ping(party)
    assert shown.exit_code == 1, shown.output
    line = shown.stdout.splitlines()[-1]
    assert line.startswith(step)
    assert "RED" in line
    assert f"trm: hint: fix: {steps[-1]['fix']}" in shown.stderr


async def next_descriptor(of: Party, at: Party, **changes: Any) -> Descriptor:
    """The holder of the root of `of` signs another descriptor, which `at` takes; the node of `of` does not know it."""
    document = sign_next(of, at.peer().descriptor, **changes)
    return (await at.running.sync.take_chain(at.peer(), [document])).descriptor


@asynccontextmanager
async def listening(port: int, secret: bytes | None) -> AsyncIterator[None]:
    """Something else on the port of a stopped node: a mail server, or TLS with another server key."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.read(1)
        writer.close()

    context: ssl.SSLContext | None = None
    if secret is not None:
        certificate = self_signed(secret, node="n1" + "a" * 32, hosts=["127.0.0.1"], now=1_800_000_000)
        with server_files(secret, certificate) as files:
            context = server_context(*files)
    server = await asyncio.start_server(greet, "127.0.0.1", port, ssl=context)
    async with server:
        yield


def port_of(party: Party) -> int:
    """Where its descriptor says it listens."""
    return int(party.running.own.descriptor.endpoints[0].rpartition(":")[2])


async def restarted(party: Party, clock: SteeredClock) -> None:
    """The same node again, with another clock."""
    await party.stop()
    party.clock = clock
    await party.start()


# --- nothing is broken --------------------------------------------------------------------------------------------


async def test_a_whole_way_is_green(tmp_path: Path):
    """All ten steps, in their order, each with what it saw and how long it took; exit code 0."""
    async with two_nodes(tmp_path) as two:
        answer = await two.fr.call("peer.ping", id="AL")
        assert answer["ok"] is True
        assert [step["step"] for step in answer["steps"]] == STEPS
        assert all(step["ok"] and step["detail"] and step["ms"] >= 0 for step in answer["steps"])
        shown = await ping(two.fr)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert [line[:18].strip() for line in shown.stdout.splitlines()] == STEPS


# --- each step in turn --------------------------------------------------------------------------------------------


async def test_a_name_that_does_not_resolve(tmp_path: Path):
    """The host of the descriptor is gone."""
    async with two_nodes(tmp_path) as two:
        await next_descriptor(two.al, two.fr, endpoints=("https://node.invalid:8443",))
        await red(two.fr, "name", "node.invalid", "resolver")


async def test_a_stopped_peer(tmp_path: Path):
    """Nobody listens."""
    async with two_nodes(tmp_path) as two:
        await two.al.stop()
        await red(two.fr, "tcp", "no connection", "ask the peer whether its node runs")


async def test_a_wrong_port_in_its_descriptor(tmp_path: Path):
    """The node runs, and its descriptor sends everybody elsewhere."""
    async with two_nodes(tmp_path) as two:
        port = free_port()
        await next_descriptor(two.al, two.fr, endpoints=(f"https://127.0.0.1:{port}",))
        await red(two.fr, "tcp", str(port), "address is the one of its descriptor")


async def test_a_listener_of_another_kind(tmp_path: Path):
    """A mail server on that port is told from a node."""
    async with two_nodes(tmp_path) as two:
        port = port_of(two.al)
        await two.al.stop()
        async with listening(port, None):
            await red(two.fr, "tls", "TLS 1.3", "what listens there")


async def test_a_wrong_certificate(tmp_path: Path):
    """Another server key on that port: nothing is sent to it."""
    async with two_nodes(tmp_path) as two:
        port = port_of(two.al)
        await two.al.stop()
        async with listening(port, b"another server key" + bytes(30)):
            await red(two.fr, "tls", "does not pin", "publish a new descriptor")


async def test_a_clock_ten_minutes_ahead(tmp_path: Path):
    """The steered clock of the peer: the difference is named with its direction."""
    async with two_nodes(tmp_path) as two:
        await restarted(two.al, SteeredClock(two.clock.now() + 600))
        await red(two.fr, "clock", "600 s ahead of ours", "time service")


async def test_a_clock_ten_minutes_behind(tmp_path: Path):
    """The same from the other side: it can not be told from here whose clock is wrong."""
    async with two_nodes(tmp_path) as two:
        await restarted(two.fr, SteeredClock(two.clock.now() + 600))
        await red(two.fr, "clock", "600 s behind ours", "find out which of the two is wrong")


@pytest.mark.parametrize("use", [Use.SIG, Use.HTTP])
async def test_a_revoked_key(tmp_path: Path, use: Use):
    """The holders of the roots revoked a key, and the peer's node still signs by it."""
    async with two_nodes(tmp_path) as two:
        now = two.clock.now()
        held = two.fr.peer().descriptor
        old = next(key for key in held.keys if key.use is use)
        new = KeyRecord(use=use, from_=now, until=old.until, public=generate_key(use, system_rand).public)
        kept = [key for key in held.keys if key.kid != old.kid]
        await next_descriptor(
            two.al,
            two.fr,
            keys=[*kept, new],
            revoked=(Revocation(kid=old.kid, at=now, since=now, reason="compromised"),),
        )
        await red(two.fr, "keys", "key", "start its node again")


async def test_a_revoked_key_of_our_own(tmp_path: Path):
    """A node that signs by a key which its own descriptor revokes learns it from its own ping."""
    async with two_nodes(tmp_path) as two:
        node = two.fr.running
        own = node.own.descriptor
        kid = node.keys.http_kid
        revoked = Revocation(kid=kid, at=two.clock.now(), since=two.clock.now(), reason="compromised")
        node.own._chain = (*node.own.chain[:-1], replace(own, revoked=(revoked,)))
        await red(two.fr, "keys", "this node signs with a http key", "trm keys list")


async def test_an_old_keyset(tmp_path: Path):
    """The peer shows the keyset of three days ago."""
    async with two_nodes(tmp_path) as two:
        spoiler = Spoiler(two.fr)
        spoiler.frozen = two.al.running.own.keyset.document.encode()
        two.clock.advance(3 * DAY)
        await two.calm()
        await red(two.fr, "keyset", "keyset has expired", "issue a new keyset")


async def test_no_common_version(tmp_path: Path):
    """The peer's descriptor offers a suite of another release only."""
    async with two_nodes(tmp_path) as two:
        await other_suite(two)
        await red(two.fr, "versions", "not both nodes offer", "upgraded")


async def other_suite(two: Two) -> None:
    """AL is upgraded to a suite that FR does not have, and publishes it."""
    before = two.al.running.own.descriptor
    after = await next_descriptor(two.al, two.fr, suites=("nrm9",))
    document = after.document.encode()
    node = two.al.running
    await node.store.move(lambda c: store.add_own(c, 2, document))
    assert before.version == 1
    await restarted(two.al, two.clock)
    await two.until(lambda: two.al.running.own.has_keyset, seconds=30)


async def test_no_common_message_type(tmp_path: Path):
    """The peer's catalogue has nothing that we have."""
    async with two_nodes(tmp_path) as two:
        client = two.fr.running.client
        ask = client.get_schemas

        async def other(peer: Any) -> Any:
            return replace(await ask(peer), body=b'{"schemas":["sha256:%s"]}' % (b"0" * 64))

        client.get_schemas = other  # type: ignore[method-assign]
        await red(two.fr, "schemas", "no message type in common", "upgraded")


async def test_a_peer_that_does_not_admit_us(tmp_path: Path):
    """The other side ended the trust: it answers no signed question, and says nothing of why."""
    async with two_nodes(tmp_path) as two:
        await two.al.changes("peer.revoke")
        await red(two.fr, "schemas", "refused without a reason", "ask its administrator whether it is active there")


async def test_a_link_that_waits_for_its_reset(tmp_path: Path):
    """This node was restored from a backup, and people have not begun the link anew: nothing passes, and it says so."""
    async with two_nodes(tmp_path) as two:
        row = ResetRow(peer=two.fr.peer().node, state=ResetState.REQUIRED, at=two.clock.now(), backup=two.clock.now())
        await two.fr.running.store.move(lambda c: resets.put(c, row))
        await two.fr.running.peers.refresh()
        await red(two.fr, "signed round trip", "restored from a backup", "trm peer show says whose turn it is")


async def test_a_suspended_peer(tmp_path: Path):
    """Our own side stopped it."""
    async with two_nodes(tmp_path) as two:
        await two.fr.changes("peer.suspend")
        await red(two.fr, "scope", "suspended here", "trm peer show")


async def test_a_scope_that_lets_nothing_pass(tmp_path: Path):
    """Active on both sides, and nothing in common."""
    async with two_nodes(tmp_path) as two:
        scope = await two.al.call("peer.scope", id="FR")
        await two.al.changes("peer.narrow", scope=scope | {"types": []})
        await two.until(lambda: two.fr.peer().standing(two.clock.now()).agreed.types == frozenset(), seconds=30)
        await red(two.fr, "scope", "nothing is permitted", "trm peer widen")


async def test_a_round_trip_that_breaks(tmp_path: Path):
    """The last question is not answered."""
    async with two_nodes(tmp_path) as two:

        async def lost(peer: Any) -> Any:
            raise TransientError(Code.UNREACHABLE, "the answer was lost on the wire")

        vars(two.fr.running.client)["get_link"] = lost
        await red(two.fr, "signed round trip", "lost on the wire", "try again")


async def test_a_round_trip_that_is_no_answer(tmp_path: Path):
    """An object under another status, or under 200 something that is no object."""
    async with two_nodes(tmp_path) as two:
        client = two.fr.running.client
        for status, body in ((503, b"{}"), (200, b"[]")):

            async def answered(peer: Any, status: int = status, body: bytes = body) -> Answered:
                return Answered(status=status, content_type="application/json", body=body)

            vars(client)["get_link"] = answered
            await red(two.fr, "signed round trip", "does not answer signed questions", "try again")


async def test_an_unknown_peer_is_no_step(tmp_path: Path):
    """A name that nobody has is an error, not a red step."""
    async with two_nodes(tmp_path) as two:
        shown = await asyncio.to_thread(run, "peer", "ping", "XX", "--node", str(two.fr.folder))
        assert shown.exit_code == 1
        assert "no such peer" in shown.stderr


# --- the whole way ------------------------------------------------------------------------------------------------

LEGS = ["submission", "sealing", "sending", "acceptance", "hand-over", "delivered receipt"]


async def test_a_test_message_goes_the_whole_way(tmp_path: Path):
    """Each leg is told with its time; neither case system, list nor stream of either node shows it."""
    async with two_nodes(tmp_path) as two:
        shown = await ping(two.fr, "--full")
        assert shown.exit_code == 0, shown.output
        assert [line[:18].strip() for line in shown.stdout.splitlines()] == STEPS + LEGS
        assert all(" ms " in line for line in shown.stdout.splitlines())
        assert re.search(r"the peer signed `delivered` at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", shown.stdout)
        for party in two:
            assert party.deliveries() == []
            assert (await party.call("message.list"))["messages"] == []
            assert (await party.call("conversation.list"))["conversations"] == []
            assert await party.alarms() == []
        received = await two.fr.rows("select count(*) from receipt where direction = 'received'")
        assert received == [(2,)]
        assert await two.al.rows("select kind, state, direction from message") == [("probe", "handed_over", "in")]
        await silent(two.al)


async def silent(party: Party) -> None:
    """The event stream has nothing to say."""
    events = party.running.desk.events(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(aiter(events))


async def test_a_busy_case_system_does_not_hold_up_a_test_message(tmp_path: Path):
    """What waits for the case system goes on waiting."""
    async with two_nodes(tmp_path) as two:
        two.al.system.busy = 1_000_000
        id = await two.fr.submit("Tulpe")
        await two.until(lambda: arrived(two, id), seconds=10)
        assert (await ping(two.fr, "--full")).exit_code == 0
        assert await two.fr.state(id) == "awaiting_handover"


async def arrived(two: Two, id: str) -> bool:
    """Whether the peer has it."""
    return await two.fr.state(id) == "awaiting_handover"


async def test_a_test_message_needs_the_scope(tmp_path: Path):
    """Where one side does not permit it, the ping is green and the test message is refused at submission."""
    async with two_nodes(tmp_path) as two:
        scope = await two.fr.call("peer.scope", id="AL")
        narrow = scope | {"types": [name for name in scope["types"] if name != TYPE.partition("/")[0]]}
        await two.fr.changes("peer.narrow", scope=narrow)
        shown = await ping(two.fr, "--full")
        assert shown.exit_code == 1
        assert [line[:18].strip() for line in shown.stdout.splitlines()] == STEPS
        assert "trm: error:" in shown.stderr


async def test_a_test_message_is_for_a_unit_that_the_scope_names(tmp_path: Path):
    """The peer's descriptor lists another one first, about which nothing was agreed."""
    async with two_nodes(tmp_path) as two:
        (known,) = two.fr.peer().descriptor.units
        await next_descriptor(two.al, two.fr, units=(replace(known, id="annex"), known))
        probe = await two.fr.call("peer.probe", id="AL")
        assert await two.fr.rows("select id, kind from message") == [(probe["id"], "probe")]


async def test_a_refused_test_message_says_where(tmp_path: Path):
    """The peer narrows meanwhile and refuses it: the leg, the code and what to do."""
    async with two_nodes(tmp_path) as two:
        blind(two.al)
        shown = await ping(two.fr, "--full")
        assert shown.exit_code == 1, shown.output
        lines = shown.stdout.splitlines()
        assert lines[-1].startswith("acceptance")
        assert "out_of_scope" in lines[-1]
        assert "tell its administrator" in shown.stderr


def blind(party: Party) -> None:
    """The node no longer has our approval in its book, and has told nobody yet."""
    book = party.running.peers
    find: Callable[[str], Any] = book.get

    def without(node: str) -> Any:
        peer = find(node)
        return None if peer is None else replace(peer, trust=replace(peer.trust, mine=None, agreed=NOTHING))

    book.get = without  # type: ignore[method-assign]


async def test_a_node_that_does_not_run_sends_no_test_message(tmp_path: Path):
    """Nothing would carry it."""
    clock = SteeredClock(1_800_000_000)
    fr, al = await make_party(tmp_path, "FR", clock), await make_party(tmp_path, "AL", clock)
    await fr.open()
    await al.open()
    await introduce(fr, al)
    await fr.stop()
    await al.stop()
    shown = await ping(fr, "--full")
    assert shown.exit_code == 1
    assert "nothing was sent" in shown.stderr
