"""What became of the withdrawals of a person: which country was told of which, and who has confirmed."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.operations.models import OfCase, OneCase
from gateway.cases.register import cards_in, find_row
from gateway.cases.store import CaseRow
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.operations.models import Owed
from gateway.conversations.operations.standings import duty_of
from gateway.conversations.rules.facts import Message
from gateway.conversations.withdrawals import ToldWithdrawal, list_withdrawals
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import MessageState, Receipt
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages, receipts
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.messages.store.receipts import Word
from gateway.operations.ids import ConsentId, ConversationId, MessageId
from gateway.operations.models import Answer, Flag, Read, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult


class Answered(Answer):
    """A message by which a peer answered, and when it was written."""

    message: MessageId
    at: Time


class TellsWithdrawal(Answer):
    """A withdrawal as one peer was told of it; newest first, one line for each conversation."""

    message: MessageId
    at: Time
    consent: ConsentId | None = Field(description="which consent was taken back, whole or in part")
    whole: Flag
    erase_wanted: Flag = Field(description="the person also wants the data erased there")
    conversation: Read[ConversationId | None] = None
    peer: str
    country: str | None
    state: MessageState
    receipts: list[Receipt]
    confirmed: Answered | None = Field(description="the peer stopped what relied on it, and said so")
    erased: Answered | None = Field(description="the peer answered what it has erased, and what a law lets it keep")
    owed: list[Owed] = Field(description="what the peer still has to answer")


class WithdrawalsOfCase(Answer):
    """Who was told of what a person took back, and what became of it."""

    of_case: OfCase = None
    withdrawals: list[TellsWithdrawal]


class WithdrawalOperations:
    """Operations that follow a withdrawal."""

    def __init__(self, *, content: Content, peers: PeerRegistry, loader: ConversationLoader, clock: Clock) -> None:
        self._content = content
        self._peers = peers
        self._loader = loader
        self._clock = clock

    @operation(
        "case.withdrawals",
        "who was told of a withdrawal, and who has confirmed",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=WithdrawalsOfCase,
        units=Units.NARROWED,
    )
    async def list_withdrawals(self, asked: OneCase) -> OperationResult:
        """What became of every consent that this node took back for a person: for each country that was told how far
        the message came, when the country confirmed that it has stopped, what it erased, and until when it owes that.
        """
        now = self._clock.now()

        def query(c: Connection) -> dict[str, Json]:
            row = find_row(c, asked.id, place="/id")
            keys = {
                (one.conversation, one.peer) for one in messages.of_conversations(c, cases.conversations_of(c, row.id))
            }
            held, contents = self._loader.load(c, sorted(keys))
            lines = [line for key, one in held.items() for line in self._lines(c, key, one, contents, now)]
            lines.sort(key=lambda line: (line["at"], line["message"]), reverse=True)
            return {"of_case": self._named(c, row), "withdrawals": [*lines]}

        return OperationResult(value=await self._content.store.read(query))

    def _named(self, connection: Connection, row: CaseRow) -> Json:
        return {"id": row.id, "name": cards_in(self._content.sealer, connection, [row])[row.id].name}

    def _lines(
        self, connection: Connection, key: Key, held: LoadedConversation, contents: dict[int, MessageContent], now: int
    ) -> list[dict[str, Json]]:
        """A line for each withdrawal of this node in a conversation."""
        if held.conversation is None:
            return []
        told = {one.withdrawal.id: one for one in list_withdrawals(held.conversation, held.ours, now)}
        rows = [row for row in held.rows if row.direction == messages.OUT and row.id in told]
        words = receipts.words(connection, receipts.RECEIVED, key[1], [row.id for row in rows])
        return [self._line(row, contents[row.ref], told[row.id], words, held, now) for row in rows]

    def _line(
        self,
        row: MessageRow,
        opened: MessageContent,
        told: ToldWithdrawal,
        words: list[Word],
        held: LoadedConversation,
        now: int,
    ) -> dict[str, Json]:
        peer, said = self._peers.get(row.peer), told.withdrawal.said
        owed: list[Json] = [duty_of(duty, held, now) for duty in told.owed]
        return {
            "message": row.id,
            "at": row.at,
            "consent": said.consent,
            "whole": said.grants is None,
            "erase_wanted": said.erase,
            "conversation": opened.facts.conversation,
            "peer": row.peer if peer is None else peer.name,
            "country": None if peer is None else peer.descriptor.country,
            "state": row.state,
            "receipts": [{"status": word.status, "at": word.at, "code": None} for word in words if word.id == row.id],
            "confirmed": _answer(told.confirmed),
            "erased": _answer(told.erased),
            "owed": owed,
        }


def _answer(message: Message | None) -> Json:
    return None if message is None else {"message": message.id, "at": message.created}
