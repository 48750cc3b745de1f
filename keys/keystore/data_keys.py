"""Keys of rows, wrapped under a storage epoch: destroying the epoch's key destroys every row under it (nrm1 13.6)."""

from __future__ import annotations

from gateway.errors import Code, RefusedError, RemoteError
from keys.keystore.keyring import HeldEpoch
from keys.primitives.hybrid_keys import Rand
from keys.primitives.seal import NONCE, aead_open, aead_seal


def wrap_data_key(epoch: HeldEpoch, row_id: bytes, dk: bytes, rand: Rand) -> bytes:
    """nonce || XChaCha20-Poly1305(K_epoch, dk, aad = "dk/" || id || "/" || epoch)."""
    nonce = rand(NONCE)
    return nonce + aead_seal(epoch.key, nonce, dk, _row_aad(row_id, epoch))


def unwrap_data_key(epoch: HeldEpoch, row_id: bytes, wrapped: bytes) -> bytes:
    """Unwrap the data key of a row. Raises RefusedError(undecryptable) for one of another row or epoch."""
    try:
        return aead_open(epoch.key, wrapped[:NONCE], wrapped[NONCE:], _row_aad(row_id, epoch))
    except RemoteError as exc:
        raise RefusedError(Code.UNDECRYPTABLE, "data key does not open; the row was altered") from exc


def _row_aad(row_id: bytes, epoch: HeldEpoch) -> bytes:
    return b"dk/" + row_id + b"/" + str(epoch.n).encode()
