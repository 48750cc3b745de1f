"""Receive step 2 against raw bytes: what must not come in does not (nrm1 9.6; threats 16, 21, 22, 27, 29)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.federation import Party, Site, listening, raw_exchange
from support.raw_requests import ENVELOPES, is_bare, raw, signed_fields, status_of

from gateway.errors import Code
from gateway.federation.handlers import Closed
from gateway.federation.server import REQUESTS_PER_PEER
from keys.keystore.signers import missing_key


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Node bel, listening."""
    async with listening(tmp_path) as running:
        yield running


async def test_a_good_raw_request_passes(site: Site) -> None:
    """The probe itself is right: without a fault it reaches the handler and gets a signed answer."""
    answer = await raw_exchange(site.port, raw(signed_fields(site), b"Connection: close"))
    assert status_of(answer) == 200
    assert b"Signature-Input: nrm=" in answer
    assert b"Server: nrm\r\n" in answer
    assert [name for name, _, _ in site.handlers.calls] == ["post_messages"]


async def test_a_node_that_judges_nothing_now_says_so_by_a_bare_status(tmp_path: Path) -> None:
    """A proven peer keeps what it has, and a stranger learns no more than otherwise (nrm1 1.18)."""
    async with listening(tmp_path, closed=Closed(Code.ROOTS_DUE)) as site:
        answers = [
            await raw_exchange(site.port, raw(fields, b"Connection: close"))
            for fields in (signed_fields(site), {"Content-Type": ENVELOPES})
        ]
        assert [(status_of(answer), is_bare(answer)) for answer in answers] == [(503, True), (403, True)]
        assert site.handlers.calls == []
        assert site.refusals[0].code is Code.ROOTS_DUE
        assert b"Retry-After" not in b"".join(answers)


async def test_a_node_that_is_worked_on_says_when_to_come_again(tmp_path: Path) -> None:
    """To a proven peer; a stranger is not even told that (nrm1 9.5)."""
    async with listening(tmp_path, closed=Closed(Code.MAINTENANCE, 600)) as site:
        proven, stranger = [
            await raw_exchange(site.port, raw(fields, b"Connection: close"))
            for fields in (signed_fields(site), {"Content-Type": ENVELOPES})
        ]
        assert (status_of(proven), is_bare(proven), b"Retry-After: 600\r\n" in proven) == (503, True, True)
        assert (status_of(stranger), b"Retry-After" in stranger) == (403, False)
        assert site.handlers.calls == []


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest", "Content-Type", "NRM-Recipient"])
async def test_a_field_that_comes_twice_is_refused(site: Site, name: str) -> None:
    """Two fields of a name are refused however equal they are, in any case of letters (threat 27)."""
    fields = signed_fields(site)
    for extra in (f"{name}: {fields[name]}", f"{name.lower()}: {fields[name]}"):
        answer = await raw_exchange(site.port, raw(fields, extra.encode()))
        assert status_of(answer) in (400, 403)  # a second Content-Type is stopped by the parser already
        assert is_bare(answer)
    assert site.handlers.calls == []
    assert site.table.asked == 0


async def test_junk_with_a_bad_signature_never_reaches_a_handler(site: Site) -> None:
    """A flood of well-formed requests with wrong signatures costs one check each, not one read body (threat 29)."""
    fields = signed_fields(site)
    forged = {**fields, "Signature": "nrm=:" + "A" * 86 + "==:"}
    answers = await asyncio.gather(
        *(raw_exchange(site.port, raw(forged, length=b"Content-Length: 4000000")) for _ in range(20))
    )
    assert {status_of(answer) for answer in answers} == {403}
    assert all(is_bare(answer) for answer in answers)
    assert site.handlers.calls == []
    assert site.table.asked == 20


async def test_an_unsigned_request_is_refused(site: Site) -> None:
    """No signature, no reason, no handler."""
    answer = await raw_exchange(site.port, raw({"Content-Type": ENVELOPES}))
    assert status_of(answer) == 403
    assert is_bare(answer)
    assert site.handlers.calls == []


class Silent(Party):
    """A node whose descriptor lists no `http` key that it has now."""

    @property
    def http_kid(self) -> str:
        raise missing_key(["http"])


async def test_who_can_sign_no_answer_takes_nothing(site: Site) -> None:
    """A bare 503, before the body is read: the peer asks again later, and no fault of this node is reported."""
    fields = signed_fields(site)
    site.party.__class__ = Silent
    answer = await raw_exchange(site.port, raw(fields, length=b"Content-Length: 4000000"))
    assert status_of(answer) == 503
    assert is_bare(answer)
    assert site.handlers.calls == []
    assert [(told.status, told.code, told.peer, told.error) for told in site.refusals] == [
        (503, Code.NO_KEY, site.caller.node, None)
    ]


async def test_a_handler_that_has_no_key_to_sign_with_is_asked_again_later(site: Site) -> None:
    """Without a `sig` key there is no receipt: a bare 503 as well, and no fault of this node is reported."""
    site.handlers.fault = missing_key(["sig"])
    answer = await raw_exchange(site.port, raw(signed_fields(site)))
    assert status_of(answer) == 503
    assert is_bare(answer)
    assert [(told.status, told.code, told.error) for told in site.refusals] == [(503, Code.NO_KEY, None)]


async def test_another_body_than_the_signed_one_is_refused(site: Site) -> None:
    """The digest is checked over the bytes that arrived."""
    answer = await raw_exchange(site.port, raw(signed_fields(site), body=b"\x00\x00\x00\x02[]"))
    assert status_of(answer) == 403
    assert is_bare(answer)
    assert site.handlers.calls == []


async def test_a_body_that_failed_does_not_use_up_the_nonce(site: Site) -> None:
    """Whoever only has the head of a request cannot spoil it."""
    fields = signed_fields(site)
    await raw_exchange(site.port, raw(fields, body=b"\x00\x00\x00\x02[]"))
    assert status_of(await raw_exchange(site.port, raw(fields, b"Connection: close"))) == 200


async def test_a_misrouted_request_is_answered_with_its_code(site: Site) -> None:
    """A proven peer that meant another node is told so, signed, before anything is parsed (threat 5)."""
    answer = await raw_exchange(site.port, raw(signed_fields(site, recipient=site.caller.node), b"Connection: close"))
    assert status_of(answer) == 400
    assert answer.endswith(b'\r\n\r\n{"code":"misrouted"}')
    assert b"Signature: nrm=:" in answer
    assert site.handlers.calls == []


async def test_another_content_type_is_answered_with_its_code(site: Site) -> None:
    """The only content type of a batch is envelopes.v1 (nrm1 3.9)."""
    answer = await raw_exchange(
        site.port, raw(signed_fields(site, content_type="application/json"), b"Connection: close")
    )
    assert answer.endswith(b'\r\n\r\n{"code":"wrong_type"}')
    assert site.handlers.calls == []


async def test_a_thousand_replays_are_one_delivery(site: Site) -> None:
    """The same signed bytes a thousand times: the handler is called once (threat 16)."""
    request = raw(signed_fields(site), b"Connection: close")
    limit = asyncio.Semaphore(REQUESTS_PER_PEER)

    async def once() -> int:
        async with limit:
            return status_of(await raw_exchange(site.port, request, seconds=20.0))

    statuses = await asyncio.gather(*(once() for _ in range(1000)))
    assert sorted(statuses)[:1] == [200]
    assert statuses.count(200) == 1
    assert statuses.count(403) == 999
    assert len(site.handlers.calls) == 1
    assert {refusal.code for refusal in site.refusals} == {Code.BAD_SIGNATURE}


@pytest.mark.parametrize("ahead", [600, 200 * 86_400])
async def test_flaw_11_a_clock_that_is_set_and_set_back_admits_no_replay(site: Site, ahead: int) -> None:
    """Ahead by minutes or months, another request there, and back within the life of the first (threat 151)."""
    request = raw(signed_fields(site), b"Connection: close")
    assert status_of(await raw_exchange(site.port, request)) == 200
    site.clock.at += ahead
    assert status_of(await raw_exchange(site.port, raw(signed_fields(site), b"Connection: close"))) == 200
    site.clock.at -= ahead
    assert status_of(await raw_exchange(site.port, request)) == 403
    assert len(site.handlers.calls) == 2


async def test_replays_at_the_same_moment_are_one_delivery(site: Site) -> None:
    """While the first is still being worked on, the second is refused already."""
    site.handlers.gate = asyncio.Event()
    request = raw(signed_fields(site), b"Connection: close")
    asked = [asyncio.create_task(raw_exchange(site.port, request)) for _ in range(6)]
    for refused in itertools.islice(asyncio.as_completed(asked), len(asked) - 1):
        assert status_of(await refused) == 403
    [waiting] = [task for task in asked if not task.done()]
    site.handlers.gate.set()
    assert status_of(await waiting) == 200
    assert len(site.handlers.calls) == 1
