"""Lines about the log in an evidence bundle: which entries it shows, and who witnessed them when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from gateway.evidence.types import Cosignature, Entry, Proof
from gateway.foundation.ids import NodeId
from keys.primitives.encoding import MAX_INT

Names: TypeAlias = Mapping[NodeId, str]
"""What to call each node of a bundle."""

_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


def describe_log(proof: Proof, names: Names) -> Iterator[str]:
    """Say of each tree head who signed it, how many of its entries the file has, and who witnessed it when."""
    if proof.log is None:
        yield "there is none in this file: not witnessed"
        return
    for head in proof.log.heads:
        shown = sum(entry.head is head for entry in proof.log.entries)
        seen = [_seen(c, names) for c in sorted(head.cosignatures, key=lambda c: (not c.counts, c.at))]
        if head.first is None:
            seen.append("not witnessed")
        signed = f"{names[proof.log.node]} signed its log at entry {head.size}, entries in this file: {shown}"
        yield "; ".join([signed, *seen])


def _seen(cosignature: Cosignature, names: Names) -> str:
    who, at = names.get(cosignature.witness, cosignature.name), format_time(cosignature.at)
    if cosignature.counts:
        return f"witnessed by {who} at {at}"
    return (
        f"{who}, fingerprint {cosignature.fingerprint}, at {at} counts for nothing: its fingerprint was not given, or "
        "a key was revoked"
    )


def place_in_log(proof: Proof, names: Names, hashes: Sequence[str]) -> str:
    """Name the entry of the log that has one of these, to be put behind a line; empty for none."""
    entry = find_entry(proof, hashes)
    if proof.log is None or entry is None:
        return ""
    first = entry.head.first
    seen = "not witnessed" if first is None else f"witnessed by {witness_name(first, names)} at {format_time(first.at)}"
    return f"; entry {entry.seq} in the log of {names[proof.log.node]}, {seen}"


def find_entry(proof: Proof, hashes: Sequence[str]) -> Entry | None:
    """Find the entry about one of these that was witnessed first, or the first one."""
    found = [entry for hash in hashes if proof.log is not None and (entry := proof.log.about(hash)) is not None]
    return min(found, key=lambda e: (MAX_INT if e.head.first is None else e.head.first.at, e.seq), default=None)


def witness_name(cosignature: Cosignature, names: Names) -> str:
    """Name a witness: by its name in this bundle, else the one that it gives itself."""
    return names.get(cosignature.witness, cosignature.name)


def format_time(at: int) -> str:
    """Write Unix seconds as UTC; beyond the year 9999 as the number of the second."""
    if at > _LAST_SECOND:
        return f"second {at}"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
