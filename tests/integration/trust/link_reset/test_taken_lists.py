"""The lists of a reset between two nodes: who may ask, what a restored node believes, and of what a peer may speak
(nrm1 5.16).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from support.drill import Drill, drills
from support.persons import case_of
from support.relied_on import CONSENT, recorded, referral, types

from gateway.errors import Code, RemoteError, TransientError
from gateway.federation.client import Answered
from gateway.foundation.ids import MessageId
from gateway.peers.registry import address
from gateway.trust.link_reset import store
from keys.documents.taken_list import MOST, TakenPage, Withdrawn, ask_page
from keys.primitives.domains import RESET, TAKEN
from keys.primitives.encoding import b64u
from keys.primitives.sign import SignedDocument

RESET_NAME, OTHER = b64u(b"r" * 32), b64u(b"x" * 32)


@pytest_asyncio.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    """Two nodes, paired and serving."""
    async with drills(tmp_path) as made:
        yield made


def page(drill: Drill) -> TakenPage:
    """An empty page of AL for FR."""
    two = drill.two
    return TakenPage(
        from_=two.al.running.own.node,
        to=two.fr.running.own.node,
        reset=RESET_NAME,
        page=0,
        more=False,
        withdrawals=(),
        erasures=(),
        voids=(),
        created=two.clock.now(),
    )


def answers(drill: Drill, made: TakenPage, *, kind: str = TAKEN, status: int = 200, sign: bytes | None = None) -> None:
    """From now on AL says this when it is asked."""
    payload, node = made.encode(), drill.two.al.running
    signature = node.keys.sign(TAKEN, sign or payload)
    body = SignedDocument(payload=payload, payload_type=kind, signatures=(signature,)).encode()

    async def post_taken(*_asked: object) -> Answered:
        return Answered(status=status, content_type=TAKEN, body=body)

    vars(drill.two.fr.running.client)["post_taken"] = post_taken


async def taken(drill: Drill) -> None:
    """FR asks AL."""
    await drill.two.fr.running.taken_lists.take(drill.two.fr.peer(), RESET_NAME)


async def test_a_page_that_is_none_is_refused(drill: Drill) -> None:
    """By or for another node, of another reset or page, of the future, changed after signing: nothing is kept."""
    two, good = drill.two, page(drill)
    before = await two.fr.rows("select count(*) from ledger")
    for made, code in (
        (replace(good, from_=good.to), Code.UNKNOWN_SENDER),
        (replace(good, to=good.from_), Code.MISDIRECTED),
        (replace(good, reset=OTHER), Code.MALFORMED),
        (replace(good, page=1), Code.MALFORMED),
        (replace(good, created=two.clock.now() + 4_000), Code.NOT_YET_VALID),
    ):
        answers(drill, made, sign=good.encode() if made.from_ != good.from_ else None)  # no node signs for another
        with pytest.raises(RemoteError) as refused:
            await taken(drill)
        assert refused.value.code is code
    answers(drill, good, kind=RESET)
    with pytest.raises(RemoteError, match="wrong_type"):
        await taken(drill)
    answers(drill, good, sign=replace(good, page=1).encode())
    with pytest.raises(RemoteError, match="bad_signature"):
        await taken(drill)
    answers(drill, good, status=400)
    with pytest.raises(TransientError):
        await taken(drill)
    assert await two.fr.rows("select count(*) from ledger") == before


async def test_a_peer_speaks_of_what_passed_between_the_two(drill: Drill) -> None:
    """A message of ours, one under a legal hold and one that is not asked about stay; its own goes, and a consent."""
    two = drill.two
    await recorded(two)
    ours = await two.fr.submit("of FR")
    theirs = [await two.al.submit(name) for name in ("erased", "held")]
    await two.until(lambda: two.al.notes() == ["of FR"] and len(two.fr.notes()) == 2, seconds=60)

    async def answered() -> bool:
        return await two.fr.state(ours) == "awaiting_opening"

    await two.until(answered, seconds=60)
    held = (await two.fr.show(theirs[1]))["conversation"]
    await two.fr.call("retention.hold", id=held, ground="restriction_18", until="2027-06-30", by="w-1")
    withdrawn = Withdrawn(consent=CONSENT, grants=None, at=two.clock.now())
    listed = tuple(MessageId(id) for id in (ours, *theirs))
    answers(drill, replace(page(drill), withdrawals=(withdrawn,), erasures=listed, voids=(MessageId(ours),)))
    await taken(drill)
    assert [("content" in await two.fr.show(id)) for id in (ours, *theirs)] == [True, False, True]
    assert await two.fr.state(ours) == "awaiting_opening"
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    before = await two.fr.rows("select count(*) from ledger where kind = 'withdrawn'")
    await taken(drill)
    assert await two.fr.rows("select count(*) from ledger where kind = 'withdrawn'") == before  # nothing is new


async def test_a_legal_hold_on_the_case_is_stronger_too(drill: Drill) -> None:
    """What FR says of a referral of its own does not count at AL while a hold lies on its whole case (threat 153)."""
    two = drill.two
    await recorded(two)
    id = str((await two.fr.call("message.submit", **referral()))["id"])
    await two.until(lambda: "referral.request/1" in types(two), seconds=60)
    peer = two.al.peer().node

    async def stays() -> bool:
        return id in await two.al.running.store.read(lambda c: store.erased_or_held(c, peer, [id]))

    assert not await stays()
    case = await case_of(two.al, referral()["conversation"])
    await two.al.call("case.hold", id=case, ground="restriction_18", until="2027-06-30", by="w-1")
    assert await stays()


async def test_a_peer_that_comes_to_no_end_fills_nothing(drill: Drill) -> None:
    """A first page and never the second, again and again: the ledger and the log are as they were (threat 154)."""
    two = drill.two
    unknown = tuple(MessageId(b64u(n.to_bytes(16, "big"))) for n in range(MOST))
    answers(drill, replace(page(drill), erasures=unknown, more=True))
    before = [await two.fr.rows(f"select count(*) from {table}") for table in ("ledger", "audit")]
    for _ in range(3):
        with pytest.raises(RemoteError, match="another one than was asked for"):
            await taken(drill)
    assert [await two.fr.rows(f"select count(*) from {table}") for table in ("ledger", "audit")] == before


async def test_who_did_not_accept_a_reset_tells_nothing(drill: Drill) -> None:
    """Over the wire: without a reset, and for another than the accepted one, the answer is a code."""
    two = drill.two
    peer = two.fr.peer()

    async def asked(name: str) -> tuple[int, bytes]:
        answered = await two.fr.running.client.post_taken(address(peer.descriptor), ask_page(name, 0))
        return answered.status, answered.body

    refused = (400, b'{"code":"link_reset_required"}')
    assert await asked(RESET_NAME) == refused
    await drill.lose_all_but(*await drill.backup(), drill.ledger)
    await drill.reset()
    assert await asked(OTHER) == refused
