"""Opening and authenticating all envelopes of a request, with the keys of a node and the chains of its peers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from support.forger import Forger
from support.holders import signed
from support.pair import Party, Spoiler, Two, two_nodes

from gateway.delivery.inbound.opening import Opened, Opening
from gateway.delivery.inbound.results import Refusal
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.ids import MessageId
from gateway.messages.types import AuthenticStatement
from gateway.peers.registry import Peer
from keys.documents.envelope import parse_envelope


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


class Asked:
    """Fetches chains as `fetch` does and counts how often."""

    def __init__(self, fetch: Callable[[Peer], Awaitable[Peer]]) -> None:
        self._fetch = fetch
        self.times = 0

    async def __call__(self, peer: Peer) -> Peer:
        """The peer with its newest chain."""
        self.times += 1
        return await self._fetch(peer)


def fetching(party: Party) -> Asked:
    """The node's own way to a chain."""
    return Asked(party.running.sync.fetch_chain)


async def opened(party: Party, fetch: Asked, *envelopes: bytes) -> Mapping[MessageId, Opened]:
    """What `party` makes of envelopes of its peer."""
    node = party.running
    opening = Opening(
        identity=node.identity, sealer=node.sealer, workers=node.workers, fetch_chain=fetch, clock=node.clock
    )
    return await opening.open_envelopes(party.peer(), [parse_envelope(data) for data in envelopes])


async def publish(party: Party, **wanted: object) -> None:
    """A new version of the node's descriptor, with another key for statements or as `wanted`."""
    asked = (await party.call("keys.request", by="admin", **(wanted or {"rotate": ["sig"]})))["request"]
    await party.call("keys.publish", document=signed(party.folder.parent, party.name, asked), by="admin")


async def test_each_envelope_is_judged_for_itself(two: Two) -> None:
    """One that was spoiled, or is for another node, costs no other."""
    forger, back, fetch = Forger(two.fr), Forger(two.al), fetching(two.al)
    spoiled = forger.seal(2).replace(b'"ct":"', b'"ct":"AAAA', 1)
    results = await opened(two.al, fetch, forger.seal(1), spoiled, back.seal(1))
    assert [results[MessageId(id)] for id in (forger.id(2), back.id(1))] == [
        Refusal(Code.UNDECRYPTABLE),
        Refusal(Code.MISROUTED),
    ]
    statement = results[MessageId(forger.id(1))]
    assert isinstance(statement, AuthenticStatement)
    assert (statement.statement.n, fetch.times) == (1, 0)


async def test_no_envelope(two: Two) -> None:
    """Where everything was answered before, nothing is opened."""
    assert await opened(two.al, fetching(two.al)) == {}


async def test_a_newer_descriptor_is_fetched_once(two: Two) -> None:
    """The keys of the version that a statement names are fetched for all envelopes of a request together."""
    Spoiler(two.fr).away = True  # so that FR does not bring its new version
    await publish(two.fr)
    assert two.al.peer().descriptor.version == 1
    forger, fetch = Forger(two.fr), fetching(two.al)
    results = await opened(two.al, fetch, forger.seal(1), forger.seal(2))
    assert [type(result) for result in results.values()] == [AuthenticStatement] * 2
    assert (fetch.times, two.al.peer().descriptor.version) == (1, 2)


async def test_what_relies_on_a_descriptor_of_before_a_revocation(two: Two) -> None:
    """Its sender has to seal it anew for the newest one; it has not heard yet that there is one."""
    Spoiler(two.al).away = True
    envelope = Forger(two.fr).seal(1)
    gone = {"kids": [two.al.running.keys.sig_kid], "since": two.clock.now(), "reason": "stolen_laptop"}
    await publish(two.al, revoke=gone)
    assert list((await opened(two.al, fetching(two.al), envelope)).values()) == [Refusal(Code.NEWER_DESCRIPTOR)]


async def test_a_descriptor_that_is_not_published(two: Two) -> None:
    """Nothing can be said about the statement yet: the whole request comes again."""
    forger = Forger(two.fr)
    with pytest.raises(TransientError) as caught:
        await opened(two.al, fetching(two.al), forger.seal(1), forger.seal(2, from_desc=2))
    assert caught.value.code is Code.UNREACHABLE


@pytest.mark.parametrize(
    ("code", "told"), [(Code.ROLLBACK, Code.ROLLBACK), (Code.DISK, Code.MALFORMED)], ids=["wire", "local"]
)
async def test_a_chain_that_is_refused(two: Two, code: Code, told: Code) -> None:
    """Its code answers the envelopes that rely on it, and no other; a code of this node alone is not told."""

    async def refuse(peer: Peer) -> Peer:
        raise RemoteError(code, "the chain is refused")

    forger = Forger(two.fr)
    results = await opened(two.al, Asked(refuse), forger.seal(1), forger.seal(2, from_desc=2))
    assert isinstance(results[MessageId(forger.id(1))], AuthenticStatement)
    assert results[MessageId(forger.id(2))] == Refusal(told)
