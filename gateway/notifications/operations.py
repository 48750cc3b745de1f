"""Safety alerts that no human has taken, and taking one (domain 9.2, 9.3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

import schemas
from gateway.cases import register
from gateway.cases.operations.models import OfCase
from gateway.cases.references import number_told, own_rows
from gateway.conversations import on_call, status_updates
from gateway.conversations.alert_rules import HOUR, UPDATE_EVERY, Rung
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.operations.models import Owes
from gateway.conversations.rules.morning_list import owed
from gateway.conversations.status_updates import THEM, US, StatusUpdates
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.operations.message_models import Submitted
from gateway.delivery.operations.messages_shown import incoming, opened_row
from gateway.delivery.operations.release import answering_opens
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.notifications import second_look
from gateway.notifications.second_look import Look
from gateway.operations.actors import pseudonym
from gateway.operations.ids import MessageId
from gateway.operations.models import DIGITS, Answer, Asked, Nothing, OneOf, Text, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from schemas.types import type_name

ACK = "safety.alert.ack/1"
TAKES = ("national_focal_point", "duty_contact")
"""Roles that take an alert (domain 6.7)."""
HOURS = UPDATE_EVERY // HOUR
"""Until the next word on an alert at the latest."""


class AcknowledgeAlert(Asked):
    """An alert, and what has begun."""

    id: MessageId
    actions: list[Text] = Field(description="what has been begun, codes of the list alert_action")
    hours: Annotated[
        int, Field(ge=0, le=HOURS, description="until the next word, 24 at most and where it is left out"), DIGITS
    ] = HOURS


class ReviewAlert(Asked):
    """An alert of ours that a second person has to read, and how that ended."""

    id: MessageId
    outcome: Annotated[str, OneOf(*Look)] = Field(
        description="`needed`: the words are; `told`: the other side was told what to disregard; `nobody`: there is no "
        "second person"
    )


class AlertReviewed(Answer):
    """An alert that nobody has to look at any more."""

    id: MessageId
    outcome: str


class Woken(Answer):
    """Somebody who is woken, and when."""

    contact: str = Field(description="one of duty.contacts")
    at: Time


class Alert(Answer):
    """A safety alert that nobody has taken."""

    id: MessageId
    of_case: OfCase = None
    peer: NodeId
    kind: str = Field(description="a code of the list alert_kind")
    owes: Owes
    until: Time
    overdue: bool
    woken: list[Woken]
    next: Woken | None


class Alerts(Answer):
    """The alerts of both sides, the earliest deadline first."""

    alerts: list[Alert]


class AlertOperations:
    """Operations on alerts."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        local_receipts: LocalReceipts,
        loader: ConversationLoader,
        status_updates: StatusUpdates,
        submission: Submission,
        config: Config,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._peers = peers
        self._local_receipts = local_receipts
        self._loader = loader
        self._status_updates = status_updates
        self._submission = submission
        self._config = config
        self._clock = clock
        self._actor = actor

    @operation(
        "alert.list",
        "safety alerts that nobody has taken",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Alerts,
    )
    async def list_alerts(self, _asked: Nothing) -> OperationResult:
        """Alerts that nobody has taken, of both sides, the earliest deadline first; who was woken here and who is
        next.
        """
        await self._status_updates.keep_alerts()

        def query(c: Connection) -> dict[Key, LoadedConversation]:
            return self._loader.recall(c, rows_of.alerted(c))[0]

        held, now = await self._content.store.read(query), self._clock.now()
        named = {status_updates.name_of(key): (key, one) for key, one in held.items()}
        found = on_call.alerts(owed(status_updates.watched(held), now), named, self._config.duty, now)
        names = await register.names_of(self._content, [conversation for conversation, _ in held])
        return OperationResult(value={"alerts": [self._line(alert, names.get(alert.key[0])) for alert in found]})

    def _line(self, alert: on_call.Alert, of_case: Json) -> dict[str, Json]:
        peer = self._peers.get(alert.key[1])
        return {
            "id": alert.owed.duty.because,
            "of_case": of_case,
            "peer": alert.key[1] if peer is None else peer.name,
            "kind": alert.kind,
            "owes": US if alert.owed.ours else THEM,
            "until": alert.owed.duty.until.at,
            "overdue": alert.owed.overdue,
            "woken": [_rung(rung) for rung in alert.state.rung],
            "next": None if alert.state.next is None else _rung(alert.state.next),
        }

    @operation(
        "alert.acknowledge",
        "a named person takes it",
        roles=CASES,
        about=About.CASE,
        answer=Submitted,
        by_person=True,
        creates=True,
        example={"actions": ["call_person"]},
    )
    async def acknowledge(self, asked: AcknowledgeAlert, key: str | None, caller: Caller) -> OperationResult:
        """A named person takes an alert of a peer: the answer goes at once, nobody else is woken, both sides' alarms
        end.

        `actions` are what has begun, codes of the list alert_action, or `none` yet; `hours` until the next word.
        """
        id = asked.id
        row = await self._alert(id)
        opened = opened_row(
            self._content.sealer, (await self._content.store.read(lambda c: content.get(c, [row.ref]))).get(row.ref)
        )
        if opened is None or type_name(opened.facts.body_type) != "safety.alert":
            raise RefusedError(Code.NOT_FOUND, "this is no safety alert of a peer", hint="trm alert list shows those")
        now, who = self._clock.now(), pseudonym(caller.actor, self._actor)
        said: dict[str, Json] = {
            "taken_by": who,
            "action_started": _actions(asked.actions),
            "next_update_by": now + HOUR * asked.hours,
        }
        request: dict[str, Json] = {
            "type": ACK,
            "to": row.peer,
            "conversation": opened.facts.conversation,
            "in_reply_to": id,
            "header": _answer(opened.halves()[0], who) | await self._number(row, opened.halves()[0]),
            "content": said,
        }

        def also(connection: Connection) -> None:
            journal.append_leaf(connection, leaf(now, "alert.acknowledged", id=id, actor=who))

        done = await self._submission.submit(request, key=key, also=also)
        await answering_opens(self._content.store, self._local_receipts, request)
        await self._status_updates.keep_alerts()
        return done

    @operation(
        "alert.review",
        "a second person has read an alert of ours",
        roles=CASES,
        about=About.CASE,
        answer=AlertReviewed,
        by_person=True,
        example={"outcome": "needed"},
    )
    async def review(self, asked: ReviewAlert, caller: Caller) -> OperationResult:
        """Record how the second look at an alert ended: what was found, by somebody else than its writer, or that
        there is nobody else. Its alarms end.
        """
        now, look = self._clock.now(), Look(asked.outcome)

        def move(connection: Connection) -> None:
            rows = messages.find(connection, asked.id, direction=messages.OUT)
            waiting = journal.open_about(connection, second_look.ALARMS)
            row = next((row for row in rows if row.ref in waiting), None)
            if row is None:
                what = "no second look is owed to this message; nothing was changed"
                raise RefusedError(Code.NOT_FOUND, what, hint="trm alarm list --kind alert.second_look shows those")
            if look is not Look.NOBODY:
                self._require_another(connection, row.ref, caller)
            journal.dismiss_about(connection, [row.ref], second_look.ALARMS, at=now)
            who = pseudonym(caller.actor, self._actor)
            journal.append_leaf(connection, leaf(now, "alert.reviewed", id=row.id, reason=str(look), actor=who))

        await self._content.store.move(move)
        return OperationResult(value={"id": asked.id, "outcome": str(look)})

    def _require_another(self, connection: Connection, ref: int, caller: Caller) -> None:
        """Whoever wrote an alert does not look at it a second time; a message that is gone has no writer any more."""
        opened = opened_row(self._content.sealer, content.get(connection, [ref]).get(ref))
        author = None if opened is None else opened.halves()[0].get("author_ref")
        if author == pseudonym(caller.actor, self._actor):
            raise RefusedError(
                Code.CONFLICT,
                "the same person wrote this alert; nothing was changed",
                hint="ask a second person, or say that there is nobody else",
            )

    async def _number(self, row: MessageRow, header: dict[str, Json]) -> dict[str, Json]:
        """Our number of the case, which becomes the reference again that the peer knows; nothing where it has none."""
        told, sealer = header.get("case_ref_recipient"), self._content.sealer
        if not isinstance(told, str):
            return {}
        sealed = await self._content.store.read(lambda c: own_rows(c, row.conversation, row.peer))
        ours = number_told(sealer, sealed, row.peer, told)
        return {} if ours is None else {"case_ref_sender": ours}

    async def _alert(self, id: str) -> MessageRow:
        rows, _ = await self._content.store.read(lambda c: incoming(c, id))
        if len(rows) != 1:
            raise RefusedError(Code.NOT_FOUND, "this is no safety alert of a peer", hint="trm alert list shows those")
        return rows[0]


def _rung(rung: Rung) -> dict[str, Json]:
    return {"contact": rung.contact, "at": rung.at}


def _actions(listed: list[str]) -> list[Json]:
    """Never a default: who takes an alert says what has begun, also when that is nothing yet."""
    codes = [code.code for code in schemas.code_list("alert_action").codes]
    if not listed or any(code not in codes for code in listed):
        raise RefusedError(
            Code.INVALID,
            "the actions that have begun are missing; nothing was sent",
            findings=[Finding(place="/actions", rule="unknown_code", hint="one or more of " + ", ".join(codes))],
        )
    return [*listed]


def _answer(header: dict[str, Json], who: str) -> dict[str, Json]:
    """The header of the answer: the alert's with its two sides changed over."""
    role, handling = header.get("recipient_role"), header.get("handling")
    kept = handling.get("retain_until") if isinstance(handling, dict) else None
    answer: dict[str, Json] = {
        "sender_unit": header.get("recipient_unit"),
        "sender_role": role if role in TAKES else TAKES[0],
        "recipient_unit": header.get("sender_unit"),
        "recipient_role": header.get("sender_role"),
        "author_ref": who,
        "priority": header.get("priority"),
        "handling": {"onward_sharing": "none", "retain_until": kept, "export_to_local": "full"},
        "language": header.get("language"),
    }
    return answer | ({"case_ref_recipient": header["case_ref_sender"]} if "case_ref_sender" in header else {})
