"""What waits to depart, looked up with all that it is judged by, and judged (step 4 of the outgoing procedure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from gateway.attachments.rules import files_of
from gateway.conversations import loader
from gateway.conversations.loader import ConversationLoader, LoadedConversation, goes_by_bodies
from gateway.conversations.rules.context import ConversationContext
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound.inputs import RECORD
from gateway.delivery.outbound.kept import Passed
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.messages import content_codec
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.delivery import SENDING, Outgoing, OutgoingEvent
from gateway.messages.state_transitions import Change
from gateway.messages.store import conversations as conversation_rows
from gateway.messages.store import links, messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.links import LinkRow, NumberRow
from gateway.messages.store.messages import MessageRow
from gateway.peers import store as peer_rows
from gateway.peers.registry import Peer
from gateway.policy import consent_context
from gateway.policy.acts import Acts, join_acts
from gateway.policy.circumstances import Circumstances
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.in_force import PoliciesInForce
from gateway.policy.two_person_release import VITAL
from gateway.ports import Clock
from keys.documents.envelope import MOST_ENVELOPES
from schemas.types import never_blocked

TRUST_CODES = frozenset({Code.NOT_ACTIVE, Code.OUT_OF_SCOPE})
"""Refusals that end with a suspension or with a renewal: while one of those is the cause, the message is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a judgement rests on that no state of a message shows: state and cause of the peer, and what people decided;
    `acts` is None where nothing was judged.
    """

    node: NodeId
    standing: tuple[str, str | None] | None
    acts: Acts | None

    def stand(self, connection: Connection) -> bool:
        """Whether all of it is stored as it was."""
        return peer_rows.position_of(connection, self.node) == self.standing and (
            self.acts is None or self.acts.stands(connection)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Due messages, judged, and what that rests on. `stored` are the bytes of what has any; `signed` the statements of
    what is voided, `numbers` the places of what is numbered and of what is before it; `changes` is empty where the
    conversations were looked up.
    """

    rows: tuple[MessageRow, ...]
    link: LinkRow
    grounds: Grounds
    passed: Mapping[int, Passed]
    refused: tuple[Change, ...] = ()
    held: frozenset[int] = frozenset()
    stored: Mapping[int, bytes] = field(default_factory=dict)
    signed: Mapping[int, Sequence[SealedRow]] = field(default_factory=dict)
    numbers: Mapping[int, NumberRow] = field(default_factory=dict)
    changes: Mapping[Key, int] = field(default_factory=dict)

    def stands(self, connection: Connection) -> bool:
        """Whether all that it rests on is stored as it was: asked in the transaction that numbers."""
        return (
            links.position(connection, self.grounds.node, links.OUT) == self.link
            and messages.get(connection, [row.ref for row in self.rows]) == {row.ref: row for row in self.rows}
            and self.grounds.stand(connection)
            and conversation_rows.changes_of(connection, {index for index, _ in self.changes}) == self.changes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """The content of a message with what it must be judged by now; `spoken` are schemas by which the peer wrote in its
    conversation, so that it holds them.
    """

    content: MessageContent
    circumstances: Circumstances
    around: ConversationContext | None
    spoken: frozenset[str]


class Lookout:
    """Looks up what waits."""

    def __init__(
        self,
        *,
        content: Content,
        loader: ConversationLoader,
        consent_contexts: ConsentContextLoader,
        policies: PoliciesInForce,
        clock: Clock,
    ) -> None:
        self._content = content
        self._loader = loader
        self._consent_contexts = consent_contexts
        self._policies = policies
        self._clock = clock

    async def look_up(self, peer: Peer, refs: Sequence[int]) -> Waiting:
        """These messages as they stand now. One whose content is gone or does not open is refused alone: what is behind
        it goes on.
        """
        query = partial(self._look_up, peer=peer, refs=refs)
        waiting = await self._content.store.read(query)
        if any(change.reason is Code.NOT_FOUND for change in waiting.refused):
            waiting = await self._content.store.read(query)  # a rotation may have destroyed its epoch meanwhile
        return waiting

    async def find_urgent(self, node: NodeId) -> list[int]:
        """Find the messages that wait for a peer and that nothing may block: withdrawals, alerts, erasure."""
        after, found = 0, list[int]()
        while refs := await self._content.store.read(partial(_waiting_refs, node=node, after=after)):
            after = refs[-1]
            found += await self._content.store.read(partial(self._urgent_of, refs=refs))
        return found

    def _urgent_of(self, connection: Connection, refs: Sequence[int]) -> list[int]:
        rows = _sending(connection, refs)
        keys = {(row.conversation, row.peer) for row in rows}
        _, contents = self._loader.recall(connection, keys, opened={row.ref for row in rows})
        return [row.ref for row in rows if row.ref in contents and never_blocked(contents[row.ref].facts.body_type)]

    def _look_up(self, connection: Connection, peer: Peer, refs: Sequence[int]) -> Waiting:
        rows = _sending(connection, refs)
        link = links.position(connection, peer.node, links.OUT)
        stored = messages.envelopes(connection, [row.ref for row in rows if row.state != Outgoing.QUEUED])
        opened, acts = self._open(connection, [row for row in rows if row.state != Outgoing.VOIDING])
        passed, refused, held = self._judge(peer, rows, opened)
        return Waiting(
            rows=tuple(rows),
            link=link,
            grounds=Grounds(node=peer.node, standing=peer_rows.position_of(connection, peer.node), acts=acts),
            passed=passed,
            refused=tuple(refused),
            held=frozenset(held),
            stored=stored,
            signed={
                row.ref: _load_signed(connection, row)
                for row in rows
                if row.state == Outgoing.VOIDING and row.ref not in stored
            },
            numbers=links.numbers(connection, peer.node, links.OUT, link.epoch, _places(rows, link.epoch)),
        )

    def _open(
        self, connection: Connection, rows: Sequence[MessageRow]
    ) -> tuple[dict[int, _Opened | None], Acts | None]:
        """What is no void, opened, with what it must be judged by now; None where the content is gone or does not open.

        What has bytes already is judged too: it goes again only if it might still go. The messages of the conversations
        are opened in the same call as what waits.
        """
        keys, refs = {(row.conversation, row.peer) for row in rows}, {row.ref for row in rows}
        held, contents = self._loader.recall(connection, keys, opened=refs)
        there = [row for row in rows if row.ref in contents]
        corrected = [row for row in there if goes_by_bodies(contents[row.ref].facts.body_type)]
        held |= self._loader.load(connection, {(row.conversation, row.peer) for row in corrected})[0]
        questions = [_question(row, contents[row.ref], held[row.conversation, row.peer]) for row in there]
        about = self._consent_contexts.load_consent_context(connection, questions) if questions else []
        found: dict[int, _Opened | None] = {row.ref: None for row in rows}
        for row, item in zip(there, about, strict=True):
            key, opened = (row.conversation, row.peer), contents[row.ref]
            history = item.find_history(held[key], but=row.ref)
            found[row.ref] = _Opened(
                content=opened,
                circumstances=replace(item.circumstances, history=history, approver=opened.facts.approver),
                around=self._loader.sent(held[key], key, opened.facts.body_type),
                spoken=held[key].spoken,
            )
        acts = join_acts([item.acts for item in about]) if about else None
        if about and acts is None:
            raise RuntimeError("one snapshot says two things")
        return found, acts

    def _judge(
        self, peer: Peer, rows: Sequence[MessageRow], opened: Mapping[int, _Opened | None]
    ) -> tuple[dict[int, Passed], list[Change], set[int]]:
        """Step 4: what may go, what may never, and what waits while nothing is agreed with the peer."""
        passed, refused, held = dict[int, Passed](), list[Change](), set[int]()
        for row in rows:
            if row.ref not in opened:
                continue
            item = opened[row.ref]
            if item is None:
                refused.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_FOUND))
                continue
            message = content_codec.valid_message(row.id, row.peer, row.expires, row.at, item.content)
            one = Passed(row=row, message=message, secret=item.content.secret)
            reason = self._closed(peer, one, item)
            if reason is None:
                passed[row.ref] = one
            elif reason in TRUST_CODES and peer.standing(self._clock.now()).held is not None:
                held.add(row.ref)
            else:
                refused.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=reason))
        return passed, refused, held

    def _closed(self, peer: Peer, one: Passed, opened: _Opened) -> Code | None:
        """The code of what closed since submission, None when the message may go."""
        header, body = opened.content.halves()
        now = self._clock.now()
        try:
            departure_steps.recheck(
                one.message,
                peer.standing(now),
                opened.circumstances,
                header=header,
                content=body,
                schemas_of_peer=None if peer.schemas is None else opened.spoken.union(peer.schemas),
                policy=self._policies.at(now),
                around=opened.around,
                n=loader.place_of(one.row),
                now=now,
                files=files_of(one.secret),
            )
        except RefusedError as error:
            return error.code
        return None


def _sending(connection: Connection, refs: Sequence[int]) -> list[MessageRow]:
    """Those of these messages that are still on the outbox, in order: one that has left it meanwhile is finished, and
    is not judged again.
    """
    found = messages.get(connection, refs)
    return [found[ref] for ref in refs if ref in found and found[ref].state in SENDING]


def _waiting_refs(connection: Connection, *, node: NodeId, after: int) -> list[int]:
    return messages.due(connection, node, after, MOST_ENVELOPES)


def _places(rows: Sequence[MessageRow], epoch: int) -> set[int]:
    """The numbers of these messages, and those before them."""
    return {n for row in rows if row.n is not None and row.epoch == epoch for n in (row.n - 1, row.n)}


def _load_signed(connection: Connection, row: MessageRow) -> Sequence[SealedRow]:
    """Load what was signed about a message; its void questions are no evidence and were not kept."""
    refs = [said.evidence for said in messages.statements_of(connection, row.ref) if said.evidence != row.ref]
    return list(content_rows.get(connection, refs).values())


def _question(row: MessageRow, opened: MessageContent, held: LoadedConversation) -> consent_context.Question:
    header, body = opened.halves()
    records = body.get("consent_id") if opened.facts.body_type == RECORD else None
    return consent_context.Question(
        conversation=opened.facts.conversation,
        consent_ref=opened.facts.consent_ref,
        to=row.peer,
        sender_unit=header.get("sender_unit"),
        recipient_unit=header.get("recipient_unit"),
        records=records if isinstance(records, str) else None,
        vital=VITAL in header,
        on_forms=held.on_forms,
    )
