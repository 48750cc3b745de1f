"""What a node asks of its keys. Rooms that need a key take this, never a private key (DESIGN 3c, Purity).

``keys.keystore.keystore.Keystore`` implements it, and ``keys.keystore.remote.RemoteKeys`` by asking the process of
``keys.keystore.keyd``: what is added here is added to the table in ``keys.keystore.calls`` too, and a test compares the
two. All methods may be called from worker threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from keys.documents.backup import RecoveryPublic
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import EncKey
from keys.primitives.sign import PublicKey, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """One key for `trm keys list`: no secret, no key bytes. `use` is also "enc" or "epoch"."""

    use: str
    kid: str
    made: int
    current: bool


class KeyService(Protocol):
    """Signs, opens and wraps for one node. Times are Unix seconds."""

    @property
    def node(self) -> str:
        """The node all of this is for."""
        ...

    @property
    def sig_kid(self) -> str:
        """Key id of what ``sign`` uses."""
        ...

    @property
    def http_kid(self) -> str:
        """Key id of what ``sign_http`` uses."""
        ...

    def listing(self) -> tuple[KeyInfo, ...]:
        """Every key with its age."""
        ...

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """Sign by the keys that the last descriptor of this own chain, which begins with the first, lists as valid now.

        Raises RefusedError(no_key) if a use has none: it signs nothing from then on, the others go on.
        """
        ...

    def public(self, use: Use) -> tuple[PublicKey, ...]:
        """Public halves of all keys held for `use`, in the order in which they were made."""
        ...

    def add_key(self, use: Use, now: int) -> PublicKey:
        """Make one more key for `use`; it signs once a descriptor lists it and ``activate`` was called."""
        ...

    def remove_key(self, kid: str) -> None:
        """Destroy a signing key that is not in use. Raises RefusedError(not_found, invalid)."""
        ...

    @property
    def may_speak(self) -> bool:
        """Whether ``sign`` has a key."""
        ...

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign a keyset, statement, void, receipts or trust record of this node; RefusedError(invalid) for another."""
        ...

    def sign_http(self, base: bytes) -> bytes:
        """Ed25519 over a signature base of RFC 9421, 64 bytes."""
        ...

    def sign_log(self, text: bytes) -> bytes:
        """Key id and signature of this node's log over one of its checkpoints (``keys.documents.signed_note``);
        RefusedError(invalid) for anything else.
        """
        ...

    def cosign(self, text: bytes) -> bytes:
        """Key id, time and signature of this node as a witness over another log's checkpoint with its cosignature
        header (``keys.documents.signed_note.cosignature_text``); RefusedError(invalid) for anything else. The caller
        has judged it.
        """
        ...

    def open_cek(self, kid: str, enc: bytes, info: bytes) -> bytes:
        """A content key. Raises RemoteError(unknown_recipient_key, undecryptable)."""
        ...

    def wrap(self, row_id: bytes) -> tuple[bytes, int, bytes]:
        """A new data key for a row: (data key, epoch, wrapped data key)."""
        ...

    def rewrap(self, rows: Sequence[tuple[bytes, int, bytes]]) -> tuple[bytes | None, ...]:
        """Data keys of rows (id, epoch, wrapped data key) wrapped anew under the newest epoch; None for one that does
        not open. No data key comes out.
        """
        ...

    def unwrap(self, row_id: bytes, epoch: int, wrapped: bytes) -> bytes:
        """The data key of a row. Raises RefusedError(undecryptable), also when the epoch is gone."""
        ...

    def index(self, data: bytes) -> bytes:
        """16 bytes by which a row is found again without telling what it is about."""
        ...

    def actor(self, data: bytes) -> bytes:
        """16 bytes that stand for a person in the audit log."""
        ...

    def backup(self, recovery: RecoveryPublic, chain: bytes, now: int) -> bytes:
        """A backup file of all secrets but the encryption seeds, closed to an offline recovery key (B9)."""
        ...

    def ensure_enc(self, now: int, units: tuple[str, ...] = ...) -> bool:
        """Make the encryption keys that are due; whether there are new ones, so that a keyset is due too."""
        ...

    def enc_public(self, now: int) -> tuple[EncKey, ...]:
        """What the keyset lists."""
        ...

    def destroy_enc(self, now: int) -> tuple[str, ...]:
        """Destroy the seeds whose time is over; their kids."""
        ...

    def destroy_all_enc(self) -> tuple[str, ...]:
        """Destroy every seed at once; their kids. What is in flight comes back to its sender."""
        ...

    def each(self, name: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        """One method that changes nothing, for each of several arguments, in order: its result, or the GatewayError
        that it raised for this one.
        """
        ...

    @property
    def epoch(self) -> int:
        """The storage epoch that ``wrap`` uses."""
        ...

    @property
    def epoch_made(self) -> int:
        """When the newest epoch began."""
        ...

    @property
    def old_epochs(self) -> tuple[int, ...]:
        """Epochs whose rows are still to be wrapped anew: a rotation that was begun and not finished."""
        ...

    def begin_epoch(self, now: int) -> int:
        """Step 1 of a rotation: the new epoch is on disk beside the old one."""
        ...

    def finish_epoch(self, old: int) -> None:
        """Step 3 of a rotation: `old` is gone. Only when no row names it any more."""
        ...
