"""What passes between three nodes, as somebody hears it who took each seed in time: promises are told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from support.inwire import Switchboard
from support.promises import Posted, Promises
from support.wiretap import Wiretap

from gateway.composition.node import Node
from gateway.messages import answers
from keys.documents.envelope import split_envelopes
from keys.documents.receipts import SignedReceipts, Status
from keys.documents.statement import Statement
from keys.primitives.encoding import parse


class Overheard:
    """What was heard on the lines of a switchboard between nodes that are `called` by their names."""

    def __init__(self, called: Callable[[str], Node], board: Switchboard, promises: Promises) -> None:
        self._called = called
        self._promises = promises
        self.wiretap = Wiretap()
        self.opened: dict[str, Posted] = {}
        """What was opened, by the id of the message."""
        self.sealings: set[bytes] = set()
        """Envelopes that were opened."""
        self._contents: dict[tuple[str, str, int, int], tuple[str, str]] = {}
        """What a node signed to another one under an epoch and number: id and commitment."""
        board.left, board.came, board.told = self._left, self._came, self._told
        board.left_part = lambda id: promises.leave(self.opened[id])

    def _left(self, sender: str, receiver: str, body: bytes) -> None:
        for data in split_envelopes(body):
            self._promises.leave(self._open(sender, receiver, data))

    def _came(self, sender: str, receiver: str, ids: Sequence[str], answer: bytes) -> None:
        posted = [self.opened[id] for id in ids]
        there, here = self._called(receiver), self._called(sender).own.node
        read = answers.read_answers(
            answer, asked=[one.id for one in posted], issuer=there.own.descriptor, me=here, now=there.clock.now()
        )
        received = {receipt.msg for receipt in read.receipts if receipt.status is not Status.REJECTED}
        for one in posted:
            if one.id in received:
                self._promises.come(one)

    def _told(self, sender: str, receiver: str, document: bytes) -> None:
        """A node tells how far messages have come: it has them, also where its answers to them were lost."""
        for receipt in SignedReceipts.from_json(parse(document, limit=len(document))).receipts:
            if receipt.status is not Status.REJECTED and (sender, receipt.msg) not in self._promises.arrived:
                self._promises.come(self.opened[receipt.msg])

    def _open(self, sender: str, receiver: str, data: bytes) -> Posted:
        """Learn what an envelope says, also one whose seed is gone; what was seen before is known by its id."""
        envelope = self.wiretap.record(data)
        if data not in self.sealings:
            self.sealings.add(data)
            frames = self.wiretap.read(envelope, signer=self._called(sender).own.node)
            self._hear_number(sender, receiver, frames.statement)
            body: Any = parse(frames.body, limit=len(frames.body))
            self.opened[envelope.id] = Posted(
                sender=sender,
                receiver=receiver,
                id=envelope.id,
                kind=frames.statement.body_type,
                conversation=frames.statement.conv,
                consent=body["header"].get("consent_ref"),
                names=body["content"].get("consent_id"),
                part=body["content"].get("scope") == "grants",
                erase=body["content"].get("erase_wanted") is True,
            )
        return self.opened[envelope.id]

    def _hear_number(self, sender: str, receiver: str, said: Statement) -> None:
        """Nobody honest signs two contents under one number, whatever is sealed anew, lost and put back: so nobody
        honest is ever proven to have done so (nrm1 7.15).
        """
        place, content = (sender, receiver, said.epoch, said.n), (said.id, said.commit)
        assert self._contents.setdefault(place, content) == content, f"{sender} signed two contents under one number"
