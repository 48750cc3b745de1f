"""What a caller bound to one unit gets: what is of a case that the unit looks after (gateway.cases.units).

Every id in the arguments is looked at before the operation, those of a draft or preview too. What is of another unit is
answered as if it were not there. A message whose content was erased has no unit, so a bound caller no longer sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.cases.register import draft_key
from gateway.cases.units import kept_by, units_of
from gateway.consent.known_by import RECORD
from gateway.consent.operations.models import RecordConsent, WithdrawConsent
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.delivery.operations.draft_models import ReleaseDraft, Unfinished
from gateway.delivery.outbound.draft import number_of
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import ConversationId, UnitId
from gateway.operations.ids import Subject, list_ids
from gateway.operations.models import Asked
from gateway.operations.paging import Page
from gateway.operations.registry import Row, Units
from gateway.ports import Json
from keys.primitives.encoding import is_id
from schemas.types import type_name

_LISTS: Mapping[str, str] = {
    "message.list": "messages",
    "inbox.list": "messages",
    "draft.list": "drafts",
    "conversation.list": "conversations",
    "conversation.due": "due",
    "conversation.show": "messages",
    "content.reasons": "reasons",
}
UNKNOWN: Mapping[Subject, tuple[str, str]] = {
    Subject.ALARM: ("no such open alarm", "trm node show lists the alarms"),
    Subject.CASE: ("no such case", "trm case list shows the ids"),
    Subject.CASE_CHANGE: ("no such change", "trm case show prints the changes of a case"),
    Subject.CASE_NUMBER: ("no such case", "trm case list shows the ids"),
    Subject.CONSENT: ("no such consent", "trm consent list shows the ids"),
    Subject.CONVERSATION: ("no such conversation", "trm conversation list shows the ids"),
    Subject.DRAFT: ("no such draft", "trm draft list shows the ids"),
    Subject.FILES: (
        "no file waits for a message with this id",
        "the first file is added without an id and gives it one",
    ),
    Subject.MESSAGE: ("no such message", "trm message list shows the ids"),
}
"""What is of a case, and how each is answered where there is none, here and in the operations themselves."""
IN_CONTENT: Mapping[str, Mapping[str, Subject]] = {
    "bid.report": {"family_report_id": Subject.MESSAGE},
    "breach.notice": {"conversations": Subject.CONVERSATION},
    "consent.record": {"consent_id": Subject.CONSENT},
    "consent.withdrawal": {"consent_id": Subject.CONSENT},
    "data.correction": {"target_message": Subject.MESSAGE},
    "erasure.request": {"targets": Subject.MESSAGE},
    "referral.request": {"enquiry_id": Subject.MESSAGE},
    "reminder.due": {"message_id": Subject.MESSAGE},
    "risk.assessment": {"based_on": Subject.MESSAGE},
}
"""By message type, the members of a content that name something else: the peer does with it what the message says."""


class UnitGuard:
    """Looks whether what a bound caller names is of its unit."""

    def __init__(self, *, content: Content) -> None:
        self._content = content

    async def check_each(self, row: Row, asked: Sequence[Asked], unit: UnitId) -> list[RefusedError | None]:
        """Before an operation, or several acts of one: the refusal of each that names what is not of this unit."""
        if row.units is not Units.NARROWED or issubclass(row.arguments, Page):
            return [None] * len(asked)  # a page is narrowed once it is there
        return await self._content.store.read(
            lambda c: [refusal_of(partial(self._look_at, c, one, unit)) for one in asked]
        )

    def _look_at(self, connection: Connection, asked: Asked, unit: UnitId) -> None:
        draft = _draft_in(asked)
        if draft is not None and _header(draft).get("sender_unit") != unit:
            raise RefusedError(
                Code.FORBIDDEN,
                "this caller writes for its own unit only; nothing was stored",
                hint="name that unit as sender_unit in the header",
            )
        for subject, id, needed in named_ids(asked):
            units = units_of(self._content.sealer, connection, subject, id)
            if (needed and units is None) or (units is not None and unit not in units):
                raise not_there(subject)

    async def narrow(self, operation: str, value: Json, unit: UnitId) -> Json:
        """After an operation: lists without what is of other units. A page may be shorter than asked, down to empty."""
        name = _LISTS.get(operation)
        if name is None or not isinstance(value, dict):
            return value
        listed = value[name]
        items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        sealer = self._content.sealer
        keys = [_key(sealer, item) for item in items]
        kept = await self._content.store.read(lambda c: kept_by(sealer, c, [key for key in keys if key is not None]))
        of_unit: list[Json] = [
            item
            for item, key in zip(items, keys, strict=True)
            if (unit in kept[key] if key in kept else item["unit"] == unit)
        ]
        return value | {name: of_unit}


def refusal_of(look: Callable[[], None]) -> RefusedError | None:
    """The refusal with which a look ends, if it does."""
    try:
        look()
    except RefusedError as error:
        return error
    return None


def not_there(subject: Subject) -> RefusedError:
    """How a caller is refused what has no such id, or is none of theirs."""
    what, hint = UNKNOWN[subject]
    return RefusedError(Code.NOT_FOUND, what, hint=hint)


def named_ids(asked: Asked) -> Iterator[tuple[Subject, str, bool]]:
    """Every id of something of a case that arguments name, also in the header and the content of a draft, and whether
    it has to be there: a number begins a case, a draft a conversation, a content may quote what the peer has, and a
    consent may be taken back that was erased here.
    """
    draft = _draft_in(asked)
    begins = {Subject.CASE_NUMBER} | ({Subject.CONVERSATION} if draft or isinstance(asked, ReleaseDraft) else set())
    begins |= {Subject.CONSENT} if isinstance(asked, WithdrawConsent) else set()
    for subject, id in (*list_ids(asked), *(() if draft is None else _named_in(draft))):
        if subject in UNKNOWN and (subject is not Subject.CASE or is_id(id)):  # what is no id the operation refuses
            yield subject, id, subject not in begins
    said = (None, None) if draft is None else (draft.type, draft.content)
    for subject, id in _quoted(RECORD, asked.content) if isinstance(asked, RecordConsent) else _quoted(*said):
        yield subject, id, False


def _quoted(body_type: object, content: object) -> Iterator[tuple[Subject, str]]:
    members = IN_CONTENT.get(type_name(body_type), {}) if isinstance(body_type, str) else {}
    for name, subject in members.items():
        value = content.get(name) if isinstance(content, dict) else None
        yield from ((subject, one) for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _draft_in(asked: Asked) -> Unfinished | None:
    draft = asked if isinstance(asked, Unfinished) else getattr(asked, "draft", None)
    return draft if isinstance(draft, Unfinished) else None


def _key(sealer: ContentSealer, item: Mapping[str, Json]) -> bytes | None:
    """Under which key a line of a list finds its case: that of its conversation, else of the draft that it is."""
    conversation, id = item.get("conversation"), item.get("id")
    if isinstance(conversation, str):
        return sealer.conversation_index(ConversationId(conversation))
    return draft_key(id) if isinstance(id, str) and "conversation" not in item else None


def _header(draft: Unfinished) -> Mapping[str, Json]:
    return draft.header if isinstance(draft.header, dict) else {}


def _named_in(draft: Unfinished) -> Iterator[tuple[Subject, str]]:
    """The ids that stand in the header of a draft: the number of the case, and the consent that it relies on."""
    if (number := number_of(draft.given())) is not None:
        yield Subject.CASE_NUMBER, number
    if isinstance(consent := _header(draft).get("consent_ref"), str):
        yield Subject.CONSENT, consent
