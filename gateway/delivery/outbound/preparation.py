"""A draft on its way to the outbox: looked up, judged, sealed, written; and the same as a preview that stores nothing.

A message that relies on a consent the peer was not told of is preceded, in the same transaction, by the
`consent.record` itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from gateway.cases.references import reference_of_new
from gateway.cases.rules import ABOUT_A_PERSON, Card, pseudonym_of
from gateway.conversations.history import Opened
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Message, quoted_enquiry
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound import steps
from gateway.delivery.outbound.draft import DraftReader
from gateway.delivery.outbound.inputs import RECORD, Found, FoundCase, InputLoader, refers
from gateway.delivery.outbound.judgement import draft_as_opened, draft_as_said, step_at
from gateway.delivery.outbound.kept import (
    Judgement,
    Passed,
    acts_once_stored,
    changes_once_stored,
    departs_alike,
)
from gateway.delivery.outbound.prepared import (
    Opening,
    Prepared,
    Preview,
    Telling,
    Unsealed,
    make_unsealed,
    seal_prepared,
)
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages.store.conversations import Key
from gateway.messages.store.local import OWN
from gateway.messages.types import Draft
from gateway.peers.registry import Peer
from gateway.policy import consent_context, feared_state
from gateway.policy.circumstances import Circumstances
from gateway.policy.corridor import Leaves
from gateway.policy.in_force import PoliciesInForce
from gateway.policy.two_person_release import VITAL
from gateway.ports import Clock, Json
from keys.primitives.encoding import b64u
from schemas.region_pack.policies import CorridorPolicy
from schemas.types import never_blocked


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was let pass in one conversation and is not stored yet, as the conversation and as the gates take it."""

    passed: int = 0
    said: list[Message] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    begins: CaseId | None = None
    """The id of the case that begins with it, where none is known."""


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
        inputs: InputLoader,
        drafts: DraftReader,
        policies: PoliciesInForce,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._loader = loader
        self._inputs = inputs
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
        (found,) = await self._content.store.read(lambda c: self._inputs.load_inputs(c, [(draft, peer)]))
        made = self.prepare_batch(
            draft, peer, found, defaultdict(Batch), origin=origin, reference=reference, approver=approver
        )
        return seal_prepared(self._content.sealer, made)

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
            step=step_at(ready.known, now),
            first=None if ready.record is None else ready.record.body_type,
            warnings=ready.warnings,
            refusal=refusal,
        )

    def read_request(self, request: Mapping[str, Json]) -> tuple[Draft, Peer]:
        """Read a request as a draft between units that are known. Raises GatewayError for what is none."""
        draft, peer = self._drafts.read(request)
        self._drafts.check_units(draft, peer)
        return draft, peer

    def load_inputs(
        self, connection: Connection, read: Sequence[tuple[Draft, Peer]], named: Set[Json]
    ) -> list[tuple[Draft, Peer, Found]]:
        """Load what drafts that were read are judged by, each under the reference that its case has; `named` are the
        ids that callers gave, as the files of their messages have them.
        """
        told = self._drafts.under_references(connection, read)
        found = self._inputs.load_inputs(connection, told, named)
        return [(draft, peer, one) for (draft, peer), one in zip(told, found, strict=True)]

    async def _load_request(self, request: Mapping[str, Json]) -> tuple[Draft, Peer, Found]:
        """Read a request as a draft, and load what it is judged by: with the files that wait, where it names its id."""
        read = self.read_request(request)
        named: Set[Json] = {read[0].id} if request.get("message") else set()
        (found,) = await self._content.store.read(lambda c: self.load_inputs(c, [read], named))
        return found

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
        files, begins = found.files, self._beginning(found, batch)
        found = self._named(draft, found, begins)
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
            files=files,
        )
        if ready.withheld:
            message = replace(message, dropped=(*message.dropped, *ready.withheld), written=written)
        relies_on = reference or message.consent_ref
        if draft.body_type == RECORD:  # its peer knows of that consent by it, whatever its header names
            relies_on = str(draft.content["consent_id"])
            _require_as_recorded(draft, found.around.recorded_here)
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
            index = self._content.sealer.consent_index(str(message.consent_ref))
            tells = Telling(consent=index, taken_back=found.around.acts.taken_back.get(index))
            prepared.append(
                replace(
                    make_unsealed(
                        self._content, self._rand, first, consent=relies_on, approver=approver, case=draft.case
                    ),
                    tells=tells,
                )
            )
        quotes = quoted_enquiry(left.body_type, left.content)
        made = make_unsealed(
            self._content,
            self._rand,
            message,
            consent=relies_on,
            approver=approver,
            case=draft.case,
            origin=origin,
            files=files,
        )
        unseen = ready.tells and approver is None
        opening = self._opening(draft, found.case, made.row.kind, begins)
        judged = _judgement(made, opening, peer, policy, found, ready, same, now)
        prepared.append(
            replace(made, quotes=quotes, warnings=ready.warnings, unseen=unseen, case=opening, judged=judged)
        )
        same.passed += len(prepared)
        if known is not None:
            new = [] if record is None else [known.conversation.messages[-1]]
            same.said += [*new, draft_as_said(left, known, now)]
            same.opened += [draft_as_opened(one, now) for one in (record, draft) if one is not None]
        return prepared

    def _beginning(self, found: Found, batch: defaultdict[Key, Batch]) -> CaseId:
        """The id of the case that begins where none is known: one for all that is said of a conversation in one go."""
        said = [one.begins for (talk, _), one in batch.items() if talk == found.key[0] and one.begins is not None]
        batch[found.key].begins = begins = said[0] if said else CaseId(b64u(self._rand(drafts.ID)))
        return begins

    def _named(self, draft: Draft, found: Found, begins: CaseId) -> Found:
        """With the reference of the case that begins: the peer can call it back, as any other."""
        if found.case.case is not None or draft.case is not None or not refers(draft):
            return found
        sealer = self._content.sealer
        return replace(found, reference=reference_of_new(sealer, draft.to, begins))

    def _opening(self, draft: Draft, found: FoundCase, kind: str, new: CaseId) -> Opening | None:
        """The case that the message joins or opens, where not all that it says is linked already. What is about no
        person joins one only where it names it.
        """
        if found.all_linked or (kind != ABOUT_A_PERSON and (found.signs.named, found.signs.number) == (None, None)):
            return None
        card = Card(number=draft.case, label=pseudonym_of(draft.content) if draft.case is None else None)
        return Opening(signs=found.signs, new=new, card=card, ref=self._content.store.new_ref())

    def _ready(self, draft: Draft, peer: Peer, found: Found, same: Batch, approver: str | None) -> _Ready:
        named = {} if found.reference is None else {"case_ref_sender": found.reference}
        draft = replace(draft, header={**draft.header, **named, "seen": found.held.seen})
        history = found.around.find_history(found.held, also=same.opened)
        before = self._loader.to_send(found.held, found.key, draft.body_type, draft.reply_to)
        for earlier in same.said:
            before = None if before is None else before.joined(earlier)
        record = self._record_first(draft, peer, found.around)
        known = before
        if before is not None and record is not None:
            known = before.joined(draft_as_said(record, before, self._clock.now()))
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
        """The consent record that must travel before `draft`, unless the peer has been told or told us, or nothing may
        hold the draft up.
        """
        own = next((item for item in around.held if item.row.holder == OWN), None)
        known = peer.node in around.told or draft.body_type == RECORD
        if own is None or known or never_blocked(draft.body_type):
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


def _require_as_recorded(draft: Draft, here: Mapping[str, Json] | None) -> None:
    """Refuse to tell of a consent in other words than it was recorded in here. A withdrawal names grants by their
    places: the peer would strike others, and keep what the person took back.
    """
    if here is not None and dict(here) != dict(draft.content):
        raise RefusedError(
            Code.CONFLICT,
            "the consent was recorded here in other words; nothing was stored",
            hint="send it as trm consent show prints it, or record what is agreed to now as a new consent",
            findings=[Finding(place="/content", rule="different", hint="what was recorded here under this consent_id")],
        )


def _judgement(
    made: Unsealed,
    opening: Opening | None,
    peer: Peer,
    policy: CorridorPolicy | None,
    found: Found,
    ready: _Ready,
    same: Batch,
    now: int,
) -> Judgement | None:
    """What departure may go by in this second; None where it has to judge anew."""
    if same.passed or ready.record is not None or ready.tells or made.files or found.around.at != now:
        return None
    if VITAL in ready.draft.header:  # a consent that is recorded in this second may say no, and is in no act of it
        return None
    acts, (conversation, _), case = found.around.acts, found.key, found.case.case
    if not departs_alike(found.held, ready.circumstances, acts, made.message, peer.schemas, policy):
        return None
    if opening is not None:
        acts = acts_once_stored(acts, conversation, case if isinstance(case, str) else opening.new)
    return Judgement(
        passed=Passed(row=made.row, message=replace(made.message, written=None), secret=made.secret),
        at=now,
        peer=peer,
        policy=policy,
        acts=acts,
        changes=changes_once_stored(found.changes, found.key),
    )
