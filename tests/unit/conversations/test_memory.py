"""What is held of conversations: how much, for how long, and for which snapshots."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gateway.conversations.memory import MOST, MOST_MESSAGES, UNUSED, ConversationMemory
from gateway.foundation.ids import NodeId
from gateway.messages.store.conversations import Key

PEER = NodeId("n1.peer")


@dataclass(frozen=True)
class Held:
    """A conversation after so many changes, of so many messages."""

    changes: int
    size: int = 1


def key(number: int) -> Key:
    """The conversation with this number."""
    return number.to_bytes(4, "big"), PEER


def put(memory: ConversationMemory[Held], number: int, held: Held) -> None:
    """Hold what a snapshot says that begins now."""
    memory.put(key(number), held, began=time.monotonic() + 1)


def test_no_snapshot_is_answered_by_a_later_one():
    """Nor is a later one lost to an older snapshot that was read at the same time."""
    memory = ConversationMemory[Held]()
    put(memory, 1, Held(5))
    assert memory.get(key(1), 4) is None
    put(memory, 1, Held(4))
    assert memory.get(key(1), 5) == memory.get(key(1), 6) == Held(5)


def test_the_one_that_was_not_used_longest_goes_first():
    """No more conversations are held than there may be, and no more messages."""
    memory = ConversationMemory[Held]()
    for number in range(MOST + 1):
        put(memory, number, Held(1))
        memory.get(key(0), 1)
    assert [memory.holds(key(number)) for number in (0, 1, 2, MOST)] == [True, False, True, True]
    put(memory, MOST + 1, Held(1, MOST_MESSAGES - 1))
    assert [memory.holds(key(number)) for number in (0, 2, MOST, MOST + 1)] == [True, False, False, True]
    put(memory, MOST + 2, Held(1, MOST_MESSAGES + 1))
    assert not any(memory.holds(key(number)) for number in range(MOST + 3))


def test_what_nobody_asks_for_is_forgotten_after_some_rounds():
    """What is asked for stays."""
    memory = ConversationMemory[Held]()
    put(memory, 1, Held(1))
    put(memory, 2, Held(1))
    for _ in range(UNUSED):
        memory.forget_unused()
        memory.get(key(2), 1)
    assert [memory.holds(key(number)) for number in (1, 2)] == [True, True]
    memory.forget_unused()
    assert [memory.holds(key(number)) for number in (1, 2)] == [False, True]


def test_after_an_erasure_nothing_is_held_that_was_read_before():
    """A thread that reads a snapshot of before puts nothing back."""
    memory = ConversationMemory[Held]()
    put(memory, 1, Held(1))
    before = time.monotonic()
    memory.forget()
    assert not memory.holds(key(1))
    memory.put(key(1), Held(1), began=before)
    assert not memory.holds(key(1))
    put(memory, 1, Held(2))
    assert memory.holds(key(1))
