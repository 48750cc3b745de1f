"""This node's own chain and keyset: what it says about itself to every peer (nrm1 2.11).

A keyset lives 24 hours and is issued anew every 12; its encryption keys are made every 12 hours, valid for senders
for 72, and destroyed half an hour after that, whatever is in flight; before that when a message is erased that came
under one (nrm1 6.2).
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.audit_entries import Leaf, leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import KeyId, NodeId
from gateway.identity import store as identity_store
from gateway.identity.machines import change_keys
from gateway.identity.node_keys import NodeKeys
from gateway.ports import Clock
from keys.documents.descriptor import DESCRIPTORS, Descriptor
from keys.documents.descriptor_chain import accept_chain
from keys.documents.key_records import Use
from keys.documents.keyset import KEYSETS, Keyset, build_keyset, parse_keyset
from keys.documents.receipts import SignedReceipts
from keys.keystore.key_changes import DestroyAllEnc, DestroyEnc, KeyChange, RemoveKey, RenewEnc
from keys.keystore.keyring import ENC_LIFE
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import SKEW, canon
from keys.primitives.sign import SignedDocument

HOUR = 3_600
PUBLISHED = "descriptor_published"
KEYSET_FLOOR = "keyset_floor"
"""On a restored node: a version that no keyset from after its backup has exceeded; peers refuse lower ones."""
_SIGNERS = (Use.SIG, Use.HTTP, Use.LOG, Use.WIT)
KEYSET_LIFE = 24 * HOUR
KEYSET_REISSUE = 12 * HOUR


class OwnIdentity:
    """The node's identity in memory; changed only by `load` and `issue_keyset`."""

    def __init__(self, store: Store, keys: NodeKeys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._chain: tuple[Descriptor, ...] = ()
        self._documents: tuple[bytes, ...] = ()
        self._keyset: Keyset | None = None
        self._stored: bytes | None = None
        self._published = 0
        self._floor = 0
        self.roots_met = asyncio.Event()
        """Set as soon as the newest descriptor is of today's form; no later one goes back (nrm1 2.16)."""

    async def load(self) -> None:
        """Read the chain and the last keyset from the store.

        Raises:
            RefusedError: not_active; the root holders have not signed the first descriptor yet.
        """

        def query(c: Connection) -> tuple[tuple[bytes, ...], bytes | None, bytes, bytes]:
            published, floor = (meta.get_meta(c, key) or b"0" for key in (PUBLISHED, KEYSET_FLOOR))
            return identity_store.own_chain(c), meta.get_meta(c, "keyset"), published, floor

        self._documents, keyset, published, floor = await self._store.read(query)
        if not self._documents:
            raise RefusedError(
                Code.NOT_ACTIVE,
                "this node waits for its first descriptor; nothing was started",
                hint="the root holders sign the request: trm keys root sign, then trm keys publish",
            )
        self._published = int(published)
        self._floor = int(floor)
        documents = [SignedDocument.decode(data, *DESCRIPTORS) for data in self._documents]
        self._chain = tuple(accept_chain(documents, max(self._clock.now(), _issued(documents[-1]))))
        self._keyset = None if keyset is None else parse_keyset(SignedDocument.decode(keyset, *KEYSETS))
        self._stored = keyset
        if not self.waits_for_roots:
            self.roots_met.set()

    @property
    def node(self) -> NodeId:
        """The node id."""
        return self.descriptor.node

    @property
    def descriptor(self) -> Descriptor:
        """The newest descriptor."""
        return self._chain[-1]

    @property
    def waits_for_roots(self) -> bool:
        """Whether the newest descriptor is of the first form. Until its roots have signed the next one this node takes
        nothing in, sends nothing and judges nothing of peers (nrm1 1.20).
        """
        return self.descriptor.is_first_form

    def require_roots_met(self, left: str) -> None:
        """Return unless the node waits for its roots. `left` says what was left unchanged.

        Raises:
            RefusedError: roots_due.
        """
        if self.waits_for_roots:
            raise RefusedError(
                Code.ROOTS_DUE,
                f"the root holders of this node have not signed since release 0.1.0; {left}",
                hint="root holders sign the next descriptor: trm keys rotate log; docs/operations.md, After 0.1.0. "
                "Telephone what cannot wait",
            )

    @property
    def chain(self) -> tuple[Descriptor, ...]:
        """All descriptors, oldest first."""
        return self._chain

    @property
    def published(self) -> int:
        """When the newest descriptor came into this node, 0 for the first one."""
        return self._published

    def as_signed(self, signed: SignedReceipts | None) -> SignedReceipts | None:
        """Receipts as they were signed, unless that key was revoked or has ended since: peers judge them by what is
        valid now (nrm1 6.6), so they have to be signed anew.
        """
        listed = self.descriptor.keys_of(Use.SIG, self._clock.now())
        fits = signed is not None and any(record.kid == signed.batch.signature.kid for record in listed)
        return signed if fits else None

    @property
    def documents(self) -> tuple[bytes, ...]:
        """The signed documents of the chain."""
        return self._documents

    @property
    def keyset(self) -> Keyset:
        """The newest keyset; there is one as soon as the node has started."""
        if self._keyset is None:
            raise RuntimeError("no keyset was issued yet")
        return self._keyset

    @property
    def has_keyset(self) -> bool:
        """Whether a keyset was ever issued; a node that never ran has none."""
        return self._keyset is not None

    def keyset_due(self, now: int) -> bool:
        """Whether the keyset is to be issued anew; one of a future that was taken back is at once (nrm1 12.17), and
        one of the first form, which no peer takes any more.
        """
        held = self._keyset
        if held is None or held.desc_version != self.descriptor.version or held.is_first_form:
            return True
        return now >= held.issued + KEYSET_REISSUE or now + SKEW < held.issued

    async def issue_keyset(self) -> Keyset:
        """Make a new encryption key if one is due, sign a keyset that lists the usable ones, and store it."""
        now = self._clock.now()
        await change_keys(self._store, self._keys, RenewEnc(now), clock=self._clock)
        version = 1 + max(self._floor, 0 if self._keyset is None else self._keyset.version)
        payload = build_keyset(
            node=self.node,
            version=version,
            desc_version=self.descriptor.version,
            desc_hash=self.descriptor.hash,
            issued=now,
            expires=now + KEYSET_LIFE,
            enc=self._keys.enc_public(now),
        )
        document = SignedDocument(payload=payload, payload_type=KEYSET, signatures=(self._keys.sign(KEYSET, payload),))
        data = document.encode()

        before = self._stored

        def move(connection: Connection) -> bool:
            if meta.get_meta(connection, "keyset") != before:
                return False
            meta.set_meta(connection, "keyset", data)
            journal.append_leaf(connection, leaf(now, "keyset.issued", version=version))
            return True

        if not await self._store.move(move):  # another worker of this node was faster, and this one is the next
            await self.load()
            return await self.issue_keyset()
        self._keyset, self._stored = parse_keyset(document), data
        return self._keyset

    async def destroy_old_keys(self) -> int:
        """Destroy encryption keys whose time is over; returns how many."""
        return len(await self._destroy(DestroyEnc(self._clock.now())))

    async def destroy_keys_made_by(self, at: int) -> int:
        """Destroy the encryption keys that were made by `at`, Unix seconds, and issue a keyset without them; returns
        how many. What is in flight under one comes back to its sender and is sealed anew.
        """
        # A seed is due when it is `ENC_LIFE` old: so long after `at` each one that was made by then is.
        gone = await self._destroy(DestroyEnc(at + ENC_LIFE))
        if self._keyset is not None and any(key.kid in gone for key in self._keyset.enc):
            await self.issue_keyset()
        return len(gone)

    async def destroy_all_keys(self) -> int:
        """Destroy every encryption key now (nrm1 2.27); what is in flight comes back to its
        sender and is sealed anew for the keyset that follows.
        """
        return len(await self._destroy(DestroyAllEnc()))

    async def _destroy(self, change: KeyChange[tuple[KeyId, ...]]) -> tuple[KeyId, ...]:
        now = self._clock.now()
        return await change_keys(
            self._store,
            self._keys,
            change,
            clock=self._clock,
            entries=lambda gone: [leaf(now, "key.destroyed", kid=kid) for kid in gone],
        )

    async def retire_keys(self) -> None:
        """Destroy signing keys that have ended, were replaced or revoked, and are not in use (nrm1 2.23)."""
        now = self._clock.now()
        live = {record.kid for record in self.descriptor.keys if record.until > now}
        once = {record.kid for descriptor in self._chain for record in descriptor.keys}
        held = [key.kid for use in _SIGNERS for key in self._keys.public(use)]
        for kid in held:
            if kid in once - live:
                with suppress(RefusedError):  # in use, or the last one of its use: until it has a successor
                    told = leaf(now, "key.destroyed", kid=kid)
                    await change_keys(
                        self._store, self._keys, RemoveKey(kid), clock=self._clock, entries=partial(_only, told)
                    )

    def chain_from(self, version: int) -> bytes:
        """The canonical array that GET /v1/descriptor answers; also the body of a pairing file (nrm1 2.18)."""
        return canon([json.loads(data) for data in self._documents[version - 1 :]])


def _only(told: Leaf, _result: object) -> list[Leaf]:
    return [told]


def _issued(document: SignedDocument) -> int:
    return int(json.loads(document.payload)["issued"])
