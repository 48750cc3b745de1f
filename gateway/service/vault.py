"""Content on its way to and from the disk: sealed under a data key of its own, which an epoch key wraps (PROTOCOL
B9).
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import Code, RefusedError, RemoteError
from gateway.store.content import SealedRow
from keys.seal import aead_open, aead_seal
from keys.service import KeyService

NONCE = 24


class Vault:
    """Seals and opens content rows; holds no key itself."""

    def __init__(self, keys: KeyService, rand: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._rand = rand

    def seal(self, ref: int, plaintext: bytes) -> SealedRow:
        """A new row under a fresh data key."""
        row_id = _row_id(ref)
        data_key, epoch, wrapped = self._keys.wrap(row_id)
        nonce = self._rand(NONCE)
        return SealedRow(
            ref=ref, epoch=epoch, wrapped=wrapped, data=nonce + aead_seal(data_key, nonce, plaintext, b"row/" + row_id)
        )

    def open(self, row: SealedRow) -> bytes:
        """The plaintext of a row.

        Raises:
            RefusedError: undecryptable; the row was altered, or its epoch is gone.
        """
        row_id = _row_id(row.ref)
        data_key = self._keys.unwrap(row_id, row.epoch, row.wrapped)
        try:
            return aead_open(data_key, row.data[:NONCE], row.data[NONCE:], b"row/" + row_id)
        except RemoteError as exc:
            raise RefusedError(Code.UNDECRYPTABLE, "content does not open; the row was altered") from exc

    def conversation_index(self, conversation: str) -> bytes:
        """What the database stores instead of a conversation id."""
        return self._keys.index(b"conversation/" + conversation.encode())

    def consent_index(self, consent: str) -> bytes:
        """What the database stores instead of a consent id."""
        return self._keys.index(b"consent/" + consent.encode())

    def origin_index(self, adapter: str, name: str) -> bytes:
        """What the database stores instead of the name of a local record."""
        return self._keys.index(b"origin/" + adapter.encode() + b"/" + name.encode())

    def seal_answer(self, key: str, answer: bytes) -> bytes:
        """The answer to a submission, readable only together with the caller's own Idempotency-Key."""
        nonce = self._rand(NONCE)
        return nonce + aead_seal(self._answer_key(key), nonce, answer, b"answer")

    def open_answer(self, key: str, sealed: bytes) -> bytes:
        """The answer that was sealed under this Idempotency-Key."""
        return aead_open(self._answer_key(key), sealed[:NONCE], sealed[NONCE:], b"answer")

    def _answer_key(self, key: str) -> bytes:
        return self._keys.index(b"answer/1/" + key.encode()) + self._keys.index(b"answer/2/" + key.encode())

    def submission_digest(self, body: bytes) -> bytes:
        """What the database stores of a submitted body, so that another body under the same key is noticed."""
        return self._keys.index(b"body/" + body)

    def submission_index(self, key: str) -> bytes:
        """What the database stores instead of an idempotency key."""
        return self._keys.index(b"submission/" + key.encode())


def _row_id(ref: int) -> bytes:
    return ref.to_bytes(8, "big")
