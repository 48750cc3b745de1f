"""Is the way to a peer whole? Ten steps in order, each on what the ones before have shown; the first red one ends it.

 1. name         the host of its first endpoint has an address; where a proxy leads there, it looks it up
 2. tcp          somebody listens there, and the proxy lets us through
 3. tls          TLS 1.3, and the server key is one that its descriptor pins
 4. clock        its clock and ours differ by no more than a signature bears (nrm1 9.13)
 5. keys         its newest descriptor is in force, and what signs there, and here, is listed and not revoked
 6. keyset       encryption keys that may be used now
 7. versions     a suite that both descriptors offer
 8. schemas      message types that both hold; the first answer for which it has to admit this node
 9. scope        trust of both sides is in force and lets something pass
10. signed round trip: a signed question about our numbering, and its signed answer; no reset of the link is owed

Nothing is sent that a person would see, and nothing is changed but what is held of the peer's own documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import schemas
from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.federation import probe
from gateway.federation.signatures import SKEW
from gateway.identity.identity import Identity
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import Direction, PeerState
from gateway.ports import Clock
from gateway.trust.peer_sync import PeerSync
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import common_suite
from keys.documents.descriptor_chain import require_usable_descriptor as descriptor_usable
from keys.documents.key_records import Use
from keys.documents.keyset import parse_keyset
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import parse
from keys.primitives.sign import SignedDocument
from schemas.types import never_blocked

LINK_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PingStep:
    """How one step ended: `fix` says what to do where it is red. `ms` is how long it took, in milliseconds."""

    step: str
    ok: bool
    detail: str
    fix: str = ""
    code: Code | None = None
    ms: int = 0


_REFUSED_US = (
    "the peer does not admit this node now: ask its administrator whether it is active there, and which of this "
    "node's descriptors is held there"
)
_FIXES: Mapping[str, str] = {
    "name": "check the name with your resolver; if it changed, the peer has to publish a descriptor with the new one",
    "tcp": "ask the peer whether its node runs and listens on this port, and check the firewalls on both sides; the "
    "address is the one of its descriptor",
    "tls": "ask the peer what listens there: nothing in front of its node may end TLS; after a change of its "
    "server key it has to publish a new descriptor",
    "clock": "synchronise the clocks of both machines with a time service",
    "keys": "the peer has to publish a descriptor with valid keys and start its node again; speak to its administrator",
    "keyset": "the peer's node has to issue a new keyset: ask its administrator to check the log",
    "versions": "one of the two nodes has to be upgraded",
    "schemas": "one of the two nodes has to be upgraded",
    "scope": "trm peer show says what both sides permit; trm peer widen asks for more",
    "signed round trip": "try again; if it persists, both sides check their logs",
}


class Pinger:
    """Looks at the way to a peer step by step."""

    def __init__(self, *, identity: Identity, link: PeerLink, sync: PeerSync, clock: Clock) -> None:
        self._identity = identity
        self._link = link
        self._sync = sync
        self._clock = clock

    async def ping(self, peer: Peer) -> list[PingStep]:
        """The steps up to the first that is red."""
        steps: list[PingStep] = []
        for name, look in self._steps():
            began = self._clock.monotonic()
            try:
                detail = await look(self._link.registry.find(peer.node))
                step = PingStep(step=name, ok=True, detail=detail, ms=self._since(began))
            except GatewayError as error:
                fix = _REFUSED_US if error.code is Code.NOT_ACTIVE and not error.hint else error.hint or _FIXES[name]
                step = PingStep(step=name, ok=False, detail=error.what, fix=fix, code=error.code, ms=self._since(began))
            steps.append(step)
            if not step.ok:
                break
        return steps

    def _steps(self) -> Sequence[tuple[str, Callable[[Peer], Awaitable[str]]]]:
        return (
            ("name", self._check_name),
            ("tcp", self._check_tcp),
            ("tls", self._check_tls),
            ("clock", self._check_clock),
            ("keys", self._check_keys),
            ("keyset", self._check_keyset),
            ("versions", self._check_versions),
            ("schemas", self._check_schemas),
            ("scope", self._check_scope),
            ("signed round trip", self._check_round_trip),
        )

    def _since(self, began: float) -> int:
        return round((self._clock.monotonic() - began) * 1_000)

    async def _check_name(self, peer: Peer) -> str:
        place = address(peer.descriptor)
        host, _ = probe.place_of(place)
        if self._link.client.proxy_to(place) is not None:
            return f"{host} is looked up by the proxy"
        found = await probe.resolve_host(place)
        return f"{host} is {', '.join(found)}"

    async def _check_tcp(self, peer: Peer) -> str:
        place = address(peer.descriptor)
        proxy = self._link.client.proxy_to(place)
        await probe.connect_tcp(place, proxy)
        return f"port {probe.place_of(place)[1]} is open{'' if proxy is None else ' through the proxy'}"

    async def _check_tls(self, peer: Peer) -> str:
        await self._link.client.shake_hands(address(peer.descriptor))
        return "TLS 1.3, the server key is a pinned one"

    async def _check_clock(self, peer: Peer) -> str:
        theirs = await self._link.client.time_at(address(peer.descriptor))
        ahead = theirs - self._clock.now()
        if abs(ahead) > SKEW:
            raise RefusedError(
                Code.CLOCK,
                f"the peer's clock is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} ours",
                hint=f"{SKEW} s are allowed: find out which of the two is wrong, and synchronise it with a "
                "time service",
            )
        return f"{abs(ahead)} s apart, {SKEW} s are allowed"

    async def _check_keys(self, peer: Peer) -> str:
        peer = await self._sync.fetch_chain(peer)
        now, newest = self._clock.now(), peer.descriptor
        descriptor_usable(newest, now)
        for use in (Use.SIG, Use.HTTP):
            if not _live(newest, use, now):
                raise RefusedError(Code.UNKNOWN_KEY, f"its descriptor version {newest.version} has no valid {use} key")
        self._own_keys(now)
        keyset = SignedDocument.decode(await self._link.client.get_keyset(address(newest)), KEYSET)
        try:
            newest.signing_key(keyset.signature.kid, at=parse_keyset(keyset).issued)
        except RemoteError as error:
            raise RefusedError(
                error.code, f"it signs its keyset with a key that is no longer valid: {error.what}"
            ) from error
        await self._signs_with_a_listed_key(peer)
        return f"descriptor version {newest.version}, in force; its signing keys are valid"

    def _own_keys(self, now: int) -> None:
        own = self._identity.own.descriptor
        for use, kid in ((Use.SIG, self._identity.keys.sig_kid), (Use.HTTP, self._identity.keys.http_kid)):
            try:
                own.signing_key(kid, at=now, use=use)
            except RemoteError as error:
                raise RefusedError(
                    error.code,
                    f"this node signs with a {use} key that its own descriptor does not allow: {error.what}",
                    hint="start this node again so that it uses its new key; trm keys list shows them",
                ) from error

    async def _signs_with_a_listed_key(self, peer: Peer) -> None:
        """A signed question, of which only the signature of the answer counts here; whether we are admitted comes
        later.
        """
        try:
            await self._link.client.get_link(address(peer.descriptor))
        except TransientError as error:
            if error.code is Code.BAD_SIGNATURE:
                raise RefusedError(
                    error.code, "it signs its answers with a key that its descriptor does not list as valid"
                ) from error

    async def _check_keyset(self, peer: Peer) -> str:
        found = await self._sync.refresh(peer)
        if found.keyset is None:
            raise RuntimeError("a refreshed peer has a keyset")
        return f"version {found.keyset.version}, fresh"

    async def _check_versions(self, peer: Peer) -> str:
        return common_suite(self._identity.own.descriptor, peer.descriptor)

    async def _check_schemas(self, peer: Peer) -> str:
        found = await self._sync.refresh_schemas(peer)
        common = schemas.load_catalogue().hashes & set(found.schemas or ())
        if not common:
            raise RefusedError(Code.NO_COMMON_SCHEMA, "no message type in common")
        return f"{len(common)} message types in common; our signature was accepted"

    async def _check_scope(self, peer: Peer) -> str:
        standing = peer.standing(self._clock.now())
        if standing.state is not PeerState.ACTIVE:
            raise RefusedError(
                Code.NOT_ACTIVE, f"the peer is {standing.state} here", hint="trm peer show says what it waits for"
            )
        if standing.missing is not None:
            raise RefusedError(
                Code.OUT_OF_SCOPE,
                f"trust is not in force on both sides: {standing.missing}",
                hint="trm peer show says what is missing; the other side's administrators have to approve too",
            )
        held = [entry.body_type for entry in schemas.load_catalogue().types if not never_blocked(entry.body_type)]
        ways = {way: sum(standing.outside(name, way) is None for name in held) for way in Direction}
        if not any(ways.values()):
            raise RefusedError(Code.OUT_OF_SCOPE, "nothing is permitted except what is never blocked")
        return f"{ways[Direction.SEND]} types may be sent, {ways[Direction.RECEIVE]} received"

    async def _check_round_trip(self, peer: Peer) -> str:
        answered = await self._link.client.get_link(address(peer.descriptor))
        value = parse(answered.body, limit=LINK_LIMIT)
        if answered.status != 200 or not isinstance(value, dict):
            raise RefusedError(Code.REJECTED, "the peer does not answer signed questions")
        if not self._link.registry.speaks(peer.node):
            raise RefusedError(
                Code.LINK_RESET_REQUIRED,
                "one of the two nodes was restored from a backup: nothing is numbered on this link",
                hint=(
                    "trm peer show says whose turn it is: reset-link where it was restored, then accept-reset "
                    "over there"
                ),
            )
        return f"it has seen our messages up to number {value.get('high')}"


# --- 5 to 7: what it says of itself ------------------------------------------------------------------------------


def _live(descriptor: Descriptor, use: Use, now: int) -> bool:
    revoked = {revocation.kid for revocation in descriptor.revoked}
    return any(record.kid not in revoked for record in descriptor.keys_of(use, now))
