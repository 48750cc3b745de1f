"""Messages that are ready for the outbox; they are written there in one transaction with what goes with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

import schemas
from gateway.attachments import store
from gateway.cases import register
from gateway.cases import store as case_rows
from gateway.cases.register import Joining
from gateway.cases.rules import Card, CaseState, Signs
from gateway.conversations.rules.disclosure import DisclosureStage as Disclosure
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound.kept import Judgement
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages import content_codec, state_transitions
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import local, messages
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import Draft, ValidMessage
from gateway.policy.corridor import Blocked, Leaves
from gateway.policy.gates.content import ALERTS, find_doubts
from gateway.ports import Json, NoticeKind
from gateway.statistics import submissions
from keys.documents.statement import SecretPart
from keys.primitives.encoding import parse
from schemas.region_pack.statistics import SUBMISSION as SUBMISSION_TYPE
from schemas.types import type_name

SUBMISSION = type_name(SUBMISSION_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """That a message tells its peer of a consent, by its index; `taken_back` is the number of the row that said what
    was taken back of it, when the message was judged.
    """

    consent: bytes
    taken_back: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One message ready to be written: the row, its sealed content, the consent it tells the peer of and the enquiry it
    quotes, if any. `unseen`: it tells a feared State, and no second person has seen it. `judged` is None where
    departure has to judge it anew.
    """

    message: ValidMessage
    row: MessageRow
    sealed: SealedRow
    tells: Telling | None = None
    quotes: str | None = None
    files: int = 0
    warnings: tuple[str, ...] = ()
    unseen: bool = False
    case: Joining | None = None
    judged: Judgement | None = None


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
class Opening:
    """A case that a message joins, or opens with this card, before the card is sealed."""

    signs: Signs
    new: CaseId
    card: Card
    ref: int

    def sealed(self, rows: Mapping[int, SealedRow]) -> Joining:
        """Take its card from these sealed rows."""
        return Joining(signs=self.signs, new=self.new, card=rows[self.ref])


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """One message before it is sealed: its row, its secret frame, the plaintext of that row, and the consent it tells
    the peer of.
    """

    message: ValidMessage
    row: MessageRow
    secret: bytes = field(repr=False)
    plaintext: bytes = field(repr=False)
    tells: Telling | None = None
    quotes: str | None = None
    files: int = 0
    warnings: tuple[str, ...] = ()
    unseen: bool = False
    case: Opening | None = None
    judged: Judgement | None = None


def make_unsealed(
    content: Content,
    rand: Callable[[int], bytes],
    message: ValidMessage,
    *,
    consent: str | None,
    approver: str | None,
    case: str | None,
    origin: int | None = None,
    files: Sequence[SecretPart] = (),
) -> Unsealed:
    """The row of a new message and the plaintext of it; `consent` is the reference that it relies on."""
    ref = content.store.new_ref()
    secret = departure_steps.new_secret(rand, files)
    row = MessageRow(
        ref=ref,
        direction=messages.OUT,
        peer=message.to,
        id=message.id,
        conversation=content.sealer.conversation_index(message.conversation),
        consent=None if consent is None else content.sealer.consent_index(consent),
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
    plaintext = content_codec.outgoing(message, secret, approver, case)
    return Unsealed(message=message, row=row, secret=secret, plaintext=plaintext, files=len(files))


def seal_prepared(sealer: ContentSealer, items: Sequence[Unsealed]) -> list[Prepared]:
    """Seal their content, and the cards of cases that may begin."""
    plain = [(item.row.ref, item.plaintext) for item in items]
    plain += [(item.case.ref, register.encode(item.case.card)) for item in items if item.case is not None]
    sealed = {row.ref: row for row in sealer.seal_each(plain)}
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
            judged=item.judged,
        )
        for item in items
    ]


def write_prepared(connection: Connection, prepared: list[Prepared]) -> None:
    """Store prepared messages and put them on the outbox; part of the caller's transaction.

    Raises:
        RefusedError: conflict, for files that changed meanwhile, a consent of which something was taken back, or a case
            that is open no more; gate_g12, for a table of statistics that could be subtracted from one that was
            submitted before.
    """
    _require_told_as_judged(connection, [item.tells for item in prepared if item.tells is not None])
    _require_open(connection, {item.case.signs.named for item in prepared if item.case is not None})
    for item in prepared:
        if type_name(item.message.body_type) == SUBMISSION:
            _remember_table(connection, item.message)
        if type_name(item.message.body_type) in ALERTS and _says_too_much(item.message):
            journal.raise_alarm(
                connection, at=item.row.at, kind="alert.second_look", peer=item.row.peer, ref=item.row.ref
            )
        if item.files:
            _take_files(connection, item)
    content_rows.put(connection, [item.sealed for item in prepared])
    for item in prepared:
        if item.case is not None:
            register.join(connection, item.case, item.row.at)
    state_transitions.begin(connection, [(item.row, item.message.body_type) for item in prepared])
    messages.add(connection, [item.row for item in prepared])
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
        if item.tells is not None:
            local.tell_consent(connection, item.tells.consent, item.row.peer, item.row.ref)
        if item.row.origin is not None:
            local.add_notice(
                connection, kind=str(NoticeKind.QUEUED), origin=item.row.origin, at=item.row.at, message=item.row.id
            )


def _require_told_as_judged(connection: Connection, told: Sequence[Telling]) -> None:
    """Refuse to tell of a consent of which the person took something back since: it would go without that."""
    if not told:
        return
    now = local.withdrawals(connection, [one.consent for one in told])
    if any(now.get(one.consent) != one.taken_back for one in told):
        raise RefusedError(
            Code.CONFLICT,
            "the person took something of the consent back meanwhile; nothing was stored",
            hint="repeat it: what is left of the consent is looked at anew",
        )


def _require_open(connection: Connection, named: Collection[CaseId | None]) -> None:
    """Refuse what names a case that people merged into another one since, or that ended: nobody would see it there, and
    no hold of the case that it became would lie over it.
    """
    ids = [id for id in named if id is not None]
    rows = case_rows.get(connection, ids)
    if any(id not in rows or rows[id].state != CaseState.OPEN for id in ids):
        raise RefusedError(
            Code.CONFLICT,
            "the case that it names was merged into another one or ended meanwhile; nothing was stored",
            hint="write it from the case that it became: trm case list shows the ids",
        )


def _remember_table(connection: Connection, message: ValidMessage) -> None:
    """Compare a table with all that were submitted, where it is written: two drafts may be released at once."""
    submissions.record_sent(connection, _content_of(message), message.submitted)


def _says_too_much(message: ValidMessage) -> bool:
    """Whether something in the words of an alert may identify somebody; it goes all the same."""
    today = datetime.fromtimestamp(message.submitted, UTC).date()
    return bool(find_doubts(message.body_type, _content_of(message), today))


def written_in(message: ValidMessage) -> Mapping[str, Json]:
    """The content as it was written, whatever the corridor policy took out."""
    return _content_of(message) if message.written is None else message.written


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
