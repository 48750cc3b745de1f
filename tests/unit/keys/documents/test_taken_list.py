"""`nrm.taken/2`, a page of what a peer knows to have been taken away (nrm1 5.16)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.tables import table

from gateway.errors import RemoteError
from gateway.foundation.ids import MessageId, NodeId
from keys.documents.taken_list import MOST, MOST_PAGES, TakenPage, Withdrawn, ask_page, read_question
from keys.primitives.encoding import DOCUMENT_LIMIT, b64u, canon, parse

NODE = NodeId("n1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
ID = MessageId(b64u(bytes(16)))
PAGE = TakenPage(
    from_=NODE,
    to=NODE,
    reset=b64u(bytes(32)),
    page=0,
    more=True,
    withdrawals=(Withdrawn(consent=ID, grants=None, at=5), Withdrawn(consent=ID, grants=(0, 29), at=6)),
    erasures=(ID,),
    voids=(ID,),
    created=9,
)


def ids(count: int) -> list[str]:
    """So many ids."""
    return [b64u(place.to_bytes(16, "big")) for place in range(count)]


def test_it_reads_what_it_wrote() -> None:
    """Every member comes back, and the largest page there can be fits a document."""
    assert TakenPage.parse(PAGE.encode()) == PAGE
    largest = tuple(Withdrawn(consent=id, grants=tuple(range(30)), at=2**53 - 1) for id in ids(MOST))
    assert len(replace(PAGE, withdrawals=largest, erasures=(), voids=()).encode()) < DOCUMENT_LIMIT // 2


@table(
    "name, change",
    [
        ("another type", {"type": "nrm.reset/1"}),
        ("a member more", {"holds": []}),
        ("no node", {"from": "somebody"}),
        ("no name of a reset", {"reset": ID}),
        ("a page below zero", {"page": -1}),
        ("a page behind the last", {"page": MOST_PAGES}),
        ("more behind the last page", {"page": MOST_PAGES - 1}),
        ("a number for a flag", {"more": 1}),
        ("no list", {"erasures": None}),
        ("too many", {"erasures": ids(MOST + 1)}),
        ("too many together", {"erasures": ids(MOST // 2), "voids": ids(MOST // 2 + 1)}),
        ("an id twice", {"voids": [ID, ID]}),
        ("no id", {"voids": ["x"]}),
        ("a withdrawal of nothing", {"withdrawals": [{}]}),
        ("no grants at all", {"withdrawals": [{"consent": ID, "grants": [], "at": 1}]}),
        ("a grant twice", {"withdrawals": [{"consent": ID, "grants": [1, 1], "at": 1}]}),
        ("too many grants", {"withdrawals": [{"consent": ID, "grants": [*range(31)], "at": 1}]}),
        ("a time that is none", {"withdrawals": [{"consent": ID, "grants": None, "at": -1}]}),
    ],
)
def test_what_is_no_page(name: str, change: dict[str, Any]) -> None:
    """Each is refused as malformed."""
    value = parse(PAGE.encode(), limit=DOCUMENT_LIMIT)
    assert isinstance(value, dict)
    with pytest.raises(RemoteError):
        TakenPage.parse(canon(value | change))


@table("body", [b"{}", b"[]", b'{"page":0}', canon({"reset": PAGE.reset, "page": MOST_PAGES}), ask_page("x", 0)])
def test_what_is_no_question(body: bytes) -> None:
    """A question has exactly a reset and a page that there can be."""
    assert read_question(ask_page(PAGE.reset, 3)) == (PAGE.reset, 3)
    with pytest.raises(RemoteError):
        read_question(body)
