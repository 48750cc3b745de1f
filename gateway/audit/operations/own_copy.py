"""The person's own copy: what was said about them, to whom, who has seen it, and when it is erased (ADR 0049).

It says what kind of thing was said and never the words. Of the people who work here it tells offices and no names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field
from sqlalchemy import Connection

from gateway.access import people_store
from gateway.audit import access_store
from gateway.audit.operations.case_history_models import Reference
from gateway.audit.operations.case_records import CaseRecords, load_records, name_peer
from gateway.cases.operations.contents import CaseContents
from gateway.cases.operations.models import OneCase
from gateway.cases.operations.whole_case import ConsentOfCase, DenialOfCase
from gateway.cases.references import references_in
from gateway.cases.register import find_row
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import Direction
from gateway.foundation.ids import UnitId
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.operations.actors import pseudonym
from gateway.operations.ids import UnitId as UnitName
from gateway.operations.models import Answer, Day, Read, Time
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from keys.documents.envelope import Status
from schemas.walk import find_categories

MOST_LOOKS = 2_000
"""Looks that are gone through, the newest: what people were shown on a day counts once."""


class SaidOfPerson(Answer):
    """One message that said something about the person: when, to or from whom, what for, and which kinds of data."""

    at: Time
    direction: Direction
    peer: str
    country: str | None
    kind: Read[str | None] = Field(default=None, description="the type of the message; null where it was erased")
    purpose: Read[str | None] = Field(default=None, description="a code of the list purpose")
    categories: list[str] = Field(description="codes of the list data_category")
    opened: Time | None = Field(description="when somebody there opened it, as that country says")
    retain_until: Day | None = Field(
        description="the last day, as the sender said; null where nothing shorter was said"
    )
    erased: bool = Field(description="whether it is erased here")


class SeenBy(Answer):
    """An office of this node whose people were shown something of the case."""

    unit: Read[UnitName | None] = Field(default=None, description="null: people of no unit of their own, or programs")
    first: Time
    last: Time


class OwnCopy(Answer):
    """What a person is told of their case."""

    now: Time
    number: Read[str | None] = None
    references: Read[list[Reference]] = Field(default_factory=list)
    consents: list[ConsentOfCase]
    denials: list[DenialOfCase]
    said: list[SaidOfPerson]
    seen: list[SeenBy]


class OwnCopyOperations:
    """The operation that makes the copy."""

    def __init__(self, *, content: Content, peers: PeerRegistry, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._contents = CaseContents(content, peers)
        self._peers = peers
        self._clock = clock
        self._actor = actor

    @operation(
        "case.copy",
        "the person's own copy",
        roles=CASES,
        about=About.CASE,
        answer=OwnCopy,
        units=Units.NARROWED,
        reads=Reading(what="case"),
        by_person=True,
        anew=True,
    )
    async def make_copy(self, asked: OneCase, caller: Caller) -> OperationResult:
        """Make the copy that the person takes along: consents and what they deny, every message that left or came with
        its kinds of data and who opened it, and which offices here were shown something. The log says that one was
        made.
        """
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> dict[str, Json]:
            case = find_row(connection, asked.id, place="/id")
            found = load_records(connection, self._content.sealer, self._peers, case)
            held = self._contents.show(connection, found.case.id)
            journal.append_leaf(connection, leaf(now, "case.copied", actor=actor))
            return {
                "now": now,
                "number": found.card.number,
                "references": self._list_references(connection, found),
                "consents": held["consents"],
                "denials": held["denials"],
                "said": [self._describe(found, row) for row in reversed(found.rows) if _left_or_came(row)],
                "seen": _list_seen(connection, found.subjects),
            }

        return OperationResult(value=await self._content.store.move(move))

    def _list_references(self, connection: Connection, found: CaseRecords) -> list[Json]:
        said = found.card.number or f"#{found.case.id}"
        pairs = [(peer, said) for peer in dict.fromkeys(row.peer for row in found.rows)]
        known = references_in(self._content.sealer, connection, pairs)
        return [{"peer": name_peer(self._peers, pair[0]), "reference": known[pair]} for pair in pairs]

    def _describe(self, found: CaseRecords, row: MessageRow) -> Json:
        opened, peer = found.opened.get(row.ref), self._peers.get(row.peer)
        header, content = ({}, {}) if opened is None else opened.halves()
        kind = None if opened is None else opened.facts.body_type
        handling: Any = header.get("handling")
        read = [one.at for one in found.receipts if (one.id, one.status) == (row.id, str(Status.OPENED))]
        categories: list[Json] = [] if kind is None else [*sorted(find_categories(kind, content))]
        return {
            "at": row.at,
            "direction": row.direction,
            "peer": name_peer(self._peers, row.peer),
            "country": None if peer is None else peer.descriptor.country,
            "kind": kind,
            "purpose": None if opened is None else opened.facts.purpose,
            "categories": categories,
            "opened": min(read, default=None),
            "retain_until": handling.get("retain_until") if isinstance(handling, Mapping) else None,
            "erased": opened is None,
        }


def _left_or_came(row: MessageRow) -> bool:
    """Whether a message was said at all: what waits here, or failed, has told nobody anything."""
    return row.direction == messages.IN or bool(row.n)


def _list_seen(connection: Connection, subjects: Iterable[str]) -> list[Json]:
    """List the offices whose people were shown something of a case, with the first and the last time."""
    units = {f"person/{one.id}": one.unit for one in people_store.load(connection)}
    times: dict[UnitId | None, list[int]] = {}
    for _, look in access_store.page(connection, before=None, limit=MOST_LOOKS, ids=[*subjects]):
        times.setdefault(units.get(look.reader), []).append(look.at)
    return [{"unit": unit, "first": min(at), "last": max(at)} for unit, at in times.items()]
