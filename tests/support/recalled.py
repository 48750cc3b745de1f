"""What is recalled of a conversation is what it says when it is loaded whole: compared each time that a node asks.

A write of the program that changes what a conversation is made of, and is not counted in its row, is found by this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from gateway.conversations.history_facts import keep_facts
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.rules.fold import followed
from gateway.messages.content_codec import MessageContent
from gateway.messages.store.conversations import Key


def compare_recalls(patch: pytest.MonkeyPatch) -> Counter[str]:
    """Compare each conversation that is recalled with a load of all of it in the same snapshot; counts how many were
    and how many of these had been in memory.
    """
    met, recall = Counter[str](), ConversationLoader.recall

    def compared(
        self: ConversationLoader,
        connection: Connection,
        keys: Collection[Key],
        *,
        unopened: Collection[Key] = (),
        whole: Collection[Key] = (),
        opened: Collection[int] = (),
        keep: bool = True,
    ) -> tuple[dict[Key, LoadedConversation], dict[int, MessageContent]]:
        remembered = [key for key in keys if self._memory.holds(key)]
        found, contents = recall(self, connection, keys, unopened=unopened, whole=whole, opened=opened, keep=keep)
        loaded, every = self.load(connection, keys)
        assert contents == {ref: one for ref, one in every.items() if ref in opened}
        for key in keys:
            assert_same(found[key], loaded[key])
        met["all"] += len(keys)
        met["in memory"] += len(remembered)
        return found, contents

    patch.setattr(ConversationLoader, "recall", compared)
    return met


def assert_same(found: LoadedConversation, loaded: LoadedConversation) -> None:
    """Compare all that judgements take of a conversation."""
    assert [(row, row.changed) for row in found.rows] == [(row, row.changed) for row in loaded.rows]
    assert (found.ours, found.missing, found.begun, found.spoken) == (
        *(loaded.ours, loaded.missing),
        *(loaded.begun, loaded.spoken),
    )
    assert found.conversation == loaded.conversation
    if found.whole:
        return
    facts = {ref: kept for ref, said in loaded.said.items() if (kept := keep_facts(said)) is not None}
    assert dict(found.said) == facts
    assert found.history() == replace(loaded.history(), told=None)
    if found.conversation is not None and found.conversation.trail is not None and loaded.conversation is not None:
        assert found.conversation.trail == followed(loaded.conversation).trail
