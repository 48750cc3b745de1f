"""Conversations, most recent first."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.cases import register
from gateway.cases.operations.models import OfCase
from gateway.conversations.rules.machines import Enquiry, Kind, OpenQuestionState, Referral
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import (
    MessageState,
)
from gateway.delivery.operations.messages_shown import opened_row, own_unit, peer_of
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import messages
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.messages import MessageRow
from gateway.operations.ids import ConversationId, PeerId
from gateway.operations.models import Answer, Count, Next, OneOf, Read, Time, Type, Unsettled
from gateway.operations.paging import Page, paged
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Json, OperationResult


class ConversationPage(Page):
    """Which conversations are listed."""

    peer: PeerId | None = None
    kind: Annotated[str, OneOf(*Kind)] | None = None
    state: Annotated[str, OneOf(*Referral, *Enquiry, *OpenQuestionState)] | None = Field(
        default=None, description="see docs/state-machines.md"
    )


class ConversationLine(Answer):
    """A conversation, and its newest message."""

    conversation: Read[ConversationId | None] = None
    of_case: OfCase = None
    kind: str
    state: str | None = Field(description="as it was last folded")
    peer: str
    unit: Read[str | None] = None
    messages: Count
    began: Time
    last: Time
    last_type: Type | None
    last_state: MessageState


class Conversations(Answer):
    """A page of conversations."""

    next: Next | None
    conversations: list[ConversationLine]
    unsettled: Unsettled


class ConversationListOperations:
    """The list of conversations."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        status_updates: StatusUpdates,
    ) -> None:
        self._content = content
        self._peers = peers
        self._status_updates = status_updates

    @operation(
        "conversation.list",
        "conversations, most recent first",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Conversations,
        units=Units.NARROWED,
    )
    async def list_conversations(self, asked: ConversationPage) -> OperationResult:
        """Conversations, most recently active first; with one peer, of one kind, in one state."""
        limit, before = asked.limit, asked.position
        wanted = {"peer": peer_of(self._peers, asked.peer), "kind": asked.kind, "state": asked.state}
        settled = await self._status_updates.keep_awhile()

        def query(
            c: Connection,
        ) -> tuple[
            list[tuple[bytes, int, int, int]], dict[int, MessageRow], dict[int, SealedRow], dict[Key, ConversationRow]
        ]:
            found = messages.conversations(c, limit=limit + 1, before=before, **wanted)
            refs = [ref for _, first, last, _ in found for ref in (first, last)]
            return (
                found,
                messages.get(c, refs),
                content_rows.get(c, refs),
                rows_of.get(c, [index for index, *_ in found]),
            )

        found, rows, sealed, stands = await self._content.store.read(query)
        items: list[Json] = []
        shown, following = paged(found, limit, lambda one: one[2])
        names = await register.names_of(self._content, [index for index, *_ in shown])
        for _, first, last, count in shown:
            opened, newest = (
                opened_row(self._content.sealer, sealed.get(first)),
                opened_row(self._content.sealer, sealed.get(last)),
            )
            peer = self._peers.get(rows[last].peer)
            of_case = names.get(rows[last].conversation)
            unit, row = own_unit(rows[last], newest), stands.get((rows[last].conversation, rows[last].peer))
            items.append(
                {
                    "conversation": None if opened is None else opened.facts.conversation,
                    "of_case": of_case,
                    "kind": rows[first].kind,
                    "state": None if row is None else row.state,
                    "peer": rows[last].peer if peer is None else peer.name,
                    "unit": unit if unit == own_unit(rows[first], opened) else None,
                    "messages": count,
                    "began": rows[first].at,
                    "last": rows[last].at,
                    "last_type": None if newest is None else newest.facts.body_type,
                    "last_state": rows[last].state,
                }
            )
        return OperationResult(value={"conversations": items, "next": following, "unsettled": not settled})
