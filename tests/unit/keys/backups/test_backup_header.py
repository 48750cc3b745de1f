"""keys.backups.backup_header: the signed header says exactly what it may."""

from __future__ import annotations

import pytest

from gateway.errors import RemoteError
from gateway.foundation.ids import NodeId
from keys.backups.backup_header import Header, Kind
from keys.primitives.domains import BACKUP, BACKUP_1
from keys.primitives.encoding import b64u, canon, sha256
from keys.primitives.seal import EncPrivateKey
from keys.primitives.sign import SignedDocument

KEY = EncPrivateKey(bytes(range(32)))
NODE = NodeId("n1" + "a" * 32)


def test_a_header_says_exactly_what_it_may() -> None:
    """One member more or less, another type than its document, an unknown kind: malformed. One of before is read."""
    header = Header(node=NODE, at=1, kind=Kind.DATA, kid=KEY.kid, gen=1, epoch=1, size=0, sha256=b64u(sha256(b"")))
    assert Header.read(_document(header.encode())) == header
    assert Header.read(_document(canon(_members(header)), BACKUP_1)) == header
    for change in ({"x": 1}, {"type": "nrm.backup/1"}, {"kind": "all"}, {"gen": 0}, {"sha256": "x"}):
        with pytest.raises(RemoteError):
            Header.read(_document(canon({**_members(header), "type": "nrm.backup/2", **change})))


def _document(payload: bytes, payload_type: str = BACKUP) -> SignedDocument:
    return SignedDocument(payload=payload, payload_type=payload_type, signatures=())


def _members(header: Header) -> dict[str, object]:
    return {
        "type": "nrm.backup/1",
        "node": header.node,
        "at": header.at,
        "kind": "data",
        "kid": header.kid,
        "gen": header.gen,
        "epoch": header.epoch,
        "size": header.size,
        "sha256": header.sha256,
    }
