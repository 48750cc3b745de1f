"""What a node asks of its keys. Rooms that need a key take this, never a private key (DESIGN 3c, Purity).

The one implementation is ``keys.keystore.Keystore``; it can move to a process of its own behind this interface.
All methods may be called from worker threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keys.descriptor import Descriptor
from keys.keyset import EncKey
from keys.sign import Signature


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

    def activate(self, descriptor: Descriptor, now: int) -> None:
        """Sign by the keys that this own descriptor lists as valid now; RefusedError(no_key) if there are none."""
        ...

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign a keyset, statement, void, receipts or trust record of this node; RefusedError(invalid) for another."""
        ...

    def sign_http(self, base: bytes) -> bytes:
        """Ed25519 over a signature base of RFC 9421, 64 bytes."""
        ...

    def open_cek(self, kid: str, enc: bytes, info: bytes) -> bytes:
        """A content key. Raises RemoteError(unknown_recipient_key, undecryptable)."""
        ...

    def wrap(self, row_id: bytes) -> tuple[bytes, int, bytes]:
        """A new data key for a row: (data key, epoch, wrapped data key)."""
        ...

    def wrap_dk(self, row_id: bytes, dk: bytes) -> tuple[int, bytes]:
        """Wrap a data key anew under the newest epoch: (epoch, wrapped data key)."""
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

    def ensure_enc(self, now: int, units: tuple[str, ...] = ...) -> bool:
        """Make the encryption keys that are due; whether there are new ones, so that a keyset is due too."""
        ...

    def enc_public(self, now: int) -> tuple[EncKey, ...]:
        """What the keyset lists."""
        ...

    def destroy_enc(self, now: int) -> tuple[str, ...]:
        """Destroy the seeds whose time is over; their kids."""
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
