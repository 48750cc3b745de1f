"""The course of a case: what both sides have said of the person, where each conversation stands, every message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.operations.models import OfCase, OneCase
from gateway.cases.references import reference_of_case
from gateway.cases.register import cards_in, find_row
from gateway.cases.rules import Card
from gateway.cases.store import CaseRow
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.operations.models import MessageInConversation, Standing, Title
from gateway.conversations.operations.standings import StandingViews, outcome_of
from gateway.conversations.person_facts import describe_person
from gateway.conversations.rules.fold import Fold, fold
from gateway.conversations.rules.machines import RESTING
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import Receipt
from gateway.delivery.operations.messages_shown import summary
from gateway.erasure import store as erasures
from gateway.foundation.ids import ConversationId as Talk
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages, receipts
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.operations.ids import ConversationId
from gateway.operations.models import UNSAID, Answer, Count, Cursor, Limit, Next, Read
from gateway.operations.paging import read_cursor
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASES
from gateway.peers.registry import PeerRegistry
from gateway.policy import store as holds
from gateway.ports import Clock, Json, OperationResult
from schemas.region_pack.procedures import ANY_TIME, Fact, Stage
from schemas.region_pack.regions import Region


class CoursePage(OneCase):
    """A case by its id, and which of its messages are listed. It is one case and no list of what a unit may see, so it
    is no `Page`.
    """

    limit: Limit = 50
    cursor: Cursor | None = None


class Spoken(Answer):
    """A language of the person, and how well."""

    language: str
    level: str | None


class PersonAtAGlance(Answer):
    """What was said of the person, as it counts now: codes of the lists of these names."""

    age_group: str | None
    child: bool | None = Field(description="whether the person counts as a child today; nothing where no age was said")
    gender: str | None
    nationalities: list[str]
    languages: list[Spoken]


class StageOfProcedure(Answer):
    """A stage of the procedure of the region."""

    name: str
    title: Title


class StandingInCase(Standing):
    """Where a conversation of the case stands."""

    conversation: Read[ConversationId] = UNSAID


class MessageOnItsWay(MessageInConversation):
    """A message of the case, and how far it came."""

    receipts: list[Receipt]


class PeerOfCase(Answer):
    """A country that was written to or wrote, and under which reference it knows the case."""

    peer: str
    reference: Read[str] = UNSAID


class Course(Answer):
    """What happened in a case, and where it stands."""

    of_case: OfCase = None
    peers: list[PeerOfCase]
    person: Read[PersonAtAGlance] = UNSAID
    stages: list[StageOfProcedure]
    stage: str | None = Field(description="the furthest stage in which something goes on")
    standing: list[StandingInCase]
    messages: list[MessageOnItsWay]
    total: Count = Field(description="messages of the case, on all pages")
    next: Next | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The conversations of a case, whole."""

    row: CaseRow
    card: Card
    held: Mapping[Key, LoadedConversation]
    contents: Mapping[int, MessageContent]
    folds: Mapping[Key, Fold]
    local: Mapping[Key, frozenset[Fact]]

    @property
    def rows(self) -> list[MessageRow]:
        """Every message, the newest first."""
        return sorted((row for one in self.held.values() for row in one.rows), key=lambda row: row.ref, reverse=True)


class CourseOperations:
    """Operations that show a case over all its conversations."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        loader: ConversationLoader,
        status_updates: StatusUpdates,
        region: Region,
        clock: Clock,
    ) -> None:
        self._content = content
        self._peers = peers
        self._loader = loader
        self._status_updates = status_updates
        self._region = region
        self._clock = clock
        self._standings = StandingViews(peers=peers, loader=loader, region=region, clock=clock)

    @operation(
        "case.course",
        "what happened in a case and where it stands",
        roles=CASES,
        about=About.CASE,
        answer=Course,
        units=Units.NARROWED,
        reads=Reading(what="case"),
    )
    async def show_course(self, asked: CoursePage) -> OperationResult:
        """One case over all its conversations: what both sides have said of the person, the stage, what is owed and
        the procedure in each conversation, and a page of its messages without their bodies, the newest first.
        """
        talks = await self._content.store.read(lambda c: cases.conversations_of(c, asked.id))
        await self._status_updates.keep_these(talks)
        now, before = self._clock.now(), None if asked.cursor is None else read_cursor(asked.cursor)

        def query(c: Connection) -> dict[str, Json]:
            found = self._load(c, asked.id, now)
            wanted = [row for row in found.rows if before is None or row.ref < before]
            shown = wanted[: asked.limit]
            standing = [self._standing(found, key, now) for key in found.folds]
            return {
                "of_case": {"id": found.row.id, "name": found.card.name},
                "peers": [*self._peers_of(c, found)],
                "person": _person(found, now),
                "stages": [{"name": one.name, "title": dict(one.title)} for one in self._stages()],
                "stage": self._furthest(standing),
                "standing": [*standing],
                "messages": [*self._messages(c, found, shown)],
                "total": len(found.rows),
                "next": str(shown[-1].ref) if len(wanted) > len(shown) else None,
            }

        return OperationResult(value=await self._content.store.read(query))

    def _load(self, connection: Connection, id: str, now: int) -> _Loaded:
        row = find_row(connection, id, place="/id")
        talks = cases.conversations_of(connection, row.id)
        keys = sorted({(one.conversation, one.peer) for one in messages.of_conversations(connection, talks)})
        held, contents = self._loader.load(connection, keys)
        return _Loaded(
            row=row,
            card=cards_in(self._content.sealer, connection, [row])[row.id],
            held=held,
            contents=contents,
            folds={key: fold(one.conversation, now) for key, one in held.items() if one.conversation is not None},
            local=self._facts_here(connection, held, contents),
        )

    def _facts_here(
        self, connection: Connection, held: Mapping[Key, LoadedConversation], contents: Mapping[int, MessageContent]
    ) -> dict[Key, frozenset[Fact]]:
        """What this node alone knows of each conversation: which holds lie over it."""
        over: dict[bytes, Sequence[bytes]] = {}
        for (index, _), one in held.items():
            opened = [contents[row.ref].facts for row in one.rows if row.ref in contents]
            consents = {facts.consent_ref for facts in opened if facts.consent_ref is not None}
            over[index] = self._content.sealer.hold_indexes(opened[0].conversation, sorted(consents)) if opened else ()
        legal, asylum = erasures.holds(connection), holds.held_among(connection, over)
        lies = {key: {Fact.LEGAL_HOLD: key[0] in legal, Fact.ASYLUM_HOLD: key[0] in asylum} for key in held}
        return {key: frozenset(fact for fact, there in facts.items() if there) for key, facts in lies.items()}

    def _peers_of(self, connection: Connection, found: _Loaded) -> Iterator[Json]:
        """The other nodes of its conversations, with the reference that is read out on the telephone."""
        for node in sorted({node for _, node in found.held}):
            peer, sealer = self._peers.get(node), self._content.sealer
            told = reference_of_case(sealer, connection, node, found.row.id, found.card)
            yield {"peer": node if peer is None else peer.name, "reference": told}

    def _standing(self, found: _Loaded, key: Key, now: int) -> dict[str, Json]:
        shown = self._standings.show(key, found.held[key], found.folds[key], found.local[key], now)
        return shown | {"conversation": _conversation(found.held[key], found.contents)}

    def _stages(self) -> list[Stage]:
        return [stage for stage in self._region.procedure.stages if stage.name != ANY_TIME]

    def _furthest(self, standing: Iterable[Mapping[str, Any]]) -> str | None:
        """As in the list of cases (`gateway.cases.list_rules`): of what goes on, else of all."""
        places = [(one["state"] in RESTING, one["procedure"]["stage"]) for one in standing if one["procedure"]]
        going = {stage for rests, stage in places if not rests} or {stage for _, stage in places}
        return next((one.name for one in reversed(self._stages()) if one.name in going), None)

    def _messages(self, connection: Connection, found: _Loaded, rows: Iterable[MessageRow]) -> Iterator[Json]:
        """The messages with the receipts of both ways."""
        for row in rows:
            key, opened = (row.conversation, row.peer), found.contents.get(row.ref)
            way = receipts.RECEIVED if row.direction == messages.OUT else receipts.ISSUED
            told = receipts.of_message(connection, way, row.peer, row.id)
            yield summary(self._peers, self._clock, row, opened) | {
                "outcome": outcome_of(found.folds.get(key), found.held[key], row),
                "receipts": [{"status": one.status, "at": one.at, "code": one.code} for one in told],
            }


def _conversation(held: LoadedConversation, contents: Mapping[int, MessageContent]) -> Talk | None:
    """The id of a conversation, from the first of its messages that opens."""
    return next((contents[row.ref].facts.conversation for row in held.rows if row.ref in contents), None)


def _person(found: _Loaded, now: int) -> dict[str, Json]:
    said = (message for one in found.held.values() for message in one.said.values())
    facts = describe_person(said, datetime.fromtimestamp(now, UTC).date())
    return {
        "age_group": facts.age_group,
        "child": facts.child,
        "gender": facts.gender,
        "nationalities": [*facts.nationalities],
        "languages": [{"language": language, "level": level} for language, level in facts.languages],
    }
