"""Requests of peers that are being answered: an answer waits a moment for the hand-over of its messages, so that one
signature tells that they were received and delivered (nrm1 6.5).

A `delivered` that an answer tells is owed to nobody: a peer that did not get the answer sends the same bytes again, and
is told all that was said of them. So each `delivered` is told in an answer or it is owed. The hand-over decides that
before it writes: it takes the answer, which from then on waits for what is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence

from gateway.foundation.ids import MessageId, NodeId
from keys.documents.envelope import Receipt
from keys.documents.receipts import SignedReceipts
from keys.primitives.batch import MOST

PATIENCE = 0.1
"""Seconds that an answer waits for a hand-over to begin to write; most take less."""
SKIPPED = 16
"""Answers that do not wait after one that waited in vain: a slow case system delays no peer."""


class OpenAnswer:
    """The answer to one request: `receipts` are its final words, unsigned yet, and `messages` the ones it took in."""

    def __init__(self, node: NodeId, receipts: Sequence[Receipt], messages: Iterable[MessageId]) -> None:
        self.node = node
        self.receipts = tuple(receipts)
        self.messages = frozenset(messages)
        self.taken = False
        self.signed: SignedReceipts | None = None
        self.ended = asyncio.Event()


class Answering:
    """The answers that are open now. Everything here happens on the event loop."""

    def __init__(self) -> None:
        self.attended = False
        """Whether something hands over."""
        self._open: dict[tuple[NodeId, MessageId], OpenAnswer] = {}
        self._skip = 0

    def begin(self, node: NodeId, receipts: Sequence[Receipt], messages: Collection[MessageId]) -> OpenAnswer | None:
        """Open an answer before its messages are written; None where it had better not wait."""
        if not self.attended or self._skip:
            self._skip = max(0, self._skip - 1)
            return None
        answer = OpenAnswer(node, receipts, messages)
        self._open |= {(node, id): answer for id in messages}
        return answer

    def take(self, node: NodeId, messages: Collection[MessageId]) -> list[OpenAnswer]:
        """Take the answers to be signed along with `delivered` of these messages: those of which no other message is
        missing, as many as one signature holds.
        """
        taken: list[OpenAnswer] = []
        room = MOST - len(messages)
        for answer in self._of(node, messages):
            if not answer.taken and answer.messages.issubset(messages) and len(answer.receipts) <= room:
                answer.taken = True
                room -= len(answer.receipts)
                taken.append(answer)
        return taken

    def end(self, answer: OpenAnswer, signed: SignedReceipts | None) -> None:
        """What was taken is written, and signed; None where it is not."""
        answer.signed = signed
        answer.ended.set()
        for id in answer.messages:
            self._open.pop((answer.node, id), None)

    async def settle(self, answer: OpenAnswer) -> SignedReceipts | None:
        """Wait for the hand-over; its signature, or None where the answer has to be signed alone."""
        try:
            async with asyncio.timeout(PATIENCE):
                await answer.ended.wait()
        except TimeoutError:
            self._skip = SKIPPED
            if answer.taken:
                await answer.ended.wait()
        finally:
            if not answer.taken:
                self.end(answer, None)
        return answer.signed

    async def settle_all(self, node: NodeId, messages: Collection[MessageId]) -> None:
        """Wait until no other request is being answered that has one of these messages."""
        for answer in self._of(node, messages):
            await answer.ended.wait()

    def _of(self, node: NodeId, messages: Iterable[MessageId]) -> list[OpenAnswer]:
        found = (self._open.get((node, id)) for id in messages)
        return [*dict.fromkeys(answer for answer in found if answer is not None)]
