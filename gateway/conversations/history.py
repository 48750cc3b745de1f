"""What the earlier messages of a conversation say that the gates need: one frozen value, folded from opened messages.

    risk.assessment          who assessed which part, and each side's joint conclusion    G4
    bid.report               the last determination of the child's best interests         G3
    guardian.notice          the guardian that each side names, and since when            G2, G3
    family.report            the last report on the family                                G3
    consent.record           the child's assent; consents on a form that the person signed, less what was withdrawn
                                                                                          G3, G5, G8
    referral.request, info.reply, data.correction, referral.withdraw, return.cancel
                             legal status, nationalities, age, end of the reflection period   G3, G5, G8
    return.proposal          who travels, and on what the return rests                    G3, G4, G8

Of two messages that say the same thing the later one counts, in the order that both sides have
(`gateway.conversations.rules.order`); a message without a fact leaves the older fact standing. The rule is domain 9.18.
Nothing here fails: what is not understood says nothing, and a gate is closed to what was not said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from gateway.consent.givers import NOTHING_TOLD, Guardianship
from gateway.consent.rules import Consent, read, withdraw
from gateway.errors import RefusedError
from gateway.foundation.ids import UnitId
from gateway.foundation.json import Json
from gateway.foundation.workdays import parse_day
from schemas.types import type_name

Members = Mapping[str, Json]

CHILD: frozenset[str] = frozenset({"child", "presumed_child"})
"""Age groups that are treated as a child; age in doubt counts as one (ECAT 10(3))."""

ADULT_AT = 18
"""Years (ECAT 4(d), Directive 2011/36 Art. 2(6))."""


class Side(StrEnum):
    """Who sent a message, seen from this node."""

    OURS = "ours"
    THEIRS = "theirs"

    @property
    def other(self) -> Side:
        """Who got the message."""
        return Side.THEIRS if self is Side.OURS else Side.OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One message of the conversation: sent, waiting to go, or received. ``created`` is the Unix second by which it
    counts.

    ``content`` is what was written; ``crossed`` is what of it went to the other side, where the corridor policy took
    something out. ``id`` and ``schema`` are None for what is no message of its own here. ``arrived``: both sides have
    it.
    """

    body_type: str
    side: Side
    created: int
    header: Members
    content: Members
    crossed: Members | None = None
    id: str | None = None
    schema: str | None = None
    arrived: bool = False

    @property
    def sent(self) -> Members:
        """What the other side has."""
        return self.content if self.crossed is None else self.crossed


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A conclusion of one side, from its own part or as the joint one. ``at`` is the signed time of the message in Unix
    seconds, ``n`` counts what was told in one, ``review_on`` is the day on which it ends by its own word, ``measures``
    are the days on which each of its measures was in place, None for one that is not.
    """

    conclusion: str
    at: int
    review_on: date | None
    measures: tuple[date | None, ...] = ()
    n: int = field(default=0, compare=False)

    def prepared(self, today: date) -> bool:
        """Whether every measure that it lists is in place."""
        return all(done is not None and done <= today for done in self.measures)

    @property
    def on(self) -> date:
        """The day of the message, UTC."""
        return datetime.fromtimestamp(self.at, UTC).date()


class Part(StrEnum):
    """What a risk assessment covers by itself: the country where the person is, or the one that would receive her."""

    SENDING = "sending"
    RECEIVING = "receiving"


@dataclass(frozen=True, slots=True, kw_only=True)
class BestInterests:
    """The last determination (BID or its review; a mere assessment determines nothing)."""

    outcome: str
    review_on: date | None
    care_place: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyReport:
    """The last report on family and social environment."""

    recommendation: str
    involvement_suspected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardian:
    """The guardian that one side names, from the first to the last day; None for no such day."""

    unit: UnitId
    since: date | None = None
    until: date | None = None

    def acts(self, today: date) -> bool:
        """Whether the mandate has begun and lasts today."""
        return (self.since is None or self.since <= today) and (self.until is None or today <= self.until)

    @property
    def term(self) -> Guardianship:
        """The day on which the mandate began, and the day after its last one, as far as they are told."""
        return Guardianship(
            began=frozenset() if self.since is None else frozenset({self.since}),
            left=frozenset() if self.until is None else frozenset({self.until + timedelta(days=1)}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What the last proposal of a return rests on: its kind (list return_kind), the day of a final decision that names
    its safeguards, the day on which the person signed to go against advice, or was informed of a transfer to another EU
    State. None, where it says no such thing.
    """

    kind: str | None
    decided_on: date | None = None
    signed_on: date | None = None
    informed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the conversation says so far. None, and an empty collection, mean: not said.

    ``status_by`` is this side as soon as it told any legal status, the other one while only that did.
    ``nationalities`` may be said to be none at all, which is an empty set and not None. ``host`` is who sent the
    referral. ``guardians`` are those named last, ``earlier_terms`` when those before them began and left. ``parts`` has
    the last assessment of each part by each side, ``joint`` the last joint conclusion by each side. ``signed`` are the
    consents that the person gave on a signed form, as far as this conversation carries them, ``signed_by`` is by the id
    of each the side that told of it. ``told`` are by id the messages that both sides have, None where they were not
    opened; ``partial``: some may have not come yet, behind a gap.
    """

    host: Side | None = None
    legal_status: str | None = None
    status_by: Side | None = None
    nationalities: frozenset[str] | None = None
    reflection_until: date | None = None
    age_group: str | None = None
    birth_date: date | None = None
    birth_year: int | None = None
    child_assent: str | None = None
    guardians: Mapping[Side, Guardian] = field(default_factory=dict)
    earlier_terms: Mapping[Side, Guardianship] = field(default_factory=dict)
    best_interests: BestInterests | None = None
    family_report: FamilyReport | None = None
    parts: Mapping[tuple[Side, Part], Risk] = field(default_factory=dict)
    joint: Mapping[Side, Risk] = field(default_factory=dict)
    travellers: tuple[str, ...] = ()
    grounds: Grounds | None = None
    signed: tuple[Consent, ...] = ()
    signed_by: Mapping[str, Side] = field(default_factory=dict)
    told: Mapping[str, Opened] | None = field(default_factory=dict)
    partial: bool = False

    def child(self, today: date) -> bool | None:
        """Whether the person counts as a child; None where nobody said anything about the age.

        Whatever speaks for a child decides (ECAT 10(3)); a birth date says itself when childhood is over.
        """
        said: list[bool] = []
        if self.birth_date is not None:
            said.append(_years(self.birth_date, today) < ADULT_AT)
        elif self.birth_year is not None:
            said.append(today.year - self.birth_year <= ADULT_AT)
        if self.age_group == "presumed_child" or (self.age_group is not None and not said):
            said.append(self.age_group in CHILD)
        return any(said) if said else None

    def guardianship(self, side: Side) -> Guardianship:
        """When guardians of the child on that side began and left."""
        named = self.guardians.get(side)
        earlier = self.earlier_terms.get(side, NOTHING_TOLD)
        return earlier if named is None else earlier.joined(named.term)

    def guardianship_of(self, consent: Consent) -> Guardianship:
        """The same on the side that told of a signed consent; of both where nobody knows which did."""
        side = self.signed_by.get(consent.consent_id)
        ours, theirs = (self.guardianship(one) for one in (side or Side.OURS, side or Side.THEIRS))
        return ours.joined(theirs)

    def adult_on(self) -> date | None:
        """The first day on which the person is an adult by a birth date or year that was told; None where nobody told
        one, or told that the age is in doubt.
        """
        if self.age_group == "presumed_child":
            return None
        if self.birth_date is not None:
            born = self.birth_date
            leap = (born.month, born.day) == (2, 29)
            return date(born.year + ADULT_AT, 3 if leap else born.month, 1 if leap else born.day)
        return None if self.birth_year is None else date(self.birth_year + ADULT_AT + 1, 1, 1)

    def assessed(self) -> bool:
        """Whether each side assessed the part that is its own: who sent the referral the sending one."""
        if self.host is None:
            return False
        return {(self.host, Part.SENDING), (self.host.other, Part.RECEIVING)} <= set(self.parts)

    def said(self, body_type: str, content: Members) -> History:
        """This history and, later than all of it, what one more message of this side says."""
        take = _TAKES.get(type_name(body_type))
        message = Opened(body_type=body_type, side=Side.OURS, created=0, header={}, content=content)
        return self if take is None else take(self, message)


NOTHING_SAID = History()
"""The history of a conversation that has not begun, or that nobody opened."""


def history_of(messages: Iterable[Opened], *, whole: bool = True) -> History:
    """The facts of a conversation, of which the messages of one second are given in their order; of messages that are
    not ``whole`` there are the facts alone (`history_facts`).
    """
    said = dict(enumerate(messages))
    steps = list(read_in_order(said))
    ordered = [said[place] for place, _ in steps]
    requests = (message.side for message in ordered if type_name(message.body_type) == "referral.request")
    history = replace(steps[-1][1] if steps else NOTHING_SAID, host=next(requests, None))
    told = {message.id: message for message in ordered if message.id is not None and message.arrived}
    signed = _signed(ordered)
    return replace(
        history,
        signed=tuple(consent for consent, _ in signed),
        signed_by={consent.consent_id: side for consent, side in signed},
        told=told if whole else None,
    )


def in_order(messages: Iterable[Opened]) -> list[Opened]:
    """Sort messages as they count, those of one second in the order given: a later one says what holds."""
    return sorted(messages, key=lambda message: message.created)


def read_in_order(said: Mapping[int, Opened]) -> Iterator[tuple[int, History]]:
    """Yield each message by its key, in the order in which messages count, with what was said by then. What they make
    together, as the host and the signed consents, is left out.
    """
    history = NOTHING_SAID
    for key, message in sorted(said.items(), key=lambda item: item[1].created):
        if (take := _TAKES.get(type_name(message.body_type))) is not None:
            history = take(history, message)
        yield key, history


# --- one function per message type --------------------------------------------------------------------------------


def _referral(history: History, message: Opened) -> History:
    content = message.content
    history = _person(history, _members(content, "person"))
    status = _text(content, "legal_status")
    until = _day(content, "reflection_period_until")
    if status is not None:
        history = replace(_with_status(history, message, status), reflection_until=until)
    unit = _text(_members(content, "child"), "guardian_unit")
    return history if unit is None else _named(history, message, Guardian(unit=UnitId(unit)))


def _person(history: History, person: Members) -> History:
    """What is told of age and nationality; what is left out this time stands as it was."""
    nationalities, year = person.get("nationalities"), person.get("birth_year")
    return replace(
        history,
        nationalities=frozenset(_texts(nationalities)) if isinstance(nationalities, list) else history.nationalities,
        age_group=_text(person, "age_group") or history.age_group,
        birth_date=_day(person, "birth_date") or history.birth_date,
        birth_year=year if isinstance(year, int) and not isinstance(year, bool) else history.birth_year,
    )


def _info(history: History, message: Opened) -> History:
    return _person(history, _members(message.content, "person_identifying"))


def _correction(history: History, message: Opened) -> History:
    """A corrected status, age, nationality or assent; which message is corrected does not matter, all speak of one
    person. A nationality more is one more State to keep away from. A finding that was corrected has to be sent anew.
    """
    value = message.content.get("new_value")
    place = (_text(message.content, "path") or "").replace("/content/person_identifying/", "/content/person/")
    match place.removeprefix("/content/").split("/"), value:
        case ["legal_status"], str():
            return _with_status(history, message, value)
        case ["reflection_period_until"], str():
            return replace(history, reflection_until=parse_day(value))
        case ["person", "age_group"], str():
            return replace(history, age_group=value)
        case ["person", "birth_date"], str():
            return replace(history, birth_date=parse_day(value) or history.birth_date)
        case ["person", "birth_year"], int() if not isinstance(value, bool):
            return replace(history, birth_year=value)
        case ["person", "nationalities", _], str() if history.nationalities is not None:
            return replace(history, nationalities=history.nationalities | {value})
        case ["child_assent"], _:
            return replace(history, child_assent=value if isinstance(value, str) else None)
        case ["conclusion"], _:
            return replace(history, joint={})
        case ["outcome"], _:
            return replace(history, best_interests=None)
        case [("recommendation" | "involvement_suspected")], _:
            return replace(history, family_report=None)
    return history


def _stopped(history: History, message: Opened) -> History:
    """A withdrawal or a cancelled return that says why: an asylum claim sets the hold (domain 9.10)."""
    if message.content.get("reason") == "asylum_claim":
        return _with_status(history, message, "asylum_pending")
    return history


def _with_status(history: History, message: Opened, status: str) -> History:
    """The status counts that was told last, and it is ours as soon as this side told any."""
    by = Side.OURS if history.status_by is Side.OURS else message.side
    return replace(history, legal_status=status, status_by=by)


def _risk(history: History, message: Opened) -> History:
    conclusion = _text(message.content, "conclusion")
    if conclusion is None:
        return history
    risk = Risk(
        conclusion=conclusion,
        at=message.created,
        review_on=_day(message.content, "review_on"),
        measures=tuple(_measures(message.content)),
        n=1 + max((told.n for told in (*history.parts.values(), *history.joint.values())), default=0),
    )
    match message.content.get("part"):
        case "joint":
            return replace(history, joint={**history.joint, message.side: risk})
        case Part.SENDING | Part.RECEIVING as part:
            return replace(history, parts={**history.parts, (message.side, Part(part)): risk})
    return history


def _measures(content: Members) -> Iterator[date | None]:
    """For each measure the day on which it was in place; what can not be read is not."""
    listed = content.get("measures")
    for item in listed if isinstance(listed, list) else ():
        yield _day(item, "done_on") if isinstance(item, dict) else None


def _best_interests(history: History, message: Opened) -> History:
    content = message.content
    outcome = _text(content, "outcome")
    if content.get("kind") not in ("bid", "bid_review") or outcome is None:
        return history
    found = BestInterests(
        outcome=outcome,
        review_on=_day(content, "review_on"),
        care_place=bool(_members(content, "care_place_confirmed")),
    )
    return replace(history, best_interests=found)


def _family(history: History, message: Opened) -> History:
    recommendation = _text(message.content, "recommendation")
    if recommendation is None:
        return history
    suspected = message.content.get("involvement_suspected") is not False
    return replace(history, family_report=FamilyReport(recommendation=recommendation, involvement_suspected=suspected))


def _guardian(history: History, message: Opened) -> History:
    """The guardian of the side that says so. The end of one guardian does not end another who was named since."""
    unit, until = _text(message.content, "guardian_unit"), _day(message.content, "until")
    if unit is None:
        return history
    if message.content.get("event") != "ended":
        new = Guardian(unit=UnitId(unit), since=_day(message.content, "from"), until=until)
        return _named(history, message, new, another=message.content.get("event") == "changed")
    named = history.guardians.get(message.side)
    if named is None:
        return _left(history, message, Guardian(unit=UnitId(unit), until=until))
    if named.unit != unit:
        return history
    if until is not None:
        return replace(history, guardians={**history.guardians, message.side: replace(named, until=until)})
    return replace(
        _left(history, message, named),
        guardians={side: one for side, one in history.guardians.items() if side is not message.side},
    )


def _named(history: History, message: Opened, new: Guardian, *, another: bool = False) -> History:
    """With a guardian of that side. Who is named again goes on, unless the term had ended or ``another`` person of the
    same office takes over; who takes the place of one that nobody told of does so all the same.
    """
    before, first = history.guardians.get(message.side), new.since or _told_on(message)
    if before is not None and before.until is not None and before.until + timedelta(days=1) < first:
        history = _left(history, message, before)
    if another or (before is not None and before.unit != new.unit):
        gone = Guardian(unit=new.unit) if before is None else before
        history = _left(history, message, replace(gone, until=first - timedelta(days=1)))
    return replace(history, guardians={**history.guardians, message.side: new})


def _left(history: History, message: Opened, gone: Guardian) -> History:
    """With the term of a guardian that is over; one that ends at once does so on the day that is told of it."""
    over = gone if gone.until is not None else replace(gone, until=_told_on(message) - timedelta(days=1))
    earlier = history.earlier_terms.get(message.side, NOTHING_TOLD)
    return replace(history, earlier_terms={**history.earlier_terms, message.side: earlier.joined(over.term)})


def _told_on(message: Opened) -> date:
    """The day of the signed time, UTC."""
    return datetime.fromtimestamp(message.created, UTC).date()


def _consent(history: History, message: Opened) -> History:
    return replace(history, child_assent=_text(message.content, "child_assent") or history.child_assent)


def _proposal(history: History, message: Opened) -> History:
    return replace(history, travellers=tuple(travellers(message.content)), grounds=_grounds(message.content))


def _grounds(content: Members) -> Grounds:
    """What is not complete is not there: the older form of the message can not say it either."""
    decision, own_way = _members(content, "decision"), _members(content, "against_advice")
    transfer = _members(content, "transfer")
    if transfer.get("appeal_over") is True:
        return Grounds(
            kind=_text(content, "return_kind"),
            decided_on=_day(transfer, "decided_on"),
            informed_on=_day(transfer, "informed_on"),
        )
    decided = decision.get("remedy_exhausted") is True and all(_text(decision, name) for name in _SAFEGUARDS)
    warned = own_way.get("warnings_told") is True and _text(own_way, "statement_sha256") is not None
    return Grounds(
        kind=_text(content, "return_kind"),
        decided_on=_day(decision, "decided_on") if decided else None,
        signed_on=_day(own_way, "signed_on") if warned else None,
    )


_SAFEGUARDS = ("lawyer_unit", "refoulement_statement")

_TAKES: Mapping[str, Callable[[History, Opened], History]] = {
    "referral.request": _referral,
    "info.reply": _info,
    "data.correction": _correction,
    "referral.withdraw": _stopped,
    "return.cancel": _stopped,
    "risk.assessment": _risk,
    "bid.report": _best_interests,
    "family.report": _family,
    "guardian.notice": _guardian,
    "consent.record": _consent,
    "return.proposal": _proposal,
}


def _signed(ordered: Iterable[Opened]) -> list[tuple[Consent, Side]]:
    """The newest record of each consent that is on a signed form of the person, after every withdrawal, and who told
    of it.

    A withdrawal counts whenever it came: a record that overtook it, or was sent again, does not undo it.
    """
    records: dict[str, tuple[Consent, Side]] = {}
    withdrawals: list[Members] = []
    for message in ordered:
        match type_name(message.body_type):
            case "consent.record":
                for consent in _readable(message.content):
                    records[consent.consent_id] = consent, message.side
            case "consent.withdrawal":
                withdrawals.append(message.content)
    for content in withdrawals:
        named = content.get("consent_id")
        if isinstance(named, str) and named in records:
            consent, side = records[named]
            records[named] = withdraw(consent, content), side
    return [(consent, side) for consent, side in records.values() if consent.signed]


def _readable(content: Members) -> Iterator[Consent]:
    try:
        yield read(content)
    except RefusedError:
        return


# --- reading members ----------------------------------------------------------------------------------------------


def travellers(content: Members) -> Iterator[str]:
    """The age group of each traveller of a return arrangement; `presumed_child` where one is not said."""
    listed = content.get("travellers")
    for item in listed if isinstance(listed, list) else ():
        yield (_text(item, "age_group") if isinstance(item, dict) else None) or "presumed_child"


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _text(members: Members, name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) and value else None


def _texts(value: list[Json]) -> list[str]:
    return [item for item in value if isinstance(item, str)]


def _day(members: Members, name: str) -> date | None:
    value = members.get(name)
    return parse_day(value) if isinstance(value, str) else None


def _members(members: Members, name: str) -> Members:
    value = members.get(name)
    return value if isinstance(value, dict) else {}
