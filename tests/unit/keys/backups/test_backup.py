"""Backup files: closed to a recovery key, signed, streamed (nrm1 13.4)."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Encryptor
from support.nodes import NOW, Node

from gateway.errors import Code, RemoteError
from keys.backups.backup import CHUNK, Member, Opening, chain_member, read_header, seal_backup
from keys.backups.backup_header import Header, Kind, RecoveryPublic
from keys.primitives.encoding import DAY, lp
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.seal import EncPrivateKey, seal_cek
from keys.primitives.sealed_file import system_rand

KEY = EncPrivateKey(bytes(range(32)))
PUBLIC = RecoveryPublic(kid=KEY.kid, public=KEY.public, made=7)
NODE = "n1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
SIGNER = SigningKey(bytes(32), bytes(32))


def sealed(*members: Member, kind: Kind = Kind.DATA) -> bytes:
    """A backup file of these members after the chain."""
    _, pieces = seal_backup(
        [chain_member(b"[]"), *members],
        PUBLIC,
        node=NODE,
        at=5,
        kind=kind,
        gen=3,
        epoch=2,
        sign=SIGNER.sign,
        rand=system_rand,
    )
    return b"".join(pieces)


def contents(data: bytes, key: EncPrivateKey = KEY) -> dict[str, bytes]:
    """What is inside, by name."""
    opening = Opening(io.BytesIO(data).read, key)
    found = {}
    while (named := opening.member()) is not None:
        found[named[0]] = b"".join(opening.chunks(named[1]))
    return found


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_goes_in_comes_out(size: int) -> None:
    """Every member, of any size around the borders of chunks, and the header of the file."""
    body = system_rand(size)
    data = sealed(Member.of("node.db", body), Member.of("node.toml", b"x"))
    assert contents(data) == {"chain": b"[]", "node.db": body, "node.toml": b"x"}
    header, _, _ = read_header(io.BytesIO(data).read)
    assert (header.node, header.at, header.kind, header.gen, header.epoch) == (NODE, 5, Kind.DATA, 3, 2)
    assert header.kid == KEY.kid


def test_a_large_backup_takes_little_memory(tmp_path: Path) -> None:
    """64 MiB are sealed and opened in pieces."""

    def many() -> Iterator[bytes]:
        return (bytes(CHUNK) for _ in range(256))

    file = tmp_path / "large"
    tracemalloc.start()
    try:
        _, pieces = seal_backup(
            [chain_member(b"[]"), Member("node.db", 256 * CHUNK, many)],
            PUBLIC,
            node=NODE,
            at=5,
            kind=Kind.DATA,
            gen=1,
            epoch=1,
            sign=SIGNER.sign,
            rand=system_rand,
        )
        with file.open("wb") as target:
            target.writelines(pieces)
        with file.open("rb") as source:
            opening = Opening(source.read, KEY)
            total = 0
            while (named := opening.member()) is not None:
                total += sum(len(chunk) for chunk in opening.chunks(named[1]))
        assert tracemalloc.get_traced_memory()[1] < 16 * CHUNK
    finally:
        tracemalloc.stop()
    assert total == 256 * CHUNK + 2


def test_another_recovery_key_opens_nothing() -> None:
    """The header names the key, and the content does not open for another one that is renamed to it."""
    data = sealed(Member.of("node.db", b"x"))
    with pytest.raises(RemoteError) as refused:
        contents(data, EncPrivateKey(bytes(32)))
    assert refused.value.code is Code.UNKNOWN_RECIPIENT_KEY
    other = EncPrivateKey(bytes(32))
    other.kid = KEY.kid
    with pytest.raises(RemoteError) as refused:
        contents(data, other)
    assert refused.value.code is Code.UNDECRYPTABLE


def _moved(data: bytes) -> bytes:
    """The content of one file behind the header of another."""
    other = sealed(Member.of("node.db", b"y"), kind=Kind.KEYSTORE)
    size = 4 + int.from_bytes(other[:4], "big")
    return other[:size] + data[4 + int.from_bytes(data[:4], "big") :]


def _flipped(place: int) -> Callable[[bytes], bytes]:
    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[place] ^= 1
        return bytes(changed)

    return flip


@pytest.mark.parametrize(
    "change",
    [
        _moved,
        _flipped(-1),
        _flipped(-40),
        _flipped(100),
        lambda d: d[:-1],
        lambda d: d[:4_000],
        lambda d: d + b"x",
        lambda d: lp(b"x" * 20_000) + d,
        lambda d: b"",
        lambda d: lp(b"{}") + d,
    ],
    ids=[
        "header moved",
        "last byte",
        "content",
        "header",
        "cut",
        "cut in the header",
        "longer",
        "long header",
        "empty",
        "no document",
    ],
)
def test_a_changed_file_does_not_open(change: Callable[[bytes], bytes]) -> None:
    """Whatever was done to a file is found before it was read to its end."""
    data = sealed(Member.of("node.db", b"x" * 100))
    with pytest.raises(RemoteError):
        contents(change(data))


def test_the_content_may_not_change_between_the_two_looks() -> None:
    """The hash in the signed header is that of what is sealed, or nothing is made."""
    looks = iter([b"a", b"b"])
    member = Member("node.db", 1, lambda: iter([next(looks)]))
    with pytest.raises(RuntimeError, match="changed while"):
        sealed(member)
    with pytest.raises(RuntimeError, match="another size"):
        sealed(Member("node.db", 2, lambda: iter([b"a"])))


# --- who made it --------------------------------------------------------------------------------------------------


def made_by(signer: Node, **changes: Any) -> bytes:
    """A backup that this node signed."""
    about: dict[str, Any] = {
        "node": signer.first().node,
        "at": NOW,
        "kind": Kind.DATA,
        "gen": 3,
        "epoch": 2,
        "rand": system_rand,
    }
    _, pieces = seal_backup([Member.of("node.db", b"x")], PUBLIC, sign=signer.sig.sign, **about | changes)
    return b"".join(pieces)


def finished(data: bytes, node: Node) -> Header:
    """Read to its end, and judged by the chain of this node."""
    opening = Opening(io.BytesIO(data).read, KEY)
    while (named := opening.member()) is not None:
        opening.whole(named[1], CHUNK)
    return opening.finish([node.first()])


def test_a_backup_is_of_the_node_that_signed_it() -> None:
    """By a key of its chain, at that time; another node, in its name or its own, and another time are refused."""
    a, b = Node("a"), Node("b")
    assert finished(made_by(a), a).node == a.first().node
    for data, code in (
        (made_by(b, node=a.first().node), Code.UNKNOWN_KEY),
        (made_by(a, node=b.first().node), Code.WRONG_NODE),
        (made_by(a, at=NOW + 1000 * DAY), Code.UNKNOWN_KEY),
    ):
        with pytest.raises(RemoteError) as refused:
            finished(data, a)
        assert refused.value.code is code


@pytest.mark.parametrize("body", [b"y", b"", b"x" * 20], ids=["as long", "shorter", "longer"])
def test_other_content_behind_a_true_header_is_refused(body: bytes) -> None:
    """The recovery key's public half lies on the node: whoever has that and one backup can close anything behind its
    header, and what the node signed is not that.
    """
    node = Node("a")
    _, document, bound = read_header(io.BytesIO(made_by(node)).read)
    cek = system_rand(32)
    inner = lp(b"node.db") + len(body).to_bytes(8, "big") + body
    encryptor = Cobblestone256Encryptor(cek, b"nrm1/backup\0" + bound)
    forged = lp(document.encode()) + seal_cek(KEY.public, cek, b"nrm1/backup-key\0" + bound)
    forged += encryptor.update(inner) + encryptor.finalize()
    assert contents(forged) == {"node.db": body}
    with pytest.raises(RemoteError) as refused:
        finished(forged, node)
    assert refused.value.code is Code.MALFORMED


def test_a_member_that_has_to_be_small_is() -> None:
    """One that says it is larger is not read."""
    opening = Opening(io.BytesIO(sealed()).read, KEY)
    name, size = opening.member() or ("", 0)
    with pytest.raises(RemoteError, match="too large"):
        opening.whole(size, 1)
    assert (name, size) == ("chain", 2)
