"""What the fold of a conversation needs to know of each message, and where in a body it stands (pure).

A ``Message`` is what both sides know of one message: its place in its sender's order, what it is, and the few values of
its content on which a move, an overlay or a clock depends. ``extract`` takes these from header and content; nothing
else of the content is kept. Some of it is content all the same (a withdrawal, a planned arrival), so it is kept sealed
like the content, or extracted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.foundation.json import Json
from gateway.foundation.workdays import parse_day

NORMAL = "normal"


class Side(StrEnum):
    """The two ends of a conversation: who began it (the host country of a referral), and the other."""

    HOST = "host"
    RECEIVING = "receiving"

    @property
    def other(self) -> Side:
        """The opposite end."""
        return Side.RECEIVING if self is Side.HOST else Side.HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The values of one content that count, each empty where the type has none.

    ``word`` is the one code that decides (an answer, an outcome, a status); ``flag`` what else decides, see the table
    below. ``grants`` are places in the grants of a consent, None when all of it is meant. Times are Unix seconds.
    """

    word: str = ""
    flag: bool = False
    version: int | None = None
    consent: str = ""
    purposes: tuple[str, ...] = ()
    grants: tuple[int, ...] | None = None
    erase: bool = False
    child: bool = False
    departs: int | None = None
    arrives: int | None = None
    by: int | None = None
    day: date | None = None
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation, as far as both sides know it.

    ``n`` orders the messages of one side; ``seen`` is the highest ``n`` of the other side that its writer had applied
    to this conversation. ``created`` is the signed time of the sealing that was accepted. ``received`` and ``opened``
    are the times in the receiver's signed receipts, None until there is one; ``rejected`` says that there is a signed
    `rejected`, at arrival or later, or that its number was voided. ``kind`` is the type without its version.
    """

    id: str
    side: Side
    n: int
    seen: int
    created: int
    kind: str
    priority: str = NORMAL
    reply_to: str | None = None
    respond_by: int | None = None
    said: Said = Said()
    received: int | None = None
    opened: int | None = None
    rejected: bool = False


Content = Mapping[str, Json]


def extract(kind: str, content: Content) -> Said:
    """What counts of a content that its schema has passed; an empty ``Said`` for types of which nothing does."""
    reader = _READERS.get(kind)
    return reader(content) if reader else Said()


def make_message(
    *,
    id: str,
    side: Side,
    n: int,
    created: int,
    body_type: str,
    reply_to: str | None,
    header: Content,
    content: Content,
    received: int | None = None,
    opened: int | None = None,
    rejected: bool = False,
) -> Message:
    """A message as the fold takes it, from its signed place and the two halves of its body."""
    kind = body_type.partition("/")[0]
    return Message(
        id=id,
        side=side,
        n=n,
        seen=_time(header.get("seen")) or 0,
        created=created,
        kind=kind,
        priority=priority(header),
        reply_to=reply_to,
        respond_by=respond_by(header),
        said=extract(kind, content),
        received=received,
        opened=opened,
        rejected=rejected,
    )


def quoted_enquiry(body_type: str, content: Content) -> str | None:
    """The id of the enquiry that a referral quotes; an enquiry is used by it and not continued (domain 4.1)."""
    return _text(content, "enquiry_id") or None if body_type.partition("/")[0] == "referral.request" else None


def priority(header: Content) -> str:
    """The priority of a message, from its header."""
    return _text(header, "priority") or NORMAL


def respond_by(header: Content) -> int | None:
    """Until when the writer wants an answer, from its header."""
    return _time(header.get("respond_by"))


def _text(value: Content, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _flag(value: Content, name: str) -> bool:
    return value.get(name) is True


def _time(value: Json | None) -> int | None:
    return value if type(value) is int else None


def _day(value: Content, name: str) -> date | None:
    return parse_day(_text(value, name))


def _objects(value: Content, name: str) -> tuple[Content, ...]:
    found = value.get(name)
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def _texts(value: Content, name: str) -> tuple[str, ...]:
    found = value.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def _object(value: Content, name: str) -> Content:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _word(name: str) -> Callable[[Content], Said]:
    return lambda content: Said(word=_text(content, name))


def _set(name: str) -> Callable[[Content], Said]:
    return lambda content: Said(flag=_flag(content, name))


def _proposal(content: Content) -> Said:
    legs = _objects(content, "legs")
    handed_over = _time(_object(content, "handover").get("at"))
    arrivals = [at for at in (handed_over, *(_time(leg.get("arrive_at")) for leg in legs)) if at is not None]
    departures = [at for at in (_time(leg.get("depart_at")) for leg in legs) if at is not None]
    ages = {_text(traveller, "age_group") for traveller in _objects(content, "travellers")}
    return Said(
        version=_time(content.get("version")),
        flag=bool(_object(content, "against_advice")),  # the person may leave without anybody seeing it
        child=bool(ages & {"child", "presumed_child"}),
        departs=min(departures, default=None),
        arrives=max(arrivals, default=None),
    )


def _versioned(content: Content, word: str) -> Said:
    return Said(version=_time(content.get("version")), word=_text(content, word))


def _consent(content: Content) -> Said:
    purposes = tuple(_text(grant, "purpose") for grant in _objects(content, "grants"))
    return Said(consent=_text(content, "consent_id"), purposes=purposes)


def _withdrawal(content: Content) -> Said:
    listed = content.get("grants")
    some = tuple(item for item in listed if type(item) is int) if isinstance(listed, list) else ()
    return Said(
        consent=_text(content, "consent_id"),
        grants=None if _text(content, "scope") == "all" else some,
        erase=_flag(content, "erase_wanted"),
    )


def _plan(content: Content) -> Said:
    started = any(_text(action, "status") in ("active", "done") for action in _objects(content, "actions"))
    return Said(flag=started and _flag(content, "agreed_with_person"))


_READERS: dict[str, Callable[[Content], Said]] = {
    "enquiry.reply": lambda c: Said(word=_text(c, "answer"), day=_day(c, "offer_valid_until")),
    "referral.accept": lambda c: Said(flag=bool(c.get("conditions"))),  # with conditions
    "referral.withdraw": lambda c: Said(erase=_flag(c, "erase")),
    "info.request": _set("blocks_decision"),
    "info.reply": lambda c: Said(flag=bool(_object(c, "person_identifying"))),  # the second step of disclosure
    "consent.record": _consent,
    "consent.withdrawal": _withdrawal,
    "risk.assessment": _word("part"),
    "assistance.plan": _plan,  # services have started, agreed with the person
    "return.proposal": _proposal,
    "return.response": lambda c: _versioned(c, "answer"),
    "return.cancel": lambda c: _versioned(c, "reason"),
    "departure.notice": lambda c: _versioned(c, "outcome"),
    "arrival.confirmation": lambda c: Said(word=_text(c, "outcome"), arrives=_time(c.get("arrived_at"))),
    "reintegration.plan": lambda c: Said(points=_texts(c, "monitoring_points"), day=_day(c, "start")),
    "monitoring.report": _word("point"),
    "safety.alert": _word("kind"),
    "safety.alert.ack": lambda c: Said(by=_time(c.get("next_update_by"))),
    "safety.alert.update": _word("status"),
    "closure.response": _word("answer"),
    "data.correction": _set("safety_relevant"),
    "erasure.request": _word("ground"),
    "subject.access": lambda c: Said(flag="holdings" in c, day=_day(c, "answer_by")),
    "stats.request": lambda c: Said(day=_day(c, "due")),
}
