"""Conversations for people and case systems: where each stands, what became of its messages, who owes what until when.

All of it is folded when it is asked for, from what both sides have said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from gateway.cases import register as case_register
from gateway.cases import store as cases
from gateway.consent import register
from gateway.conversations import status_updates as standings
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.operations.models import Conversation, DueList, DuePage, OneConversation, Writable
from gateway.conversations.operations.standings import StandingViews, duty_of, outcome_of
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.fold import fold
from gateway.conversations.rules.morning_list import Owed, owed
from gateway.conversations.rules.possible import possible
from gateway.conversations.status_updates import THEM, US, StatusUpdates
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import own_unit, peer_of, summary
from gateway.erasure import store as erasures
from gateway.errors import Code, RefusedError
from gateway.foundation.workers import Workers
from gateway.messages import headers
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import messages
from gateway.messages.store.conversations import ConversationRow, Key, Owing, Place
from gateway.messages.store.messages import MessageRow
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES
from gateway.peers.registry import PeerRegistry
from gateway.policy import store
from gateway.ports import Clock, Json, OperationResult
from schemas.region_pack.procedures import Fact
from schemas.region_pack.regions import Region

_OWING = {None: Owing.EITHER, US: Owing.US, THEM: Owing.THEM}
_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9a-f]{32})\.(n1[a-z2-7]{32})")


class ConversationOperations:
    """Operations that show conversations."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        loader: ConversationLoader,
        status_updates: StatusUpdates,
        region: Region,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._content = content
        self._peers = peers
        self._loader = loader
        self._status_updates = status_updates
        self._standings = StandingViews(peers=peers, loader=loader, region=region, clock=clock)
        self._workers = workers
        self._clock = clock

    @operation(
        "conversation.show",
        "one conversation in order",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Conversation,
        units=Units.NARROWED,
        reads=Reading(what="conversation"),
    )
    async def show_conversation(self, asked: OneConversation) -> OperationResult:
        """All messages of one conversation in local order, without bodies, and where it stands with each peer: one,
        unless a second peer repeats the id of another one's conversation.
        """
        id = asked.id
        index = self._content.sealer.conversation_index(id)

        def query(
            c: Connection,
        ) -> tuple[frozenset[Fact], list[MessageRow], dict[Key, LoadedConversation], dict[int, MessageContent]]:
            rows = messages.of_conversation(c, index)
            held, contents = self._loader.load(c, {(row.conversation, row.peer) for row in rows})
            relied_on = {ref for one in contents.values() if (ref := one.facts.consent_ref) is not None}
            over = {index: self._content.sealer.hold_indexes(id, sorted(relied_on))}
            lies = {
                Fact.LEGAL_HOLD: index in erasures.holds(c),
                Fact.ASYLUM_HOLD: index in store.held_among(c, over),
            }
            return frozenset(fact for fact, there in lies.items() if there), rows, held, contents

        holds, rows, held, contents = await self._content.store.read(query)
        relied_on = await self._consents(contents.values())
        if not rows:
            raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
        names, now = await case_register.names_of(self._content, [index]), self._clock.now()
        folds = {key: fold(one.conversation, now) for key, one in held.items() if one.conversation is not None}
        items: list[Json] = [
            summary(self._peers, self._clock, row, contents.get(row.ref), names.get(index))
            | {"outcome": outcome_of(folds.get((row.conversation, row.peer)), held[row.conversation, row.peer], row)}
            for row in rows
        ]
        standings: list[Json] = [
            self._standings.show(key, held[key], found, holds, now) for key, found in folds.items()
        ]
        stopped = Fact.ASYLUM_HOLD in holds
        return OperationResult(
            value={
                "conversation": id,
                "of_case": names.get(index),
                "messages": items,
                "standing": standings,
                "asylum_hold": stopped,
                "consents": relied_on,
            }
        )

    @operation(
        "conversation.writable",
        "what may be written now, and what it would answer",
        roles=CASES,
        about=About.CASE,
        answer=Writable,
        units=Units.NARROWED,
    )
    async def list_writable(self, asked: OneConversation) -> OperationResult:
        """What may be written now in a conversation, for each peer, and the part of a header that is known."""
        id = asked.id
        index = self._content.sealer.conversation_index(id)

        def query(c: Connection) -> tuple[dict[Key, LoadedConversation], dict[int, MessageContent]]:
            rows = messages.of_conversation(c, index)
            return self._loader.load(c, {(row.conversation, row.peer) for row in rows})

        held, contents = await self._content.store.read(query)
        if not held:
            raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
        now = self._clock.now()
        items: list[Json] = [self._writable(key, one, contents, now) for key, one in held.items()]
        return OperationResult(value={"conversation": id, "peers": items})

    def _writable(
        self, key: Key, held: LoadedConversation, contents: Mapping[int, MessageContent], now: int
    ) -> dict[str, Json]:
        peer = self._peers.get(key[1])
        types: list[Json] = []
        if held.conversation is not None:
            around = ConversationContext(conversation=held.conversation, side=held.ours, partial=bool(held.missing))
            types = [{"type": one.body_type, "in_reply_to": one.reply_to} for one in possible(around, now)]
        header = _known_header(held, contents)
        return {
            "peer": key[1] if peer is None else peer.name,
            "types": types,
            "header": header,
            "known_as": _references(contents[row.ref] for row in held.rows if row.ref in contents),
        }

    async def _consents(self, contents: Iterable[MessageContent]) -> list[Json]:
        """The consents that a message of these names or brings, and how each stands here."""
        named = dict.fromkeys(
            name
            for header, said in (one.halves() for one in contents)
            for name in (header.get("consent_ref"), said.get("consent_id"))
            if isinstance(name, str)
        )
        found = [(name, await register.known(self._content, name)) for name in named]
        return [{"id": name, "state": known.state} for name, known in found if known.rows]

    @operation(
        "conversation.due",
        "who owes what until when",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=DueList,
        units=Units.NARROWED,
    )
    async def list_due(self, asked: DuePage) -> OperationResult:
        """The morning list: a page of the conversations with the earliest deadlines, and what is owed in them, overdue
        first; `next` is the cursor of the page behind it. With `peer`, `case` and `unit` what is owed with that
        country, about that person or of that unit of ours; a page may then be shorter than asked.
        """
        limit, wanted, unit, case = asked.limit, asked.owes, asked.unit, asked.case
        by, after = _OWING[wanted], None if asked.cursor is None else _place(asked.cursor)
        node = peer_of(self._peers, asked.peer)
        settled = await self._status_updates.keep_awhile()

        def query(
            c: Connection,
        ) -> tuple[list[ConversationRow], dict[Key, LoadedConversation], dict[int, MessageContent]]:
            among = None if case is None else cases.conversations_of(c, case)
            rows = rows_of.due(c, limit + 1, by=by, after=after, peer=node, among=among)
            return rows, *self._loader.load(c, [row.key for row in rows[:limit]])

        rows, held, contents = await self._content.store.read(query)
        now = self._clock.now()
        items = await self._workers.off_loop(lambda: owed(standings.watched(held), now))
        by_name = {standings.name_of(key): (key, one) for key, one in held.items()}
        names = await case_register.names_of(self._content, [conversation for conversation, _ in held])
        lines = [
            self._line(item, *by_name[item.ref], contents, now) | {"of_case": names.get(by_name[item.ref][0][0])}
            for item in items
            if wanted is None or wanted == (US if item.ours else THEM)
        ]
        if unit is not None:
            lines = [line for line in lines if line["unit"] == unit]
        following = _cursor(rows[limit - 1], by) if 0 < limit < len(rows) else None
        return OperationResult(value={"due": [*lines], "next": following, "unsettled": not settled})

    def _line(
        self, item: Owed, key: Key, held: LoadedConversation, contents: Mapping[int, MessageContent], now: int
    ) -> dict[str, Json]:
        """One thing that is owed, with the conversation and the message that it is about."""
        if held.conversation is None:
            raise RuntimeError("what is owed has its conversation")
        row = next(row for row in held.rows if row.id == item.duty.because)
        opened, peer, found = contents[row.ref], self._peers.get(key[1]), item.found
        about: dict[str, Json] = {
            "conversation": opened.facts.conversation,
            "peer": key[1] if peer is None else peer.name,
            "kind": str(held.conversation.kind),
            "state": str(found.state),
            "provisional": found.provisional,
            "type": opened.facts.body_type,
            "unit": own_unit(row, opened),
        }
        return about | duty_of(item.duty, held, now)


def _known_header(held: LoadedConversation, contents: Mapping[int, MessageContent]) -> dict[str, Json]:
    """What the next own message certainly has in its header: both units as the newest message names them, and the
    references of the case on both sides.
    """
    opened = [(row.direction == messages.IN, contents[row.ref]) for row in held.rows if row.ref in contents]
    if not opened:
        return {}
    incoming, newest = opened[-1]
    header = headers.between(newest.halves()[0], incoming=incoming)
    for theirs, one in opened:
        if theirs and (name := one.halves()[0].get("case_ref_sender")) is not None:
            header["case_ref_recipient"] = name
        elif not theirs and one.facts.case is not None:
            header["case_ref_sender"] = one.facts.case
    return header


def _references(contents: Iterable[MessageContent]) -> list[Json]:
    """The references of the case as they stood on the wire, ours and the peer's: what both sides can read out."""
    named = (one.halves()[0].get("case_ref_sender") for one in contents)
    return [*dict.fromkeys(name for name in named if isinstance(name, str))]


def _cursor(row: ConversationRow, by: Owing) -> str:
    """The place of a row as text: nothing in it means anything outside of this database."""
    return f"{getattr(row, by)}.{row.conversation.hex()}.{row.peer}"


def _place(cursor: str) -> Place:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise RefusedError(Code.INVALID, "the cursor is not valid", hint="take it from the page before")
    return int(found[1]), bytes.fromhex(found[2]), found[3]
