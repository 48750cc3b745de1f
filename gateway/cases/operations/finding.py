"""The list of cases: found by words, narrowed, sorted, counted; each row with what is owed next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import found, units, words
from gateway.cases.found import TalkRow
from gateway.cases.list_rules import ListedCase, Order, Owes, Place, Talk, Wanted, count, take_page
from gateway.cases.operations.finding_models import CasesFound, FindCases
from gateway.cases.operations.views import summary
from gateway.cases.references import references_in
from gateway.cases.register import cards_in
from gateway.cases.rules import Card
from gateway.cases.store import CaseRow
from gateway.conversations import status_updates as standings
from gateway.conversations.case_words import CaseWords
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.rules.machines import RESTING
from gateway.conversations.rules.morning_list import Owed, owed
from gateway.conversations.status_updates import StatusUpdates
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import peer_of
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId, NodeId, UnitId
from gateway.messages.store.conversations import Key
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from schemas.region_pack.regions import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The cases of one page with what their rows are made of."""

    listed: Sequence[ListedCase]
    behind: Place | None
    counts: Mapping[str, int]
    cards: Mapping[CaseId, Card]
    units: Mapping[CaseId, Collection[UnitId]]
    references: Mapping[tuple[NodeId, str], str]
    next: Mapping[CaseId, tuple[NodeId, Owed]]
    begun: Mapping[Key, str]
    total: int


class CaseFinding:
    """Finds cases."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        loader: ConversationLoader,
        status_updates: StatusUpdates,
        case_words: CaseWords,
        region: Region,
        clock: Clock,
    ) -> None:
        self._content = content
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
        example={"text": "blue", "owes": "us"},
    )
    async def find(self, asked: FindCases, caller: Caller) -> OperationResult:
        """Cases by beginnings of the words that they are called by, by country, stage, unit and language, by who owes
        something, by flag, or those of the person who asks; with the counts of each part. Messages are not searched.
        """
        wanted = self._read_wanted(asked)
        await self._status_updates.keep()
        await self._case_words.keep()
        now, sort = self._clock.now(), Order(asked.sort)
        hashes = self._content.sealer.word_indexes
        stages = {word: place for place, word in enumerate(hashes([words.stage(name) for name in self._stages]))}
        having = hashes(sorted(_words_asked(asked)))
        mine, flagged, kept = hashes([words.worker(caller.person or ""), words.FLAGGED, words.KEPT])
        only = [one for one in (asked.unit, caller.unit) if one is not None]
        unit = [(one, kept) for one in hashes([words.unit(one) for one in only])]

        def query(c: Connection) -> _Page:
            rows = {row.id: row for row in found.open_cases(c, having, unit)}
            own, marked = found.with_word(c, mine) if caller.person else set[CaseId](), found.with_word(c, flagged)
            listed = _listed(rows.values(), found.talks(c), stages, own, marked)
            some = [one for one in listed if wanted.takes(one, now)]
            page, behind = take_page(some, sort, asked.limit, asked.place)
            of = units.of_cases(self._content.sealer, c, [one.id for one in page])
            shown = [one for one in page if caller.unit is None or caller.unit in of[one.id]]
            cards = cards_in(self._content.sealer, c, [rows[one.id] for one in shown])
            pairs = {(talk.peer, _number(one.id, cards[one.id])) for one in shown for talk in one.talks}
            return _Page(
                listed=shown,
                behind=behind,
                counts=count((one for one in listed if wanted.within(one)), now),
                cards=cards,
                units=of,
                references=references_in(self._content.sealer, c, pairs),
                next=self._next(c, shown, now),
                begun=found.begun(c, [talk.key[0] for one in shown for talk in one.talks]),
                total=len(some),
            )

        page = await self._content.store.read(query)
        return OperationResult(
            value={
                "cases": [self._row(one, page, now) for one in page.listed],
                "counts": dict(page.counts),
                "total": page.total,
                "next": None if page.behind is None else ".".join(map(str, page.behind)),
            }
        )

    def _read_wanted(self, asked: FindCases) -> Wanted:
        if asked.stage is not None and asked.stage not in self._stages:
            raise RefusedError(
                Code.INVALID,
                "no such stage in the procedure of this region",
                findings=[Finding(place="/stage", rule="unknown_stage", hint=f"one of {', '.join(self._stages)}")],
            )
        return Wanted(
            stage=None if asked.stage is None else self._stages.index(asked.stage),
            peer=peer_of(self._peers, asked.peer),
            owes=None if asked.owes is None else Owes(asked.owes),
            overdue=asked.overdue,
            mine=asked.mine,
            flagged=asked.flagged,
            closed=asked.closed,
        )

    def _next(self, connection: Connection, shown: Sequence[ListedCase], now: int) -> dict[CaseId, tuple[NodeId, Owed]]:
        """What is over first in each of these cases, and with whom."""
        keys: dict[Key, CaseId] = {talk.key: one.id for one in shown for talk in one.talks if talk.owed}
        held, _ = self._loader.recall(connection, keys)
        of = {standings.name_of(key): key for key in held}
        next_: dict[CaseId, tuple[NodeId, Owed]] = {}
        for item in sorted(owed(standings.watched(held), now), key=lambda item: item.duty.until.at):
            key = of[item.ref]
            next_.setdefault(keys[key], (key[1], item))
        return next_

    def _row(self, one: ListedCase, page: _Page, now: int) -> dict[str, Json]:
        card = page.cards[one.id]
        row = CaseRow(id=one.id, state="", at=one.at, card=one.card)
        return {
            **summary(row, card, page.units[one.id]),
            "conversations": len(one.talks),
            "ours": one.ours,
            "theirs": one.theirs,
            "peers": [
                {
                    "peer": self._name(peer),
                    "reference": page.references.get((peer, _number(one.id, card))),
                    "began": began,
                }
                for peer, began in _beginners(one, page.begun).items()
            ],
            "stage": None if one.stage is None else self._stages[one.stage],
            "next": None if one.id not in page.next else self._step(*page.next[one.id], now),
            "moved": one.moved,
            "worker": card.worker,
            "flags": [flag.text for flag in card.flags],
            "closed": one.closed,
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


def _words_asked(asked: FindCases) -> set[str]:
    """The words that a case must have."""
    of_person = [] if asked.language is None else [words.language(asked.language)]
    return {*words.asked(asked.text or ""), *of_person}


def _listed(
    rows: Iterable[CaseRow],
    talks: Iterable[TalkRow],
    stages: Mapping[bytes, int],
    mine: Collection[CaseId],
    flagged: Collection[CaseId],
) -> list[ListedCase]:
    """Put cases and their conversations together."""
    of: dict[CaseId, list[Talk]] = {}
    for row in talks:
        of.setdefault(row.case_id, []).append(
            Talk(
                key=(row.conversation, row.peer),
                live=row.state not in RESTING,
                ours=row.ours,
                theirs=row.theirs,
                moved=row.moved,
                stage=None if row.stage is None else stages.get(row.stage),
            )
        )
    return [
        ListedCase(
            id=row.id,
            at=row.at,
            card=row.card,
            talks=tuple(of.get(row.id, ())),
            mine=row.id in mine,
            flagged=row.id in flagged,
        )
        for row in rows
    ]


def _beginners(one: ListedCase, begun: Mapping[Key, str]) -> dict[NodeId, str | None]:
    """Who of the two wrote first, by peer, in the conversation that the case has with each; None where nothing of it is
    left.
    """
    who = {"in": Owes.THEM, "out": Owes.US}
    return {talk.peer: who.get(begun.get(talk.key, "")) for talk in reversed(one.talks)}


def _number(id: CaseId, card: Card) -> str:
    """What the reference of a case is made of (`gateway.cases.references`)."""
    return card.number or f"#{id}"
