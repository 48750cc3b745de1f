"""The next descriptor of this node: asked for here, signed by root holders elsewhere, published here (nrm1 2.27).

A request makes the new keys first and is otherwise only a file. What comes back is judged as a peer would judge it,
and appended in one transaction with what follows for bytes that a retired key has signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId, UnitKind
from gateway.identity import store as identity_store
from gateway.identity.identity import Identity
from gateway.identity.machines import change_keys, record_generation
from gateway.identity.own_identity import PUBLISHED
from gateway.messages.store import messages
from gateway.ports import Clock
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import accept_chain
from keys.documents.key_records import HALF, Use
from keys.documents.succession import USES, Change, count_needed_keys, next_descriptor
from keys.documents.tombstone import build_tombstone
from keys.keystore.key_changes import AddKey
from keys.offline.ceremony import Request
from keys.primitives.domains import DESCRIPTOR, TOMBSTONE
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.sign import SignedDocument

FIRST_REQUEST = "first_request"
"""The fact of the database that holds the first descriptor's payload until it is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The new descriptor, and whether it took a key away, so that peers must hear of it at once."""

    descriptor: Descriptor
    revokes: bool


class Publication:
    """The next descriptor of this node: its request, and its publication."""

    def __init__(
        self, *, store: Store, identity: Identity, clock: Clock, kinds: Mapping[str, UnitKind] | None = None
    ) -> None:
        """`kinds` are those of the own units by id, from the settings: a descriptor of the first form named none."""
        self._store = store
        self._identity = identity
        self._clock = clock
        self._kinds = kinds or {}

    async def request(self, change: Change, actor: str) -> Request:
        """Make the keys that `change` needs, unless spare ones are there, and ask for the descriptor that lists them.

        Nothing changes for anybody until it is published. Of several requests for one version only one must ever be
        signed: two would be an equivocation.

        Raises:
            RefusedError: clock, or invalid for what no peer would accept.
        """
        now, last = self._clock.now(), self._identity.own.descriptor
        change = replace(change, kinds=self._kinds, lost=self._lost(last))
        new = {use: await self._keys(use, count, now) for use, count in count_needed_keys(last, change, now).items()}
        payload = next_descriptor(last, change, new, now)
        made = Request.of(DESCRIPTOR, payload, last.document.payload)
        if made.new is None:
            raise RuntimeError("a request for a descriptor has one")
        version, hash = made.new.version, made.new.hash

        def move(connection: Connection) -> None:
            record_generation(connection, self._identity.keys, at=now)
            journal.append_leaf(connection, leaf(now, "descriptor.requested", version=version, hash=hash, actor=actor))

        await self._store.move(move)
        return made

    def tombstone_request(self) -> Request:
        """Build the document that all roots sign for the day on which two of them are gone."""
        last = self._identity.own.descriptor
        return Request.of(TOMBSTONE, build_tombstone(self._identity.own.node, self._clock.now()), last.document.payload)

    def _lost(self, listed: Descriptor) -> frozenset[KeyId]:
        """The keys of a descriptor that this node has no more: it had believed a clock that ran ahead (nrm1 12.17)."""
        held = {key.kid for use in USES for key in self._identity.keys.public(use)}
        return frozenset(record.kid for record in listed.keys if record.kid not in held)

    async def _keys(self, use: Use, count: int, now: int) -> list[PublicKey]:
        """`count` keys that no descriptor has listed: those that an earlier request left over, and new ones."""
        listed = {record.kid for descriptor in self._identity.own.chain for record in descriptor.keys}
        ours = self._identity.keys.public(use)
        spare = [key for key in ours if key.kid not in listed and key.other == HALF[use]][:count]
        missing = [AddKey(use, now) for _ in range(count - len(spare))]
        return spare + [
            await change_keys(self._store, self._identity.keys, change, clock=self._clock) for change in missing
        ]

    async def publish(self, document: SignedDocument, actor: str) -> Published:
        """Append the next descriptor, checked by the rules of nrm1 2.16 and against the keys that this node holds.

        Raises:
            RefusedError: the code of the broken rule; nothing was changed, and no peer has seen it.
        """
        now, last = self._clock.now(), self._identity.own.descriptor
        try:
            chain = accept_chain([document], now, held=self._identity.own.chain)
        except RemoteError as error:
            raise _refusal(error) from error
        new = chain[-1]
        if new.version == last.version:
            raise RefusedError(Code.EXISTS, "this descriptor is published already; nothing was changed")
        self._held_here(new, now)
        gone = {record.kid for record in last.keys} - {record.kid for record in new.keys}
        revokes = len(new.revoked) > len(last.revoked)

        def move(connection: Connection) -> None:
            if len(identity_store.own_chain(connection)) != last.version:
                raise RefusedError(Code.CONFLICT, "another descriptor was published meanwhile; nothing was changed")
            identity_store.add_own(connection, new.version, document.encode())
            meta.set_meta(connection, PUBLISHED, str(now).encode())
            if gone:  # what waits was perhaps signed by a key that no longer speaks: it is sealed anew at its place
                messages.drop_all_envelopes(connection)
            journal.append_leaf(
                connection, leaf(now, "descriptor.published", version=new.version, hash=new.hash, actor=actor)
            )
            for revocation in new.revoked[len(last.revoked) :]:
                journal.append_leaf(connection, leaf(now, "key.revoked", kid=revocation.kid, reason=revocation.reason))

        await self._store.move(move)
        await self._identity.own.load()
        return Published(descriptor=new, revokes=revokes)

    def _held_here(self, new: Descriptor, now: int) -> None:
        """For each use the descriptor lists a key of this node's key store that is valid now or will be."""
        for use in USES:
            held = {key.kid for key in self._identity.keys.public(use)}
            if not any(record.kid in held and record.until > now for record in new.keys if record.use is use):
                raise RefusedError(
                    Code.NO_KEY,
                    f"the descriptor lists no {use} key of this node's key store; nothing was published",
                    hint="was the request made on this node? make a new one with trm keys rotate",
                )


async def publish_first(store: Store, document: SignedDocument, now: int) -> Descriptor:
    """The first descriptor of a node whose root holders made their keys elsewhere: it is whole from now on.

    Raises:
        RefusedError: exists where there is one; invalid for another payload than the one that `trm init` made; else the
            code of the broken rule. Nothing was changed.
    """

    def query(c: Connection) -> tuple[bytes | None, tuple[bytes, ...]]:
        return meta.get_meta(c, FIRST_REQUEST), identity_store.own_chain(c)

    asked, published = await store.read(query)
    if asked is None or published:
        raise RefusedError(Code.EXISTS, "this node has its first descriptor; nothing was changed")
    if document.payload != asked:
        raise RefusedError(
            Code.INVALID,
            "this is not the descriptor that this node asked for; nothing was published",
            hint="sign the request that trm init wrote into the node folder",
        )
    try:
        (first,) = accept_chain([document], now)
    except RemoteError as error:
        raise _refusal(error) from error

    def move(connection: Connection) -> None:
        identity_store.add_own(connection, 1, document.encode())
        journal.append_leaf(connection, leaf(now, "descriptor.published", version=1, hash=first.hash))

    await store.move(move)
    return first


def _refusal(error: RemoteError) -> RefusedError:
    what = f"peers would refuse this descriptor: {error.what}; nothing was published"
    return RefusedError(error.code, what, hint=_advice(error.code))


def _advice(code: Code) -> str:
    match code:
        case Code.BAD_SIGNATURE:
            return "enough root holders must sign; at a change of roots enough of the old and of the new ones"
        case Code.BAD_CHAIN | Code.ROLLBACK | Code.EQUIVOCATION:
            return "another descriptor was published meanwhile: make a new request"
        case _:
            return "make a new request with trm keys rotate"
