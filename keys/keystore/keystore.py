"""The key service of a node over its keyring (nrm1 13.5, 13.6).

Every change goes through `KeyringFile`; signing, opening and wrapping read one immutable keyring and may run in any
thread.
No method returns a private key, except ``tls_secrets``, which the TLS library needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.foundation.ids import KeyId
from keys.backups.backup import KEYRING, Member, chain_member, seal_backup
from keys.backups.backup_header import Kind, RecoveryPublic
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import KeyRecord, Use
from keys.documents.keyset import EncKey
from keys.documents.log_signatures import cosign_checkpoint, read_cosignature_text, sign_checkpoint
from keys.documents.signed_note import Checkpoint
from keys.keystore.data_keys import unwrap_data_key, wrap_data_key
from keys.keystore.generations import GenerationFile
from keys.keystore.key_changes import KeyChange, RemoveKey
from keys.keystore.keyring import SECRET, HeldKey, Keyring
from keys.keystore.keyring_file import HERE, KIND, KeyringFile
from keys.keystore.service import KeyInfo, KeyService, PacedCalls
from keys.keystore.signers import choose_key, find_batch_speaker, find_speaker, missing_key, roots_due
from keys.keystore.steps import Link, Step
from keys.primitives.batch import Batch, Inclusion, Unsigned, sign_batch
from keys.primitives.hybrid_keys import PublicKey, Rand, Signature
from keys.primitives.seal import keyed_index, open_cek
from keys.primitives.sealed_file import DEFAULT_COST, Cost, system_rand

__all__ = ["DEFAULT_COST", "HERE", "KIND", "Cost", "KeyInfo", "KeyService", "Keystore", "system_rand"]

T = TypeVar("T")
SIGNERS: Final = (Use.SIG, Use.HTTP, Use.LOG, Use.WIT)


class Keystore(KeyringFile):
    """The key store of a node, opened. Implements ``KeyService``."""

    def __init__(self, file: GenerationFile, ring: Keyring, rand: Rand, link: Link | None = None) -> None:
        super().__init__(file, ring, rand, link)
        self._origin: str | None = None  # of the own log, as the descriptor that was activated says
        self._roots_due = False
        self._signers = {use: ring.of(use)[0] for use in SIGNERS}

    def listing(self) -> tuple[KeyInfo, ...]:
        """Return every key with its age."""
        ring, signers = self._ring, {held.kid for held in self._signers.values()}
        return (
            *(KeyInfo(use=k.use.value, kid=k.kid, made=k.made, current=k.kid in signers) for k in ring.keys),
            *(KeyInfo(use="enc", kid=e.key.kid, made=e.made, current=e is ring.enc[-1]) for e in ring.enc),
            *(KeyInfo(use="epoch", kid=str(e.n), made=e.made, current=e is ring.epochs[-1]) for e in ring.epochs),
        )

    # --- signing -------------------------------------------------------------------------------------------------

    @property
    def sig_kid(self) -> KeyId:
        """Key id of the key that ``sign`` uses."""
        return self._signer(Use.SIG).kid

    @property
    def http_kid(self) -> KeyId:
        """Key id of the key that ``sign_http`` uses."""
        return self._signer(Use.HTTP).kid

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """From now on sign with the keys that the last descriptor of the own `chain` lists as valid at `now`; for each
        use, with the one that began last, and never with one that had a successor. The chain was accepted
        (``keys.documents.descriptor.accept_chain``), so its roots have signed it.

        Call it at start, with each new own descriptor, and daily: the pre-listed `http` keys follow each other. Raises
        RefusedError(no_key) when a use has none: that use signs nothing from then on, the others go on. Raises
        roots_due where that descriptor is of the first form: HTTP alone is signed from then on (nrm1 1.20). Raises
        wrong_node for another node's descriptor, and changes nothing.
        """
        descriptor = chain[-1]
        # Else a keystore in the wrong folder would sign by the descriptor of another node.
        if descriptor.node != self.node:
            raise RefusedError(Code.WRONG_NODE, "descriptor is of another node than the keystore")
        self._origin = descriptor.log
        ring = self._ring
        found = {use: choose_key(ring, chain, use, now) for use in SIGNERS}
        self._signers = {use: held for use, held in found.items() if held is not None}
        self._roots_due = descriptor.is_first_form
        if self._roots_due:
            raise roots_due()
        missing = [use.value for use in SIGNERS if use not in self._signers]
        if missing:
            raise missing_key(missing)

    def _signer(self, use: Use) -> HeldKey:
        """Return the key in use. Raises RefusedError(no_key, roots_due) when there is none."""
        held = self._signers.get(use)
        if held is None:
            raise roots_due() if self._roots_due else missing_key([use.value])
        return held

    @property
    def may_speak(self) -> bool:
        """Whether ``sign`` has a key."""
        return Use.SIG in self._signers

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign a keyset, void, trust record or another document of this node that is signed alone.

        Raises RefusedError(invalid) for any other type, and for a payload that another node would have to sign.
        """
        # The key store reads what it signs: whoever takes over the node can still not sign for another one.
        if find_speaker(payload_type, payload) != self.node:
            raise RefusedError(Code.INVALID, "keystore signs what its own node says and nothing else")
        return self._signer(Use.SIG).key.sign(payload_type, payload)

    def sign_batch(self, documents: Sequence[Unsigned]) -> tuple[Batch, tuple[Inclusion, ...]]:
        """See ``KeyService``."""
        # The tree is made here: whoever gave a root to be signed could have anything under it.
        if find_batch_speaker(documents) != self.node:
            raise RefusedError(Code.INVALID, "keystore signs in a batch what its own node says to one other")
        return sign_batch(documents, self._signer(Use.SIG).key.sign, self._rand)

    def sign_http(self, base: bytes) -> bytes:
        """Sign a signature base of RFC 9421 with Ed25519; 64 bytes."""
        return self._signer(Use.HTTP).key.sign_raw(base)

    def sign_log(self, text: bytes) -> bytes:
        """Sign a checkpoint of the own log; return the lines. Raises RefusedError(invalid) for any other text."""
        try:
            own = Checkpoint.parse(text).origin == self._origin
        except RemoteError:
            own = False
        if not own:
            raise RefusedError(Code.INVALID, "keystore signs checkpoints of its own log and nothing else")
        return sign_checkpoint(text, self._signer(Use.LOG).key)

    def cosign(self, text: bytes) -> bytes:
        """Cosign another log's checkpoint under the node id; return the lines.

        Raises RefusedError(invalid) for any other text, and for a checkpoint of the own log.
        """
        try:
            foreign = read_cosignature_text(text)[0].origin != self._origin
        except RemoteError:
            foreign = False
        # A node that witnessed its own log would vouch for itself; a reader counts witnesses as independent.
        if not foreign:
            raise RefusedError(Code.INVALID, "keystore cosigns checkpoints of other logs and nothing else")
        return cosign_checkpoint(text, self.node, self._signer(Use.WIT).key)

    def public(self, use: Use) -> tuple[PublicKey, ...]:
        """Return the public halves of all keys for `use`."""
        return tuple(held.key.public for held in self._ring.of(use))

    def first_records(self, issued: int) -> tuple[KeyRecord, ...]:
        """Build the key records of the first descriptor of this node."""
        return self._ring.first_records(issued)

    def change(self, change: KeyChange[T]) -> T:
        """See ``KeyringFile``. Raises RefusedError(invalid) for the removal of a key that is in use."""
        self._require_unused(change)
        return super().change(change)

    def propose(self, change: KeyChange[T]) -> tuple[Step | None, T]:
        """See ``KeyringFile``. Raises RefusedError(invalid) for the removal of a key that is in use."""
        self._require_unused(change)
        return super().propose(change)

    def follow(self, steps: Sequence[Step]) -> None:
        """See ``KeyringFile``. A key in use that another machine has destroyed signs nothing any more."""
        super().follow(steps)
        held = {key.kid for key in self._ring.keys}
        self._signers = {use: key for use, key in self._signers.items() if key.kid in held}

    def _require_unused(self, change: KeyChange[Any]) -> None:
        if isinstance(change, RemoveKey) and change.kid in {held.kid for held in self._signers.values()}:
            raise RefusedError(Code.INVALID, "the key is in use", hint="activate another one first")

    def tls_secrets(self) -> tuple[bytes, ...]:
        """Return the secrets of which ``keys.primitives.tls`` makes the listener's keys; the first one is in use."""
        return self._ring.tls

    def tls_spki(self) -> tuple[bytes, ...]:
        """Return the pins for the descriptor, 32 bytes each."""
        from keys.primitives.tls import secret_spki_hash  # certificates are heavy, and a key service makes none

        return tuple(secret_spki_hash(secret) for secret in self._ring.tls)

    # --- encryption keys -----------------------------------------------------------------------------------------

    def open_cek(self, kid: KeyId, enc: bytes, info: bytes) -> bytes:
        """Open a content key, 32 bytes. Raises RemoteError(unknown_recipient_key, undecryptable)."""
        held = next((held for held in self._ring.enc if held.key.kid == kid), None)
        if held is None:
            raise RemoteError(Code.UNKNOWN_RECIPIENT_KEY, "no encryption key has this kid")
        return open_cek(held.key, enc, info)

    def enc_public(self, now: int) -> tuple[EncKey, ...]:
        """Return the keys for the keyset: the newest of each unit, all younger than 72 hours."""
        return self._ring.listed_enc(now)

    def paced_calls(self) -> tuple[PacedCalls, ...]:
        """See ``KeyService``: nobody but this process asks."""
        return ()

    def each(self, name: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        """See ``KeyService``."""
        return [_outcome(getattr(self, name), arguments) for arguments in calls]

    # --- backup --------------------------------------------------------------------------------------------------

    def backup(self, recovery: RecoveryPublic, chain: bytes, now: int) -> bytes:
        """Write a backup file of everything but encryption seeds (nrm1 13.4): closed before it leaves."""
        # Seeds live for 10 days so that old messages stay closed for ever; a backup would keep them for years.
        ring = self._ring.without_enc([held.key.kid for held in self._ring.enc])
        _, pieces = seal_backup(
            [chain_member(chain), Member.of(KEYRING, ring.encode())],
            recovery,
            node=self.node,
            at=now,
            kind=Kind.KEYSTORE,
            gen=self.gen,
            epoch=ring.epochs[-1].n,
            sign=self.sign,
            rand=self._rand,
        )
        return b"".join(pieces)

    # --- data at rest --------------------------------------------------------------------------------------------

    def wrap(self, row_id: bytes) -> tuple[bytes, int, bytes]:
        """Make a new data key for a row and wrap it: (data key, epoch, wrapped data key)."""
        dk = self._rand(SECRET)
        return dk, *self.wrap_dk(row_id, dk)

    def wrap_dk(self, row_id: bytes, dk: bytes) -> tuple[int, bytes]:
        """Wrap a data key under the newest epoch: its number and the wrapped data key."""
        epoch = self._ring.epochs[-1]
        return epoch.n, wrap_data_key(epoch, row_id, dk, self._rand)

    def unwrap(self, row_id: bytes, epoch: int, wrapped: bytes) -> bytes:
        """Unwrap the data key of a row. Raises RefusedError(undecryptable), also when its epoch is gone;
        TransientError(unreachable) for an epoch that another machine began and this one has not heard of.
        """
        if self.step and epoch > self.epoch:
            raise TransientError(Code.UNREACHABLE, "storage epoch is one that this machine has not followed yet")
        held = next((held for held in self._ring.epochs if held.n == epoch), None)
        if held is None:
            raise RefusedError(Code.UNDECRYPTABLE, "storage epoch was destroyed")
        return unwrap_data_key(held, row_id, wrapped)

    def rewrap(self, rows: Sequence[tuple[bytes, int, bytes]]) -> tuple[bytes | None, ...]:
        """Wrap the data keys of rows (id, epoch, wrapped data key) anew under the newest epoch; None for one that does
        not open.
        """
        return tuple(self._rewrapped(*row) for row in rows)

    def _rewrapped(self, row_id: bytes, epoch: int, wrapped: bytes) -> bytes | None:
        # One altered row must not stop a rotation, or it would keep the old epoch, and all it opens, alive.
        try:
            return self.wrap_dk(row_id, self.unwrap(row_id, epoch, wrapped))[1]
        except RefusedError:
            return None

    def index(self, data: bytes) -> bytes:
        """Compute 16 bytes by which a row can be found without revealing its subject."""
        return keyed_index(self._ring.index, data)

    def actor(self, data: bytes) -> bytes:
        """Compute 16 bytes that stand for a person in the audit log."""
        return keyed_index(self._ring.actor, data)

    @property
    def epoch(self) -> int:
        """The storage epoch that ``wrap`` uses."""
        return self._ring.epochs[-1].n

    @property
    def epoch_made(self) -> int:
        """The time at which the newest epoch began, Unix seconds."""
        return self._ring.epochs[-1].made

    @property
    def old_epochs(self) -> tuple[int, ...]:
        """Epochs whose rows have still to be wrapped anew: a rotation that was begun and not finished."""
        return tuple(epoch.n for epoch in self._ring.epochs[:-1])


def _outcome(method: Callable[..., Any], arguments: tuple[object, ...]) -> Any:
    try:
        return method(*arguments)
    except GatewayError as error:
        return error
