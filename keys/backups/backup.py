"""A backup file: sealed to an offline recovery key, signed by the node, read and written as a stream (nrm1 13.4).

    LP(header) || enc || Cobblestone-256(CEK, context = "nrm1/backup" || 0 || x, content)
    header  = signed document over nrm.backup/2 {type, node, at, kind, kid, gen, epoch, size, sha256}
    x       = H("backup", header);  enc = HPKE(recovery key, CEK, info = "nrm1/backup-key" || 0 || x)
    content = (LP(name) || u64 size || bytes) ..., of `size` bytes with hash `sha256`; the first member is the chain

The header can be read without the key, so that old files can be identified and removed; it is trusted only once its
signature verifies against the chain inside. Anybody can seal a file to the public half: the signature proves that this
node did. `gen` is the generation of the keystore and `epoch` the storage epoch, both at the time of the backup.
A stream is authentic chunk by chunk; it is the whole backup only when ``Opening.finish`` has returned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Self

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from keys.backups.backup_header import HEADER_LIMIT, Header, Kind, RecoveryPublic
from keys.documents.descriptor import Descriptor
from keys.primitives.domains import BACKUP, BACKUP_1, context
from keys.primitives.encoding import b64u, h, lp, malformed
from keys.primitives.hybrid_keys import Rand, Signature
from keys.primitives.seal import (
    CEK,
    ENC,
    EncPrivateKey,
    open_cek,
    seal_cek,
    undecryptable,
)
from keys.primitives.sign import SignedDocument

CHUNK: Final = 256 * 1024  # bytes worked on at a time
CHAIN: Final = "chain"
KEYRING: Final = "keyring"
_NAME_LIMIT: Final = 64
_LENGTH: Final = 8

Sign = Callable[[str, bytes], Signature]
Read = Callable[[int], bytes]
"""At most so many bytes from where the last call ended; none at the end, as of a file."""


class Member(NamedTuple):
    """One named piece of a backup. `chunks` is called twice, for the hash and for the content, and must yield the same
    bytes.
    """

    name: str
    size: int
    chunks: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, name: str, data: bytes) -> Self:
        """Make a member of bytes that are in memory."""
        return cls(name, len(data), lambda: iter((data,)))


def chain_member(chain: bytes) -> Member:
    """Make the first member of every backup: the node's own descriptors, by which its signature is verified."""
    return Member.of(CHAIN, chain)


# --- writing -----------------------------------------------------------------------------------------------------


def seal_backup(
    members: Sequence[Member],
    recovery: RecoveryPublic,
    *,
    node: NodeId,
    at: int,
    kind: Kind,
    gen: int,
    epoch: int,
    sign: Sign,
    rand: Rand,
) -> tuple[Header, Iterator[bytes]]:
    """Build the header and the bytes of a backup file, in pieces of bounded size.

    Raises RemoteError(bad_key), and RuntimeError for a member that yields another size or other bytes the second time.
    """
    size, digest = 0, hashlib.sha256()
    for piece in _content(members):
        size += len(piece)
        digest.update(piece)
    header = Header(
        node=node, at=at, kind=kind, kid=recovery.kid, gen=gen, epoch=epoch, size=size, sha256=b64u(digest.digest())
    )
    payload = header.encode()
    document = SignedDocument(payload=payload, payload_type=BACKUP, signatures=(sign(BACKUP, payload),)).encode()
    cek = rand(CEK)
    bound = h("backup", document)
    enc = seal_cek(recovery.public, cek, _info(bound))
    return header, _sealed(lp(document) + enc, Cobblestone256Encryptor(cek, _context(bound)), members, header)


def _sealed(
    head: bytes, encryptor: Cobblestone256Encryptor, members: Sequence[Member], header: Header
) -> Iterator[bytes]:
    yield head
    digest = hashlib.sha256()
    for piece in _content(members):
        digest.update(piece)
        yield encryptor.update(piece)
    yield encryptor.finalize()
    # The header was signed over the first reading; a database that was written to meanwhile would not restore.
    if b64u(digest.digest()) != header.sha256:
        raise RuntimeError("the content changed while it was sealed")


def _content(members: Sequence[Member]) -> Iterator[bytes]:
    for member in members:
        yield lp(member.name.encode()) + member.size.to_bytes(_LENGTH, "big")
        left = member.size
        for chunk in member.chunks():
            left -= len(chunk)
            yield chunk
        if left:
            raise RuntimeError("a member has another size than was said")


# --- reading -----------------------------------------------------------------------------------------------------


def read_header(read: Read) -> tuple[Header, SignedDocument, bytes]:
    """Read the header in front of a file, its document, and the hash that binds it; nothing is proven yet.

    Raises RemoteError(malformed, wrong_type).
    """
    data = _exactly(read, int.from_bytes(_exactly(read, 4), "big", signed=False), limit=HEADER_LIMIT)
    document = SignedDocument.decode(data, BACKUP, BACKUP_1)
    return Header.read(document), document, h("backup", data)


class Opening:
    """A backup that is being opened: read the members in order, each to its end, then call ``finish``."""

    def __init__(self, read: Read, private: EncPrivateKey) -> None:
        """Read the header and open the content key.

        Raises RemoteError: malformed, undecryptable, unknown_recipient_key when the file is sealed to another key.
        """
        self.header, self._document, bound = read_header(read)
        if self.header.kid != private.kid:
            raise RemoteError(Code.UNKNOWN_RECIPIENT_KEY, "the backup is sealed to another recovery key")
        cek = open_cek(private, _exactly(read, ENC), _info(bound))
        self._decryptor = Cobblestone256Decryptor(cek, _context(bound))
        self._read = read
        self._held = bytearray()
        self._ended = False
        self._size = 0
        self._digest = hashlib.sha256()

    def member(self) -> tuple[str, int] | None:
        """Read the name and the size of the next member; None after the last."""
        if not self._more(1):
            return None
        length = int.from_bytes(self._take(4), "big")
        if not 0 < length <= _NAME_LIMIT:
            raise malformed("a member of the backup has no name")
        name = self._take(length)
        return name.decode("ascii", "replace"), int.from_bytes(self._take(_LENGTH), "big")

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the content of the member that `member` returned last. Raises RemoteError(undecryptable, malformed)."""
        while size:
            self._more(1)
            # As much as is opened already, so that a member of gigabytes takes a chunk of memory.
            chunk = self._take(min(size, max(1, len(self._held))))
            size -= len(chunk)
            yield chunk

    def whole(self, size: int, limit: int) -> bytes:
        """Read a small member in one piece. Raises RemoteError: undecryptable, malformed (also for more than `limit`
        bytes).
        """
        if size > limit:
            raise malformed("a member of the backup is too large")
        return b"".join(self.chunks(size))

    def finish(self, chain: Sequence[Descriptor]) -> Header:
        """Verify that the whole content was read and that the node of `chain` signed it; return the header.

        The signing key must have been valid when the backup was made, or when the newest descriptor was, if the clock
        was set back in between. Raises RemoteError: undecryptable, malformed, wrong_node, unknown_key, revoked_key,
        bad_signature.
        """
        if self._more(1) or self._size != self.header.size or b64u(self._digest.digest()) != self.header.sha256:
            raise malformed("the backup holds other bytes than its header says")
        # By the chain inside the backup, which its reader has accepted: a restored node has no other one.
        newest = chain[-1]
        if newest.node != self.header.node:
            raise RemoteError(Code.WRONG_NODE, "the chain in the backup is of another node")
        at = max(self.header.at, newest.issued)
        self._document.verify(newest.signing_key(self._document.signature.kid, at=at))
        return self.header

    def _take(self, size: int) -> bytes:
        if not self._more(size):
            raise malformed("the backup ends early")
        piece = bytes(self._held[:size])
        del self._held[:size]
        self._size += size
        self._digest.update(piece)
        return piece

    def _more(self, size: int) -> bool:
        """Whether so many opened bytes are there."""
        try:
            while len(self._held) < size and not self._ended:
                data = self._read(CHUNK)
                self._ended = not data
                self._held += self._decryptor.update(data) if data else self._decryptor.finalize()
        except (InvalidTag, ValueError) as exc:
            raise undecryptable() from exc
        return len(self._held) >= size


def read_pieces(read: Read) -> Iterable[bytes]:
    """Yield everything that is left to read, in pieces of bounded size."""
    return iter(lambda: read(CHUNK), b"")


def _exactly(read: Read, size: int, *, limit: int = HEADER_LIMIT) -> bytes:
    data = read(size) if size <= limit else b""
    if not size or len(data) != size:
        raise malformed("this is no backup file")
    return data


def _info(bound: bytes) -> bytes:
    return context("backup-key") + bound


def _context(bound: bytes) -> bytes:
    return context("backup") + bound
