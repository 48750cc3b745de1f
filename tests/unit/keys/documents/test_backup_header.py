"""keys.documents.backup_header: the signed header says exactly what it may."""

from __future__ import annotations

import pytest

from gateway.errors import RemoteError
from gateway.foundation.ids import NodeId
from keys.documents.backup_header import Header, Kind
from keys.primitives.encoding import b64u, canon, sha256
from keys.primitives.seal import EncPrivateKey

KEY = EncPrivateKey(bytes(range(32)))
NODE = NodeId("n1" + "a" * 32)


def test_a_header_says_exactly_what_it_may() -> None:
    """One member more or less, another type, an unknown kind: malformed."""
    header = Header(node=NODE, at=1, kind=Kind.DATA, kid=KEY.kid, gen=1, epoch=1, size=0, sha256=b64u(sha256(b"")))
    assert Header.parse(header.encode()) == header
    for change in ({"x": 1}, {"type": "nrm.backup/2"}, {"kind": "all"}, {"gen": 0}, {"sha256": "x"}):
        with pytest.raises(RemoteError):
            Header.parse(canon({**_members(header), **change}))


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
