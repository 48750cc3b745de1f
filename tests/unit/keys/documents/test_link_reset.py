"""`nrm.reset/1`, the request of a restored node (nrm1 5.9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import RemoteError
from keys.documents.link_reset import Reset, View, reset_hash
from keys.primitives.encoding import b64u, canon, parse

HASH = b64u(bytes(32))
NODE = "n1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
RESET = Reset(
    from_=NODE, to=NODE[:-1] + "b", view=View(epoch=1, high=4, hash=HASH), epoch=2, backup=5, change=HASH, created=9
)


def test_it_reads_what_it_wrote() -> None:
    """Every member comes back; the hash by which a person accepts it covers all of them."""
    assert Reset.parse(RESET.encode()) == RESET
    others = [
        replace(RESET, epoch=3),
        replace(RESET, backup=6),
        replace(RESET, created=8),
        replace(RESET, view=View(epoch=1, high=5, hash=HASH)),
    ]
    assert len({reset_hash(item.encode()) for item in (RESET, *others)}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"type": "nrm.reset/2"},
        {"epoch": 1},
        {"epoch": 0},
        {"epoch": "2"},
        {"more": 1},
        {"change": "x"},
        {"view": {"epoch": 1, "high": 0, "hash": HASH}},
        {"view": {"epoch": 1, "high": 1, "hash": None}},
        {"view": {"epoch": 1, "high": 1}},
        {"view": None},
        {"from": "somebody"},
    ],
    ids=[
        "type",
        "epoch not higher",
        "epoch zero",
        "epoch as text",
        "one more",
        "change",
        "hash without a number",
        "number without a hash",
        "view without hash",
        "no view",
        "no node",
    ],
)
def test_other_shapes_are_malformed(change: dict[str, Any]) -> None:
    """One member that is not as it must be refuses the whole document."""
    members: Any = parse(RESET.encode(), limit=10_000)
    with pytest.raises(RemoteError):
        Reset.parse(canon({**members, **change}))
