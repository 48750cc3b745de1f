"""What a witness answers, and when a log counts as witnessed (nrm1 11.3; C2SP tlog-witness, ``add-checkpoint``).

The log's signature is proven and its origin known before anybody comes here; the steps are those of the specification:

1. the old size is not above the new one, else 400;
2. the old size is that of the checkpoint cosigned last, 0 for none, else 409 with that size;
3. the same size has the same root, else 409 with that size;
4. the proof shows that the new tree begins with the old one, else 422.

Only what passes all four is written and then cosigned: a witness never signs two trees of which one does not begin
with the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

QUORUM = 2


class Answer(IntEnum):
    """The status of the answer; only ``COSIGN`` comes with a signature."""

    COSIGN = 200
    BAD = 400
    CONFLICT = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A tree of one log: its number of leaves and its root."""

    size: int
    root: bytes


def judge(held: Head | None, old: int, new: Head, extends: Callable[[], bool]) -> Answer:
    """Choose the answer to a log that shows `new`; `extends` judges its proof from `held`, or from the empty tree."""
    if old > new.size:
        return Answer.BAD
    if old != (0 if held is None else held.size):
        return Answer.CONFLICT
    if held is not None and held.size == new.size and held.root != new.root:
        return Answer.CONFLICT
    return Answer.COSIGN if extends() else Answer.INCONSISTENT


def quorum(active: int) -> int:
    """Count the cosignatures that make a checkpoint witnessed; 0 for a node without peers: its log is unwitnessed."""
    return min(QUORUM, active)
