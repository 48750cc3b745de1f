"""A search of the audit log by its index finds what a look at every entry finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert

from gateway.audit import words
from gateway.audit.words import Wanted
from gateway.database.tables import audit, audit_words
from keys.primitives.encoding import canon
from keys.primitives.merkle_tree import TILE

EVENTS = ["case.opened", "content.read", "message.sent", "peer.state"]
WORDS = ["ab", "abc", "peer.state", "ev", "at", "7", "n1x"]
"""Words that begin alike, that are an event, the name of a member, or digits."""
FACTS = st.dictionaries(
    st.sampled_from(["id", "of", "ev.", "count"]), st.one_of(st.sampled_from(WORDS), st.just(7)), max_size=3
)
KINDS = st.lists(st.tuples(st.sampled_from(EVENTS), FACTS), min_size=1, max_size=8)
RUNS = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 300)), min_size=1, max_size=6)
"""Which kind of entry, and how many of it in a row: some blocks have a word, and some have it not."""
WANTED = st.builds(
    Wanted,
    event=st.one_of(st.none(), st.sampled_from([*EVENTS, "no.such"])),
    subject=st.one_of(st.none(), st.sampled_from([*WORDS, "no such"])),
)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A database with the two tables."""
    engine = create_engine("sqlite://")
    with engine.connect() as opened:
        for table in (audit, audit_words):
            table.create(opened)
        yield opened
    engine.dispose()


def write(connection: Connection, entries: list[tuple[str, dict[str, Any]]], indexed: int) -> list[dict[str, Any]]:
    """The log of these entries, with so many blocks in its index."""
    for table in (audit, audit_words):
        connection.execute(table.delete())
    leaves = [{"seq": seq, "at": seq, "ev": event, **facts} for seq, (event, facts) in enumerate(entries, 1)]
    connection.execute(insert(audit), [{"seq": leaf["seq"], "leaf": canon(leaf)} for leaf in leaves])
    with patch.object(words, "BLOCKS_AT_ONCE", indexed):
        if blocks := words.next_blocks(connection):
            words.put_blocks(connection, blocks)
    return leaves


def is_meant(leaf: dict[str, Any], wanted: Wanted) -> bool:
    """Whether an entry is of the event and has the subject as a member."""
    facts = {name: fact for name, fact in leaf.items() if name not in ("seq", "at", "ev")}
    return wanted.event in (None, leaf["ev"]) and (wanted.subject is None or wanted.subject in facts.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    kinds=KINDS,
    runs=RUNS,
    wanted=WANTED,
    indexed=st.integers(0, 8),
    limit=st.integers(1, 400),
    at_most=st.integers(1, 4),
    high=st.integers(0, 1_800),
)
def test_pages_of_a_search_are_those_of_a_scan(
    connection: Connection,
    kinds: list[tuple[str, dict[str, Any]]],
    runs: list[tuple[int, int]],
    wanted: Wanted,
    indexed: int,
    limit: int,
    at_most: int,
    high: int,
) -> None:
    """Page after page, however far the index goes and however little one page reads: each entry once, newest first."""
    leaves = write(connection, [kinds[kind % len(kinds)] for kind, count in runs for _ in range(count)], indexed)
    expected = [leaf for leaf in reversed(leaves) if leaf["seq"] <= high and is_meant(leaf, wanted)]
    found: list[tuple[int, dict[str, Any]]] = []
    rest = min(high, len(leaves))
    with patch.object(words, "READ_AT_MOST", at_most):
        while rest:
            page, behind = words.search(connection, wanted, high=rest, limit=limit)
            assert len(page) <= limit and behind < rest
            found, rest = found + page, behind
    assert found == [(leaf["seq"], leaf) for leaf in expected]


def test_a_search_reads_the_blocks_that_have_the_words(connection: Connection) -> None:
    """Of a word that is in one old block, that block is read and none of the others; of one that is nowhere, none."""
    entries: list[tuple[str, dict[str, Any]]] = [("message.sent", {"id": f"id-{n}"}) for n in range(6 * TILE)]
    write(connection, entries, 6)
    with patch.object(words.store, "matching", wraps=words.store.matching) as read:
        assert words.search(connection, Wanted(subject="id-300"), high=len(entries), limit=50)[0][0][0] == 301
        assert [call.args[1:3] for call in read.call_args_list] == [(TILE, 2 * TILE)]
        assert words.search(connection, Wanted(event="no.such"), high=len(entries), limit=50) == ([], 0)
        assert read.call_count == 1


@pytest.mark.parametrize("damaged", [b"", b"{", b"[1]", b'"text"', b"\xff", orjson.dumps({"seq": 1, "ev": None})])
def test_a_damaged_entry_does_not_stop_the_index(connection: Connection, damaged: bytes) -> None:
    """What no longer reads as an entry has no words; the rest of its block is found."""
    write(connection, [("message.sent", {"id": "one"})] * TILE, 0)
    connection.execute(audit.update().where(audit.c.seq == 1).values(leaf=damaged))
    words.put_blocks(connection, words.next_blocks(connection))
    assert len(words.search(connection, Wanted(subject="one"), high=TILE, limit=500)[0]) == TILE - 1
