"""Keys as people change them: requests for root holders, publication, panic, the end of a node id (nrm1 2.27)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.errors import Code, RefusedError, RemoteError
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.publication import Publication
from gateway.messages.store import messages as message_rows
from gateway.operations.arguments import Arguments, maybe_text, members, number, only, text
from gateway.operations.table import Operation
from gateway.peers.registry import PeerRegistry
from gateway.peers.tombstones import Tombstones
from gateway.ports import Clock, Json, OperationResult
from gateway.trust import review_store
from gateway.trust.effects import TrustEffects
from gateway.trust.key_upkeep import KeyUpkeep
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.equivocation import verify_proof
from keys.documents.key_records import KeyRecord, Use
from keys.documents.succession import Change
from keys.documents.tombstone import parse_tombstone
from keys.offline.ceremony import read_root_public
from keys.primitives.encoding import canon, is_code, parse
from keys.primitives.sign import DESCRIPTOR, TOMBSTONE, SignedDocument

LIMIT = 4 * 1024 * 1024
KINDS: Mapping[str, frozenset[Use]] = {
    "sig": frozenset({Use.SIG}),
    "log": frozenset({Use.LOG, Use.WIT}),
    "http": frozenset({Use.HTTP}),
}
"""What can be rotated by name; `log` stands for both keys of the audit log."""


class KeyOperations:
    """Operations on this node's keys and descriptor, and on the tombstones of others."""

    def __init__(
        self,
        *,
        store: Store,
        own: OwnIdentity,
        peers: PeerRegistry,
        publication: Publication,
        tombstones: Tombstones,
        trust_effects: TrustEffects,
        upkeep: KeyUpkeep,
        epochs: StorageEpochs,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._store = store
        self._own = own
        self._peers = peers
        self._publication = publication
        self._tombstones = tombstones
        self._trust_effects = trust_effects
        self._upkeep = upkeep
        self._epochs = epochs
        self._clock = clock
        self._actor = actor

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "keys.request": self.request,
            "keys.tombstone": self.tombstone,
            "keys.end": self.end,
            "keys.proof": self.proof,
            "peer.tombstone": self.end_of_peer,
            "review.list": self.list_reviews,
            "review.settle": self.settle_review,
            "keys.publish": self.publish,
            "keys.rotate_enc": self.rotate_enc,
            "keys.rotate_epoch": self.rotate_epoch,
        }

    async def request(self, arguments: Arguments) -> OperationResult:
        """Make the keys for the next descriptor and the request that root holders sign; nothing changes yet."""
        only(arguments, "rotate", "at_once", "revoke", "roots", "by")
        change = Change(
            rotate=_uses(arguments.get("rotate", [])),
            at_once=arguments.get("at_once") is True,
            revoke=_revocation(self._own, self._clock, arguments.get("revoke")),
            roots=_roots(arguments.get("roots"), self._own.descriptor),
        )
        made = await self._publication.request(change, _actor(self._actor, arguments))
        return OperationResult(value={"version": self._own.descriptor.version + 1, "request": _json(made.encode())})

    async def publish(self, arguments: Arguments) -> OperationResult:
        """Append a descriptor that enough root holders signed, sign by it, and tell the peers; who took it at once."""
        only(arguments, "document", "by")
        document = _document(arguments, "document", DESCRIPTOR)
        done = await self._publication.publish(document, _actor(self._actor, arguments))
        took = await self._upkeep.announce(revokes=done.revokes)
        if done.revokes:
            await self._trust_effects.say_again()
        value: dict[str, Json] = {"version": done.descriptor.version, "hash": done.descriptor.hash, "took": {**took}}
        return OperationResult(
            value=value | {"expires": done.descriptor.expires, "fingerprint": done.descriptor.fingerprint}
        )

    async def rotate_enc(self, arguments: Arguments) -> OperationResult:
        """Destroy every encryption key and show a new one: what is in flight comes back and is sealed anew."""
        only(arguments, "by")
        text(arguments, "by", longest=64)
        destroyed = await self._upkeep.renew_enc()
        return OperationResult(value={"destroyed": destroyed, "keyset": self._own.keyset.version})

    async def rotate_epoch(self, arguments: Arguments) -> OperationResult:
        """Begin a new storage epoch: every data key is wrapped anew, and the key of the epoch before destroyed."""
        only(arguments, "by")
        text(arguments, "by")
        await self._epochs.rotate()
        return OperationResult(value={"epoch": self._epochs.current})

    async def tombstone(self, arguments: Arguments) -> OperationResult:
        """The request for this node's tombstone, to be signed by all root holders and kept sealed."""
        only(arguments)
        return OperationResult(value={"request": _json(self._publication.tombstone_request().encode())})

    async def end(self, arguments: Arguments) -> OperationResult:
        """Publish this node's own tombstone: every peer revokes it for ever. Who took it; repeat it for the others."""
        only(arguments, "tombstone", "by")
        text(arguments, "by", longest=64)
        try:
            took = await self._tombstones.publish_own(_document(arguments, "tombstone", TOMBSTONE))
        except RemoteError as error:
            raise RefusedError(
                error.code,
                f"peers would refuse this tombstone: {error.what}; nothing was published",
                hint="a tombstone carries the signatures of all roots of one descriptor of this node",
            ) from error
        return OperationResult(value={"node": self._own.node, "took": {**took}})

    async def end_of_peer(self, arguments: Arguments) -> OperationResult:
        """Take the tombstone of a peer that came by hand: it is revoked for ever."""
        only(arguments, "tombstone", "by")
        text(arguments, "by", longest=64)
        try:
            document = _document(arguments, "tombstone", TOMBSTONE)
            peer = self._peers.find(parse_tombstone(document).node)
            new = await self._tombstones.bury(peer, document)
        except RemoteError as error:
            raise RefusedError(
                error.code,
                f"this tombstone proves nothing: {error.what}; nothing was changed",
                hint="ask for the file again, over another channel",
            ) from error
        return OperationResult(value={"name": peer.name, "node": peer.node, "new": new})

    async def proof(self, arguments: Arguments) -> OperationResult:
        """The portable proof behind an alarm about two descriptors under one version."""
        only(arguments, "id")
        seq = number(arguments, "id", otherwise=0, most=2**40)
        data = await self._store.read(lambda c: journal.proof_of(c, seq))
        try:
            found = verify_proof(data or b"")
        except RemoteError as error:
            raise RefusedError(
                Code.NOT_FOUND, "this alarm has no proof of two descriptors", hint="trm alarm list shows the alarms"
            ) from error
        return OperationResult(value={"node": found.node, "version": found.version, "proof": _json(data or b"")})

    async def list_reviews(self, arguments: Arguments) -> OperationResult:
        """Received messages whose key was revoked from before they came, and that nobody has looked at yet."""
        only(arguments)
        found = await self._store.read(review_store.listed)
        items: list[Json] = []
        for doubt in found:
            peer = self._peers.get(doubt.peer)
            name = doubt.peer if peer is None else peer.name
            items.append({"message": doubt.id, "peer": name, "kid": doubt.kid, "received": doubt.received})
        return OperationResult(value={"reviews": items})

    async def settle_review(self, arguments: Arguments) -> OperationResult:
        """A named person has looked at one message of the list."""
        only(arguments, "id", "by")
        id, actor, now = text(arguments, "id"), _actor(self._actor, arguments), self._clock.now()

        def move(connection: Connection) -> None:
            rows = message_rows.find(connection, id, direction=message_rows.IN)
            settled = sum(review_store.settle(connection, row.ref, at=now) for row in rows)
            if not settled:
                raise RefusedError(Code.NOT_FOUND, "no such message on the list", hint="trm message reviews lists them")
            journal.append_leaf(connection, leaf(now, "message.reviewed", id=id, actor=actor))

        await self._store.move(move)
        return OperationResult(value={"message": id})


# --- reading arguments --------------------------------------------------------------------------------------------


def _actor(actor: Actor, arguments: Arguments) -> str:
    return actor(text(arguments, "by", longest=64).encode()).hex()


def _json(data: bytes) -> Json:
    return parse(data, limit=LIMIT)


def _document(arguments: Arguments, name: str, payload_type: str) -> SignedDocument:
    try:
        return SignedDocument.from_json(members(arguments, name), payload_type)
    except RemoteError as error:
        raise RefusedError(error.code, f"the argument {name} is no such document: {error.what}") from error


def _uses(kinds: Json) -> frozenset[Use]:
    if not isinstance(kinds, list) or not all(isinstance(kind, str) and kind in KINDS for kind in kinds):
        raise RefusedError(Code.INVALID, "rotate is a list of " + ", ".join(KINDS) + "; nothing was made")
    return frozenset[Use]().union(*(KINDS[str(kind)] for kind in kinds))


def _revocation(own: OwnIdentity, clock: Clock, value: Json) -> tuple[Revocation, ...]:
    if value is None:
        return ()
    given = members({"revoke": value}, "revoke")
    only(given, "kids", "since", "reason")
    now, reason = clock.now(), maybe_text(given, "reason") or "compromised"
    listed = given.get("kids")
    kids = [text({"kids": kid}, "kids") for kid in (listed if isinstance(listed, list) else [])]
    newest = own.descriptor
    if any(record.kid in kids for record in newest.roots):
        raise RefusedError(
            Code.INVALID, "a root is replaced, not revoked; nothing was made", hint="trm keys rotate roots"
        )
    if not kids or len(set(kids)) < len(kids) or set(kids) - {record.kid for record in newest.keys}:
        raise RefusedError(
            Code.NOT_FOUND,
            "the descriptor does not list these keys, each of them once; nothing was made",
            hint="trm keys list has the kids",
        )
    if not is_code(reason):
        raise RefusedError(Code.INVALID, "a reason is one word in lower case, like stolen_laptop; nothing was made")
    since = number(given, "since", otherwise=now, most=2**40)
    if since > now:
        raise RefusedError(
            Code.INVALID,
            "the time since which the key is not to be trusted is in the future; nothing was made",
            hint="give the last moment at which nobody else can have had it; trm doctor checks the clock",
        )
    return tuple(Revocation(kid=kid, at=now, since=since, reason=reason) for kid in kids)


def _roots(value: Json, last: Descriptor) -> tuple[tuple[KeyRecord, ...], int] | None:
    """The new list of roots from their public documents; a holder who stays keeps the record of the descriptor."""
    if value is None:
        return None
    given = members({"roots": value}, "roots")
    only(given, "public", "threshold")
    listed = given.get("public")
    held = {record.kid: record for record in last.roots}
    try:
        found = [read_root_public(canon(item)) for item in (listed if isinstance(listed, list) else [])]
    except RemoteError as error:
        raise RefusedError(error.code, f"not a public root document: {error.what}; nothing was made") from error
    records = tuple(held.get(record.kid, record) for record in found)
    if len(records) < len(last.roots) or len({record.kid for record in records}) < len(records):
        raise RefusedError(
            Code.INVALID, f"name {len(last.roots)} or more different roots, also those that stay; nothing was made"
        )
    return records, number(given, "threshold", otherwise=last.threshold, most=9)
