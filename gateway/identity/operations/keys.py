"""Keys as people change them: requests for root holders, publication, panic, the end of a node id (nrm1 2.27)."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.cases.register import names_of
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId
from gateway.identity.operations.models import (
    KINDS,
    Buried,
    Ended,
    Epoch,
    NewRoots,
    OneAlarm,
    OneReview,
    Proof,
    PublishDescriptor,
    Published,
    Renewed,
    Requested,
    RequestKeys,
    Reviewed,
    Reviews,
    Revoke,
    TakeTombstone,
    TombstoneRequest,
)
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.publication import Publication
from gateway.messages.store import messages as message_rows
from gateway.operations.actors import pseudonym
from gateway.operations.ids import alarm_number
from gateway.operations.models import (
    Nothing,
)
from gateway.operations.registry import About, operation
from gateway.operations.roles import FOCAL_POINT, GIVES, LOOKS, RUNS, TRUST, Caller
from gateway.peers.confirmed_time import ConfirmedTime
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
from keys.primitives.domains import DESCRIPTOR, TOMBSTONE
from keys.primitives.encoding import canon, is_code, parse
from keys.primitives.sign import SignedDocument

LIMIT = 4 * 1024 * 1024


class KeyOperations:
    """Operations on this node's keys and descriptor, and on the tombstones of others."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        publication: Publication,
        tombstones: Tombstones,
        trust_effects: TrustEffects,
        upkeep: KeyUpkeep,
        epochs: StorageEpochs,
        time: ConfirmedTime,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._store = content.store
        self._own = own
        self._peers = peers
        self._publication = publication
        self._tombstones = tombstones
        self._trust_effects = trust_effects
        self._upkeep = upkeep
        self._epochs = epochs
        self._time = time
        self._clock = clock
        self._actor = actor

    @operation(
        "keys.request",
        "make keys, ask for the next descriptor",
        roles=RUNS,
        about=About.NODE,
        answer=Requested,
        example={"rotate": ["sig"]},
    )
    async def request(self, asked: RequestKeys, caller: Caller) -> OperationResult:
        """Make the keys for the next descriptor and the request that root holders sign; nothing changes yet. Not by a
        clock that is in doubt, since no descriptor of an earlier date is taken after it; a revocation never waits.
        """
        if asked.revoke is None:
            await self._time.require_steady("nothing was made")
        roots = _roots(asked.roots, self._own.descriptor)
        change = Change(
            rotate=frozenset[Use]().union(*(KINDS[kind] for kind in asked.rotate)),
            at_once=asked.at_once,
            revoke=_revocation(self._own, self._clock, asked.revoke, roots),
            roots=roots,
        )
        made = await self._publication.request(change, pseudonym(caller.actor, self._actor))
        return OperationResult(value={"version": self._own.descriptor.version + 1, "request": _json(made.encode())})

    @operation("keys.publish", "publish a descriptor that roots signed", roles=RUNS, about=About.NODE, answer=Published)
    async def publish(self, asked: PublishDescriptor, caller: Caller) -> OperationResult:
        """Append a descriptor that enough root holders signed, sign by it, and tell the peers; who took it at once."""
        document = _document(asked.document, "document", DESCRIPTOR)
        done = await self._publication.publish(document, pseudonym(caller.actor, self._actor))
        took = await self._upkeep.announce(revokes=done.revokes)
        if done.revokes:
            await self._trust_effects.say_again()
        await self._trust_effects.leave_first_form()
        value: dict[str, Json] = {"version": done.descriptor.version, "hash": done.descriptor.hash, "took": {**took}}
        value["silent"] = [*self._upkeep.silent_uses()]
        return OperationResult(
            value=value | {"expires": done.descriptor.expires, "fingerprint": done.descriptor.fingerprint}
        )

    @operation(
        "keys.rotate_enc",
        "destroy every encryption key now",
        roles=RUNS,
        about=About.NODE,
        answer=Renewed,
    )
    async def rotate_enc(self, _asked: Nothing) -> OperationResult:
        """Destroy every encryption key and show a new one: what is in flight comes back and is sealed anew."""
        destroyed = await self._upkeep.renew_enc()
        return OperationResult(value={"destroyed": destroyed, "keyset": self._own.keyset.version})

    @operation(
        "keys.rotate_epoch",
        "start a new storage epoch now",
        roles=RUNS,
        about=About.NODE,
        answer=Epoch,
    )
    async def rotate_epoch(self, _asked: Nothing) -> OperationResult:
        """Begin a new storage epoch: every data key is wrapped anew, and the key of the epoch before destroyed."""
        await self._epochs.rotate()
        return OperationResult(value={"epoch": self._epochs.current})

    @operation("keys.tombstone", "the request for a tombstone", roles=TRUST, about=About.NODE, answer=TombstoneRequest)
    async def tombstone(self, _asked: Nothing) -> OperationResult:
        """The request for this node's tombstone, to be signed by all root holders and kept sealed."""
        return OperationResult(value={"request": _json(self._publication.tombstone_request().encode())})

    @operation("keys.end", "publish this node's own tombstone", roles=TRUST, about=About.NODE, answer=Ended)
    async def end(self, asked: TakeTombstone) -> OperationResult:
        """Publish this node's own tombstone: every peer revokes it for ever. Who took it; repeat it for the others."""
        try:
            took = await self._tombstones.publish_own(_document(asked.tombstone, "tombstone", TOMBSTONE))
        except RemoteError as error:
            raise RefusedError(
                error.code,
                f"peers would refuse this tombstone: {error.what}; nothing was published",
                hint="a tombstone carries the signatures of all roots of one descriptor of this node",
            ) from error
        return OperationResult(value={"node": self._own.node, "took": {**took}})

    @operation("peer.tombstone", "take the tombstone of a peer", roles=TRUST, about=About.PEER, answer=Buried)
    async def end_of_peer(self, asked: TakeTombstone) -> OperationResult:
        """Take the tombstone of a peer that came by hand: it is revoked for ever."""
        try:
            document = _document(asked.tombstone, "tombstone", TOMBSTONE)
            peer = self._peers.find(parse_tombstone(document).node)
            new = await self._tombstones.bury(peer, document)
        except RemoteError as error:
            raise RefusedError(
                error.code,
                f"this tombstone proves nothing: {error.what}; nothing was changed",
                hint="ask for the file again, over another channel",
            ) from error
        return OperationResult(value={"name": peer.name, "node": peer.node, "new": new})

    @operation("keys.proof", "the portable proof of an alarm", roles=LOOKS, about=About.NODE, answer=Proof)
    async def proof(self, asked: OneAlarm) -> OperationResult:
        """The portable proof behind an alarm about two descriptors under one version."""
        data = await self._store.read(lambda c: journal.proof_of(c, alarm_number(asked.id)))
        try:
            found = verify_proof(data or b"")
        except RemoteError as error:
            raise RefusedError(
                Code.NOT_FOUND, "this alarm has no proof of two descriptors", hint="trm alarm list shows the alarms"
            ) from error
        return OperationResult(value={"node": found.node, "version": found.version, "proof": _json(data or b"")})

    @operation("review.list", "messages under a key revoked since", roles=GIVES, about=About.CASE, answer=Reviews)
    async def list_reviews(self, _asked: Nothing) -> OperationResult:
        """Received messages whose key was revoked from before they came, and that nobody has looked at yet."""
        found = await self._store.read(review_store.listed)
        cases = await names_of(self._content, [doubt.conversation for doubt in found])
        items: list[Json] = []
        for doubt in found:
            peer = self._peers.get(doubt.peer)
            items.append(
                {
                    "message": doubt.id,
                    "of_case": cases.get(doubt.conversation),
                    "peer": doubt.peer if peer is None else peer.name,
                    "kid": doubt.kid,
                    "received": doubt.received,
                }
            )
        return OperationResult(value={"reviews": items})

    @operation(
        "review.settle",
        "a named person has looked",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Reviewed,
        by_person=True,
    )
    async def settle_review(self, asked: OneReview, caller: Caller) -> OperationResult:
        """A named person has looked at one message of the list."""
        id, actor, now = asked.id, pseudonym(caller.actor, self._actor), self._clock.now()

        def move(connection: Connection) -> None:
            rows = message_rows.find(connection, id, direction=message_rows.IN)
            settled = sum(review_store.settle(connection, row.ref, at=now) for row in rows)
            if not settled:
                raise RefusedError(Code.NOT_FOUND, "no such message on the list", hint="trm message reviews lists them")
            journal.append_leaf(connection, leaf(now, "message.reviewed", id=id, actor=actor))

        await self._store.move(move)
        return OperationResult(value={"message": id})


# --- reading arguments --------------------------------------------------------------------------------------------


def _json(data: bytes) -> Json:
    return parse(data, limit=LIMIT)


def _document(given: dict[str, Json], name: str, payload_type: str) -> SignedDocument:
    try:
        return SignedDocument.from_json(given, payload_type)
    except RemoteError as error:
        raise RefusedError(error.code, f"the argument {name} is no such document: {error.what}") from error


def _revocation(
    own: OwnIdentity, clock: Clock, asked: Revoke | None, roots: tuple[tuple[KeyRecord, ...], int] | None
) -> tuple[Revocation, ...]:
    """The keys to be revoked; a root only where `roots`, the new list, leaves it out."""
    if asked is None:
        return ()
    now, reason, kids = clock.now(), asked.reason, [KeyId(kid) for kid in asked.kids]
    newest = own.descriptor
    staying, _ = (newest.roots, newest.threshold) if roots is None else roots
    if any(record.kid in kids for record in staying):
        raise RefusedError(
            Code.INVALID,
            "a root is revoked by the request that replaces it; nothing was made",
            hint="trm keys rotate roots --revoke KID, with the public files of the roots that stay and of the new one",
        )
    if not kids or len(set(kids)) < len(kids) or set(kids) - {record.kid for record in newest.records}:
        raise RefusedError(
            Code.NOT_FOUND,
            "the descriptor does not list these keys, each of them once; nothing was made",
            hint="trm keys list has the kids",
        )
    if not is_code(reason):
        raise RefusedError(Code.INVALID, "a reason is one word in lower case, like stolen_laptop; nothing was made")
    since = now if asked.since is None else asked.since
    if since > now:
        raise RefusedError(
            Code.INVALID,
            "the time since which the key is not to be trusted is in the future; nothing was made",
            hint="give the last moment at which nobody else can have had it; trm doctor checks the clock",
        )
    return tuple(Revocation(kid=kid, at=now, since=since, reason=reason) for kid in kids)


def _roots(asked: NewRoots | None, last: Descriptor) -> tuple[tuple[KeyRecord, ...], int] | None:
    """The new list of roots from their public documents; a holder who stays keeps the record of the descriptor."""
    if asked is None:
        return None
    held = {record.kid: record for record in last.roots}
    try:
        found = [read_root_public(canon(item)) for item in asked.public]
    except RemoteError as error:
        raise RefusedError(error.code, f"not a public root document: {error.what}; nothing was made") from error
    records = tuple(held.get(record.kid, record) for record in found)
    if len(records) < len(last.roots) or len({record.kid for record in records}) < len(records):
        raise RefusedError(
            Code.INVALID, f"name {len(last.roots)} or more different roots, also those that stay; nothing was made"
        )
    return records, last.threshold if asked.threshold is None else asked.threshold
