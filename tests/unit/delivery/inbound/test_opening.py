"""gateway.delivery.inbound.opening: each envelope is opened by the keys of this node and judged for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from support.incoming import A
from support.nodes import NOW, Node, Seeds, record, signed
from support.receiving import Sender
from support.trust_homes import Home

from gateway.database.content_sealer import ContentSealer
from gateway.delivery.inbound.opening import Opening
from gateway.delivery.inbound.results import Refusal
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.workers import Workers
from gateway.messages.types import AuthenticStatement
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import parse_envelope
from keys.documents.key_records import Use
from keys.documents.succession import Change
from keys.primitives.encoding import b64u
from keys.primitives.hybrid_keys import SigningKey

PEER = A.first()
NEXT_KEY = SigningKey.generate(Seeds("next key of a"), hybrid=True)
NEWER = accept_descriptor(
    PEER,
    signed(A.next(PEER, keys=[*PEER.keys, record(NEXT_KEY, Use.SIG)]), A.roots[:2]),
    NOW,
)


class Learner:
    """Notes of which conversations the index is asked for ahead."""

    def __init__(self, sealer: ContentSealer) -> None:
        self.sealer, self.learned = sealer, list[str]()

    def learn(self, *, conversations: list[str]) -> None:
        """They are looked for in the database next."""
        self.learned += conversations


class Desk:
    """A node to which a peer seals envelopes."""

    def __init__(self, home: Home, vault: ContentSealer, workers: Workers) -> None:
        self.home, self.learner, self.fetched = home, Learner(vault), 0
        self.found: Any = (PEER, NEWER)
        learner: Any = self.learner
        clock: Any = home.clock
        self.opening = Opening(
            identity=home.identity, sealer=learner, workers=workers, fetch_chain=self._fetch, clock=clock
        )
        (key,) = home.keys.enc_public(NOW)
        to: Any = SimpleNamespace(
            name="h", first=lambda: home.own.chain[0], enc=SimpleNamespace(kid=key.kid, public=key.pub)
        )
        self.sender, self.by_next = Sender(node=A, to=to), Sender(node=A, to=to, key=NEXT_KEY)

    async def _fetch(self, peer: Any) -> Any:
        assert peer.node == PEER.node
        self.fetched += 1
        if isinstance(self.found, Exception):
            raise self.found
        return SimpleNamespace(node=PEER.node, descriptor=self.found[-1])

    def seal(self, number: int, **stated: Any) -> bytes:
        """An envelope of the peer; of a newer descriptor by the key of that."""
        sender = self.by_next if stated.get("from_desc") == 2 else self.sender
        return sender.seal(sender.statement(id=b64u(bytes([number]) * 16), **stated))

    async def opened(self, *envelopes: bytes) -> list[Any]:
        """What becomes of each."""
        peer: Any = SimpleNamespace(node=PEER.node, descriptor=PEER)
        read = [parse_envelope(data) for data in envelopes]
        found = await self.opening.open_envelopes(peer, read)
        assert set(found) == {one.id for one in read}
        return [found[one.id] for one in read]


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that open, and end with the test."""
    made = Workers()
    yield made
    made.shutdown()


@pytest.fixture
async def desk(vault: ContentSealer, workers: Workers) -> Desk:
    """Which has a key to seal for."""
    return Desk(await Home.open("h"), vault, workers)


async def test_each_envelope_is_judged_for_itself(desk: Desk) -> None:
    """One that was spoiled costs no other; what is authentic is looked for next."""
    good, spoiled, last = desk.seal(1), desk.seal(2).replace(b'"ct":"', b'"ct":"AAAA', 1), desk.seal(3)
    first, refused, third = await desk.opened(good, spoiled, last)
    assert refused == Refusal(Code.UNDECRYPTABLE)
    assert isinstance(first, AuthenticStatement) and isinstance(third, AuthenticStatement)
    assert (first.statement.id, third.statement.id) == (b64u(b"\1" * 16), b64u(b"\3" * 16))
    assert sorted(desk.learner.learned) == sorted([first.statement.conv, third.statement.conv])
    assert desk.fetched == 0


async def test_no_envelope(desk: Desk) -> None:
    """Nothing is opened, and nothing fetched."""
    assert (await desk.opened(), desk.fetched) == ([], 0)


async def test_a_key_that_is_not_here(desk: Desk) -> None:
    """The sender seals anew; what the peer did not sign is none of its."""
    other = Node("elsewhere").enc
    sender = Sender(node=A, to=SimpleNamespace(name="h", first=lambda: desk.home.own.chain[0], enc=other))
    elsewhere = sender.seal(sender.statement(id=b64u(b"\1" * 16)))
    posing = replace(desk.sender, key=NEXT_KEY)
    unsigned = posing.seal(posing.statement(id=b64u(b"\2" * 16)))
    assert await desk.opened(elsewhere, unsigned) == [
        Refusal(Code.UNKNOWN_RECIPIENT_KEY),
        Refusal(Code.UNKNOWN_KEY),
    ]


async def test_a_newer_descriptor_is_fetched_once_for_all(desk: Desk) -> None:
    """And what names it is judged by it; the others are not judged again."""
    old, *new = await desk.opened(desk.seal(1), desk.seal(2, from_desc=2), desk.seal(3, from_desc=2))
    assert [type(one) for one in (old, *new)] == [AuthenticStatement] * 3
    assert (desk.fetched, [one.statement.from_desc for one in new]) == (1, [2, 2])


async def test_a_descriptor_that_is_not_published(desk: Desk) -> None:
    """Nothing can be said yet: the whole request comes again."""
    desk.found = (PEER,)
    with pytest.raises(TransientError) as caught:
        await desk.opened(desk.seal(1), desk.seal(2, from_desc=2))
    assert caught.value.code is Code.UNREACHABLE


@pytest.mark.parametrize(("code", "told"), [(Code.ROLLBACK, Code.ROLLBACK), (Code.DISK, Code.MALFORMED)])
async def test_a_chain_that_is_refused(desk: Desk, code: Code, told: Code) -> None:
    """Its code answers what relies on it, and no other; a code of this node alone is not told."""
    desk.found = RemoteError(code, "the chain is refused")
    good, relying = await desk.opened(desk.seal(1), desk.seal(2, from_desc=2))
    assert isinstance(good, AuthenticStatement)
    assert relying == Refusal(told)


async def test_what_is_judged_by_the_clock_and_the_chain_of_this_node(desk: Desk) -> None:
    """Of a descriptor that is too old, of one that there never was, and of a time that is over."""
    assert await desk.opened(desk.seal(1, to_desc=2)) == [Refusal(Code.MALFORMED)]
    gone = Revocation(kid=desk.home.keys.http_kid, at=NOW, since=NOW, reason="stolen")
    await desk.home.publish(Change(revoke=(gone,)))
    assert await desk.opened(desk.seal(1)) == [Refusal(Code.NEWER_DESCRIPTOR)]
    assert [type(one) for one in await desk.opened(desk.seal(1, to_desc=2))] == [AuthenticStatement]
    late = desk.seal(1, to_desc=2)
    desk.home.clock.at += 400 * 86_400
    assert await desk.opened(late) == [Refusal(Code.EXPIRED)]
