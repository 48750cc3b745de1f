"""The list of cases: found by words, narrowed, sorted, counted; each row with what is owed next."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from gateway.cases import found, listing, units, words
from gateway.cases.entries import cases_closed_to
from gateway.cases.list_rules import ListedCase, Order, Owes, Talk, Wanted
from gateway.cases.listing import FoundPage, FoundRow
from gateway.cases.operations.finding_models import CasesFound, FindCases
from gateway.cases.operations.views import summary
from gateway.cases.references import references_in
from gateway.cases.register import cards_in
from gateway.cases.rules import Card
from gateway.conversations import status_updates as standings
from gateway.conversations.case_words import CaseWords
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.person_facts import PersonFacts, describe_person
from gateway.conversations.rules.machines import RESTING
from gateway.conversations.rules.morning_list import Owed, owed
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import peer_of
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId, NodeId, UnitId
from gateway.foundation.workdays import DAY
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store.conversations import Key
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from schemas.region_pack.regions import Region

SOON = 2 * DAY
"""Seconds within which something counts as soon where the question says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The cases of one page with what their rows are made of."""

    found: FoundPage
    listed: Mapping[CaseId, ListedCase]
    cards: Mapping[CaseId, Card]
    units: Mapping[CaseId, Collection[UnitId]]
    references: Mapping[tuple[NodeId, str], str]
    next: Mapping[CaseId, tuple[NodeId, Owed]]
    people: Mapping[CaseId, PersonFacts]
    begun: Mapping[Key, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hashed:
    """The words that one question needs, hashed: the stages in their order, and units by what their word is."""

    stages: Sequence[bytes]
    units: Mapping[bytes, UnitId]


class CaseFinding:
    """Finds cases."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        loader: ConversationLoader,
        status_updates: StatusUpdates,
        case_words: CaseWords,
        region: Region,
        clock: Clock,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._loader = loader
        self._status_updates = status_updates
        self._case_words = case_words
        self._stages = [stage.name for stage in region.procedure.stages]
        self._clock = clock

    @operation(
        "case.find",
        "the cases that are wanted, what is owed next in each, and how many there are",
        roles=CASES,
        about=About.CASE,
        answer=CasesFound,
        units=Units.NARROWED,
        anew=True,
        example={"text": "blue", "owes": "us"},
    )
    async def find(self, asked: FindCases, caller: Caller) -> OperationResult:
        """Cases by beginnings of the words that they are called by, by country, stage, unit and language, by who owes
        something, by flag, or those of the person who asks; with the counts of each part. Messages are not searched.
        """
        stage, peer = self._read_stage(asked.stage), peer_of(self._peers, asked.peer)
        settled = not asked.at_once and await self._wait_for_changes()
        now, order = self._clock.now(), Order(asked.sort)
        wanted, hashed = self._hash(asked, caller, stage, peer, now)

        def query(c: Connection) -> _Page:
            # A count would tell of a closed case what no line does.
            allowed = replace(wanted, without=cases_closed_to(self._content.sealer, c, caller))
            page = listing.find(c, allowed, order=order, limit=asked.limit, after=asked.place, now=now)
            ids = [row.id for row in page.rows]
            cards = cards_in(self._content.sealer, c, page.rows)
            talks = listing.talks_of(c, ids, hashed.stages, RESTING)
            seen = self._seen(c, caller.unit, cards, talks)
            shown = [row for row in page.rows if row.id in seen]
            listed = {row.id: ListedCase(id=row.id, at=row.at, talks=talks.get(row.id, ())) for row in shown}
            held, _ = self._loader.recall(c, [talk.key for one in listed.values() for talk in one.talks])
            pairs = {(talk.peer, _number(id, cards[id])) for id, one in listed.items() for talk in one.talks}
            return _Page(
                found=replace(page, rows=shown),
                listed=listed,
                cards=cards,
                units=self._units(c, cards, hashed),
                references=references_in(self._content.sealer, c, pairs),
                next=_find_next(held, listed, now),
                people=_describe_people(held, listed, now),
                begun=found.begun(c, [talk.key[0] for one in listed.values() for talk in one.talks]),
            )

        page = await self._content.store.read(query)
        return OperationResult(
            value={
                "cases": [self._row(row, page, hashed.stages, now) for row in page.found.rows],
                "counts": dict(page.found.counts),
                "total": page.found.total,
                "next": None if page.found.behind is None else ".".join(map(str, page.found.behind)),
                "unsettled": not settled,
            }
        )

    async def _wait_for_changes(self) -> bool:
        """Whether all that has changed was worked in, within the time that one list waits for both."""
        try:
            async with asyncio.timeout(standings.PATIENCE):
                return await self._status_updates.keep_awhile() and await self._case_words.keep_awhile()
        except TimeoutError:
            return False

    def _read_stage(self, stage: str | None) -> str | None:
        if stage is not None and stage not in self._stages:
            raise RefusedError(
                Code.INVALID,
                "no such stage in the procedure of this region",
                findings=[Finding(place="/stage", rule="unknown_stage", hint=f"one of {', '.join(self._stages)}")],
            )
        return stage

    def _hash(
        self, asked: FindCases, caller: Caller, stage: str | None, peer: NodeId | None, now: int
    ) -> tuple[Wanted, _Hashed]:
        """What is wanted as the database knows it; everything is hashed in one call to the key service."""
        typed = sorted(_words_asked(asked))
        only = [words.unit(one) for one in (asked.unit, caller.unit) if one is not None]
        units_here = {words.unit(unit.id): UnitId(unit.id) for unit in self._own.descriptor.units}
        mine = None if caller.person is None else words.worker(caller.person)
        named = [words.stage(one) for one in self._stages]
        said = [*typed, *only, *units_here, *named, words.FLAGGED, words.KEPT, *([] if mine is None else [mine])]
        hashes = dict(zip(said, self._content.sealer.word_indexes(said), strict=True))
        wanted = Wanted(
            words=[hashes[word] for word in typed],
            units=[(hashes[word], hashes[words.KEPT]) for word in only],
            stage=None if stage is None else hashes[words.stage(stage)],
            peer=peer,
            owes=None if asked.owes is None else Owes(asked.owes),
            overdue=asked.overdue,
            soon=asked.soon,
            soon_until=now + SOON if asked.soon_until is None else asked.soon_until,
            only_mine=asked.mine,
            only_flagged=asked.flagged,
            closed=asked.closed,
            mine=None if mine is None else hashes[mine],
            flagged=hashes[words.FLAGGED],
        )
        return wanted, _Hashed(
            stages=[hashes[word] for word in named], units={hashes[word]: unit for word, unit in units_here.items()}
        )

    def _seen(
        self,
        connection: Connection,
        bound: UnitId | None,
        cards: Mapping[CaseId, Card],
        talks: Mapping[CaseId, Sequence[Talk]],
    ) -> Collection[CaseId]:
        """Those of these cases that the caller may see: for one who is bound to a unit what is sealed says so."""
        if bound is None:
            return cards
        keys = {id: {talk.key[0] for talk in some} for id, some in talks.items()}
        return units.cases_looked_after(self._content.sealer, connection, bound, cards, keys)

    def _units(
        self, connection: Connection, cards: Mapping[CaseId, Card], hashed: _Hashed
    ) -> Mapping[CaseId, Collection[UnitId]]:
        """Name who looks after each case: as its card says, else by the words of the units that this node has now."""
        there = found.words_of(connection, [*cards], [*hashed.units])
        return {
            id: {hashed.units[word] for word in there.get(id, ())} if card.units is None else card.units
            for id, card in cards.items()
        }

    def _row(self, row: FoundRow, page: _Page, stages: Sequence[bytes], now: int) -> dict[str, Json]:
        card, talks, person = page.cards[row.id], page.listed[row.id].talks, page.people[row.id]
        return {
            **summary(row, card, page.units[row.id]),
            "conversations": len(talks),
            "ours": row.ours,
            "theirs": row.theirs,
            "peers": [
                {
                    "peer": self._name(peer),
                    "reference": page.references.get((peer, _number(row.id, card))),
                    "began": began,
                }
                for peer, began in _beginners(talks, page.begun).items()
            ],
            "stage": self._stages[stages.index(row.stage)] if row.stage in stages else None,
            "next": None if row.id not in page.next else self._step(*page.next[row.id], now),
            "moved": row.moved,
            "worker": card.worker,
            "flags": [flag.text for flag in card.flags],
            "closed": row.closed,
            "age_group": person.age_group,
            "child": person.child,
            "gender": person.gender,
        }

    def _step(self, peer: NodeId, item: Owed, now: int) -> dict[str, Json]:
        until = item.duty.until
        return {
            "what": item.duty.clock,
            "owes": Owes.US if item.ours else Owes.THEM,
            "peer": self._name(peer),
            "until": until.at,
            "overdue": now > until.at,
            "certain": until.certain,
        }

    def _name(self, node: NodeId) -> str:
        peer = self._peers.get(node)
        return node if peer is None else peer.name


def _find_next(
    held: Mapping[Key, LoadedConversation], listed: Mapping[CaseId, ListedCase], now: int
) -> dict[CaseId, tuple[NodeId, Owed]]:
    """Find what is over first in each of these cases, and with whom."""
    keys = {one.first.key: id for id, one in listed.items() if one.first is not None}
    of, next_ = {standings.name_of(key): key for key in keys}, dict[CaseId, tuple[NodeId, Owed]]()
    first = {key: held[key] for key in keys}
    for item in sorted(owed(standings.watched(first), now), key=lambda item: item.duty.until.at):
        key = of[item.ref]
        next_.setdefault(keys[key], (key[1], item))
    return next_


def _describe_people(
    held: Mapping[Key, LoadedConversation], listed: Mapping[CaseId, ListedCase], now: int
) -> dict[CaseId, PersonFacts]:
    """Read what both sides have said of the person of each case, as it counts today."""
    today = datetime.fromtimestamp(now, UTC).date()
    return {
        id: describe_person([said for talk in one.talks for said in held[talk.key].said.values()], today)
        for id, one in listed.items()
    }


def _words_asked(asked: FindCases) -> set[str]:
    """The words that a case must have."""
    of_person = [] if asked.language is None else [words.language(asked.language)]
    return {*words.asked(asked.text or ""), *of_person}


def _beginners(talks: Sequence[Talk], begun: Mapping[Key, str]) -> dict[NodeId, str | None]:
    """Who of the two wrote first, by peer, in the conversation that the case has with each; None where nothing of it is
    left.
    """
    who = {"in": Owes.THEM, "out": Owes.US}
    return {talk.peer: who.get(begun.get(talk.key, "")) for talk in reversed(talks)}


def _number(id: CaseId, card: Card) -> str:
    """What the reference of a case is made of (`gateway.cases.references`)."""
    return card.number or f"#{id}"
