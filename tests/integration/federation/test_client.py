"""A client and a server over real sockets and real TLS: what is asked arrives, what is answered is believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.federation import JSON, NOW, Party, Site, SteeredClock, document, listening

from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.federation.client import Answered
from gateway.federation.endpoints import ANSWER_LIMIT, DOCUMENT_LIMIT
from gateway.federation.handlers import Reply
from gateway.federation.nonces import NonceCache
from gateway.federation.signed_times import SignedTimes
from keys.documents.envelope import join_envelopes, split_envelopes
from keys.primitives.domains import DESCRIPTOR, KEYSET


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Node bel, listening."""
    async with listening(tmp_path) as running:
        yield running


async def test_envelopes_arrive_with_the_proven_sender(site: Site) -> None:
    """The handler gets the frames as they were sent and the node id that signed; the answer comes back whole."""
    client = site.client()
    site.handlers.reply = Reply(200, JSON, b'{"answers":[],"receipts":null}')
    answer = await client.post_messages(site.address, [b"one", b"two"])
    assert answer == Answered(status=200, content_type=JSON, body=b'{"answers":[],"receipts":null}')
    [(name, peer, body)] = site.handlers.calls
    assert (name, peer, split_envelopes(body)) == ("post_messages", site.caller.node, (b"one", b"two"))
    assert site.refusals == []
    await client.close()


async def test_every_signed_question_reaches_its_handler(site: Site) -> None:
    """Void, receipts, schemas and link, each at its own path."""
    client = site.client()
    for answer in (
        await client.post_void(site.address, b"void"),
        await client.post_receipts(site.address, b"receipts"),
        await client.get_schemas(site.address),
        await client.get_link(site.address),
    ):
        assert answer.status == 200
    node = site.caller.node
    assert site.handlers.calls == [
        ("post_void", node, b"void"),
        ("post_receipts", node, b"receipts"),
        ("get_schemas", node, b""),
        ("get_link", node, b""),
    ]
    await client.close()


async def test_public_questions_and_pushes_need_no_signature(site: Site) -> None:
    """Descriptor and keyset are asked for and pushed without an HTTP signature; nobody's key is looked up."""
    client = site.client()
    site.handlers.reply = Reply(200, JSON, b"[]")
    assert await client.get_descriptor(site.address, 7) == b"[]"
    assert await client.get_keyset(site.address) == b"[]"
    await client.push_descriptor(site.address, document(DESCRIPTOR))
    await client.push_keyset(site.address, document(KEYSET))
    assert await client.fetch_descriptor_unpinned(site.address.url) == b"[]"
    assert [(name, body) for name, _, body in site.handlers.calls] == [
        ("get_descriptor", b"7"),
        ("get_keyset", b""),
        ("post_descriptor", document(DESCRIPTOR)),
        ("post_keyset", document(KEYSET)),
        ("get_descriptor", b"1"),
    ]
    assert site.table.asked == 0
    await client.close()


async def test_a_full_batch_of_4_mib_passes(site: Site) -> None:
    """The largest request that the protocol allows goes through, byte for byte."""
    envelopes = [bytes([number]) * 1_398_000 for number in range(3)]
    client = site.client()
    await client.post_messages(site.address, envelopes)
    assert site.handlers.calls[0][2] == join_envelopes(envelopes)
    await client.close()


async def test_connect_is_cheap_while_the_connection_is_warm(site: Site) -> None:
    """One question opens the pinned connection; within ten seconds nothing more is asked."""
    client = site.client()
    await client.connect(site.address)
    await client.connect(site.address)
    assert [name for name, _, _ in site.handlers.calls] == ["get_keyset"]
    site.clock.mono += 11
    await client.connect(site.address)
    assert len(site.handlers.calls) == 2
    await client.close()


async def test_a_refusal_with_a_code_is_signed_and_final(site: Site) -> None:
    """A RemoteError of the handler becomes 400 with its code, and the client believes it."""
    site.handlers.fault = RemoteError(Code.TOO_LARGE, "33 envelopes")
    client = site.client()
    assert await client.post_void(site.address, b"v") == Answered(
        status=400, content_type=JSON, body=b'{"code":"too_large"}'
    )
    assert [(r.endpoint, r.peer, r.status, r.code) for r in site.refusals] == [
        ("POST /v1/void", site.caller.node, 400, Code.TOO_LARGE)
    ]
    await client.close()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (TransientError(Code.UNREACHABLE, "no chain"), Code.REJECTED),
        (RemoteError(Code.NOT_ACTIVE, "suspended"), Code.NOT_ACTIVE),
        (RuntimeError("a fault of ours with a name in it"), Code.REJECTED),
    ],
    ids=["503", "403", "500"],
)
async def test_what_is_not_final_is_bare(site: Site, fault: Exception, code: Code) -> None:
    """503, 403 and 500 have no body and no signature, and the client takes them for the world's fault."""
    site.handlers.fault = fault
    client = site.client()
    with pytest.raises(TransientError) as refused:
        await client.post_messages(site.address, [b"e"])
    assert refused.value.code is code
    [refusal] = site.refusals
    assert refusal.peer == (None if refusal.status == 500 else site.caller.node)
    assert (refusal.error is fault) is (refusal.status == 500)
    await client.close()


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_a_handler_cannot_send_a_body_with_403_or_5xx(site: Site, status: int) -> None:
    """Whatever a handler returns, these go out bare."""
    site.handlers.reply = Reply(status, JSON, b'{"secret":1}')
    client = site.client()
    with pytest.raises(TransientError):
        await client.post_messages(site.address, [b"e"])
    with pytest.raises(TransientError):
        await client.get_keyset(site.address)
    await client.close()


async def test_who_pushes_what_is_refused_is_not_told(site: Site) -> None:
    """What becomes of a document is told to this node's own log, behind the answer (nrm1 9.4)."""
    site.handlers.fault = RemoteError(Code.ROLLBACK, "older than the one held")
    site.handlers.gate = asyncio.Event()
    client = site.client()
    await client.push_descriptor(site.address, document(DESCRIPTOR))
    assert site.refusals == []
    site.handlers.gate.set()
    assert (await client.get_held(site.address)).status == 400  # it waits for what was pushed
    assert [(r.status, r.code) for r in site.refusals] == [(202, Code.ROLLBACK), (400, Code.ROLLBACK)]
    await client.close()


async def test_a_stranger_is_refused_without_a_word(site: Site) -> None:
    """A well-made signature of a node that is no peer: 403, and no handler is called (threat 29)."""
    client = site.client(caller=Party("mallory"))
    with pytest.raises(TransientError) as refused:
        await client.post_messages(site.address, [b"e"])
    assert refused.value.code is Code.NOT_ACTIVE
    assert site.handlers.calls == []
    await client.close()


@pytest.mark.parametrize("drift", [-31, 151, -86_400])
async def test_a_sender_with_a_wrong_clock_is_told_so(site: Site, drift: int) -> None:
    """Stale goes back signed, so a sender with a small drift learns it and one with a large drift sees it itself."""
    client = site.client(clock=SteeredClock(at=site.clock.at - drift))
    try:
        answer = await client.post_messages(site.address, [b"e"])
    except TransientError as exc:
        assert exc.code is Code.STALE
    else:
        assert answer.body == b'{"code":"stale"}'
    assert site.handlers.calls == []
    await client.close()


@pytest.mark.parametrize("in_force", [True, False])
async def test_the_time_of_a_signed_answer_is_noted_and_not_judged(site: Site, in_force: bool) -> None:
    """A `stale` of a peer whose clock is days away is no answer, and its time is known, also by a key that is not in
    force at our own time (nrm1 12.17).
    """
    clock = SteeredClock(at=site.clock.at + 200 * 86_400)
    times = SignedTimes(clock)
    client = site.client(clock=clock, times=times, in_force=in_force)
    with pytest.raises(TransientError) as refused:
        await client.get_held(site.address)
    assert refused.value.code is Code.STALE
    assert {node: signed.at for node, signed in times.signed.items()} == {site.party.node: site.clock.at}
    await client.close()


async def test_an_answer_by_another_node_is_no_time(site: Site) -> None:
    """What somebody else signs tells nothing: nothing is noted."""
    times = SignedTimes(site.clock)
    client = site.client(times=times, caller=Party("mallory"))
    with pytest.raises(TransientError):
        await client.get_held(site.address)
    assert times.signed == {}
    await client.close()


async def test_a_key_of_another_time_is_answered_stale_and_signed(tmp_path: Path) -> None:
    """A peer that signs by a key which it lists for later learns our time, and nothing else; in time it is refused."""
    async with listening(tmp_path, in_force=False) as site:
        clock = SteeredClock(at=site.clock.at + 200 * 86_400)
        times = SignedTimes(clock)
        for at, code, noted in ((clock.at, Code.STALE, 1), (site.clock.at, Code.NOT_ACTIVE, 1)):
            clock.at = at
            client = site.client(clock=clock, times=times)
            with pytest.raises(TransientError) as refused:
                await client.post_messages(site.address, [b"e"])
            assert (refused.value.code, len(times.signed)) == (code, noted)
            await client.close()
        assert site.handlers.calls == []


async def test_a_request_from_before_the_start_is_stale_and_passes_when_signed_anew(site: Site) -> None:
    """The server's memory begins with its process; the sender signs again and is served."""
    clock = SteeredClock(at=site.clock.at - 1)
    client = site.client(clock=clock)
    assert (await client.post_messages(site.address, [b"e"])).body == b'{"code":"stale"}'
    clock.at += 1
    assert (await client.post_messages(site.address, [b"e"])).status == 200
    await client.close()


@pytest.mark.parametrize("wrong", [400 * 86_400, -86_400], ids=["ahead", "behind"])
async def test_a_server_that_began_at_a_wrong_time_serves_when_its_clock_is_right(tmp_path: Path, wrong: int) -> None:
    """It began by a clock that was set right since: peers are served, and what was signed before it began is not."""
    async with listening(tmp_path, clock=SteeredClock(at=NOW + wrong)) as site:
        site.clock.at = NOW
        client = site.client(clock=SteeredClock(at=NOW))
        assert (await client.post_messages(site.address, [b"e"])).status == 200
        early = site.client(clock=SteeredClock(at=NOW - 1))
        assert (await early.post_messages(site.address, [b"e"])).body == b'{"code":"stale"}'
        await client.close()
        await early.close()


async def test_one_peer_cannot_hold_all_the_workers(site: Site) -> None:
    """The ninth request of a peer at the same time is told to wait."""
    site.handlers.gate = asyncio.Event()
    clients = [site.client() for _ in range(3)]
    asked = [asyncio.create_task(client.post_void(site.address, b"v")) for client in clients for _ in range(4)]
    while len(waiting := [task for task in asked if not task.done()]) > 8:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert len(waiting) == 8
    assert [(r.status, r.peer) for r in site.refusals] == [(429, site.caller.node)] * 4
    site.handlers.gate.set()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, Answered) for result in results) == 8
    for client in clients:
        await client.close()


async def test_a_full_nonce_memory_asks_for_patience(tmp_path: Path) -> None:
    """A peer that floods with valid signatures is told to wait and others are not harmed."""
    async with listening(tmp_path, nonces=NonceCache(per_key=2)) as site:
        client = site.client()
        for _ in range(2):
            await client.get_link(site.address)
        with pytest.raises(TransientError, match="429"):
            await client.get_link(site.address)
        assert len(site.handlers.calls) == 2
        await client.close()


async def test_the_rate_limit_counts_by_connection_address(tmp_path: Path) -> None:
    """Unsigned questions cost ten tokens, signed ones one; at zero the answer is 429 until time has passed."""
    async with listening(tmp_path, rate=1.0, burst=12.0) as site:
        client = site.client()
        await client.get_keyset(site.address)
        await client.get_link(site.address)
        await client.get_link(site.address)
        with pytest.raises(TransientError, match="429"):
            await client.get_link(site.address)
        site.clock.mono += 1.0
        await client.get_link(site.address)
        await client.close()


async def test_too_much_is_refused_before_it_is_sent(site: Site) -> None:
    """A document over its limit never leaves the node."""
    client = site.client()
    for push in (client.push_keyset, client.post_void, client.post_receipts):
        with pytest.raises(RefusedError) as refused:
            await push(site.address, bytes(DOCUMENT_LIMIT + 1))
        assert refused.value.code is Code.TOO_LARGE
    with pytest.raises(RuntimeError):
        await client.post_messages(site.address, [b"e"] * 33)
    assert site.handlers.calls == []
    await client.close()


async def test_an_answer_over_its_limit_is_not_read(site: Site) -> None:
    """The client stops reading where the endpoint's limit is."""
    site.handlers.reply = Reply(200, JSON, bytes(ANSWER_LIMIT + 1))
    client = site.client()
    with pytest.raises(TransientError) as refused:
        await client.post_messages(site.address, [b"e"])
    assert refused.value.code is Code.TOO_LARGE
    await client.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1/x", "https://127.0.0.1"])
async def test_a_first_contact_needs_a_plain_https_address(site: Site, url: str) -> None:
    """Only https://host:port may be fetched without a pin."""
    client = site.client()
    with pytest.raises(RefusedError):
        await client.fetch_descriptor_unpinned(url)


async def test_a_closed_node_is_unreachable(tmp_path: Path) -> None:
    """After the server has closed, its peers get the one error that means: later."""
    async with listening(tmp_path) as site:
        client = site.client()
        await client.get_link(site.address)
    with pytest.raises(TransientError) as refused:
        await client.get_link(site.address)
    assert refused.value.code is Code.UNREACHABLE
    await client.close()


async def test_a_request_under_way_ends_before_the_node_closes(tmp_path: Path) -> None:
    """Closing waits for a running handler, so an accepted message gets its answer."""
    async with listening(tmp_path) as site:
        site.handlers.gate = asyncio.Event()
        client = site.client()
        asked = asyncio.create_task(client.post_void(site.address, b"v"))
        await site.handlers.entered.wait()
        asyncio.get_running_loop().call_later(0.2, site.handlers.gate.set)
    assert (await asked).status == 200
    await client.close()


async def test_the_environment_names_no_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy variables of the machine are not trusted: the connection is direct."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = site.client()
    assert (await client.get_link(site.address)).status == 200
    await client.close()


async def test_forgetting_a_peer_closes_its_connections(site: Site) -> None:
    """After a revocation nothing stays open, and a second time is no fault."""
    client = site.client()
    await client.get_link(site.address)
    await client.forget(site.address.node)
    await client.forget(site.address.node)
    assert (await client.get_link(site.address)).status == 200
    await client.close()
