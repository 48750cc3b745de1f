"""Looking into the audit log, and who read what: for auditors, and for a person who asks who has seen their data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from gateway.access import people_store as person_rows
from gateway.access import token_store as token_rows
from gateway.audit import access_store, store, words
from gateway.audit.access_log import OWNER
from gateway.audit.access_store import Reading
from gateway.audit.log import AuditLog
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.messages.content_codec import read_content
from gateway.messages.store import messages
from gateway.operations.ids import ConsentId, ConversationId, MessageId
from gateway.operations.models import DIGITS, UNSAID, Answer, Count, Next, Object, OneOf, Read, Text, Time
from gateway.operations.paging import Page, paged
from gateway.operations.registry import About, operation
from gateway.operations.roles import AUDITOR, CHECKS, FOCAL_POINT, PROTECTS, Caller
from gateway.ports import Json, OperationResult
from keys.primitives.encoding import b64u, unb64u

LATEST = 2**53 - 1
OF_CONVERSATION = frozenset({"conversation", "contact", "evidence"})
"""What was shown that has the index of a conversation for its id."""


class WantedReads(Page):
    """Which readings: of one message, conversation or consent, or by one reader."""

    message: MessageId | None = Field(default=None, description="a message or draft")
    conversation: ConversationId | None = Field(default=None, description="with all its messages")
    consent: ConsentId | None = None
    reader: Text | None = Field(default=None, description="as the answer names one: owner, token/ID, person/ID")


class WantedEntries(Page):
    """Which entries of the log."""

    event: Text | None = Field(default=None, description="see docs/audit-events.md")
    subject: Text | None = Field(default=None, description="an id, a hash or another member of the entry")
    until: Annotated[int, Field(ge=0, le=LATEST, description="Unix seconds"), DIGITS] = LATEST


class ReadShown(Answer):
    """That somebody was shown content."""

    at: int = Field(description="the first time on that day")
    what: str = Field(description="message, draft, file/N, conversation, contact, consent or evidence")
    id: MessageId = Field(description="as the audit log names it: of a conversation or consent its keyed index")
    conversation: Read[ConversationId | None] = Field(
        default=UNSAID, description="that it is the index of; null where that is not known"
    )
    reader: str
    name: str | None = Field(description="of the person, or the label of the token")


class Reads(Answer):
    """A page of readings, newest first."""

    next: Next | None
    reads: list[ReadShown]


class EntryShown(Answer):
    """An entry of the log."""

    seq: Count
    at: Time
    event: str
    facts: Object = Field(description="the members of this event")
    covered: Annotated[str, OneOf("witnessed", "signed", "open")] = Field(
        description="by a checkpoint that peers cosigned, or we"
    )


class Entries(Answer):
    """A page of entries, newest first."""

    next: Next | None
    entries: list[EntryShown]


class AccessOperations:
    """Operations that show who read what."""

    def __init__(self, *, content: Content, log: AuditLog) -> None:
        self._content = content
        self._log = log

    @operation(
        "audit.reads",
        "who was shown what content",
        roles=FOCAL_POINT | AUDITOR | PROTECTS,
        about=About.CASE,
        answer=Reads,
    )
    async def list_reads(self, asked: WantedReads, caller: Caller) -> OperationResult:
        """List who was shown what, newest first: of one message or draft, of one conversation with all its messages, of
        one consent, or by one reader. Conversations have their ids where the caller reads content.
        """
        limit, before, reader = asked.limit, asked.position, asked.reader
        message, conversation, consent = asked.message, asked.conversation, asked.consent
        if sum(name is not None for name in (message, conversation, consent)) > 1:
            raise RefusedError(Code.INVALID, "name one of message, conversation and consent; nothing was listed")

        def query(c: Connection) -> tuple[list[tuple[int, Reading]], Mapping[str, str], Mapping[str, str]]:
            ids: list[str] | None = None
            if message is not None:
                ids = [message]
            elif consent is not None:
                ids = [b64u(self._content.sealer.consent_index(consent))]
            elif conversation is not None:
                index = self._content.sealer.conversation_index(conversation)
                ids = [b64u(index), *(row.id for row in messages.of_conversation(c, index))]
            found = access_store.page(c, before=before, limit=limit + 1, ids=ids, reader=reader)
            indexes = {one.id for _, one in found if one.what in OF_CONVERSATION} if caller.reads_content else set()
            return found, reader_names(c), _conversations(self._content.sealer, c, indexes)

        found, names, conversations = await self._content.store.read(query)
        shown, following = paged(found, limit, lambda one: one[0])
        items: list[Json] = []
        for _, one in shown:
            said: dict[str, Json] = {"at": one.at, "what": one.what, "id": one.id, "reader": one.reader}
            if caller.reads_content:
                said["conversation"] = conversations.get(one.id)
            items.append(said | {"name": names.get(one.reader)})
        return OperationResult(value={"reads": items, "next": following})

    @operation("audit.list", "entries, newest first", roles=CHECKS | PROTECTS, about=About.NODE, answer=Entries)
    async def list_entries(self, asked: WantedEntries) -> OperationResult:
        """Entries of the log, newest first, of one event, about one subject, or up to a time; each says how far it is
        covered: `witnessed`, `signed` by this node only, or `open` until the next checkpoint.
        """
        limit, before = asked.limit, asked.position
        wanted = words.Wanted(event=asked.event, subject=asked.subject)

        def query(c: Connection) -> tuple[list[tuple[int, dict[str, Any]]], int, int, int]:
            newest, witnessed = (
                store.newest_checkpoint(c),
                store.newest_witnessed(c, self._log.parties().quorum),
            )
            high = store.last_until(c, asked.until) if before is None else before - 1
            found, rest = words.search(c, wanted, high=high, limit=limit + 1)
            signed, seen = 0 if newest is None else newest.size, 0 if witnessed is None else witnessed.size
            return found, rest, signed, seen

        found, rest, signed, witnessed = await self._content.store.read(query)
        shown, following = paged(found, limit, lambda one: one[0])
        if following is None and rest > 0 and limit:
            following = str(rest + 1)
        return OperationResult(value={"entries": _entries(shown, signed, witnessed), "next": following})


def _conversations(sealer: ContentSealer, connection: Connection, indexes: Collection[str]) -> dict[str, str]:
    """The ids of conversations by their keyed indexes, as the newest message of each says; without one that opens
    there is none.
    """
    if not indexes:
        return {}
    rows = messages.of_conversations(connection, [unb64u(index) for index in sorted(indexes)])
    newest = {row.conversation: row.ref for row in rows}
    sealed = content.get(connection, [*newest.values()])
    opened = dict(zip(sealed, sealer.open_each([*sealed.values()]), strict=True)) if sealed else {}
    return {
        b64u(index): read_content(plain).facts.conversation
        for index, ref in newest.items()
        if isinstance(plain := opened.get(ref), bytes)
    }


def reader_names(connection: Connection) -> dict[str, str]:
    """Find the name here of each reader, by the key of the reader."""
    people = {f"person/{row.id}": row.name for row in person_rows.load(connection)}
    tokens = {f"token/{row.id}": row.label for row in token_rows.load(connection)}
    return {OWNER: OWNER, **people, **tokens}


def _entries(found: Sequence[tuple[int, dict[str, Any]]], signed: int, witnessed: int) -> list[Json]:
    items: list[Json] = []
    for seq, value in found:
        facts = {name: fact for name, fact in value.items() if name not in ("seq", "at", "ev")}
        covered = "witnessed" if seq <= witnessed else "signed" if seq <= signed else "open"
        items.append({"seq": seq, "at": value["at"], "event": value["ev"], "facts": facts, "covered": covered})
    return items
