"""The two sizes of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COMPARED = (8, 32)
"""Clients of the loads that are compared with django-pyas2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything a run measures: seconds of loads, clients, messages, conversations, peers."""

    rounds: int
    seconds: float
    clients: Sequence[int]
    open_seconds: float
    """Of the open loop; more than a minute has the chores of each minute inside."""
    length_messages: int
    length: int
    """Messages of a long conversation."""
    peers: int
    stored: int
    """Messages of the pass in which bytes on the disk are counted."""
    most_clients: int
    """Of the loads with a slow disk, and with a backlog."""
    backlog: int
    changed: int
    """Conversations that changed before a start."""
    patience: float
    """Seconds that are waited at most until they are folded."""


WHOLE = Plan(
    rounds=5,
    seconds=8,
    clients=(1, 8, 32, 128),
    open_seconds=75,
    length_messages=400,
    length=300,
    peers=50,
    stored=2_000,
    most_clients=128,
    backlog=100_000,
    changed=10_000,
    patience=600,
)
QUICK = Plan(
    rounds=2,
    seconds=4,
    clients=(1, 8, 32),
    open_seconds=8,
    length_messages=60,
    length=60,
    peers=5,
    stored=256,
    most_clients=32,
    backlog=2_000,
    changed=1_000,
    patience=60,
)
"""Shows that everything can be measured, within a few minutes; most targets name more than it measures."""
