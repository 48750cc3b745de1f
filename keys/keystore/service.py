"""What a node asks of its keys. Rooms that need a key take this, never a private key (ADR 0011).

``keys.keystore.keystore.Keystore`` implements it, and ``keys.keystore.remote.RemoteKeys`` by asking the process of
``keys.keystore.keyd``: what is added here is added to the table in ``keys.keystore.calls`` too, and a test compares the
two. All methods may be called from worker threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.foundation.ids import KeyId, NodeId
from keys.backups.backup_header import RecoveryPublic
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import EncKey
from keys.keystore.destructible.secret import Place
from keys.keystore.key_changes import KeyChange
from keys.keystore.steps import Step
from keys.primitives.batch import Batch, Inclusion, Unsigned
from keys.primitives.hybrid_keys import PublicKey, Signature

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """One key for `trm keys list`: no secret, no key bytes. `use` is also "enc" or "epoch"."""

    use: str
    kid: str
    made: int
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PacedCalls:
    """How often a key service was asked for one kind of thing since it began: `done`, and `refused` since it was more
    than `per_minute`. `use` is "sign", "open" or "unwrap".
    """

    use: str
    per_minute: int
    done: int
    refused: int


class KeyService(Protocol):
    """Signs, opens and wraps for one node. Times are Unix seconds."""

    @property
    def node(self) -> NodeId:
        """The node that owns these keys."""

    @property
    def place(self) -> Place:
        """Where the secret lies that the key store is sealed with besides its passphrase."""

    @property
    def sig_kid(self) -> KeyId:
        """Key id of the key that ``sign`` uses."""

    @property
    def http_kid(self) -> KeyId:
        """Key id of the key that ``sign_http`` uses."""

    def listing(self) -> tuple[KeyInfo, ...]:
        """List every key with its age."""

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """From now on sign with the keys that the last descriptor of the own `chain`, given from version 1 on, lists as
        valid.

        Raises RefusedError(no_key) when a use has none: that use signs nothing from then on, the others go on. Raises
        roots_due where that descriptor is of the first form: HTTP alone is signed from then on (nrm1 1.20).
        """

    def public(self, use: Use) -> tuple[PublicKey, ...]:
        """Return the public halves of all keys held for `use`, in the order in which they were made."""

    def change(self, change: KeyChange[T]) -> T:
        """Make a change of the keys, where the node has one machine.

        Raises RefusedError: conflict where it has several, and what the change raises; TransientError(unreachable).
        """

    def propose(self, change: KeyChange[T]) -> tuple[Step | None, T]:
        """Return the step that would make a change, None where there is nothing to do, and what would come of it; where
        the node has several machines. Nothing is changed. Raises as ``change``.
        """

    def follow(self, steps: Sequence[Step]) -> None:
        """Follow steps, each the next one. Raises RefusedError: conflict, undecryptable; TransientError(unreachable).
        None was followed then.
        """

    def link(self) -> None:
        """From now on the keys of this node may be on several machines; nothing where they may already."""

    @property
    def machine(self) -> str:
        """The id of the machine that has this key store."""

    @property
    def step(self) -> int:
        """The number of the last step that it has followed; 0 where the node has one machine."""

    @property
    def mark(self) -> bytes:
        """The mark of that step (``keys.keystore.steps``)."""

    @property
    def may_speak(self) -> bool:
        """Whether ``sign`` has a key."""

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign what of this node is signed alone: a keyset, void, trust record; RefusedError(invalid) for another."""

    def sign_batch(self, documents: Sequence[Unsigned]) -> tuple[Batch, tuple[Inclusion, ...]]:
        """Sign 1 to 128 statements and receipts of this node for one other by one signature; return it, and the place
        of each of them in its tree.

        Raises RefusedError(invalid) for anything else among them, and for two recipients.
        """

    def sign_http(self, base: bytes) -> bytes:
        """Sign a signature base of RFC 9421 with Ed25519; 64 bytes."""

    def sign_log(self, text: bytes) -> bytes:
        """Sign a checkpoint of this node's log (``keys.documents.log_signatures``); return its lines.

        Raises RefusedError(invalid) for anything else.
        """

    def cosign(self, text: bytes) -> bytes:
        """Cosign another log's checkpoint as this node; return the lines.

        `text` is ``keys.documents.log_signatures.cosignature_text``; RefusedError(invalid) for anything else. The
        caller has verified the checkpoint before.
        """

    def open_cek(self, kid: KeyId, enc: bytes, info: bytes) -> bytes:
        """Open a content key, 32 bytes. Raises RemoteError(unknown_recipient_key, undecryptable)."""

    def wrap(self, row_id: bytes) -> tuple[bytes, int, bytes]:
        """Make a new data key for a row and wrap it: (data key, epoch, wrapped data key)."""

    def rewrap(self, rows: Sequence[tuple[bytes, int, bytes]]) -> tuple[bytes | None, ...]:
        """Wrap the data keys of rows (id, epoch, wrapped data key) anew under the newest epoch; None for one that does
        not open.

        No data key leaves the key service.
        """

    def unwrap(self, row_id: bytes, epoch: int, wrapped: bytes) -> bytes:
        """Unwrap the data key of a row. Raises RefusedError(undecryptable), also when its epoch is gone."""

    def index(self, data: bytes) -> bytes:
        """Compute 16 bytes by which a row can be found without revealing its subject."""

    def actor(self, data: bytes) -> bytes:
        """Compute 16 bytes that stand for a person in the audit log."""

    def backup(self, recovery: RecoveryPublic, chain: bytes, now: int) -> bytes:
        """A backup file of all secrets but the encryption seeds, closed to an offline recovery key (nrm1 13.4)."""

    def enc_public(self, now: int) -> tuple[EncKey, ...]:
        """Return the keys for the keyset."""

    def paced_calls(self) -> tuple[PacedCalls, ...]:
        """Tell what was asked under a limit since the key service began; nothing where the keys are in this process."""

    def each(self, name: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        """Call one method that changes nothing for each of several arguments, in order.

        Each item is the result, or the GatewayError that this call raised.
        """

    @property
    def epoch(self) -> int:
        """The storage epoch that ``wrap`` uses."""

    @property
    def epoch_made(self) -> int:
        """The time at which the newest epoch began, Unix seconds."""

    @property
    def old_epochs(self) -> tuple[int, ...]:
        """Epochs whose rows have still to be wrapped anew: a rotation that was begun and not finished."""
