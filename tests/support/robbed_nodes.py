"""Honest nodes that cost milliseconds, for walks with a thief and a liar: one database in memory, no socket, no thread.

What judges is the product's: the key store on its file, the registry of peers, who takes chains, who proves requests,
who witnesses logs and who resets links. What stands in for something (`support.robbed_stand_ins`) judges nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support.exhibits import Logbook, Witness
from support.keystores import CHEAP
from support.nodes import NOW, Seeds, record
from support.robbed_stand_ins import Away, Clock, Memory, done
from support.rows import peer as peer_row

from gateway.audit.witness import LogWitness
from gateway.federation.nonces import NonceCache
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers import store as peer_rows
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.signatures import PeerSignatures
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.peer_sync import PeerSync
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import build_keyset
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.documents.succession import Change, count_needed_keys, next_descriptor, sign_descriptor
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.key_changes import AddKey, DestroyEnc, RenewEnc
from keys.keystore.keystore import Keystore
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import DAY
from keys.primitives.sign import SignedDocument

PASSPHRASE = "open sesame"
USES = (Use.SIG, Use.HTTP, Use.LOG, Use.WIT)


# --- made once in a process -------------------------------------------------------------------------------------------


class Founded(Witness):
    """A node with 2 of 3 roots whose version 1 is made once."""

    @cached_property
    def _made(self) -> Descriptor:
        return super().first()

    def first(self) -> Descriptor:
        """The accepted version 1."""
        return self._made


@cache
def folder() -> Path:
    """Where the key stores of this process lie; it goes with it. In memory, where other folders of tests are."""
    made = TemporaryDirectory(prefix="robbed-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    _FOLDERS.append(made)
    return Path(made.name)


_FOLDERS: list[TemporaryDirectory[str]] = []


@cache
def founded(name: str) -> tuple[Founded, Path]:
    """An honest node and its key store, as it was on the first day: the descriptor lists the keys in it."""
    node, path = Founded(name), folder() / f"{name} at first"
    roots, threshold = node.content["roots"], node.content["threshold"]
    draft = accept_descriptor(None, node.document(), NOW)
    assert (len(roots), threshold) == (3, 2)
    keys = Keystore.create(path, PASSPHRASE, node=draft.node, now=NOW, cost=CHEAP, rand=Seeds(f"keys of {name}"))
    keys.change(RenewEnc(NOW))
    node.content["keys"] = [record(keys._ring.of(use)[0].key, use) for use in USES]
    return node, path


@cache
def liar() -> Founded:
    """The node that lies."""
    return Founded("c")


def found_anew() -> None:
    """Forget what was made once: a test changes how things are signed."""
    founded.cache_clear()
    liar.cache_clear()
    for file in folder().iterdir():
        file.unlink()


def copy_store(path: Path, to: Path, *, secret: bool = True) -> None:
    """Copy the file of a key store, with the file of its secret or without it."""
    secret_file_of(to).unlink(missing_ok=True)
    shutil.copy(path, to)
    if secret:
        shutil.copy(secret_file_of(path), secret_file_of(to))


def open_store(path: Path, rand: Seeds) -> Keystore:
    """Open a key store. Raises RefusedError."""
    return Keystore.open(path, PASSPHRASE, at_least=CHEAP, rand=rand)


# --- a node -----------------------------------------------------------------------------------------------------------


@dataclass
class Honest:
    """A node that keeps to the rules. `said` are all statements that it signed, `receipts` all receipts, and `told` is
    what they say, of what.
    """

    name: str
    clock: Clock
    said: set[bytes] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)
    receipts: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.founded, first = founded(self.name)
        self.path = folder() / self.name
        copy_store(first, self.path)
        self.keys = open_store(self.path, Seeds(f"walk of {self.name}"))
        self.chain: tuple[Descriptor, ...] = (self.founded.first(),)
        self.keys.activate(self.chain, self.clock.at)
        self.issued = 0
        self.store, self.nonces, self.book = Memory.empty(self.name), NonceCache(), Logbook(self.founded)
        self.away = Away(self)
        away: Any = self.away
        store: Any = self.store
        own: Any = self
        self.registry = PeerRegistry(store, own)
        link = PeerLink(registry=self.registry, client=away)
        self.sync = PeerSync(store=store, link=link, review=away, clock=self.clock)
        self.signatures = PeerSignatures(self.registry, self.clock)
        self.witness = LogWitness(store=store, identity=own, peers=self.registry, clock=self.clock)
        self.resets = LinkReset(
            store=store,
            identity=own,
            link=link,
            taken_lists=away,
            workers=away,
            wakeups=Wakeups(),
            events=EventStream(),
            clock=self.clock,
        )

    # As identity: ``own`` is the node itself, which has a chain and keys.

    @property
    def own(self) -> Honest:
        """Who this node is."""
        return self

    @property
    def descriptor(self) -> Descriptor:
        """The newest version."""
        return self.chain[-1]

    @property
    def node(self) -> Any:
        """The node id."""
        return self.descriptor.node

    def peer(self, node: str) -> Peer:
        """A peer as it is held now."""
        held = self.registry.get(node)
        assert held is not None
        return held

    def meet(self, *peers: Descriptor) -> None:
        """Peers that people of both sides have compared and activated, each with its first version."""
        for first in peers:
            data = first.document.encode()
            peer_rows.add(
                self.store.connection,
                peer_row(first.node, chain=(data,), added=NOW, verified=NOW, name=first.name),
            )
            self.registry._seen[data] = first  # verified where it was made, in this process
        done(self.registry.refresh())

    # --- keys -----------------------------------------------------------------------------------------------------

    def change_keys(self, change: Change) -> Descriptor:
        """The roots meet: the next version of the descriptor, by which this node signs at once."""
        now = self.clock.at
        needed = count_needed_keys(self.descriptor, change, now)
        new = {use: [self.keys.change(AddKey(use, now)) for _ in range(count)] for use, count in needed.items()}
        payload = next_descriptor(self.descriptor, change, new, now)
        document = sign_descriptor(payload, [root.key for root in self.founded.roots[:2]])
        self.chain = (*self.chain, accept_descriptor(self.descriptor, document, now, earlier=self.chain[:-1]))
        self.keys.activate(self.chain, now)
        return self.descriptor

    def revoke(self, kids: Sequence[Any], since: int) -> Descriptor:
        """The owner takes keys back, as of a time."""
        now = self.clock.at
        gone = tuple(Revocation(kid=kid, at=now, since=since, reason="stolen") for kid in kids)
        return self.change_keys(Change(revoke=gone))

    def keyset(self) -> SignedDocument:
        """What a peer gets that asks for the keys of today."""
        self.issued += 1
        now = self.clock.at
        payload = build_keyset(
            node=self.node,
            version=self.issued,
            desc_version=self.descriptor.version,
            desc_hash=self.descriptor.hash,
            issued=now,
            expires=now + DAY,
            enc=self.keys.enc_public(now),
        )
        return SignedDocument(payload=payload, payload_type=KEYSET, signatures=(self.keys.sign(KEYSET, payload),))

    def keep_house(self) -> None:
        """What a node does every hour with its encryption keys."""
        self.keys.change(RenewEnc(self.clock.at))
        self.keys.change(DestroyEnc(self.clock.at))
        self.keys.activate(self.chain, self.clock.at)

    # --- its log --------------------------------------------------------------------------------------------------

    def checkpoint(self) -> SignedNote:
        """Sign the log as it is."""
        size = len(self.book.leaves)
        text = Checkpoint(origin=self.descriptor.log, size=size, root=self.book.tree(size).root()).text
        return SignedNote(text=text, signatures=read_signatures(self.keys.sign_log(text)))
