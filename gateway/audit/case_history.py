"""What was done in one case, told from the audit log: which of its entries are acts, who acted, and the verdict. Pure.

An act is an entry of the log. What is not: that somebody was shown something, which is told apart, and steps that a
message takes by itself unless it ends badly there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

READS = frozenset({"content.read", "attachment.read", "content.asked"})
"""Entries that tell who was shown something."""
BY_ITSELF = frozenset({"message.state", "receipts.issued", "receipts.held"})
"""Entries that no person made."""
ENDS = frozenset({"failed", "rejected", "cancelled"})
"""States in which a message went no further."""
RELEASES = ("message.released", "draft.released", "consent.withdraw", "message.again")
"""Entries beside `message.queued` that name who let the message go."""


class Verdict(StrEnum):
    """Whether what is told of a case is all of it, and as it was written."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Of a message of the case there is no entry."""
    BROKEN = "broken"
    """The log itself does not hold: what it says of this case proves nothing."""


class Kind(StrEnum):
    """Who acted, as far as this node may say."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 (a program that acts by a token, no secret)
    OWNER = "owner"
    USER = "user"
    """A user of a case system, whom its token attests."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Who:
    """Who acted: a person by name, a program by the label of its token."""

    kind: Kind
    name: str | None = None


def is_act(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is told as an act."""
    event = entry["ev"]
    return event not in READS and (event not in BY_ITSELF or entry.get("state") in ENDS)


def name_actors(names: Mapping[str, str], pseudonyms: Mapping[str, str]) -> dict[str, Who]:
    """By pseudonym who acted. `names` has the names here by who reads or acts (`person/ID`, `token/ID`, `owner`), and
    `pseudonyms` the keyed hash of each.
    """
    return {pseudonyms[key]: Who(_kind_of(key), None if key == Kind.OWNER else name) for key, name in names.items()}


def _kind_of(key: str) -> Kind:
    return Kind(key.partition("/")[0])


def find_actor(entry: Mapping[str, Any], known: Mapping[str, Who]) -> Who | None:
    """Who made an entry; None where it names nobody."""
    actor = entry.get("actor")
    if not isinstance(actor, str):
        return None
    return known.get(actor, Who(Kind.USER if entry.get("attested") else Kind.UNKNOWN))


def find_releasers(
    beside: Sequence[Mapping[str, Any]], first: Iterable[Mapping[str, Any]], known: Mapping[str, Who]
) -> list[Who]:
    """Who let a message go, the first person first: by the entries of that second, if one alone can be meant. `first`
    are the entries by which a first person released the same draft.
    """
    if len(beside) != 1:
        return []
    found = [find_actor(one, known) for one in (*first, beside[0])]
    return list(dict.fromkeys(one for one in found if one is not None))


def judge(*, findings: int, missing: int) -> Verdict:
    """The verdict, by how many faults the log has and of how many messages there is no entry."""
    if findings:
        return Verdict.BROKEN
    return Verdict.INCOMPLETE if missing else Verdict.COMPLETE


def covered(seq: int, *, signed: int, witnessed: int) -> str:
    """How far an entry is covered: `witnessed`, `signed` by this node alone, or `open` until the next checkpoint."""
    return "witnessed" if seq <= witnessed else "signed" if seq <= signed else "open"
