"""This node's own chain and keyset: what it says about itself to every peer (PROTOCOL B3).

A keyset lives 48 hours and is issued anew every 12; its encryption keys are made every 24 hours, listed for senders
for 72, and destroyed 10 days after they were made, whatever is in flight.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection

from gateway.ports import Clock
from gateway.service.leaves import leaf
from gateway.store import Store, log
from gateway.store import peers as peer_rows
from keys.descriptor import Descriptor, accept_chain
from keys.encoding import SKEW, canon
from keys.keyset import Keyset, build_keyset, parse_keyset
from keys.service import KeyService
from keys.sign import DESCRIPTOR, KEYSET, SignedDocument

HOUR = 3_600
KEYSET_LIFE = 48 * HOUR
KEYSET_REISSUE = 12 * HOUR


class Own:
    """The node's identity in memory; changed only by `load` and `issue_keyset`."""

    def __init__(self, store: Store, keys: KeyService, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._chain: tuple[Descriptor, ...] = ()
        self._documents: tuple[bytes, ...] = ()
        self._keyset: Keyset | None = None

    async def load(self) -> None:
        """Read the chain and the last keyset from the store."""
        self._documents, keyset = await self._store.read(
            lambda c: (peer_rows.own_chain(c), peer_rows.get_meta(c, "keyset"))
        )
        documents = [SignedDocument.decode(data, DESCRIPTOR) for data in self._documents]
        self._chain = tuple(accept_chain(documents, max(self._clock.now(), _issued(documents[-1]))))
        self._keyset = None if keyset is None else parse_keyset(SignedDocument.decode(keyset, KEYSET))

    @property
    def node(self) -> str:
        """The node id."""
        return self.descriptor.node

    @property
    def descriptor(self) -> Descriptor:
        """The newest descriptor."""
        return self._chain[-1]

    @property
    def chain(self) -> tuple[Descriptor, ...]:
        """All descriptors, oldest first."""
        return self._chain

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

    def clock_is_back(self, now: int) -> bool:
        """Whether the clock is earlier than what this node has signed: nothing can be dated then (DESIGN 3.12)."""
        return self._keyset is not None and now + SKEW < self._keyset.issued

    def keyset_due(self, now: int) -> bool:
        """Whether the keyset is to be issued anew."""
        held = self._keyset
        return held is None or now >= held.issued + KEYSET_REISSUE or held.desc_version != self.descriptor.version

    async def issue_keyset(self) -> Keyset:
        """Make a new encryption key if one is due, sign a keyset that lists the usable ones, and store it."""
        now = self._clock.now()
        self._keys.ensure_enc(now)
        version = 1 if self._keyset is None else self._keyset.version + 1
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

        def move(connection: Connection) -> None:
            peer_rows.set_meta(connection, "keyset", data)
            log.append_leaf(connection, leaf(now, "keyset.issued", version=version))

        await self._store.move(move)
        self._keyset = parse_keyset(document)
        return self._keyset

    async def destroy_old_keys(self) -> int:
        """Destroy encryption keys that are 10 days old; returns how many."""
        now = self._clock.now()
        gone = self._keys.destroy_enc(now)
        if gone:
            await self._store.move(
                lambda c: log.append_leaves(c, [leaf(now, "key.destroyed", kid=kid) for kid in gone])
            )
        return len(gone)

    def chain_from(self, version: int) -> bytes:
        """The canonical array that GET /v1/descriptor answers; also the body of a pairing file (B14.14)."""
        return canon([json.loads(data) for data in self._documents[version - 1 :]])


def _issued(document: SignedDocument) -> int:
    return int(json.loads(document.payload)["issued"])
