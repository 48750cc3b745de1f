"""May the person of a case be reached in this way now, and who must not hear of the case
(`gateway.conversations.safe_contact`).

The answer is advice for a person who is about to pick up the telephone. It repeats nothing of the rule: not a number,
not a code word.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.consent import register
from gateway.conversations.history import Opened, in_order
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.operations.models import OneConversation
from gateway.conversations.rules.facts import Side
from gateway.conversations.safe_contact import Channel, Contact, ContactRule, Party, do_not_notify, may_contact, rule_of
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.foundation.workdays import offset
from gateway.messages.store import messages
from gateway.messages.store.conversations import Key
from gateway.operations.models import Answer, OneOf, Text
from gateway.operations.registry import About, Reading, operation
from gateway.operations.roles import CASES
from gateway.policy import store
from gateway.ports import Clock, OperationResult
from schemas.types import type_name

PERSONS = ("person", "person_identifying")
"""Members of a content in which a person is described, with the rule for reaching them."""


class AdviseContact(OneConversation):
    """How the person of a conversation would be reached."""

    channel: Annotated[str, OneOf(*Channel)]
    address: Text | None = Field(default=None, description="the number or name that would be used")


class Closed(Answer):
    """Somebody who must not be told, and why."""

    party: Party
    why: str


class Advice(Answer):
    """Whether a channel may be used now."""

    contact: Contact
    why: str
    check_who_answers: bool
    do_not_notify: list[Closed]


class ContactOperations:
    """Operations about contact with a person."""

    def __init__(self, *, content: Content, loader: ConversationLoader, clock: Clock) -> None:
        self._content = content
        self._loader = loader
        self._clock = clock

    @operation(
        "contact.advise",
        "may the person be reached so now, and who must not be told",
        roles=CASES,
        about=About.CASE,
        answer=Advice,
        reads=Reading(what="contact"),
        anew=True,
        example={"channel": "call"},
    )
    async def advise(self, asked: AdviseContact) -> OperationResult:
        """Whether a channel may be used now, and the parties that must not be told, each with the reason."""
        id, channel = asked.id, Channel(asked.channel)
        index = self._content.sealer.conversation_index(id)

        def query(c: Connection) -> tuple[bool, dict[Key, LoadedConversation], list[register.Known]]:
            rows = messages.of_conversation(c, index)
            held, _ = self._loader.load(c, {(row.conversation, row.peer) for row in rows})
            relied_on = {ref for one in held.values() for ref in map(_consent, one.said.values()) if ref is not None}
            return (
                index in store.held_among(c, {index: self._content.sealer.hold_indexes(id, sorted(relied_on))}),
                held,
                [register.known_in(self._content.sealer, c, ref) for ref in sorted(relied_on)],
            )

        on_hold, held, known = await self._content.store.read(query)
        if not held:
            raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
        now = self._clock.now()
        one = next(iter(held.values()))
        said = in_order(one.said.values())
        local = _local(one, said, now)
        advice = may_contact(_rule(said), channel, asked.address, local)
        closed = do_not_notify(
            known[0].consent if len(known) == 1 else None,
            one.history(),
            may_disclose_to_family=_family(said),
            asylum_hold=on_hold,
            today=local.date(),
        )
        return OperationResult(
            value={
                "contact": str(advice.contact),
                "why": advice.why,
                "check_who_answers": advice.check_who_answers,
                "do_not_notify": [{"party": str(party), "why": why} for party, why in sorted(closed.items())],
            }
        )


def _consent(message: Opened) -> str | None:
    named = message.header.get("consent_ref")
    return named if isinstance(named, str) else None


def _rule(said: Iterable[Opened]) -> ContactRule | None:
    """The newest rule, and every channel that an alert has closed since."""
    rule, never = None, list[str]()
    for message in said:
        closed = message.content.get("never_use_channel")
        never += [closed] if isinstance(closed, str) else []
        for name in PERSONS:
            person = message.content.get(name)
            rule = person if isinstance(person, dict) and "safe_contact_rule" in person else rule
    return None if rule is None else rule_of(rule, never)


def _family(said: Iterable[Opened]) -> str:
    """What the family may be told, by the newest inquiry; nothing where there is none."""
    asked = [message.content.get("may_disclose_to_family") for message in said]
    codes = [code for code in asked if isinstance(code, str)]
    return codes[-1] if codes else "nothing"


def _local(held: LoadedConversation, said: Iterable[Opened], now: int) -> datetime:
    """The time where the person is: in the host country until somebody has met them in the other one."""
    if held.conversation is None:
        raise RefusedError(
            Code.UNDECRYPTABLE, "the first message cannot be opened: it is not known where the person is"
        )
    arrived = any(
        type_name(message.body_type) == "arrival.confirmation" and str(message.content.get("outcome")).startswith("met")
        for message in said
    )
    zone = held.conversation.setting.calendars[Side.RECEIVING if arrived else Side.HOST].zone
    return (datetime.fromtimestamp(now, UTC) + offset(zone, now)).replace(tzinfo=None)
