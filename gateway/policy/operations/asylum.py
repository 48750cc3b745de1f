"""Asylum holds: what a person here knows of an asylum claim and no message said (gate G5, domain 9.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import Field
from sqlalchemy import Connection

import schemas
from gateway.access.enrolment import check_two_people
from gateway.access.first_words import still_counts
from gateway.cases import store as cases
from gateway.cases.operations.models import OfCase
from gateway.cases.register import names_of
from gateway.conversations.history import NOTHING_SAID
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import conversation_rows, opened_rows
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.workers import Workers
from gateway.ledger import store as ledger
from gateway.messages.content_codec import MessageContent
from gateway.messages.store.messages import MessageRow
from gateway.operations.actors import ATTESTED, AttestedUser, name_actor, person_of, pseudonym
from gateway.operations.ids import ConversationId, Subject
from gateway.operations.models import Answer, Asked, Nothing, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, Caller
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import Named
from gateway.policy.linked_holds import LinkedHolds
from gateway.policy.store import AsylumHold
from gateway.ports import Clock, Json, OperationResult

FEARED = "States that the person fears, codes of the list country: nationality, former residence, others"


class OneHold(Asked):
    """A hold by its conversation."""

    id: ConversationId


class HoldFor(OneHold):
    """A hold, and the States that are feared besides the nationalities told."""

    states: list[str] = Field(default_factory=list, description=FEARED)
    lost: bool = Field(default=False, description="say the same of holds over its case whose conversation is not of it")
    attested: AttestedUser | None = ATTESTED


class Held(Answer):
    """Whether a hold applies to a conversation."""

    id: ConversationId
    held: bool = Field(description="false once a second, different person lifted it")


class Feared(Held):
    """A hold and what it keeps from whom."""

    states: list[str] = Field(description=FEARED)
    lost: int = Field(description="other holds over its case whose conversation is lost, or of another case")


class Hold(Answer):
    """An asylum hold; without the id where it does not open, or where its conversation was lost with a restore."""

    id: ConversationId | None
    of_case: OfCase = None
    at: Time
    lift_wanted: bool
    states: list[str] = Field(description=FEARED)


class Holds(Answer):
    """The asylum holds of this node."""

    holds: list[Hold]


class AsylumOperations:
    """Operations on asylum holds."""

    def __init__(
        self, *, content: Content, linked_holds: LinkedHolds, workers: Workers, clock: Clock, actor: Actor
    ) -> None:
        self._content = content
        self._linked_holds = linked_holds
        self._workers = workers
        self._clock = clock
        self._actor = actor

    @operation(
        "asylum.hold",
        "nothing of it goes to the feared States",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Feared,
        units=Units.NARROWED,
        attested=True,
        creates=True,
        example={"states": ["AL"]},
    )
    async def hold(self, asked: HoldFor, caller: Caller) -> OperationResult:
        """A named person places a hold, at once: nothing of this conversation goes to a feared State any more, nor of
        others of its case or that rely on the same consents. Feared are the `states` named now or before, and the
        nationalities told so far; where there are none, nothing goes anywhere. What waits to go is judged again before
        it is shown to the peer. Of each case linked to this one it is asked whether its person fears these States too.

        A hold whose conversation a restore has lost keeps its case from all States, and one may lie over a case that
        was split off. With `lost` the same is said of those on this case, and they are lifted together with this one.
        """
        id, now = asked.id, self._clock.now()
        actor = pseudonym(name_actor(caller, asked.attested), self._actor)
        attested = asked.attested is not None
        states = list_countries(asked.states)
        rows, sealed = await conversation_rows(self._content, id)
        opened = await self._workers.off_loop(lambda: opened_rows(self._content.sealer, sealed))
        consents = {one.facts.consent_ref for one in opened.values() if one.facts.consent_ref is not None}
        states |= _nationalities(rows, opened)
        (label,) = self._content.sealer.hold_indexes(id, ())
        before, said = await self._content.store.read(lambda c: _over(c, label))
        earlier = asylum_holds.opened(self._content.sealer, said).values()
        consents.update(*(named.consents for named in earlier))
        states |= {state for named in earlier for state in named.states or ()}
        named = Named(conversation=id, consents=tuple(sorted(consents)), states=tuple(sorted(states)))
        row = asylum_holds.sealed(self._content, named)
        labels = self._content.sealer.hold_indexes(id, sorted(consents))
        conversation = self._content.sealer.conversation_index(id)
        relied = [self._content.sealer.consent_index(one) for one in consents]

        def move(connection: Connection) -> tuple[bool, int]:
            known = store.get(connection, label)
            if not cases.cases_of(connection, [label]) and not store.concerned(connection, conversation, relied):
                raise RefusedError(
                    Code.CONFLICT,
                    "everything in this conversation was erased, and with it of which case it was; no hold was placed",
                    hint="place it on another conversation of the case: trm case show lists them",
                )
            if known != before:
                raise RefusedError(
                    Code.CHANGED_MEANWHILE, "somebody changed this hold at the same moment", hint="repeat it"
                )
            content.put(connection, [row])
            if known is not None:
                store.replace(connection, known.ref, row.ref)
            placed = AsylumHold(ref=row.ref, at=now, lift=None) if known is None else replace(known, ref=row.ref)
            store.place(connection, placed, labels)
            ledger.add_held(connection, label, labels, at=now)
            case = asylum_holds.lay_on_case(connection, self._content.sealer, label, conversation, at=now)
            lost = self._lost(connection, label, conversation)
            for key, (ref, one) in lost.items() if asked.lost else ():
                also = replace(one, conversation=id, states=tuple(sorted(states.union(one.states or ()))))
                asylum_holds.name_lost(connection, self._content, key, ref, also, at=now)
                journal.append_leaf(connection, leaf(now, "asylum.held", actor=actor, attested=attested))
            self._linked_holds.settle_case(connection, case)
            journal.append_leaf(connection, leaf(now, "asylum.held", actor=actor, attested=attested))
            return known is None, 0 if asked.lost else len(lost)

        created, left = await self._content.store.move(move)
        return OperationResult(
            value={"id": id, "held": True, "states": [*sorted(states)], "lost": left}, created=created
        )

    @operation(
        "asylum.lift",
        "two people lift an asylum hold",
        roles=CASES,
        about=About.CASE,
        answer=Held,
        by_person=True,
    )
    async def lift(self, asked: OneHold, caller: Caller) -> OperationResult:
        """Two different people lift a hold, one after the other: after a decision, or on the person's written
        request.
        """
        id, now, who = asked.id, self._clock.now(), person_of(caller).encode()
        (label,), actor = self._content.sealer.hold_indexes(id, ()), pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> bool:
            known = store.get(connection, label)
            if known is None:
                raise RefusedError(Code.NOT_FOUND, "no asylum hold applies to it", hint="trm asylum list shows them")
            if known.lift == who:
                raise RefusedError(
                    Code.CONFLICT, "the same person wanted this lifted already; it still waits for a different one"
                )
            first = None if known.lift is None else known.lift.decode()
            if first is None or not still_counts(self._content.sealer, connection, first, Subject.CONVERSATION, id):
                store.want_lift(connection, known.ref, who)
                journal.append_leaf(connection, leaf(now, "asylum.lift_wanted", actor=actor))
                return True
            check_two_people(connection, first, person_of(caller))
            case = cases.cases_of(connection, [label]).get(label)
            others = self._others(connection, label, self._content.sealer.conversation_index(id))
            here = {key: ref for key, (ref, named) in others.items() if named.conversation == id}
            for key, ref in {label: known.ref, **here}.items():
                ledger.add_lifted(connection, key, store.labels_of(connection, ref), at=now)
                store.lift(connection, ref)
            self._linked_holds.settle_case(connection, case)
            journal.append_leaf(connection, leaf(now, "asylum.lifted", actor=actor))
            return False

        return OperationResult(value={"id": id, "held": await self._content.store.move(move)})

    def _lost(self, connection: Connection, label: bytes, conversation: bytes) -> dict[bytes, tuple[int, Named]]:
        """Those of the others that nobody can name on a conversation of theirs."""
        sealer, others = self._content.sealer, self._others(connection, label, conversation)
        return {key: one for key, one in others.items() if asylum_holds.is_lost(connection, sealer, key, one[1])}

    def _others(self, connection: Connection, label: bytes, conversation: bytes) -> dict[bytes, tuple[int, Named]]:
        """The other holds over the case of a conversation, by their labels: over that of its hold, where it is of none
        any more.
        """
        of = cases.cases_of(connection, [conversation, label])
        case = of.get(conversation, of.get(label))
        found = {} if case is None else asylum_holds.holds_on_case(connection, self._content.sealer, case)
        return {key: one for key, one in found.items() if key != label}

    @operation("asylum.list", "asylum holds", roles=CASES, about=About.CASE, answer=Holds)
    async def list_holds(self, _asked: Nothing) -> OperationResult:
        """Asylum holds, oldest first, and whether a first person wants one lifted; one that does not open has no id."""

        def query(c: Connection) -> tuple[Sequence[AsylumHold], dict[int, SealedRow]]:
            found = store.listed(c)
            return found, content.get(c, [one.ref for one in found])

        found, sealed = await self._content.store.read(query)
        named = asylum_holds.opened(self._content.sealer, list(sealed.values()))
        keys = {ref: self._content.sealer.conversation_index(over.conversation) for ref, over in named.items()}
        names = await names_of(self._content, list(keys.values()))
        items: list[Json] = []
        for one in found:
            over = named.get(one.ref)
            items.append(
                {
                    "id": None if over is None else over.conversation or None,
                    "of_case": None if over is None else names.get(keys[one.ref]),
                    "at": one.at,
                    "lift_wanted": one.lift is not None,
                    "states": [] if over is None else [*(over.states or ())],
                }
            )
        return OperationResult(value={"holds": items})


def list_countries(codes: Sequence[str]) -> set[str]:
    """The States that are named. Raises RefusedError invalid for what is no code of the list country."""
    known = schemas.code_list("country")
    if any(code not in known for code in codes):
        raise RefusedError(
            Code.INVALID,
            "the argument states is wrong; nothing was placed, changed or noted",
            findings=[Finding(place="/states", rule="unknown_code", hint="a list of codes of the list country")],
        )
    return set(codes)


def _nationalities(rows: Sequence[MessageRow], opened: Mapping[int, MessageContent]) -> set[str]:
    """Every nationality that this conversation told, whatever a policy kept from the peer."""
    history, told = NOTHING_SAID, set[str]()
    for row in sorted(rows, key=lambda row: row.at):
        if (message := opened.get(row.ref)) is not None:
            content = message.halves()[1] if message.facts.written is None else message.facts.written
            history = history.said(message.facts.body_type, content)
            told |= history.nationalities or frozenset()
    return told


def _over(connection: Connection, label: bytes) -> tuple[AsylumHold | None, list[SealedRow]]:
    known = store.get(connection, label)
    return known, [] if known is None else list(content.get(connection, [known.ref]).values())
