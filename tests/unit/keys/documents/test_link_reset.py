"""`nrm.reset/2`, the request of a restored node (nrm1 5.9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.tables import table

from gateway.errors import RemoteError
from keys.documents.link_reset import LinkRecord, Reset, View, reset_hash
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
        {"type": "nrm.reset/3"},
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


RECORD = {"epoch": 1, "high": 4, "hash": HASH, "answered": {"epoch": 1, "n": 3}}


def test_the_record_of_a_link() -> None:
    """It reads what it wrote, and what a node of the first release says, which knows no `answered`."""
    for value in (RECORD, {name: item for name, item in RECORD.items() if name != "answered"}):
        assert LinkRecord.from_json(value).to_json() == value


@table(
    "change",
    [
        {"answered": None},
        {"answered": {"epoch": 1}},
        {"answered": {"epoch": 0, "n": 1}},
        {"answered": {"epoch": 1, "n": -1}},
        {"answered": {"epoch": 1, "n": 1, "more": 1}},
        {"hash": None},
        {"more": 1},
    ],
)
def test_what_is_no_record_of_a_link(change: dict[str, Any]) -> None:
    """Each is refused as malformed; so is what is no object."""
    with pytest.raises(RemoteError):
        LinkRecord.from_json(RECORD | change)
    with pytest.raises(RemoteError):
        LinkRecord.from_json([])
