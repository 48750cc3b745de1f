"""What a peer's message asks of this node, taken down in the transaction that accepts it (domain 10.6).

A withdrawal goes on to everybody who had the data from here, whether or not the person wants them erased; what goes on
already goes on once. A confirmation is put beside what it answers, and what it leaves is told to a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection

from gateway.consent import register
from gateway.consent.rules import adds
from gateway.database import content, journal
from gateway.database.audit_entries import Actor
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.erasure import certificates
from gateway.erasure.peer_requests import store
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.rules import ErasureRequest, What, asked
from gateway.foundation.ids import ConversationId
from gateway.messages import headers
from gateway.messages.store import messages
from gateway.messages.store.messages import OUT, MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.ports import Clock, Json
from keys.primitives.encoding import canon
from schemas.types import type_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is sealed beside a request: what it asks, and what the answer needs. ``what`` is None where nothing is to be
    erased; ``withdrawn`` is the withdrawal, which goes on as it is.
    """

    what: What | None
    ground: str
    targets: tuple[str, ...]
    consent: str | None
    withdrawn: Mapping[str, Json] | None
    conversation: ConversationId
    purpose: str | None
    reply_to: str
    header: Mapping[str, Json] = field(repr=False)

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canon(
            {
                "what": self.what,
                "ground": self.ground,
                "targets": [*self.targets],
                "consent": self.consent,
                "withdrawn": None if self.withdrawn is None else dict(self.withdrawn),
                "conversation": self.conversation,
                "purpose": self.purpose,
                "reply_to": self.reply_to,
                "header": dict(self.header),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Task:
        """What `encode` wrote."""
        value = orjson.loads(data)
        what = None if value["what"] is None else What(value["what"])
        return cls(**value | {"what": what, "targets": tuple(value["targets"])})


def task_of(
    actor: Actor,
    wanted: ErasureRequest | None,
    *,
    withdrawn: Mapping[str, Json] | None,
    conversation: ConversationId,
    purpose: str | None,
    id: str,
    header: Mapping[str, Json],
) -> Task:
    """The task that the message with this id and header makes."""
    return Task(
        what=None if wanted is None else wanted.what,
        ground="consent_withdrawn" if wanted is None else wanted.ground,
        targets=() if wanted is None else tuple(sorted(wanted.targets)),
        consent=None if withdrawn is None else str(withdrawn["consent_id"]),
        withdrawn=withdrawn,
        conversation=conversation,
        purpose=purpose,
        reply_to=id,
        header=headers.along(header, headers.node_author(actor), incoming=True),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A message that withdraws a consent, or asks to erase. Its effect comes before that of the withdrawal itself."""

    content: Content
    actor: Actor
    row: MessageRow
    message: AcceptedMessage
    wanted: ErasureRequest | None

    def write(self, connection: Connection, now: int) -> None:
        """Take it down; a withdrawal that takes back nothing new and wants nothing erased is nothing to do."""
        message = self.message
        withdrawn = message.content if type_name(message.body_type) == "consent.withdrawal" else None
        new = self.wanted is not None if withdrawn is None else _adds(self.content.sealer, connection, withdrawn)
        if self.wanted is None and not new:
            return
        task = task_of(
            self.actor,
            self.wanted,
            withdrawn=withdrawn,
            conversation=message.conversation,
            purpose=message.purpose,
            id=message.id,
            header=message.header,
        )
        ref = self.content.store.new_ref()
        content.put(connection, [self.content.sealer.seal(ref, task.encode())])
        by_node = self.wanted is not None and self.wanted.what is not What.PART
        store.add(
            connection,
            RequestRow(
                ref=ref,
                message=self.row.ref,
                peer=self.row.peer,
                state=State.NEW if new else State.WAITING,
                at=now,
                follow=now + self.wanted.wait if self.wanted is not None and by_node else None,
                due=now + (0 if self.wanted is None else self.wanted.due),
            ),
        )
        if self.wanted is not None and not by_node:
            journal.raise_alarm(connection, at=now, kind="erasure.asked", peer=self.row.peer, ref=self.row.ref)


def _adds(sealer: ContentSealer, connection: Connection, withdrawn: Mapping[str, Json]) -> bool:
    known = register.known_in(sealer, connection, str(withdrawn["consent_id"]))
    return known.withdrawals is None or adds(known.withdrawals, withdrawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The other side says what it erased. ``proven``: every certificate in it verifies."""

    row: MessageRow
    reply_to: str | None
    whole: bool
    proven: bool

    def write(self, connection: Connection, now: int) -> None:
        """Put it beside what asked, and tell a person what is left or proves nothing."""
        asked_by = (
            [] if self.reply_to is None else messages.find(connection, self.reply_to, direction=OUT, peer=self.row.peer)
        )
        for own in asked_by:
            store.answer(connection, own.ref, self.row.ref)
        if not self.whole:
            journal.raise_alarm(connection, at=now, kind="erasure.kept", peer=self.row.peer, ref=self.row.ref)
        if not self.proven:
            journal.raise_alarm(connection, at=now, kind="erasure.unproven", peer=self.row.peer, ref=self.row.ref)


def record_request(content: Content, actor: Actor, row: MessageRow, message: AcceptedMessage) -> Requested:
    """Make the effect of a message that may ask this node to erase."""
    return Requested(
        content=content, actor=actor, row=row, message=message, wanted=asked(message.body_type, message.content)
    )


def record_confirmation(clock: Clock, row: MessageRow, message: AcceptedMessage) -> Confirmed:
    """Make the effect of an `erasure.confirmation`."""
    return Confirmed(
        row=row,
        reply_to=message.reply_to,
        whole=message.content.get("result") in ("erased", "not_held"),
        proven=all(found is not None for _, found in certificates.read_all(message.content, clock.now())),
    )
