"""What the log has about one case. Most entries name a message, a draft or a statement by its id or hash; those about
the case itself name nothing but who acted, so they are found by the second in which the case says it happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.audit import store, words
from keys.primitives.merkle_tree import TILE

Entry = Mapping[str, Any]
"""A leaf as it was parsed: `seq`, `at` (Unix seconds), `ev`, and the members of its event."""


def find_named(connection: Connection, subjects: Iterable[str]) -> dict[int, Entry]:
    """Find every entry that names one of these ids or hashes, by its number."""
    high = store.size(connection)
    return {seq: entry for one in set(subjects) for seq, entry in _find_subject(connection, one, high)}


def _find_subject(connection: Connection, subject: str, high: int) -> Iterable[tuple[int, Entry]]:
    rest = high
    while rest > 0:
        found, rest = words.search(connection, words.Wanted(subject=subject), high=rest, limit=TILE)
        yield from found


def find_at(connection: Connection, events: Iterable[str], at: int) -> list[Entry]:
    """Find the entries of these events that were written at a second, or in the one behind it: what is noted of a case
    and its entry ask the clock one after the other.
    """
    low, high = store.last_until(connection, at - 1), store.last_until(connection, at + 1)
    wanted = frozenset(events)
    leaves = (orjson.loads(leaf) for _, leaf in store.leaves(connection, low + 1, high)) if high > low else ()
    return [entry for entry in leaves if entry["ev"] in wanted]
