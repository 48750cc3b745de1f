"""Cases for people and case systems: listed, shown, opened, named, handed over and related."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.changes import judge_consents
from gateway.cases.operations.models import (
    HER,
    CaseDone,
    CasePage,
    Cases,
    HandOverCase,
    JoinCase,
    LabelCase,
    OneCase,
    OpenCase,
    RelateCases,
)
from gateway.cases.operations.views import CaseViews, nameless
from gateway.cases.operations.whole_case import WholeCase
from gateway.cases.register import CaseRegister, check_joins, find_row, join, number_signs
from gateway.cases.rules import RELATIONS, Card, LinkKind, Signs, hand_over
from gateway.cases.store import CaseRow, Link
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import CaseId
from gateway.operations.actors import name_actor, pseudonym
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, PROTECTS, Caller
from gateway.peers.registry import PeerRegistry
from gateway.policy import asylum_holds
from gateway.policy import store as holds
from gateway.policy.linked_holds import LinkedHolds
from gateway.ports import Clock, Json, OperationResult


class CaseOperations:
    """Operations on one case."""

    def __init__(
        self,
        *,
        content: Content,
        cases: CaseRegister,
        linked_holds: LinkedHolds,
        peers: PeerRegistry,
        status_updates: StatusUpdates,
        config: Config,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._cases = cases
        self._linked_holds = linked_holds
        self._views = CaseViews(content, peers)
        self._status_updates = status_updates
        self._config = config
        self._clock = clock
        self._actor = actor

    @operation(
        "case.list",
        "cases, each one person",
        roles=CASES | PROTECTS,
        about=About.CASE,
        answer=Cases,
        units=Units.NARROWED,
    )
    async def list_cases(self, asked: CasePage, caller: Caller) -> OperationResult:
        """Open cases, newest first, with what is owed next in each; a caller of one unit sees those of its unit, so
        that a page may be shorter. What names a case is only for who reads content.
        """
        limit, before = asked.limit, asked.place
        settled = await self._status_updates.keep_awhile()

        def query(c: Connection) -> tuple[CaseRow | None, list[Json]]:
            rows = store.page(c, limit=limit + 1, before=before)
            last = rows[limit - 1] if 0 < limit < len(rows) else None
            return last, self._views.lines(c, rows[:limit], caller.unit)

        last, items = await self._content.store.read(query)
        shown = items if caller.reads_content else nameless(items)
        return OperationResult(value={"cases": shown, "next": following(last), "unsettled": not settled})

    @operation(
        "case.show",
        "one case and what is of it",
        roles=CASES | PROTECTS,
        about=About.CASE,
        answer=WholeCase,
        units=Units.NARROWED,
        reads=Reading(what="case"),
    )
    async def show(self, asked: OneCase, caller: Caller) -> OperationResult:
        """One case: who looks after it, its conversations with their countries, drafts, consents and what they deny,
        holds, files, its group, and how people changed it. What names it, what people wrote of it, and whom the person
        fears, is only for who reads content.
        """
        talks = await self._content.store.read(lambda c: store.conversations_of(c, asked.id))
        await self._status_updates.keep_these(talks)
        shown = await self._content.store.read(lambda c: self._views.show(c, asked.id, caller))
        return OperationResult(value=shown if caller.reads_content else nameless(shown))

    @operation(
        "case.open",
        "begin the case of a person",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        attested=True,
        creates=True,
        example={"label": "Blue 7"},
        takes_in=True,
    )
    async def open(self, asked: OpenCase, caller: Caller) -> OperationResult:
        """Begin the case of a person, under a label of one's own or the number it has in the case system; a number that
        is known finds its case.
        """
        if asked.label is None and asked.number is None:
            raise RefusedError(
                Code.INVALID,
                "a case needs a name; nothing was stored",
                findings=[Finding(place="/label", rule="required", hint="a label of your own, or /number")],
            )
        now, key = self._clock.now(), None
        actor = pseudonym(name_actor(caller, asked.attested), self._actor)
        attested = asked.attested is not None
        if asked.number is not None:
            key = number_signs(self._content.sealer, [asked.number])[asked.number]
        card = Card(label=asked.label, number=asked.number)
        if caller.unit is not None:
            card = hand_over(card, unit=caller.unit, worker=caller.person, reason="opened it", now=now)
        joining = self._cases.joining(Signs(number=key), card)

        def move(connection: Connection) -> CaseId:
            case = join(connection, joining, now)
            if case == joining.new:
                journal.append_leaf(connection, leaf(now, "case.opened", actor=actor, attested=attested))
            return case

        case = await self._content.store.move(move)
        return OperationResult(value={"id": case}, created=case == joining.new)

    @operation(
        "case.label",
        "call a case something else",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"label": "Blue 7"},
    )
    async def label(self, asked: LabelCase, caller: Caller) -> OperationResult:
        """Call a case something else. No name, no birth date: a pseudonym or words of one's own."""
        entry = leaf(self._clock.now(), "case.labelled", actor=pseudonym(caller.actor, self._actor))
        await self._cases.change_card(asked.id, lambda _, card: replace(card, label=asked.label), entry)
        return OperationResult(value={"id": asked.id})

    @operation(
        "case.hand_over",
        "another unit looks after it",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"unit": "focal-point", "reason": "she moved to another town"},
    )
    async def hand_over(self, asked: HandOverCase, caller: Caller) -> OperationResult:
        """Another unit of this node looks after the case from now on; those before have no access any more."""
        unit, worker, reason = asked.unit, asked.worker, asked.reason
        if unit not in {one.id for one in self._config.units}:
            raise RefusedError(
                Code.NOT_FOUND,
                "no such unit here; nothing was changed",
                findings=[Finding(place="/unit", rule="unknown_unit", hint="a unit of this node's node.toml")],
            )
        now = self._clock.now()
        await self._cases.change_card(
            asked.id,
            lambda _, card: hand_over(card, unit=unit, worker=worker, reason=reason, now=now),
            leaf(now, "case.handed_over", actor=pseudonym(caller.actor, self._actor)),
        )
        return OperationResult(value={"id": asked.id})

    @operation(
        "case.relate",
        "how two persons belong together",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"other": HER, "relation": "sibling"},
    )
    async def relate(self, asked: RelateCases, caller: Caller) -> OperationResult:
        """Say how two persons belong together; a case of a family opens no other one. Without a relation it ends. An
        asylum hold on one of them asks about the other, and so does what a message told of asylum; to end the relation
        answers nothing.
        """
        now, relation = self._clock.now(), asked.relation

        def move(connection: Connection) -> None:
            one = find_row(connection, asked.id, place="/id")
            other = find_row(connection, asked.other, place="/other")
            if one.id == other.id:
                raise RefusedError(Code.CONFLICT, "it is one and the same case; nothing was changed")
            for row, there, how in ((one, other, relation), (other, one, RELATIONS.get(relation or ""))):
                card = self._cases.card_in(connection, row)
                group = {case: said for case, said in (card.group or {}).items() if case != there.id}
                self._cases.write_card(
                    connection, row, replace(card, group=group if how is None else {**group, there.id: how})
                )
            self._linked_holds.settle_case(connection, one.id)
            journal.append_leaf(connection, leaf(now, "case.related", actor=pseudonym(caller.actor, self._actor)))

        await self._content.store.move(move)
        return OperationResult(value={"id": asked.id})

    @operation(
        "case.join",
        "an enquiry is about this person",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"conversation": HER},
    )
    async def join(self, asked: JoinCase, caller: Caller) -> OperationResult:
        """Give an enquiry that was sent or came in without a case to the case of the person it is about. What is of a
        case already moves by two people.
        """
        now = self._clock.now()
        sealer = self._content.sealer
        key, (label,) = sealer.conversation_index(asked.conversation), sealer.hold_indexes(asked.conversation, ())

        def move(connection: Connection) -> None:
            row = find_row(connection, asked.id, place="/id")
            check_joins(connection, key)
            store.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=row.id)])
            judge_consents(connection, {row.id}, now)
            if holds.get(connection, label) is not None:  # placed while nobody had said whom it is about
                asylum_holds.lay_on_case(connection, sealer, label, key, at=now)
            self._linked_holds.settle_case(connection, row.id)
            journal.append_leaf(connection, leaf(now, "case.joined", actor=pseudonym(caller.actor, self._actor)))

        await self._content.store.move(move)
        return OperationResult(value={"id": asked.id})


def following(last: CaseRow | None) -> str | None:
    """The cursor of the page behind this case; None where there is none."""
    return None if last is None else f"{last.at}.{last.id}"
