"""What is held about the consent of a message when it is judged, loaded for several messages at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

import schemas
from gateway.cases import store as cases
from gateway.cases.questions import states_of
from gateway.consent.givers import NOTHING_TOLD, WHILE_GUARDED, Guardianship
from gateway.consent.register import WITHDRAWN, HeldConsent, Known, Record, open_consents
from gateway.consent.rules import Consent, Handling, handling_of, passed_on
from gateway.conversations.history import History, Opened, Side
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.database import content
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.errors import RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import CaseId, ConversationId, NodeId, UnitId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec
from gateway.messages.store import conversations as conversation_rows
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN
from gateway.peers.registry import PeerRegistry
from gateway.policy import asylum_holds, store
from gateway.policy.acts import Acts, load_acts
from gateway.policy.circumstances import Circumstances
from gateway.policy.consent_cases import Asked, find_relied_on, gather_said_no, judge_cases, questions_on
from gateway.policy.descriptor_units import recipient_in, roles_in
from gateway.policy.gates.gate_table import Recipient
from gateway.ports import Clock
from keys.primitives.encoding import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A message about to be judged: what its circumstances depend on. `to` is a node id, units are those it names.

    `case` is the one it is written from, where its conversation is of none yet; `records` the consent that it tells of,
    and `on_forms` are those that were told there on signed forms; `vital` says that it claims danger to life.
    """

    conversation: ConversationId
    consent_ref: str | None
    to: NodeId
    sender_unit: Json
    recipient_unit: Json
    case: CaseId | None = None
    records: str | None = None
    vital: bool = False
    on_forms: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentContext:
    """What is held about the consent of one message, and what the gates must know as of the second `at`; `acts` are
    what it rests on.
    """

    at: int
    acts: Acts
    circumstances: Circumstances
    held: tuple[HeldConsent, ...]
    told: frozenset[NodeId]
    """Peers that need not be told of it again."""
    registered: Mapping[str, Consent | None]
    """What may be relied on of each consent that was told on a signed form, or that the message names."""
    recorded_here: Record | None = None
    """What was recorded here under the consent that the message tells of, if it tells of one."""

    def find_history(self, held: LoadedConversation, *, but: int | None = None, also: Iterable[Opened] = ()) -> History:
        """What was said so far, as the gates take it. Of what the person signed that counts which the register knows,
        not what is told here: a withdrawal may have been told elsewhere, been refused, or been lost with a disk.
        """
        history = held.history(but=but, also=[*self.recorded(), *also])
        known = (self.registered.get(one.consent_id) for one in history.signed)
        return replace(history, signed=tuple(one for one in known if one is not None))

    def recorded(self) -> list[Opened]:
        """The records that are held, as the gates take what was said: they may have been told in another conversation,
        or go before the very message that relies on them.
        """
        return [
            Opened(
                body_type="consent.record/1",
                side=Side.OURS if item.row.holder == OWN else Side.THEIRS,
                created=item.row.at,
                header={},
                content=item.record,
            )
            for item in self.held
        ]


class ConsentContextLoader:
    """Loads what is held about the consents of messages."""

    def __init__(
        self,
        *,
        sealer: ContentSealer,
        own: OwnIdentity,
        peers: PeerRegistry,
        loader: ConversationLoader,
        config: Config,
        clock: Clock,
    ) -> None:
        self._sealer = sealer
        self._own = own
        self._peers = peers
        self._loader = loader
        self._config = config
        self._clock = clock

    def load_consent_context(self, connection: Connection, questions: Sequence[Question]) -> list[ConsentContext]:
        """As things stand now, for several messages at once; each stored consent is opened once."""
        references = [name for q in questions for name in (q.consent_ref, q.records, *q.on_forms) if name is not None]
        self._sealer.learn(conversations=[q.conversation for q in questions], consents=references)
        conversations = [self._sealer.conversation_index(q.conversation) for q in questions]
        indexes = [None if q.consent_ref is None else self._sealer.consent_index(q.consent_ref) for q in questions]
        records = [None if q.records is None else self._sealer.consent_index(q.records) for q in questions]
        spoken = [
            find_relied_on(connection, conversation, q.case, q.to) if q.vital else {}
            for q, conversation in zip(questions, conversations, strict=True)
        ]
        forms = [
            {name: self._sealer.consent_index(name) for name in (*q.on_forms, q.consent_ref) if name is not None}
            for q in questions
        ]
        named = {index for index in (*records, *(one for of in forms for one in of.values())) if index is not None}
        named.update(*spoken)
        relied = messages.consents_of_conversations(connection, conversations)
        acts = load_acts(connection, conversations=relied, consents=named.union(*relied.values()))
        rows = {index: acts.consents[index] for index in named}
        found = open_consents(
            self._sealer, connection, rows, {index: ref for index, ref in acts.taken_back.items() if index in named}
        )
        relied_on = {index: about.consent for index, about in found.items()}
        withdrawn = {index: about.is_withdrawn(relied_on[index]) for index, about in found.items()}
        told = local.consents_held_by(connection, named)
        over = {conversation: _withdrawn(acts, consents) for conversation, consents in relied.items()}
        asked = self._asked(questions)
        of_cases = judge_cases(connection, asked, acts)
        now = self._clock.now()
        kinds = {unit.id: unit.kind for unit in self._config.units}
        answers = []
        for question, conversation, index, record, form, one, (of_consent, on_case), said in zip(
            questions, conversations, indexes, records, forms, asked, of_cases, spoken, strict=True
        ):
            recipient = self._recipient(question, now)
            subject = index if record is None else record
            held_by = on_case | self._holds_over(connection, question, relied[conversation], acts.holds)
            answers.append(
                ConsentContext(
                    at=now,
                    acts=acts.about(
                        [conversation],
                        {*relied[conversation], *said, *form.values(), *(() if record is None else (record,))},
                    ),
                    circumstances=Circumstances(
                        node=self._own.node,
                        sender_kind=kinds.get(question.sender_unit) if isinstance(question.sender_unit, str) else None,
                        sender_roles=roles_in(self._own.descriptor, question.sender_unit),
                        recipient=recipient,
                        consent=None if index is None else relied_on[index],
                        consent_case=of_consent,
                        recorded_by=frozenset() if index is None else found[index].recorded_by(self._own.node),
                        handling=() if index is None else self._handling(connection, found[index], question),
                        conversation_withdrawn=over[conversation] or (index is not None and withdrawn[index]),
                        asylum_hold=bool(held_by),
                        feared_states=(
                            asylum_holds.feared_states(connection, self._sealer, held_by) if held_by else frozenset()
                        ),
                        unanswered=states_of(
                            self._sealer,
                            connection,
                            questions_on(one, acts),
                            towards=None if recipient is None else recipient.country,
                        ),
                        today=datetime.fromtimestamp(now, UTC).date(),
                        record_withdrawn=record is not None and withdrawn[record],
                        narrowed_untold=subject is not None
                        and question.to not in told[subject]
                        and self._is_narrowed(found[subject], own=record is None),
                        guardianship_elsewhere=(
                            NOTHING_TOLD
                            if index is None
                            else self._guardianship_elsewhere(
                                connection, question, relied_on[index], found[index], acts.cases[index]
                            )
                        ),
                        said_no=gather_said_no(found, said, acts),
                    ),
                    held=() if index is None else found[index].held,
                    told=frozenset() if index is None else told[index],
                    registered={name: relied_on[one] for name, one in form.items()},
                    recorded_here=None if record is None else _recorded_here(found[record]),
                )
            )
        return answers

    def _asked(self, questions: Sequence[Question]) -> list[Asked]:
        """What is looked up of cases; a record is asked about by the consent that it tells of."""
        named = [q.records if q.consent_ref is None else q.consent_ref for q in questions]
        return [
            Asked(
                conversation=self._sealer.conversation_index(question.conversation),
                consent=None if consent is None else self._sealer.consent_index(consent),
                case=question.case,
            )
            for question, consent in zip(questions, named, strict=True)
        ]

    def _holds_over(
        self, connection: Connection, question: Question, relied: Collection[bytes], holds: frozenset[bytes]
    ) -> frozenset[bytes]:
        """The labels under which an asylum hold lies over the conversation, or another one with the same consent: the
        one that the message names, else those that the conversation relied on.
        """
        if not holds:
            return frozenset()
        named = [question.consent_ref] if question.consent_ref is not None else []
        labels = holds & frozenset(self._sealer.hold_indexes(question.conversation, named))
        if labels or named:
            return labels
        rows = content.get(connection, store.over(connection, holds)).values() if relied else ()
        return frozenset(
            self._sealer.hold_indexes(one.conversation, ())[0]
            for one in asylum_holds.opened(self._sealer, list(rows)).values()
            if not set(relied).isdisjoint(map(self._sealer.consent_index, one.consents))
        )

    def _guardianship_elsewhere(
        self, connection: Connection, question: Question, consent: Consent | None, about: Known, case: CaseId | None
    ) -> Guardianship:
        """What this side told of the child's guardians in the other conversations of the case of a consent of its own,
        where that decides whether the consent stands; asked for only then.
        """
        if case is None or consent is None or consent.given_by not in WHILE_GUARDED:
            return NOTHING_TOLD
        if self._own.node not in about.recorded_by(self._own.node):
            return NOTHING_TOLD
        here = self._loader.key_of(question.conversation, question.to)
        known = conversation_rows.get(connection, cases.conversations_of(connection, case))
        held, _ = self._loader.recall(connection, known.keys() - {here})
        told = NOTHING_TOLD
        for one in held.values():
            told = told.joined(one.history().guardianship(Side.OURS))
        return told

    def _is_narrowed(self, about: Known, *, own: bool) -> bool:
        """Whether a part of a consent was taken back; where `own`, of one that was recorded here, and so is told of."""
        return bool(about.withdrawals) and (not own or self._own.node in about.recorded_by(self._own.node))

    def _recipient(self, question: Question, now: int) -> Recipient | None:
        """The recipient unit in the newest descriptor that the peer signed (gate G14)."""
        peer = self._peers.get(question.to)
        if peer is None or not isinstance(question.recipient_unit, str):
            return None
        return recipient_in(peer.descriptor, UnitId(question.recipient_unit), now=now)

    def _handling(self, connection: Connection, about: Known, question: Question) -> tuple[Handling, ...]:
        """What the senders of data under a consent of another node said of passing them on; asked for only then.

        What came from the recipient itself may go back there. A message that does not open might say no, and counts so.
        """
        unit = f"{question.to}/{question.recipient_unit}"
        if not passed_on(about.recorded_by(self._own.node), self._own.node, unit):
            return ()
        sealed = content.get(connection, messages.received_under(connection, about.index, but=question.to))
        return tuple(said for row in sealed.values() if (said := self._said(row)) is not None)

    def _said(self, sealed: SealedRow) -> Handling | None:
        """The handling of one received message, None where it brought no personal data."""
        try:
            opened = content_codec.read_content(self._sealer.open(sealed))
        except RefusedError:
            return handling_of({})
        header, body = opened.halves()
        return handling_of(header) if schemas.find_categories(opened.facts.schema, body) else None


def _recorded_here(about: Known) -> Record | None:
    return next((item.record for item in about.held if item.row.holder == OWN), None)


def _withdrawn(acts: Acts, consents: Collection[bytes]) -> bool:
    """Whether the last of these consents, on which a conversation relied, was withdrawn."""
    rows = [row for index in consents for row in acts.consents[index]]
    return max(rows, key=lambda row: (row.at, row.ref)).state == WITHDRAWN if rows else False
