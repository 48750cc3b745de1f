"""A node of `support.robbed_nodes` with what it says of itself and of its peers: keys, descriptors and trust on their
way, judged by the product, with a wire that a test answers for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from support.nodes import NOW, Node
from support.robbed_nodes import Honest, founded
from support.robbed_stand_ins import Clock

from gateway.database import journal, meta
from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.federation.signed_times import SignedTimes
from gateway.identity import store as identity_store
from gateway.identity.identity import Identity
from gateway.identity.own_identity import PUBLISHED, OwnIdentity
from gateway.messages.wakeups import Wakeups
from gateway.peers import store as peer_rows
from gateway.peers import trust_record_store
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.scope import Direction, Scope
from gateway.peers.trust_record_store import IN, OUT, TrustRow
from gateway.trust.peer_sync import PeerSync
from keys.documents.descriptor import Descriptor
from keys.documents.succession import Change
from keys.documents.trust_record import TrustRecord, TrustState
from keys.primitives.domains import TRUST
from keys.primitives.encoding import DAY, canon
from keys.primitives.sign import SignedDocument

SCOPE = Scope(
    types=frozenset({"enquiry.capacity"}),
    directions=frozenset(Direction),
    corridors=frozenset({("FR", "FR")}),
    units=frozenset({"desk"}),
    roles=frozenset(),
    purposes=frozenset(),
    max_bytes=1_000,
    max_file_bytes=0,
)
"""What one side permits."""


class Line:
    """The client of a node. `asked` is what went out: the name of the request, whom, and what it carried. What a peer
    does about it is in `answers`, by that name; who has no answer there is away.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answers: dict[str, Callable[..., Any]] = {}
        self.proxy: OutboundProxy | None = None

    def proxy_to(self, peer: PeerAddress) -> OutboundProxy | None:
        """Through which proxy a peer is reached."""
        self.asked.append(("proxy_to", peer.node))
        return self.proxy

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def ask(peer: PeerAddress, *carried: Any) -> Any:
            self.asked.append((name, peer.node, *carried))
            if name not in self.answers:
                raise TransientError(Code.UNREACHABLE, "nobody is there")
            return self.answers[name](peer.node, *carried)

        return ask

    async def forget(self, node: str) -> None:
        """Which connection is not kept any more."""
        self.asked.append(("forget", node))

    def names(self) -> list[str]:
        """What was asked since this was asked last, by name."""
        asked, self.asked = self.asked, []
        return [name for name, *_ in asked]


def answer(status: int, body: Any) -> Any:
    """What a peer answers, as the client gives it on."""
    return SimpleNamespace(status=status, body=body if isinstance(body, bytes) else canon(body))


@dataclass
class Review:
    """The review of what came, as far as a chain needs it: of which revocations of whom it was told."""

    told: list[tuple[str, tuple[Any, ...]]]

    async def doubt(self, node: str, revocations: Sequence[Any]) -> int:
        """Nothing came."""
        self.told.append((node, tuple(revocations)))
        return 0


class Home:
    """A node that has met `peers`, with its own documents in its database."""

    def __init__(self, name: str, *peers: Descriptor, clock: Clock | None = None) -> None:
        self.honest = Honest(name, clock or Clock())
        self.clock, self.keys = self.honest.clock, self.honest.keys
        self.store: Any = self.honest.store
        self.connection = self.honest.store.connection
        self.own = OwnIdentity(self.store, self.keys, self._as_clock)
        self.identity = Identity(self.own, self.keys)
        self.registry = PeerRegistry(self.store, self.own)
        self.line, self.wakeups, self.review = Line(), Wakeups(), Review([])
        client: Any = self.line
        review: Any = self.review
        self.link = PeerLink(registry=self.registry, client=client)
        self.times = SignedTimes(self._as_clock)
        self.time = ConfirmedTime(
            store=self.store,
            own=self.own,
            link=self.link,
            times=self.times,
            wakeups=self.wakeups,
            clock=self._as_clock,
        )
        self.sync = PeerSync(store=self.store, link=self.link, review=review, clock=self._as_clock)
        identity_store.add_own(self.connection, 1, self.honest.chain[0].document.encode())
        self.honest.meet(*peers)

    @property
    def _as_clock(self) -> Any:
        return self.clock

    @classmethod
    async def open(cls, name: str, *peers: Descriptor, clock: Clock | None = None) -> Home:
        """A node that has read what it says of itself and whom it has met."""
        home = cls(name, *peers, clock=clock)
        await home.own.load()
        await home.registry.refresh()
        return home

    @property
    def node(self) -> Any:
        """Its id."""
        return self.honest.node

    def peer(self, of: Descriptor) -> Peer:
        """Somebody whom it has met, as it holds them now."""
        found = self.registry.get(of.node)
        assert found is not None
        return found

    async def put(self, of: Descriptor, **values: Any) -> None:
        """What is held of a peer is something else now."""
        peer_rows.change(self.connection, of.node, **values)
        await self.registry.refresh()

    async def publish(self, change: Change) -> Descriptor:
        """The roots sign the next descriptor, and it comes into this node; nothing is signed by it yet."""
        before = self.honest.chain
        made = self.honest.change_keys(change)
        with suppress(RefusedError):  # of before, where that is over
            self.keys.activate(before, self.clock.at)
        identity_store.add_own(self.connection, made.version, made.document.encode())
        meta.set_meta(self.connection, PUBLISHED, str(self.clock.at).encode())
        await self.own.load()
        return made

    def alarms(self) -> list[str]:
        """The kinds of the open alarms."""
        return [alarm.kind for alarm in journal.open_alarms(self.connection)]

    def entries(self, event: str) -> list[bytes]:
        """The entries of its log about one kind of event."""
        return [entry for _, entry in journal.leaves(self.connection) if b'"ev":"%s"' % event.encode() in entry]


def first_of(name: str) -> Descriptor:
    """The first descriptor of an honest node."""
    return founded(name)[0].first()


def say(by: Node | Home, about: Descriptor, state: TrustState = TrustState.ACTIVE, **changes: Any) -> TrustRecord:
    """What one node permits another."""
    usual: dict[str, Any] = {
        "node": by.node if isinstance(by, Home) else by.first().node,
        "peer": about.node,
        "peer_desc_version": about.version,
        "peer_desc_hash": about.hash,
        "state": state,
        "scope": SCOPE.to_json(),
        "not_before": NOW,
        "expires": NOW + 300 * DAY,
        "approvals": (),
        "prev": None,
    }
    return TrustRecord(**usual | changes)


async def agree(here: Home, there: Home, *, theirs: Mapping[str, Any] | None = None, **ours: Any) -> None:
    """Both sides permit the same, or one of them something else; the one knows the records of both."""
    us, them = here.own.descriptor, there.own.descriptor
    for direction, by, about, changed in ((OUT, here, them, ours), (IN, there, us, theirs or {})):
        said = say(by, about, **changed)
        payload = said.encode()
        signature = by.keys.sign(TRUST, payload)
        document = SignedDocument(payload=payload, payload_type=TRUST, signatures=(signature,)).encode()
        row = TrustRow(peer=them.node, direction=direction, seq=1, hash=said.hash, document=document, acked=1)
        trust_record_store.add_record(here.connection, row)
    await here.registry.refresh()
