"""What a caller bound to one unit gets: of messages and drafts, those of its unit (gateway.operations.registry).

The unit of a message is the one of this node: it sent it or it is sent to it. A message whose content was erased has
none, so a bound token no longer sees it. Something of another unit is answered as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.conversations.operations.conversations import ConversationOperations
from gateway.conversations.operations.models import OneConversation
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations import messages
from gateway.delivery.operations.draft_models import OneDraft, Unfinished
from gateway.delivery.operations.messages import MessageOperations
from gateway.errors import Code, RefusedError
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import MessageRow
from gateway.operations.ids import Subject, list_ids
from gateway.operations.models import Asked
from gateway.operations.registry import Row, Units
from gateway.ports import Json

_LISTS: Mapping[str, str] = {
    "message.list": "messages",
    "inbox.list": "messages",
    "draft.list": "drafts",
    "conversation.list": "conversations",
    "conversation.due": "due",
    "conversation.show": "messages",
}


class UnitGuard:
    """Looks whether what a bound caller names is of its unit."""

    def __init__(self, *, content: Content, conversations: ConversationOperations, messages: MessageOperations) -> None:
        self._content = content
        self._conversations = conversations
        self._messages = messages

    async def check(self, row: Row, asked: Asked, unit: str) -> None:
        """Before an operation: whatever it names is of this unit. Raises RefusedError, nothing was done."""
        if row.units is not Units.NARROWED or row.name in _LISTS:
            return
        draft = asked if isinstance(asked, Unfinished) else getattr(asked, "draft", None)
        if isinstance(draft, Unfinished) and not _written_by(draft, unit):
            raise RefusedError(
                Code.FORBIDDEN,
                "this token writes for its own unit only; nothing was stored",
                hint="name the unit of the token as sender_unit in the header",
            )
        for subject, id in list_ids(asked):
            if subject is Subject.MESSAGE:
                await self._check_message(id, unit)
            elif subject is Subject.DRAFT:
                await self._check_draft(id, unit)
            elif subject is Subject.CONVERSATION and isinstance(asked, OneConversation):
                await self._check_conversation(id, unit)

    async def _check_message(self, id: str, unit: str) -> None:
        """All messages with this id are of the unit: two peers may have chosen the same."""

        def query(c: Connection) -> tuple[list[MessageRow], dict[int, SealedRow]]:
            rows = message_rows.find(c, id)
            return rows, content_rows.get(c, [row.ref for row in rows])

        rows, sealed = await self._content.store.read(query)
        units = {messages.own_unit(row, messages.opened_row(self._content.sealer, sealed.get(row.ref))) for row in rows}
        if units != {unit}:
            raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm message list shows the ids")

    async def _check_draft(self, id: str, unit: str) -> None:
        shown = (await self._messages.show_draft(OneDraft(id=id))).value
        if not isinstance(shown, dict) or shown["unit"] != unit:
            raise RefusedError(Code.NOT_FOUND, "no such draft", hint="trm draft list shows the ids")

    async def _check_conversation(self, id: str, unit: str) -> None:
        shown = (await self._conversations.show_conversation(OneConversation(id=id))).value
        narrow("conversation.show", shown, unit)


def _written_by(draft: Unfinished, unit: str) -> bool:
    return isinstance(draft.header, dict) and draft.header.get("sender_unit") == unit


def narrow(operation: str, value: Json, unit: str) -> Json:
    """After an operation: lists without what is of other units. A page may be shorter than asked, down to empty."""
    name = _LISTS.get(operation)
    if name is None or not isinstance(value, dict):
        return value
    listed = value[name]
    kept: list[Json] = [
        item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict) and item["unit"] == unit
    ]
    if operation == "conversation.show" and not kept:
        raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
    return value | {name: kept}
