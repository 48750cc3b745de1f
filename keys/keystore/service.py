"""What a node asks of its keys. Rooms that need a key take this, never a private key (ADR 0011).

``keys.keystore.keystore.Keystore`` implements it, and ``keys.keystore.remote.RemoteKeys`` by asking the process of
``keys.keystore.keyd``: what is added here is added to the table in ``keys.keystore.calls`` too, and a test compares the
two. All methods may be called from worker threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.foundation.ids import KeyId, NodeId, UnitId
from keys.backups.backup_header import RecoveryPublic
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import EncKey
from keys.keystore.destructible.secret import Place
from keys.primitives.batch import Batch, Inclusion, Unsigned
from keys.primitives.hybrid_keys import PublicKey, Signature


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

    def add_key(self, use: Use, now: int) -> PublicKey:
        """Make one more key for `use`; it signs once a descriptor lists it and ``activate`` was called."""

    def remove_key(self, kid: KeyId) -> None:
        """Destroy a signing key that is not in use. Raises RefusedError(not_found, invalid)."""

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

    def ensure_enc(self, now: int, units: tuple[UnitId, ...] = ...) -> bool:
        """Make the encryption keys that are due; return whether there are new ones, which make a new keyset due."""

    def enc_public(self, now: int) -> tuple[EncKey, ...]:
        """Return the keys for the keyset."""

    def destroy_enc(self, now: int) -> tuple[KeyId, ...]:
        """Destroy the seeds that are due for destruction; return their kids."""

    def destroy_all_enc(self) -> tuple[KeyId, ...]:
        """Destroy every seed at once; return their kids. Messages in flight come back to their senders."""

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

    def begin_epoch(self, now: int) -> int:
        """Step 1 of a rotation: put the new epoch on disk beside the old one; return its number."""

    def finish_epoch(self, old: int) -> None:
        """Step 3 of a rotation: destroy `old`. Call it only when no row names it any more."""
