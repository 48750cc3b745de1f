"""Attachments: each under a key of its own, closed as a stream into one ciphertext that never changes (nrm1 10.2).

    plain   u64 length || content || zeros, in all max(65536, padme(8 + length)) bytes
    part    Cobblestone-256(key, context = "nrm1/part" || 0 || id || u16 n, plain)

The context binds a part to its message and to its place there. Both directions hold a few chunks in memory, whatever
the size. `PartOpener.update` proves chunk by chunk that its output belongs to this part; only `finalize` proves that it
is the whole file, and nothing is released before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from gateway.errors import Code, RefusedError, RemoteError
from keys.documents.statement import SecretPart
from keys.primitives.domains import context
from keys.primitives.encoding import malformed, padme, unb64u
from keys.primitives.seal import CEK, undecryptable

SEGMENT: Final = 1024 * 1024
"""Bytes of the ciphertext in one request; only the last segment is shorter (nrm1 10.7)."""
SMALLEST_PLAIN: Final = 65_536
_LENGTH: Final = 8  # bytes of the u64
_HEAD: Final = 56  # salt and key commitment of Cobblestone-256 (C2SP chunked-encryption)
_CHUNK: Final = 16_384
_TAG: Final = 16
_ZEROS: Final = bytes(64 * 1024)


def part_context(id: str, n: int) -> bytes:
    """Build the context that binds part `n` to the message `id`."""
    return context("part") + unb64u(id, 16) + n.to_bytes(2, "big")


def plain_length(size: int) -> int:
    """Compute the length of prefix, content of `size` bytes and padding together."""
    return max(SMALLEST_PLAIN, padme(_LENGTH + size))


def part_length(size: int) -> int:
    """Compute the length in bytes of the part that carries `size` bytes, as header and statement state it."""
    plain = plain_length(size)
    return _HEAD + plain + _TAG * (plain // _CHUNK + 1)  # the last chunk is short, hence perhaps empty


def count_segments(length: int) -> int:
    """Count the requests in which a part of `length` bytes travels."""
    return -(-length // SEGMENT)


def segment_length(length: int, k: int) -> int:
    """Compute the length of segment `k` of a part of `length` bytes; 0 for a segment that it does not have."""
    return max(0, min(SEGMENT, length - k * SEGMENT))


class PartSealer:
    """Seals one file of known size: call `update` for all of its content, then `finish`."""

    def __init__(self, key: bytes, *, id: str, n: int, size: int) -> None:
        if len(key) != CEK:
            raise RuntimeError("part key is not 32 bytes")
        self._n, self._size, self._key = n, size, key
        self._left = size
        self._digest = hashlib.sha256()
        self._encryptor = Cobblestone256Encryptor(key, part_context(id, n))
        self._prefix = size.to_bytes(_LENGTH, "big")

    def update(self, content: bytes) -> bytes:
        """Seal the next bytes of the content. Raises RefusedError(malformed) for more content than `size` announced."""
        self._left -= len(content)
        if self._left < 0:
            raise RefusedError(Code.MALFORMED, "the file is longer than was said")
        self._digest.update(content)
        prefix, self._prefix = self._prefix, b""
        return self._encryptor.update(prefix + content)

    def finish(self) -> Iterator[bytes]:
        """Yield the rest of the part, in pieces.

        Raises RefusedError(malformed) for less content than `size` announced.
        """
        if self._left:
            raise RefusedError(Code.MALFORMED, "the file is shorter than was said")
        yield self._encryptor.update(self._prefix)
        padding = plain_length(self._size) - _LENGTH - self._size
        for start in range(0, padding, len(_ZEROS)):
            yield self._encryptor.update(_ZEROS[: padding - start])
        yield self._encryptor.finalize()

    def part(self, *, name: str, media: str) -> SecretPart:
        """Return the key and the hash that open and prove the part; call it after `finish`."""
        return SecretPart(
            n=self._n, name=name, media=media, size=self._size, key=self._key, sha256=self._digest.digest()
        )


class PartOpener:
    """Opens one part: call `update` for all of its bytes, then `finalize`."""

    def __init__(self, part: SecretPart, *, id: str) -> None:
        self._part = part
        self._decryptor = Cobblestone256Decryptor(part.key, part_context(id, part.n))
        self._digest = hashlib.sha256()
        self._head = b""
        self._content = part.size
        self._padding = plain_length(part.size) - _LENGTH - part.size

    def update(self, data: bytes) -> bytes:
        """Open the next bytes of the part.

        Raises:
            RemoteError: undecryptable for bytes that are not of this part, bad_commitment for another length than was
                signed, malformed for padding that is not as prescribed.
        """
        try:
            return self._taken(self._decryptor.update(data))
        except (InvalidTag, ValueError) as exc:
            raise undecryptable() from exc

    def finalize(self) -> bytes:
        """Return the last of the content, once all of it is proven.

        Raises RemoteError as `update` does, and bad_commitment for other content than was signed.
        """
        try:
            rest = self._taken(self._decryptor.finalize())
        except (InvalidTag, ValueError) as exc:
            raise undecryptable() from exc
        if len(self._head) < _LENGTH or self._content or self._padding:
            raise malformed("the part is shorter than prescribed")
        if self._digest.digest() != self._part.sha256:
            raise RemoteError(Code.BAD_COMMITMENT, "the file is not the one that was signed")
        return rest

    def _taken(self, plain: bytes) -> bytes:
        """Cut prefix and padding off the plain bytes."""
        missing = _LENGTH - len(self._head)
        if missing and plain:
            self._head += plain[:missing]
            plain = plain[missing:]
            if len(self._head) == _LENGTH and int.from_bytes(self._head, "big") != self._part.size:
                raise RemoteError(Code.BAD_COMMITMENT, "the file has another length than was signed")
        content, padding = plain[: self._content], plain[self._content :]
        self._content -= len(content)
        self._padding -= len(padding)
        if self._padding < 0 or padding.count(0) != len(padding):
            raise malformed("padding is not as prescribed")
        self._digest.update(content)
        return content
