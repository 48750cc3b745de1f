"""A draft on its way to the outbox: looked up, judged, sealed, written; and the same as a preview that stores nothing.

A message that relies on a consent the peer was not told of is preceded, in the same transaction, by the
`consent.record` itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection

import schemas
from gateway.attachments import library as files
from gateway.attachments import store
from gateway.cases import register
from gateway.cases import store as case_rows
from gateway.cases.register import Joining
from gateway.cases.rules import ABOUT_A_PERSON, Card, Signs, find_case, pseudonym_of
from gateway.conversations import loader
from gateway.conversations.history import Opened
from gateway.conversations.history import Side as Whose
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.disclosure import DisclosureStage as Disclosure
from gateway.conversations.rules.facts import Message, make_message, quoted_enquiry
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound import steps
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages import content_codec, state_transitions
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import conversations as conversation_rows
from gateway.messages.store import local, messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.local import OWN
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import Draft, ValidMessage
from gateway.peers.registry import Peer
from gateway.policy import consent_context, feared_state
from gateway.policy.circumstances import Circumstances
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.corridor import Blocked, Leaves
from gateway.policy.gates.content import ALERTS, find_doubts
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock, Json, NoticeKind
from gateway.statistics import submissions
from keys.documents.statement import SecretPart
from keys.primitives.encoding import b64u, parse
from schemas.region_pack.statistics import SUBMISSION as SUBMISSION_TYPE
from schemas.types import never_blocked, type_name

RECORD = "consent.record/1"
SUBMISSION = type_name(SUBMISSION_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One message ready to be written: the row, its sealed content, the consent it tells the peer of and the enquiry it
    quotes, if any. `unseen`: it tells a feared State, and no second person has seen it.
    """

    message: ValidMessage
    row: MessageRow
    sealed: SealedRow
    tells: bytes | None = None
    quotes: str | None = None
    files: int = 0
    warnings: tuple[str, ...] = ()
    unseen: bool = False
    case: Joining | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of a request now: of which case it is, what of it leaves or why nothing does, the type of the
    message that would go before it, codes of what its writer has to know, and the refusal that stands in its way, if
    any.
    """

    draft: Draft
    case: CaseId | None
    left: Leaves | Blocked
    corridor: tuple[str, str]
    step: Disclosure
    first: str | None
    warnings: tuple[str, ...]
    refusal: RefusedError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the store says about a draft: its conversation as it is known here, the case it is of, and consents."""

    key: Key
    held: LoadedConversation
    around: consent_context.ConsentContext
    case: _FoundCase
    files: tuple[SecretPart, ...] | None = ()
    """The files that wait for it; None where it says that some do and none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _FoundCase:
    """What a draft says about its case, and which that is: None for one that begins or for none at all, the refusal
    where it names none or two. `all_linked`: nothing of what it says is new.
    """

    signs: Signs
    case: CaseId | RefusedError | None
    all_linked: bool


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was let pass in one conversation and is not stored yet, as the conversation and as the gates take it."""

    said: list[Message] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """One message before it is sealed: its row, the plaintext of that row, and the consent it tells the peer of."""

    message: ValidMessage
    row: MessageRow
    plaintext: bytes = field(repr=False)
    tells: bytes | None = None
    quotes: str | None = None
    files: int = 0
    warnings: tuple[str, ...] = ()
    unseen: bool = False
    case: _Opening | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """A case that a message joins, or opens with this card, before the card is sealed."""

    signs: Signs
    new: CaseId
    card: Card
    ref: int

    def sealed(self, rows: Mapping[int, SealedRow]) -> Joining:
        """The same with its card sealed."""
        return Joining(signs=self.signs, new=self.new, card=rows[self.ref])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A draft with all that it is judged by: the consent record that has to go before it, the conversation without and
    with that record, and the schema in which a type is written here. `tells` says that a feared State is told, and
    `withheld` are the places of the words that stay here because of that.
    """

    draft: Draft
    record: Draft | None
    before: ConversationContext | None
    known: ConversationContext | None
    circumstances: Circumstances
    schema: Callable[[str], str | None]
    tells: bool
    withheld: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of what its writer has to know."""
        return (feared_state.WARNING,) if self.tells else ()


class Preparation:
    """Judges drafts and makes them ready to be written."""

    def __init__(
        self,
        *,
        content: Content,
        loader: ConversationLoader,
        consent_contexts: ConsentContextLoader,
        drafts: DraftReader,
        policies: PoliciesInForce,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._loader = loader
        self._consent_contexts = consent_contexts
        self._drafts = drafts
        self._policies = policies
        self._clock = clock
        self._rand = rand

    async def prepare(
        self,
        draft: Draft,
        peer: Peer,
        *,
        origin: int | None = None,
        reference: str | None = None,
        approver: str | None = None,
    ) -> list[Prepared]:
        """Steps 1 to 3 of the outgoing procedure for a draft, and before it the consent record it needs, if any.

        `reference` is the consent that a withdrawal is about, which its header does not name.
        """
        self._drafts.check_units(draft, peer)
        (found,) = await self._content.store.read(lambda c: self.load_inputs(c, [(draft, peer)]))
        made = self.prepare_batch(
            draft, peer, found, defaultdict(Batch), origin=origin, reference=reference, approver=approver
        )
        return self.seal(made)

    async def try_out(self, request: Mapping[str, Json], *, approver: str | None = None) -> None:
        """Judge a request that `approver` approved, and store nothing of it. Raises RefusedError, as submission."""
        draft, peer, found = await self._load_request(request)
        self.prepare_batch(draft, peer, found, defaultdict(Batch), origin=None, reference=None, approver=approver)

    async def preview(self, request: Mapping[str, Json], *, approver: str | None = None) -> Preview:
        """Judge a request as `submit` does, and store nothing. Raises RefusedError for what is no draft at all."""
        draft, peer, found = await self._load_request(request)
        ready = self._ready(draft, peer, found, Batch(), approver)
        now, standing = self._clock.now(), peer.standing(self._clock.now())
        left = steps.disclosed(
            ready.draft,
            standing,
            policy=self._policies.at(now),
            around=ready.known,
            now=now,
            schema=ready.schema(draft.body_type),
        )
        if isinstance(left, Leaves):
            left = replace(left, dropped={**left.dropped, **dict.fromkeys(ready.withheld, "safety")})
        refusal = None
        try:
            self.prepare_batch(draft, peer, found, defaultdict(Batch), origin=None, reference=None, approver=approver)
        except RefusedError as error:
            refusal = error
        case = found.case.case
        return Preview(
            draft=ready.draft,
            case=None if isinstance(case, RefusedError) else case,
            left=left,
            corridor=standing.corridor,
            step=steps.step_at(ready.known, now),
            first=None if ready.record is None else ready.record.body_type,
            warnings=ready.warnings,
            refusal=refusal,
        )

    async def _load_request(self, request: Mapping[str, Json]) -> tuple[Draft, Peer, Found]:
        """Read a request as a draft, and load what it is judged by: with the files that wait, where it names its id."""
        draft, peer = self._drafts.read(request)
        self._drafts.check_units(draft, peer)
        named = {draft.id} if request.get("message") else set()

        def query(connection: Connection) -> tuple[Draft, Peer, Found]:
            (told,) = self._drafts.under_references(connection, [(draft, peer)])
            (found,) = self.load_inputs(connection, [told], named)
            return *told, found

        return await self._content.store.read(query)

    def load_inputs(
        self, connection: Connection, drafts: Sequence[tuple[Draft, Peer]], named: Set[Json] = frozenset()
    ) -> list[Found]:
        """For several drafts at once: the messages of all their conversations are opened in one call. `named` are the
        ids that callers gave, as the files of their messages have them.
        """
        cases = self._find_cases(connection, [draft for draft, _ in drafts])
        around = self._consent_contexts.load_consent_context(
            connection, [_question(draft, found.case) for (draft, _), found in zip(drafts, cases, strict=True)]
        )
        keys = [self._loader.key_of(draft.conversation, peer.node) for draft, peer in drafts]
        judged = {key for key, (draft, _) in zip(keys, drafts, strict=True) if not never_blocked(draft.body_type)}
        held, _ = self._loader.load(connection, judged, unopened=set(keys) - judged)
        waiting = {
            draft.id: files.waiting_in(self._content.sealer, connection, draft.id) or None
            for draft, _ in drafts
            if draft.id in named
        }
        return [
            Found(key=key, held=held[key], around=about, case=case, files=waiting.get(draft.id, ()))
            for key, about, case, (draft, _) in zip(keys, around, cases, drafts, strict=True)
        ]

    def _find_cases(self, connection: Connection, drafts: Sequence[Draft]) -> list[_FoundCase]:
        """Of which case each draft is."""
        sealer = self._content.sealer
        numbers = register.number_signs(sealer, (draft.case for draft in drafts if draft.case is not None))
        said = [
            Signs(
                named=draft.of_case,
                conversation=sealer.conversation_index(draft.conversation),
                number=None if draft.case is None else numbers[draft.case],
            )
            for draft in drafts
        ]
        links = case_rows.cases_of(connection, {key for signs in said for key in signs.keys})
        return [
            _FoundCase(
                signs=signs,
                case=_case_of(connection, draft, signs, links),
                all_linked=all(key in links for key in signs.keys),
            )
            for draft, signs in zip(drafts, said, strict=True)
        ]

    def prepare_batch(
        self,
        draft: Draft,
        peer: Peer,
        found: Found,
        batch: defaultdict[Key, Batch],
        *,
        origin: int | None,
        reference: str | None,
        approver: str | None,
    ) -> list[Unsealed]:
        """The steps of `prepare` that need no store. `batch` has what was let pass before in the same go, and gets
        this.
        """
        if found.files is None:
            raise RefusedError(
                Code.NOT_FOUND,
                "no file waits for a message with this id; nothing was stored",
                hint="leave `message` out, or add the files first (trm attachment add)",
            )
        if isinstance(found.case.case, RefusedError):
            raise found.case.case
        now, same = self._clock.now(), batch[found.key]
        ready, written = self._ready(draft, peer, found, same, approver), draft.content
        draft, record, known = ready.draft, ready.record, ready.known
        policy, standing = self._policies.at(now), peer.standing(now)
        left, message = steps.submit(
            draft,
            standing,
            ready.circumstances,
            policy=policy,
            around=known,
            now=now,
            schema=ready.schema(draft.body_type),
            files=found.files,
        )
        if ready.withheld:
            message = replace(message, dropped=(*message.dropped, *ready.withheld), written=written)
        relies_on = reference or message.consent_ref
        prepared = []
        if record is not None:  # its number is the lower one: rows go in the order of their numbers
            _, first = steps.submit(
                record,
                standing,
                ready.circumstances,
                policy=policy,
                around=ready.before,
                now=now,
                schema=ready.schema(record.body_type),
            )
            tells = self._content.sealer.consent_index(str(message.consent_ref))
            prepared.append(replace(self._unsealed(first, None, relies_on, approver, draft.case), tells=tells))
        quotes = quoted_enquiry(left.body_type, left.content)
        made = self._unsealed(message, origin, relies_on, approver, draft.case, found.files)
        unseen = ready.tells and approver is None
        opening = self._opening(draft, found.case, made.row.kind)
        prepared.append(replace(made, quotes=quotes, warnings=ready.warnings, unseen=unseen, case=opening))
        if known is not None:
            new = [] if record is None else [known.conversation.messages[-1]]
            same.said += [*new, _as_said(left, known, now)]
            same.opened += [_as_opened(one, now) for one in (record, draft) if one is not None]
        return prepared

    def _opening(self, draft: Draft, found: _FoundCase, kind: str) -> _Opening | None:
        """The case that the message joins or opens, where not all that it says is linked already. What is about no
        person joins one only where it names it.
        """
        if found.all_linked or (kind != ABOUT_A_PERSON and (found.signs.named, found.signs.number) == (None, None)):
            return None
        card = Card(number=draft.case, label=pseudonym_of(draft.content) if draft.case is None else None)
        new = CaseId(b64u(self._rand(drafts.ID)))
        return _Opening(signs=found.signs, new=new, card=card, ref=self._content.store.new_ref())

    def _ready(self, draft: Draft, peer: Peer, found: Found, same: Batch, approver: str | None) -> _Ready:
        draft = replace(draft, header={**draft.header, "seen": found.held.seen})
        history = found.held.history(also=[*found.around.recorded(), *same.opened])
        before = self._loader.to_send(found.held, found.key, draft.body_type, draft.reply_to)
        for earlier in same.said:
            before = None if before is None else before.joined(earlier)
        record = self._record_first(draft, peer, found.around)
        known = before
        if before is not None and record is not None:
            known = before.joined(_as_said(record, before, self._clock.now()))
        circumstances = replace(found.around.circumstances, history=history, approver=approver)
        tells = feared_state.tells_feared_state(draft.body_type, circumstances)
        withheld = feared_state.words_of(draft.body_type, draft.content) if tells else ()
        return _Ready(
            draft=replace(draft, content=feared_state.without_words(draft.content, withheld)) if withheld else draft,
            record=record,
            before=before,
            known=known,
            circumstances=circumstances,
            tells=tells,
            withheld=withheld,
            schema=partial(steps.schema_for, begun=found.held.begun, theirs=peer.schemas),
        )

    def _record_first(self, draft: Draft, peer: Peer, around: consent_context.ConsentContext) -> Draft | None:
        """The consent record that must travel before `draft`, unless the peer has been told or told us."""
        own = next((item for item in around.held if item.row.holder == OWN), None)
        if own is None or draft.body_type == RECORD or peer.node in around.told:
            return None
        header = {name: value for name, value in draft.header.items() if name not in ("consent_ref", "respond_by")}
        return replace(
            draft,
            id=b64u(self._rand(drafts.ID)),
            body_type=RECORD,
            reply_to=None,
            header=header,
            content=own.record,
        )

    def seal(self, items: Sequence[Unsealed]) -> list[Prepared]:
        """The same with their content sealed, and the cards of cases that may begin."""
        plain = [(item.row.ref, item.plaintext) for item in items]
        plain += [(item.case.ref, register.encode(item.case.card)) for item in items if item.case is not None]
        sealed = {row.ref: row for row in self._content.sealer.seal_each(plain)}
        return [
            Prepared(
                message=item.message,
                row=item.row,
                sealed=sealed[item.row.ref],
                tells=item.tells,
                quotes=item.quotes,
                files=item.files,
                warnings=item.warnings,
                unseen=item.unseen,
                case=None if item.case is None else item.case.sealed(sealed),
            )
            for item in items
        ]

    def _unsealed(
        self,
        message: ValidMessage,
        origin: int | None,
        consent: str | None,
        approver: str | None,
        case: str | None,
        with_files: Sequence[SecretPart] = (),
    ) -> Unsealed:
        ref = self._content.store.new_ref()
        secret = steps.new_secret(self._rand, with_files)
        plaintext = content_codec.outgoing(message, secret, approver, case)
        row = MessageRow(
            ref=ref,
            direction=messages.OUT,
            peer=message.to,
            id=message.id,
            conversation=self._content.sealer.conversation_index(message.conversation),
            consent=None if consent is None else self._content.sealer.consent_index(consent),
            kind=schemas.load_catalogue().get(message.body_type).kind,
            state=str(Outgoing.QUEUED),
            reason=None,
            epoch=None,
            n=None,
            prev=None,
            size=len(message.body),
            at=message.submitted,
            expires=message.expires,
            out_of_order=False,
            origin=origin,
        )
        return Unsealed(message=message, row=row, plaintext=plaintext, files=len(with_files))


def _case_of(
    connection: Connection, draft: Draft, signs: Signs, links: Mapping[bytes, CaseId]
) -> CaseId | RefusedError | None:
    """Of which case a draft is. What nothing may block is of the case of its conversation, whatever else it says."""
    if never_blocked(draft.body_type):
        signs = replace(signs, named=None, number=None) if signs.conversation in links else signs
    try:
        if signs.named is not None:
            register.find_row(connection, signs.named)
        return find_case(signs, links)
    except RefusedError as error:
        return error


def _question(draft: Draft, case: CaseId | RefusedError | None) -> consent_context.Question:
    relied_on = draft.header.get("consent_ref")
    return consent_context.Question(
        conversation=draft.conversation,
        consent_ref=relied_on if isinstance(relied_on, str) else None,
        to=draft.to,
        sender_unit=draft.header.get("sender_unit"),
        recipient_unit=draft.header.get("recipient_unit"),
        case=None if isinstance(case, RefusedError) else case,
        records=str(draft.content.get("consent_id")) if draft.body_type == RECORD else None,
    )


def _as_said(draft: Draft, around: ConversationContext, now: int) -> Message:
    """A draft as the conversation sees it behind all that is there."""
    return make_message(
        id=draft.id,
        side=around.side,
        n=around.next,
        created=now,
        body_type=draft.body_type,
        reply_to=draft.reply_to,
        header=draft.header,
        content=draft.content,
    )


def _as_opened(draft: Draft, now: int) -> Opened:
    """A draft as the gates take what was said before."""
    return Opened(body_type=draft.body_type, side=Whose.OURS, created=now, header=draft.header, content=draft.content)


def write(connection: Connection, prepared: list[Prepared]) -> None:
    """Store prepared messages and put them on the outbox; part of the caller's transaction.

    Raises:
        RefusedError: conflict, for files that changed meanwhile; gate_g12, for a table of statistics that could be
            subtracted from one that was submitted before.
    """
    for item in prepared:
        if type_name(item.message.body_type) == SUBMISSION:
            _remember_table(connection, item.message)
        if type_name(item.message.body_type) in ALERTS and _says_too_much(item.message):
            journal.raise_alarm(
                connection, at=item.row.at, kind="alert.second_look", peer=item.row.peer, ref=item.row.ref
            )
        if item.files:
            _take_files(connection, item)
    content.put(connection, [item.sealed for item in prepared])
    for item in prepared:
        if item.case is not None:
            register.join(connection, item.case, item.row.at)
    messages.add(connection, [item.row for item in prepared])
    conversation_rows.changed(connection, [state_transitions.conversation_of(item.row) for item in prepared])
    messages.enqueue(connection, [(item.row.ref, item.row.peer, item.row.expires) for item in prepared])
    journal.append_leaves(
        connection,
        [builder for item in prepared for builder in _leaves(item)],
    )
    journal.add_events(connection, [(item.row.at, "message", item.row.ref, item.row.state) for item in prepared])
    for item in prepared:
        if item.unseen:  # it goes at once; a second person looks at it
            journal.raise_alarm(
                connection, at=item.row.at, kind="feared_state.told", peer=item.row.peer, ref=item.row.ref
            )
        if item.quotes is not None:
            quoted = loader.quote(connection, item.row, item.quotes)
            register.join_quoted(connection, item.row.conversation, quoted)
        if item.tells is not None:
            local.tell_consent(connection, item.tells, item.row.peer, item.row.ref)
        if item.row.origin is not None:
            local.add_notice(
                connection, kind=str(NoticeKind.QUEUED), origin=item.row.origin, at=item.row.at, message=item.row.id
            )


def _remember_table(connection: Connection, message: ValidMessage) -> None:
    """Compare a table with all that were submitted, where it is written: two drafts may be released at once."""
    submissions.record_sent(connection, _content_of(message), message.submitted)


def _says_too_much(message: ValidMessage) -> bool:
    """Whether something in the words of an alert may identify somebody; it goes all the same."""
    today = datetime.fromtimestamp(message.submitted, UTC).date()
    return bool(find_doubts(message.body_type, _content_of(message), today))


def _content_of(message: ValidMessage) -> Mapping[str, Json]:
    body = parse(message.body, limit=len(message.body))
    if not isinstance(body, dict) or not isinstance(content := body["content"], dict):
        raise RuntimeError("a valid body has two halves")
    return content


def _take_files(connection: Connection, item: Prepared) -> None:
    """The files that waited are of this message; what opens them is in its content from now on."""
    if store.take(connection, item.row.id, message=item.row.ref, peer=item.row.peer) != item.files:
        raise RefusedError(Code.CONFLICT, "its files were taken or changed meanwhile; nothing was stored")


def _leaves(item: Prepared) -> list[Callable[[int], bytes]]:
    """That it was queued, and at which places the policy took something out of it."""
    row, dropped = item.row, item.message.dropped
    queued = leaf(row.at, "message.queued", id=row.id, peer=row.peer)
    return [queued, leaf(row.at, "message.minimised", id=row.id, dropped=[*dropped])] if dropped else [queued]
