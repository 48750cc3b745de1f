"""The form of a line of the ledger: exact, bounded, and numbered without a hole."""

from __future__ import annotations

from typing import Any

import pytest
from support.tables import table

from gateway.errors import RemoteError
from gateway.ledger.rules import LINE_LIMIT, Entry, Line, Taken, read_lines, split
from keys.primitives.encoding import Json, b64u, canon

OF, MAC = bytes(range(16)), bytes(16)
WITHDRAWN = Entry(n=1, at=1_800_000_000, kind=Taken.WITHDRAWN, of=OF, grants=(0, 2))
GOOD: dict[str, Json] = {
    "n": 1,
    "at": 1_800_000_000,
    "kind": "withdrawn",
    "of": b64u(OF),
    "grants": [0, 2],
    "why": None,
    "detail": None,
    "mac": b64u(MAC),
}


@table(
    "entry",
    [
        WITHDRAWN,
        Entry(n=2, at=0, kind=Taken.WITHDRAWN, of=OF),
        Entry(n=3, at=5, kind=Taken.ERASED, of=OF, why="not_needed"),
        Entry(n=4, at=5, kind=Taken.VOIDED, of=OF),
        Entry(n=5, at=5, kind=Taken.MARK),
        Entry(n=6, at=5, kind=Taken.LIFTED, of=OF, detail=b64u(OF)),
        Entry(n=7, at=5, kind=Taken.KEPT, of=OF, why="restriction_18", detail="2030-06-30"),
        Entry(n=8, at=5, kind=Taken.RELEASED, of=OF),
        Entry(n=9, at=5, kind=Taken.BLOCKED, of=OF, detail=b64u(OF)),
        Entry(n=10, at=5, kind=Taken.MOVED, of=OF, detail=b64u(OF)),
        Entry(n=11, at=5, kind=Taken.MOVED, of=OF),
    ],
)
def test_a_line_says_what_was_written(entry: Entry) -> None:
    """What was written is read, whatever it names."""
    assert Line.parse(entry.line(MAC)[:-1]) == Line(entry=entry, mac=MAC)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("a member too many", {"who": "w-1"}),
    ("no number", {"n": 0}),
    ("a time that is none", {"at": -1}),
    ("another kind", {"kind": "lost"}),
    ("nothing named", {"of": None}),
    ("a mark that names something", {"kind": "mark", "grants": None}),
    ("a name that is too short", {"of": b64u(OF[:15])}),
    ("no grants at all", {"grants": []}),
    ("too many grants", {"grants": [*range(31)]}),
    ("a grant twice", {"grants": [1, 1]}),
    ("grants of a message", {"kind": "voided"}),
    ("an erasure without a reason", {"kind": "erased", "grants": None}),
    ("a reason for a withdrawal", {"why": "not_needed"}),
    ("a reason that is no code", {"kind": "erased", "grants": None, "why": "Ana B."}),
    ("no keyed hash", {"mac": ""}),
    ("a detail of a withdrawal", {"detail": b64u(OF)}),
    ("a hold over nothing that is known", {"kind": "held", "grants": None}),
    ("a legal hold without a day", {"kind": "kept", "grants": None, "why": "restriction_18"}),
    ("a legal hold without a ground", {"kind": "kept", "grants": None, "detail": "2030-06-30"}),
    ("a day that is none", {"kind": "kept", "grants": None, "why": "restriction_18", "detail": "for ever"}),
    ("nobody who is kept out", {"kind": "blocked", "grants": None}),
    ("a name of somebody", {"kind": "blocked", "grants": None, "detail": "Ana B."}),
    ("a case by its label", {"kind": "moved", "grants": None, "detail": "F-22"}),
]


@table("name, change", BAD)
def test_what_is_no_line(name: str, change: dict[str, Any]) -> None:
    """Each is refused as malformed."""
    with pytest.raises(RemoteError):
        Line.parse(canon(GOOD | change))


def test_a_line_has_a_length() -> None:
    """The longest line that can be written fits, and a longer one is not even parsed."""
    longest = Entry(n=2**53 - 1, at=2**53 - 1, kind=Taken.WITHDRAWN, of=OF, grants=tuple(range(30)))
    assert len(longest.line(MAC)) < LINE_LIMIT
    with pytest.raises(RemoteError, match="more than"):
        Line.parse(b" " * LINE_LIMIT + canon(GOOD))


def test_lines_are_numbered_without_a_hole() -> None:
    """A line that is missing, and one that is no line, are named by their place."""
    lines = [Entry(n=n, at=n, kind=Taken.MARK).line(MAC)[:-1] for n in (1, 2, 4)]
    assert [line.entry.n for line in read_lines(lines[:2])] == [1, 2]
    with pytest.raises(RemoteError, match="line 3: a line before it is missing"):
        read_lines(lines)
    with pytest.raises(RemoteError, match="line 2: "):
        read_lines([lines[0], b"{}"])


def test_a_piece_of_a_line_is_none() -> None:
    """What a crash left at the end is told apart from the lines."""
    assert split(b"one\ntwo\n") == ([b"one", b"two"], False)
    assert split(b"one\ntw") == ([b"one"], True)
    assert split(b"") == ([], False)
