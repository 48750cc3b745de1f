"""A node that has been at work for two years, made in a minute: what is slow only when there is much of it.

`seed` writes rows into the store of an open node past the exchange with its peer: content, case references and
statements are really sealed under data keys of their own, indexes are those of the vault, leaves are those of the log.
What was not signed is random bytes of the right length, so that evidence of a seeded conversation proves nothing.
Conversations are folded afterwards by the node itself.

The mix: half of the conversations are closed cases, the others wait for something, on our side or on the peer's.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import orjson
from sqlalchemy import Connection, select
from support.endpoints import example

import schemas
from gateway.cases import store as cases
from gateway.cases.rules import ABOUT_A_PERSON, CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.composition.node import Node
from gateway.consent import register
from gateway.conversations.rules.facts import Side
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.tables import conversation
from gateway.foundation.ids import CaseId
from gateway.messages.content_codec import Facts, MessageContent
from gateway.messages.store import conversations, local, messages, receipts
from gateway.messages.store.local import OWN, ConsentRow, DraftRow
from gateway.messages.store.messages import IN, OUT, InboxRow, MessageRow, StatementRow
from gateway.messages.store.receipts import ISSUED, RECEIVED, ReceiptRow
from keys.primitives.encoding import DAY, b64u, canon, lp_join

HOST, PEER = Side.HOST, Side.RECEIVING
HOUR = 3_600
AT_ONCE = 250
"""Conversations that are written in one transaction."""
PLACE = 1 + 32 * 5 + 32
"""Bytes of the place of a statement among eight that were signed together, and of the name of their batch."""
ENVELOPE = 12_000
LIFE = 14 * DAY

Step = tuple[Side, str, str, dict[str, Any]]
"""Who says it, the type, the example it is made of, and what is changed of its content."""


def _step(side: Side, kind: str, stem: str, **changes: Any) -> Step:
    return side, kind, stem, changes


_ASKED = (_step(HOST, "consent.record", "valid-adult"), _step(HOST, "referral.request", "valid-child-full"))
_TAKEN = (*_ASKED, _step(PEER, "referral.accept", "valid-minimal"))
_PLANNED = (
    *_TAKEN,
    _step(HOST, "assistance.plan", "valid-full"),
    _step(PEER, "assistance.plan", "valid-full"),
    _step(HOST, "risk.assessment", "valid-sending-part"),
    _step(PEER, "risk.assessment", "valid-receiving-part"),
)
_HOME = (
    *_PLANNED,
    _step(HOST, "return.proposal", "valid-adult-by-air", version=1),
    _step(PEER, "return.response", "valid-confirmed", version=1),
    _step(HOST, "departure.notice", "valid-departed", version=1),
    _step(PEER, "arrival.confirmation", "valid-met"),
    _step(PEER, "reintegration.plan", "valid-full"),
)
_CLOSED = (
    *_HOME,
    _step(PEER, "case.closure", "valid-goals-met"),
    _step(HOST, "closure.response", "valid-agreed"),
)
_INFORMED = (
    *_ASKED,
    _step(PEER, "info.request", "valid-two"),
    _step(HOST, "info.reply", "valid-answers"),
    _step(PEER, "info.request", "valid-one"),
)
_OFFERED = (_step(HOST, "enquiry.capacity", "valid-full"), _step(PEER, "enquiry.reply", "valid-yes"))
MIX: Sequence[tuple[Sequence[Step], int]] = (
    *itertools.repeat((_CLOSED, 700), 5),
    (_HOME, 60),
    (_HOME, 20),
    (_PLANNED, 3),
    (_ASKED, 1),
    (_INFORMED, 4),
    (_OFFERED, 30),
)
"""What is said, and at most how many days ago it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What was written: ids of conversations, oldest first, and how many messages."""

    conversations: tuple[str, ...]
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One message before it is written."""

    ref: int
    evidence: int
    id: str
    out: bool
    at: int
    n: int
    kind: str
    body_type: str
    conversation: str
    reply_to: str | None
    consent: str | None
    state: str
    seen: int
    step: Step


async def seed(node: Node, *, conversations: int, drafts: int = 200, rng: random.Random) -> Seeded:
    """Fill the store of a node that is open and not served with conversations with its peers, in turn."""
    peers = [peer.node for peer in node.peers.all()]
    writer = _Writer(node, peers, rng)
    ids: list[str] = []
    for start in range(0, conversations, AT_ONCE):
        ids += await writer.write(min(AT_ONCE, conversations - start), 1 - start / conversations)
    await writer.drafts(drafts)
    await node.store.checkpoint()
    await node.status_updates.keep()
    await node.store.move(partial(open_cases, at=node.clock.now(), rng=rng))
    return Seeded(conversations=tuple(ids), messages=writer.messages)


def open_cases(connection: Connection, *, at: int, rng: random.Random) -> None:
    """Open a case for each referral, as its first message would have."""
    query = select(conversation.c.conversation).where(conversation.c.kind == ABOUT_A_PERSON).distinct()
    of = {CaseId(b64u(rng.randbytes(16))): key for key in connection.scalars(query)}
    cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=at, card=None) for id in of])
    cases.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=id) for id, key in of.items()])


class _Writer:
    def __init__(self, node: Node, peers: Sequence[str], rng: random.Random) -> None:
        self._node = node
        self._peers = peers
        self._rng = rng
        self._now = node.clock.now()
        self._mix = itertools.cycle(MIX)
        self._turn = itertools.count()
        self._numbers = {(peer, out): 0 for peer in peers for out in (True, False)}
        self.messages = 0

    def _id(self) -> str:
        return b64u(self._rng.randbytes(16))

    async def write(self, count: int, age: float) -> list[str]:
        """So many conversations; `age` is 1 for the oldest and 0 for the newest."""
        talks = [list(self._talk(self._peers[next(self._turn) % len(self._peers)], age)) for _ in range(count)]
        self._node.sealer.learn(conversations=[said[0].conversation for _, said in talks])
        rows = [(peer, one) for peer, said in talks for one in said]
        sealed = self._node.sealer.seal_each(
            [item for _, one in rows for item in ((one.ref, _content(one)), (one.evidence, self._evidence()))]
        )
        grants = [(self._node.store.new_ref(), one) for _, one in rows if one.body_type == "consent.record/1"]
        self._node.sealer.learn(consents=[one.consent for _, one in grants if one.consent])
        sealed += self._node.sealer.seal_each([(ref, register.encode(_consent(one))) for ref, one in grants])
        await self._node.store.move(partial(self._store, rows=rows, sealed=sealed, grants=grants))
        self.messages += len(rows)
        return [said[0].conversation for _, said in talks]

    def _talk(self, peer: str, age: float) -> tuple[str, list[_Said]]:
        steps, days = next(self._mix)
        ours = self._rng.choice((HOST, PEER))
        at = self._now - int(days * DAY * age) - len(steps) * DAY
        conversation, consent = self._id(), self._id()
        said: list[_Said] = []
        heard = {HOST: 0, PEER: 0}
        for place, step in enumerate(steps):
            side, kind = step[0], step[1]
            at = min(at + self._rng.randrange(HOUR, DAY), self._now - 60)
            out = side is ours
            n = self._numbers[peer, out] = self._numbers[peer, out] + 1
            asked = next((one for one in reversed(said) if one.step[0] is not side), None)
            said.append(
                _Said(
                    ref=self._node.store.new_ref(),
                    evidence=self._node.store.new_ref(),
                    id=self._id(),
                    out=out,
                    at=at,
                    n=n,
                    kind=_kind(steps),
                    body_type=f"{kind}/1",
                    conversation=conversation,
                    reply_to=None if asked is None else asked.id,
                    consent=None if steps is _OFFERED else consent,
                    state=self._state(out, last=place == len(steps) - 1),
                    seen=heard[side.other],
                    step=step,
                )
            )
            heard[side] = n
        return peer, said

    def _state(self, out: bool, *, last: bool) -> str:
        """Nearly everything has arrived and was opened; the last words of a few talks are still on their way."""
        chance = self._rng.random()
        if not last or chance < 0.9:
            return "opened"
        if out:
            return self._rng.choice(("queued", "awaiting_receipt", "awaiting_handover", "awaiting_opening", "failed"))
        return self._rng.choice(("awaiting_handover", "handed_over", "held"))

    def _evidence(self) -> bytes:
        return lp_join(self._rng.randbytes(400), b"\x01" + self._rng.randbytes(PLACE))

    def _store(
        self,
        connection: Connection,
        *,
        rows: Sequence[tuple[str, _Said]],
        sealed: Sequence[SealedRow],
        grants: Sequence[tuple[int, _Said]],
    ) -> None:
        content.put(connection, sealed)
        made = [self._row(peer, one) for peer, one in rows]
        messages.add(connection, made)
        hashes = {one.ref: b64u(self._rng.randbytes(32)) for _, one in rows}
        messages.add_statements(
            connection,
            [StatementRow(hash=hashes[o.ref], message=o.ref, evidence=o.evidence, created=o.at) for _, o in rows],
        )
        receipts.add(connection, [r for peer, one in rows for r in _receipts(peer, one, hashes[one.ref])])
        sent = [one.ref for _, one in rows if one.state == "awaiting_receipt"]
        messages.put_envelopes(connection, [(ref, self._rng.randbytes(ENVELOPE)) for ref in sent])
        unsent = [(o.ref, peer, o.at + LIFE) for peer, o in rows if o.state in ("queued", "awaiting_receipt")]
        messages.enqueue(connection, unsent)
        messages.arrive(
            connection,
            [
                InboxRow(ref=o.ref, peer=peer, n=o.n, urgent=False, attempts=0, next_try=0)
                for peer, o in rows
                if not o.out and o.state == "awaiting_handover"
            ],
        )
        conversations.changed(connection, [(row.conversation, row.peer, row.kind) for row in made])
        self._happened(connection, made)
        for ref, one in grants:
            local.add_consent(
                connection,
                ConsentRow(
                    ref=ref,
                    consent=self._node.sealer.consent_index(one.consent or ""),
                    holder=OWN if one.out else made[0].peer,
                    state=register.ACTIVE,
                    at=one.at,
                ),
            )

    def _happened(self, connection: Connection, rows: Sequence[MessageRow]) -> None:
        journal.add_events(connection, [(row.at, "message", row.ref, row.state) for row in rows for _ in range(3)])
        journal.append_leaves(
            connection,
            [
                leaf(row.at, "message.state", id=row.id, peer=row.peer, state=row.state, code=row.reason)
                for row in rows
                for _ in range(3)
            ],
        )
        for row in rows:
            if row.state in ("failed", "held"):
                journal.raise_alarm(connection, at=row.at, kind=f"message.{row.state}", peer=row.peer, ref=row.ref)

    def _row(self, peer: str, one: _Said) -> MessageRow:
        numbered = not one.out or one.state != "queued"
        return MessageRow(
            ref=one.ref,
            direction=OUT if one.out else IN,
            peer=peer,
            id=one.id,
            conversation=self._node.sealer.conversation_index(one.conversation),
            consent=None,
            kind=one.kind,
            state=one.state,
            reason="expired" if one.state == "failed" else None,
            epoch=1 if numbered else None,
            n=one.n if numbered else None,
            prev=None,
            size=8_192,
            at=one.at,
            expires=one.at + LIFE,
            out_of_order=False,
            origin=None,
        )

    async def drafts(self, count: int) -> None:
        """Drafts that wait for a person."""
        refs = [self._node.store.new_ref() for _ in range(count)]
        to = self._node.peers.all()[0].name
        body = _body("referral.request", "valid-child-full")
        draft = canon({"type": "referral.request/1", "to": to, **body})
        sealed = self._node.sealer.seal_each([(ref, draft) for ref in refs])

        def move(connection: Connection) -> None:
            content.put(connection, sealed)
            for ref in refs:
                row = DraftRow(ref=ref, id=self._id(), origin=None, state="waiting", at=self._now, first=None)
                local.add_draft(connection, row)

        await self._node.store.move(move)


def _kind(steps: Sequence[Step]) -> str:
    return "enquiry" if steps is _OFFERED else "referral"


def _receipts(peer: str, one: _Said, hash: str) -> Iterator[ReceiptRow]:
    words = {
        "queued": 0,
        "awaiting_receipt": 0,
        "failed": 0,
        "held": 1,
        "awaiting_handover": 1,
        "awaiting_opening": 2,
        "handed_over": 2,
        "opened": 3,
    }
    for place, status in enumerate(("received", "delivered", "opened")[: words[one.state]]):
        yield ReceiptRow(
            of=hash,
            status=status,
            peer=peer,
            direction=RECEIVED if one.out else ISSUED,
            id=one.id,
            code=None,
            at=one.at + (place + 1) * 60,
            object=bytes(250),
            batch=None,
        )


@cache
def _body(kind: str, stem: str) -> dict[str, Any]:
    return example(f"{kind}.1/{stem}")


@cache
def _schema(body_type: str) -> str:
    return schemas.load_catalogue().get(body_type).schema


def _content(one: _Said) -> bytes:
    """The content row as the node writes it."""
    _, kind, stem, changes = one.step
    body = _body(kind, stem)
    header, inner = body["header"] | {"seen": one.seen}, body["content"] | changes
    if "consent_ref" in header:
        header["consent_ref"] = one.consent
    if "respond_by" in header:
        header["respond_by"] = one.at + 5 * DAY
    if kind == "consent.record":
        inner = _consent(one)
    facts = Facts(
        body_type=one.body_type,
        schema=_schema(one.body_type),
        conversation=one.conversation,
        reply_to=one.reply_to,
        purpose="referral" if one.consent else None,
        consent_ref=one.consent,
        created=one.at,
    )
    opened = MessageContent(facts=facts, secret=bytes(64), body=orjson.dumps({"header": header, "content": inner}))
    return lp_join(opened.facts.encode(), opened.secret, opened.body)


def _consent(one: _Said) -> dict[str, Any]:
    return _body("consent.record", "valid-adult")["content"] | {"consent_id": one.consent}
