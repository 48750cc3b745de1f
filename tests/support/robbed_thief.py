"""A thief who copies one key of a node, or what all of them lie in, and tries everything with it (threats 8, 32, 39,
170, 183, 190).
"""

from __future__ import annotations

from support.keystores import CHEAP
from support.nodes import Seeds
from support.robbed_forge import Lie
from support.robbed_nodes import PASSPHRASE, USES, copy_store, folder
from support.robbed_table import TABLE, Loot
from support.robbed_world import MET, World

from keys.documents.key_records import Use
from keys.documents.receipts import SignedReceipts
from keys.keystore.keystore import Keystore
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.seal import EncPrivateKey


class Thief:
    """The thief of a walk. `lies` and `told` are what it signed as the node.

    `gen` is the generation of the key store that it copied, `gone` the seeds that had been destroyed then; `version` of
    the descriptor takes the keys back.
    """

    def __init__(self, world: World) -> None:
        self.world, self.owner = world, world.a
        self.loot: Loot | None = None
        self.at = 0
        self.keys: dict[Use, SigningKey] = {}
        self.seeds: list[EncPrivateKey] = []
        self.own_seed = EncPrivateKey(Seeds("a seed of the thief")(32))
        self.lies: dict[str, list[Lie]] = {"b": [], "c": []}
        self.told: list[SignedReceipts] = []
        self.path = folder() / "copied by a thief"
        self.gen = self.version = 0
        self.gone: set[str] = set()

    def tried(self, *words: str) -> None:
        """Count what came true, or was refused, as the table says it."""
        assert self.loot is not None
        known = (*TABLE[self.loot].can, *TABLE[self.loot].never)
        MET.update((self.loot, each) for each in words if each in known)

    @property
    def speaks(self) -> bool:
        """Whether it can be heard as the node: that takes two keys."""
        return self.loot is Loot.DISK

    def known_by(self, name: str) -> bool:
        """Whether a peer knows that the keys were revoked."""
        return self.revoked and self.world.nodes[name].peer(self.owner.node).descriptor.version >= self.version

    @property
    def revoked(self) -> bool:
        """Whether the owner took the keys back, as of the theft or before."""
        return self.version > 0

    # --- the theft ------------------------------------------------------------------------------------------------

    def steal(self, loot: Loot) -> None:
        """Copy it, as it is now."""
        self.gone = {*self.world.destroyed}
        self.loot, self.at, ring = loot, self.world.clock.at, self.owner.keys._ring
        held = {use: self.owner.keys._signers[use].key for use in USES if use in self.owner.keys._signers}
        match loot:
            case Loot.SIG | Loot.HALF:
                self.keys = {Use.SIG: held[Use.SIG]}
            case Loot.HTTP | Loot.LOG | Loot.WIT:
                use = Use[loot.name]
                self.keys = {use: held[use]}
            case Loot.SEED:
                self.seeds = [ring.enc[-1].key]
            case Loot.FILE:
                copy_store(self.owner.path, self.path, secret=False)
                self.gen = self.owner.keys.gen
            case Loot.DISK:
                copy_store(self.owner.path, self.path)
                copied = self.open_copy()
                copied.activate(self.owner.chain, self.at)
                self.keys = {use: copied._signers[use].key for use in USES}
                self.seeds = [one.key for one in copied._ring.enc]
            case Loot.ROOT:
                self.keys = {Use.ROOT: self.owner.founded.roots[0].key}
        MET[loot, "stolen"] += 1

    def open_copy(self) -> Keystore:
        """The key store as it was copied. Raises GatewayError."""
        return Keystore.open(self.path, PASSPHRASE, at_least=CHEAP)

    def owner_revokes(self, margin: int, *, told: bool) -> None:
        """The owner takes back what was copied, as of the theft or before."""
        if self.loot in (Loot.SEED, Loot.FILE, Loot.DISK):
            self.world.destroy_seeds(self.owner)
        uses = [use for use in self.keys if use is not Use.ROOT]
        kids = [self.keys[use].public.kid for use in uses]
        listed = {record.kid for record in self.owner.descriptor.keys}
        if self.revoked or not set(kids) & listed:
            return
        self.owner.revoke([kid for kid in kids if kid in listed], self.at - margin)
        self.version = self.owner.descriptor.version
        self.world.documents.append(("a", self.owner.descriptor.document))
        if told:
            self.world.tell_chain("a", "b")

    def forged(self, statement: bytes) -> bool:
        """Whether the thief made a statement."""
        return any(lie.sealed.statement == statement for lies in self.lies.values() for lie in lies)
