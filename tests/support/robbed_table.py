"""What a thief can do with a copy of one key of a node, and what he can never do with it.

Each line is what docs/threat-model.md says remains, or what a rule forbids; `support.robbed_thief` tries all of it, and
counts what came true and what was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Loot(StrEnum):
    """What is copied."""

    SIG = "a sig key"
    HALF = "the Ed25519 half of a sig key"
    HTTP = "an http key"
    LOG = "a log key"
    WIT = "a wit key"
    SEED = "an encryption seed"
    FILE = "the file of the key store, with the passphrase"
    DISK = "the file of the key store, its secret and the passphrase"
    ROOT = "one of the two roots that have to sign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Two columns of the table."""

    can: tuple[str, ...] = ()
    never: tuple[str, ...]


HEARD = "has a statement of its own accepted by a node"
TOLD = "has a receipt of its own believed by a node"
PROVEN = "has proven what it signed, once the key is revoked as of the theft"
BLAMED = "has the node named for two contents, once the key is revoked as of the theft"
SHOWN = "shows a court what it signed, until the key is revoked"
LISTED = "signs a list of keys to seal to"
READS = "reads what was sealed to the seeds it has"
READS_ELSE = "reads anything else"
FORKS = "signs a tree that its owner never had"
COSIGNED = "has an honest witness cosign a tree of its own"
VOUCHES = "cosigns as the node, at any time"
COUNTS = "counts as a witness once the key is revoked"
CARRIES = "has a recorded message carried once more"
ANSWERED = "is answered anything new for that"
OPENS = "opens the key store"
HEARD_UNTIL = "is heard as the node until its peer knows the revocation"
HEARD_AFTER = "is heard as the node once its peer knows the revocation"
EXTENDS = "has a false entry witnessed"
SWAPS = "has a peer seal to a key of its own"
VERSION = "has a version of the descriptor accepted"
ENDS = "ends the node with a tombstone"
SPLIT = "makes a proof that the roots signed twice"
ONE_OF_TWO = "signs as one of the two that are needed"
SIGNS = "signs anything"
ASKS = "is told what a peer holds of the link"
RESETS = "asks that a link begins anew, which people are told of"
BEGINS = "begins a link anew"

TABLE: Mapping[Loot, Power] = MappingProxyType(
    {
        Loot.SIG: Power(can=(SHOWN, LISTED), never=(HEARD, TOLD, PROVEN, BLAMED, READS_ELSE)),
        Loot.HALF: Power(never=(SIGNS, READS_ELSE)),
        Loot.HTTP: Power(can=(CARRIES, ASKS), never=(ANSWERED, HEARD, TOLD, COSIGNED, READS_ELSE)),
        Loot.LOG: Power(can=(FORKS,), never=(COSIGNED, READS_ELSE)),
        Loot.WIT: Power(can=(VOUCHES,), never=(COUNTS, READS_ELSE)),
        Loot.SEED: Power(can=(READS,), never=(HEARD, READS_ELSE)),
        Loot.FILE: Power(never=(OPENS, READS_ELSE)),
        Loot.DISK: Power(
            can=(SHOWN, LISTED, CARRIES, ASKS, RESETS, FORKS, VOUCHES, READS, HEARD_UNTIL, EXTENDS, SWAPS),
            never=(PROVEN, BLAMED, COUNTS, HEARD_AFTER, BEGINS, READS_ELSE),
        ),
        Loot.ROOT: Power(can=(ONE_OF_TWO,), never=(VERSION, ENDS, SPLIT, READS_ELSE)),
    }
)
"""The table. Who has the disk has each of the keys that are on it, and no root."""
