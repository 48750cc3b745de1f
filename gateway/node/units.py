"""What a token bound to one unit gets: of messages and drafts, those of its unit (gateway.operations.roles).

The unit of a message is the one of this node: it sent it or it is sent to it. A message whose content was erased has
none, so a bound token no longer sees it. Something of another unit is answered as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.conversations.operations.conversations import ConversationOperations
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations import messages
from gateway.delivery.operations.messages import MessageOperations
from gateway.errors import Code, RefusedError
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import MessageRow
from gateway.operations.arguments import Arguments
from gateway.operations.roles import NARROWED
from gateway.ports import Json

_LISTS: Mapping[str, str] = {
    "message.list": "messages",
    "inbox.list": "messages",
    "draft.list": "drafts",
    "conversation.list": "conversations",
    "conversation.due": "due",
    "conversation.show": "messages",
}
_REPLIES = ("in_reply_to", "reply_to")


class UnitGuard:
    """Looks whether what a bound token names is of its unit."""

    def __init__(self, *, content: Content, conversations: ConversationOperations, messages: MessageOperations) -> None:
        self._content = content
        self._conversations = conversations
        self._messages = messages

    async def check(self, operation: str, arguments: Arguments, unit: str) -> None:
        """Before an operation: what it names is of this unit. Raises RefusedError, nothing was done."""
        if operation not in NARROWED or operation in _LISTS:
            return
        if operation in ("message.submit", "message.preview"):
            draft = arguments.get("draft") if operation == "message.preview" else arguments
            header = draft.get("header") if isinstance(draft, Mapping) else None
            if not isinstance(header, dict) or header.get("sender_unit") != unit:
                raise RefusedError(
                    Code.FORBIDDEN,
                    "this token sends for its own unit only; nothing was stored",
                    hint="name the unit of the token in /header/sender_unit",
                )
        elif operation in ("draft.save", "draft.change") and not _drafted_by(arguments.get("draft"), unit):
            raise RefusedError(
                Code.FORBIDDEN,
                "this token drafts for its own unit only; nothing was stored",
                hint="name the unit of the token in /draft/header/sender_unit",
            )
        elif operation == "draft.save":
            return
        elif operation == "conversation.writable":
            shown = await self._conversations.show_conversation({"id": arguments.get("id")})
            narrow("conversation.show", shown.value, unit)
        elif operation.startswith("draft."):
            shown = await self._messages.show_draft({"id": arguments.get("id")})
            if not isinstance(shown.value, dict) or shown.value["unit"] != unit:
                raise RefusedError(Code.NOT_FOUND, "no such draft", hint="trm draft list shows the ids")
        else:
            await self._check_message(arguments.get("id"), unit)
        for name in _REPLIES:
            if arguments.get(name) is not None:
                await self._check_message(arguments[name], unit)

    async def _check_message(self, id: Json, unit: str) -> None:
        """All messages with this id are of the unit: two peers may have chosen the same."""

        def query(c: Connection) -> tuple[list[MessageRow], dict[int, SealedRow]]:
            rows = message_rows.find(c, id) if isinstance(id, str) else []
            return rows, content_rows.get(c, [row.ref for row in rows])

        rows, sealed = await self._content.store.read(query)
        units = {messages.own_unit(row, messages.opened_row(self._content.sealer, sealed.get(row.ref))) for row in rows}
        if units != {unit}:
            raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm message list shows the ids")


def _drafted_by(draft: Json, unit: str) -> bool:
    header = draft.get("header") if isinstance(draft, dict) else None
    return isinstance(header, dict) and header.get("sender_unit") == unit


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
