"""The form of the ledger: one line for each thing that was taken away, and when a file of them is whole (nrm1 13.14).

A line is canonical JSON over exactly `at`, `detail`, `grants`, `kind`, `n`, `of`, `why` and `mac`. `mac` is a keyed
hash over the `mac` of the line before and the rest of the line: a line that was changed, left out or moved is found.
`of` is a keyed hash of what it names, so that the file tells nobody whose case it is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from gateway.errors import RemoteError
from gateway.foundation.ids import NodeId
from gateway.ports import Json
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    is_b64u,
    is_code,
    is_count,
    is_int,
    is_str,
    items,
    list_of,
    malformed,
    maybe_text,
    nullable,
    number,
    one_of,
    parse,
    text,
    unb64u,
)

HASH: Final = 16
"""Bytes of a keyed hash."""
FIRST: Final = bytes(HASH)
"""Stands for the line before the first one."""
BEGIN: Final = b'{"at":'
"""Of every line."""
LINE_LIMIT: Final = 1_024
MOST_GRANTS: Final = 30
"""As a `consent.withdrawal` names at most."""
FILE_LIMIT: Final = 256 * 1024 * 1024
"""Bytes of a file: more than a million lines."""
MARK_EVERY: Final = 3_600
"""Seconds after which a line says that nothing was taken away, so that the end of a file tells until when it goes."""
SLACK: Final = MARK_EVERY + 600
"""A ledger whose last line is older than this when the disk is lost lacks one, and does not tell all that was taken
away. Ten minutes are for a mark that was written late, and for the clock or the person that says when that was.
"""


class Taken(StrEnum):
    """What a line says."""

    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    VOIDED = "voided"
    HELD = "held"
    """An asylum hold was laid over something: leave to send it was taken away."""
    LIFTED = "lifted"
    """Two people gave that leave again, or nothing is left of what the hold lay over."""
    OVER = "over"
    """The hold was laid over a case."""
    KEPT = "kept"
    """A legal hold was laid over a conversation or a case: leave to erase it was taken away."""
    RELEASED = "released"
    """That leave was given again."""
    BLOCKED = "blocked"
    """Somebody was kept out of a case: sight of it was taken away."""
    UNBLOCKED = "unblocked"
    """They may see it again."""
    MOVED = "moved"
    """Two people made something part of another case, or of none: it was taken from the one before."""
    MARK = "mark"
    """Nothing: the ledger was kept until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `of` is the keyed hash of a consent, of a message, of a case or of what is of one, None for a mark;
    `grants` are the places of the grants that were taken back, None for the whole consent; `why` is the code of an
    erasure, or the ground of a legal hold. `at` in Unix seconds.

    `detail` is what else an act needs to be done again: of an asylum hold, and of the case that it lies over, the keyed
    hash of the conversation that it was placed over, of a legal hold the day by which somebody looks again, of a block
    the keyed hash of whom it keeps out, and where something went the id of the case, None for none.
    """

    n: int
    at: int
    kind: Taken
    of: bytes | None = None
    grants: tuple[int, ...] | None = None
    why: str | None = None
    detail: str | None = None

    @property
    def body(self) -> bytes:
        """What the keyed hash of the line is over, besides that of the line before."""
        return canon(self._members())

    def line(self, mac: bytes) -> bytes:
        """The line with its end."""
        return canon(self._members() | {"mac": b64u(mac)}) + b"\n"

    def _members(self) -> dict[str, Json]:
        return {
            "n": self.n,
            "at": self.at,
            "kind": str(self.kind),
            "of": None if self.of is None else b64u(self.of),
            "grants": None if self.grants is None else [*self.grants],
            "why": self.why,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as it was read; whether its `mac` fits is asked of the keys."""

    entry: Entry
    mac: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a line without its end. Raises RemoteError(malformed)."""
        member = exact(parse(data, limit=LINE_LIMIT), _LINE, what="line")
        of, grants = maybe_text(member["of"]), member["grants"]
        entry = Entry(
            n=number(member["n"]),
            at=number(member["at"]),
            kind=Taken(text(member["kind"])),
            of=None if of is None else unb64u(of),
            grants=None if grants is None else tuple(number(item) for item in items(grants)),
            why=maybe_text(member["why"]),
            detail=maybe_text(member["detail"]),
        )
        if (entry.of is None) is not (entry.kind is Taken.MARK):
            raise malformed("a line names something, or is a mark")
        if entry.grants is not None and entry.kind is not Taken.WITHDRAWN:
            raise malformed("only a withdrawal names grants")
        if (entry.why is None) is (entry.kind in _REASONED):
            raise malformed("an erasure has its reason, a legal hold its ground, and nothing else has one")
        if not _DETAILS.get(entry.kind, _nothing)(entry.detail):
            raise malformed("a line has the detail of what it says, and no other")
        return cls(entry=entry, mac=unb64u(text(member["mac"])))


def chained(before: bytes, entry: Entry) -> bytes:
    """The bytes of which the keyed hash is the `mac` of a line."""
    return b"ledger/line/" + before + entry.body


def named(direction: str, peer: NodeId, id: str) -> bytes:
    """The bytes of which the keyed hash names a message."""
    return f"ledger/message/{direction}/{peer}/{id}".encode()


def named_link(key: bytes) -> bytes:
    """Name the same way something that is of a case, by the key of its link; of a conversation always."""
    return b"ledger/link/" + key


def named_case(id: str) -> bytes:
    """Name a case the same way."""
    return f"ledger/case/{id}".encode()


def named_case_of(conversation: bytes) -> bytes:
    """Name a case the same way by one of its conversations: one that began after a backup comes with another id."""
    return b"ledger/case of/" + conversation


def named_whom(who: str, id: str) -> bytes:
    """Name a person or a unit the same way, as a block does."""
    return f"ledger/whom/{who}/{id}".encode()


def split(data: bytes) -> tuple[list[bytes], bool]:
    """The whole lines of a file, and whether a piece of one stands behind them, as a crash while writing leaves it."""
    lines = data.split(b"\n")
    return lines[:-1], lines[-1] != b""


def read_lines(lines: list[bytes]) -> list[Line]:
    """Lines in order, numbered without a hole.

    Raises:
        RemoteError: malformed, which names the first line that is wrong by its place from 1.
    """
    found: list[Line] = []
    for place, data in enumerate(lines, 1):
        try:
            line = Line.parse(data)
        except RemoteError as error:
            raise malformed(f"line {place}: {error.what}") from error
        if found and line.entry.n != found[-1].entry.n + 1:
            raise malformed(f"line {place}: a line before it is missing")
        found.append(line)
    return found


_LINE: Final[dict[str, Check]] = {
    "n": is_count,
    "at": is_int(),
    "kind": one_of(*map(str, Taken)),
    "of": nullable(is_b64u(HASH)),
    "grants": nullable(list_of(is_int(), 1, MOST_GRANTS, distinct=True)),
    "why": nullable(is_code),
    "detail": nullable(is_str(maxlen=22)),
    "mac": is_b64u(HASH),
}

_REASONED: Final = frozenset({Taken.ERASED, Taken.KEPT})
_DAY: Final = is_str("[0-9]{4}-[0-9]{2}-[0-9]{2}", 10)
_DETAILS: Final[dict[Taken, Check]] = {
    Taken.HELD: is_b64u(HASH),
    Taken.LIFTED: is_b64u(HASH),
    Taken.OVER: is_b64u(HASH),
    Taken.KEPT: _DAY,
    Taken.BLOCKED: is_b64u(HASH),
    Taken.UNBLOCKED: is_b64u(HASH),
    Taken.MOVED: nullable(is_b64u(HASH)),
}
"""By kind what the detail is; None for all others."""


def _nothing(value: Json) -> bool:
    return value is None
