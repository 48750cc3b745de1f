"""What a person agreed to, as `consent.record` says it, and what was taken back since (domain 2.21 to 2.23).

A consent is a list of grants: one purpose, some recipient units, some categories of data, perhaps an end. Nothing is
granted in bulk, and a denial beats every grant. A withdrawal takes back all or some of the grants, needs no reason and
is never misread in favour of sharing: one that names a grant which does not exist takes back everything.

Unit references are `n1.../unit`, dates are days in UTC. Consent is one of two things that a transfer needs; the other,
the transfer basis, is a gate of its own (domain 7.1, gate G6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import UnitAddress
from gateway.foundation.json import Json
from gateway.foundation.workdays import parse_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One thing the person said yes to. ``until`` is the last day on which it holds."""

    purpose: str
    recipient_units: frozenset[str]
    data_categories: frozenset[str]
    until: date | None

    def names(self, purpose: str, unit: UnitAddress, category: str) -> bool:
        """Whether this grant is about the category going to the unit for the purpose, on whatever day."""
        return purpose == self.purpose and unit in self.recipient_units and category in self.data_categories

    def allows(self, purpose: str, unit: UnitAddress, category: str, today: date) -> bool:
        """Whether this grant alone lets the category go to the unit for the purpose today."""
        return self.names(purpose, unit, category) and (self.until is None or today <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One thing the person said no to; what it leaves open (None) it denies for every value."""

    purpose: str | None
    unit: UnitAddress | None
    category: str | None

    def forbids(self, purpose: str, unit: UnitAddress, category: str) -> bool:
        """Whether this denial stops the category from going to the unit for the purpose."""
        return self.purpose in (None, purpose) and self.unit in (None, unit) and self.category in (None, category)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One consent record and what was withdrawn of it; ``withdrawn_grants`` are positions in ``grants`` from 0.

    ``informed``: all seven things were told. ``transfer_risks_told`` matters for `consent_49_1_a` only (gate G2).
    ``signed``: the person, not a guardian alone, said so on a form whose hash the record has (gates G5 and G8).
    ``given_by`` and ``assent`` of the child are codes (gate G2, `gateway.consent.givers`). ``taken_back`` are grants of
    other holders' records of this consent that were withdrawn: see `bound`.
    """

    consent_id: str
    given_by: str
    assent: str | None
    grants: tuple[Grant, ...]
    denials: tuple[Denial, ...]
    taken_on: date
    informed: bool
    transfer_risks_told: bool
    onward_sharing: bool
    signed: bool = False
    withdrawn_all: bool = False
    withdrawn_grants: frozenset[int] = frozenset()
    taken_back: tuple[Grant, ...] = ()

    @property
    def fully_withdrawn(self) -> bool:
        """Nothing of it is left (gate G7)."""
        return self.withdrawn_all or (bool(self.grants) and self.withdrawn_grants >= set(range(len(self.grants))))

    @property
    def partly_withdrawn(self) -> bool:
        """Some grants were taken back and some are left (gate G7)."""
        return bool(self.withdrawn_grants or self.taken_back) and not self.fully_withdrawn

    @property
    def in_force(self) -> tuple[Grant, ...]:
        """The grants that were not taken back."""
        if self.withdrawn_all:
            return ()
        return tuple(grant for index, grant in enumerate(self.grants) if index not in self.withdrawn_grants)

    @property
    def lost(self) -> tuple[Grant, ...]:
        """The grants that were taken back."""
        return tuple(
            grant for index, grant in enumerate(self.grants) if self.withdrawn_all or index in self.withdrawn_grants
        )

    @property
    def units(self) -> frozenset[str]:
        """Every unit that the record names in a grant or a denial, withdrawn or not: who has to hear of changes."""
        granted = {unit for grant in self.grants for unit in grant.recipient_units}
        return frozenset(granted | {denial.unit for denial in self.denials if denial.unit is not None})

    def unwithdrawn(self) -> Consent:
        """The record as it was taken, to tell "never granted" from "taken back"."""
        return replace(self, withdrawn_all=False, withdrawn_grants=frozenset(), taken_back=())

    def forbids(self, purpose: str, unit: UnitAddress, category: str) -> bool:
        """Whether a denial, or what was taken back in another holder's record, stops the category."""
        return any(denial.forbids(purpose, unit, category) for denial in self.denials) or any(
            grant.names(purpose, unit, category) for grant in self.taken_back
        )


def covers(
    consent: Consent, *, purpose: str, unit: UnitAddress, categories: Iterable[str], today: date
) -> frozenset[str]:
    """The categories that are NOT covered; empty means that all may go to the unit for the purpose today.

    Each category may rest on another grant. A record whose seven points were not all told covers nothing, nor does one
    taken later than tomorrow: local days run ahead of UTC by at most one.
    """
    wanted = frozenset(categories)
    if not consent.informed or consent.taken_on > today + timedelta(days=1):
        return wanted
    return frozenset(
        category
        for category in wanted
        if consent.forbids(purpose, unit, category)
        or not any(grant.allows(purpose, unit, category, today) for grant in consent.in_force)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What the sender of data said of passing it on: the code of `handling.onward_sharing`, and the units named."""

    onward_sharing: str
    onward_units: frozenset[str]

    def lets(self, unit: UnitAddress) -> bool:
        """Whether the sender lets the data go on to the unit on the consent it was sent under. `with_new_consent` does
        not: then a record of one's own is needed, and what rests on that is no longer onward sharing.
        """
        return self.onward_sharing == "named_units" and unit in self.onward_units


def handling_of(header: Mapping[str, Json]) -> Handling:
    """What the header of a message says; whatever can not be read lets nothing go on."""
    value = header.get("handling")
    handling = value if isinstance(value, dict) else {}
    units = handling.get("onward_units")
    return Handling(
        onward_sharing=str(handling.get("onward_sharing", "none")),
        onward_units=frozenset(unit for unit in units if isinstance(unit, str))
        if isinstance(units, list)
        else frozenset(),
    )


def passed_on(recorded_by: Iterable[str], sender_node: str, recipient_unit: str) -> bool:
    """Whether relying on a consent is onward sharing: neither the sending nor the receiving node recorded it."""
    recorders = frozenset(recorded_by)
    return bool(recorders) and sender_node not in recorders and recipient_unit.partition("/")[0] not in recorders


def onward(
    consent: Consent,
    handling: Iterable[Handling],
    *,
    purpose: str,
    unit: UnitAddress,
    categories: Iterable[str],
    today: date,
) -> frozenset[str]:
    """The categories that may NOT be passed on to another unit on a consent that another node recorded (domain 7.12;
    IOM DP 5, GDPR 5(1)(b)). Empty means that all may.

    Three must say yes: the person agreed to onward sharing, a grant names the unit with purpose and category, and each
    sender of the data lets it go there; ``handling`` is empty where no data came under this consent.
    """
    wanted = frozenset(categories)
    if not consent.onward_sharing or not all(said.lets(unit) for said in handling):
        return wanted
    return covers(consent, purpose=purpose, unit=unit, categories=wanted, today=today)


def bound(first: Consent, others: Iterable[Consent]) -> Consent:
    """The consent ``first`` bound by every other record of the same consent: each no of theirs counts, no yes does.

    A place in the grants means something else where the records differ, so what was withdrawn there is forbidden here
    by what it says; a grant that ``first`` has and lost at the same place takes nothing else with it.
    """
    for other in others:
        lost = tuple(other.grants[place] for place in sorted(other.withdrawn_grants) if not _lost(first, other, place))
        first = replace(
            first,
            denials=first.denials + other.denials,
            onward_sharing=first.onward_sharing and other.onward_sharing,
            withdrawn_all=first.withdrawn_all or other.withdrawn_all,
            taken_back=first.taken_back + lost,
        )
    return first


def _lost(first: Consent, other: Consent, place: int) -> bool:
    return place in first.withdrawn_grants and first.grants[place] == other.grants[place]


def withdraw(consent: Consent, content: Mapping[str, Json]) -> Consent:
    """The consent after a `consent.withdrawal`, which can only take away.

    Whatever is not clearly a list of existing grants takes back the whole consent: a withdrawal is never refused and
    never narrowed (GDPR 7(3), gate G10).

    Raises:
        RuntimeError: the withdrawal names another consent; the caller looked up the wrong one.
    """
    if content.get("consent_id", consent.consent_id) != consent.consent_id:  # a ledger names it by its keyed hash alone
        raise RuntimeError("the withdrawal is of another consent")
    named = places_of(content)
    if named is None or not named <= set(range(len(consent.grants))):
        return replace(consent, withdrawn_all=True)
    return replace(consent, withdrawn_grants=consent.withdrawn_grants | named)


def everything(withdrawals: Iterable[Mapping[str, Json]]) -> bool:
    """Whether one of them takes back the whole consent, whatever its record says."""
    return any(places_of(content) is None for content in withdrawals)


def adds(known: Sequence[Mapping[str, Json]], content: Mapping[str, Json]) -> bool:
    """Whether a withdrawal takes back, or asks to erase, what the known ones do not; a mere repeat need not be kept.

    It needs no record: a place that a record does not have takes back everything, and the known ones named it too.
    """
    if content.get("erase_wanted") is True and not any(item.get("erase_wanted") is True for item in known):
        return True
    if everything(known):
        return False
    named = places_of(content)
    return named is None or not named <= {place for item in known for place in places_of(item) or ()}


def places_of(content: Mapping[str, Json]) -> frozenset[int] | None:
    """The places of the grants that a withdrawal names, None where it is of the whole consent."""
    named = content.get("grants")
    if content.get("scope") != "grants" or not isinstance(named, list) or not named:
        return None
    places = [item for item in named if isinstance(item, int) and not isinstance(item, bool)]
    return frozenset(places) if len(places) == len(named) else None


def read(content: Mapping[str, Json], withdrawals: Iterable[Mapping[str, Json]] = ()) -> Consent:
    """The consent that the content of a `consent.record` states, after the withdrawals in any order.

    Raises:
        RefusedError: schema; the content is not what the schema of `consent.record` allows.
    """
    told = _object(content, "told")
    consent = Consent(
        consent_id=_text(content, "consent_id"),
        given_by=_text(content, "given_by"),
        assent=_text(content, "child_assent") if content.get("child_assent") is not None else None,
        grants=tuple(_grant(item) for item in _objects(content, "grants")),
        denials=tuple(_denial(item) for item in _objects(content, "denials")) if "denials" in content else (),
        taken_on=_day(content, "taken_on"),
        informed=bool(told) and all(value is True for value in told.values()),
        transfer_risks_told=content.get("transfer_risks_told") is True,
        onward_sharing=content.get("onward_sharing") is True,
        signed=_signed(content),
    )
    for withdrawal in withdrawals:
        consent = withdraw(consent, withdrawal)
    return consent


def _signed(content: Mapping[str, Json]) -> bool:
    """A guardian's consent alone is not the person's own word; an oral one has no form to show."""
    own = content.get("given_by") in ("person", "person_and_guardian", "legal_representative")
    return own and content.get("form") in ("written", "electronic", "mark") and bool(content.get("signed_form_sha256"))


def _grant(item: Mapping[str, Json]) -> Grant:
    return Grant(
        purpose=_text(item, "purpose"),
        recipient_units=frozenset(_texts(item, "recipient_units")),
        data_categories=frozenset(_texts(item, "data_categories")),
        until=_day(item, "until") if item.get("until") is not None else None,
    )


def _denial(item: Mapping[str, Json]) -> Denial:
    if not item or not set(item) <= {"purpose", "unit", "data_category"}:
        raise _not_the_schema("denials")
    named = {key: _text(item, key) for key in item}
    return Denial(
        purpose=named.get("purpose"),
        unit=None if "unit" not in named else UnitAddress(named["unit"]),
        category=named.get("data_category"),
    )


def _object(content: Mapping[str, Json], name: str) -> dict[str, Json]:
    value = content.get(name)
    if not isinstance(value, dict):
        raise _not_the_schema(name)
    return value


def _objects(content: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    value = content.get(name)
    if not isinstance(value, list):
        raise _not_the_schema(name)
    objects = [item for item in value if isinstance(item, dict)]
    if len(objects) != len(value):
        raise _not_the_schema(name)
    return objects


def _texts(content: Mapping[str, Json], name: str) -> list[str]:
    value = content.get(name)
    if not isinstance(value, list):
        raise _not_the_schema(name)
    texts = [item for item in value if isinstance(item, str)]
    if len(texts) != len(value):
        raise _not_the_schema(name)
    return texts


def _text(content: Mapping[str, Json], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise _not_the_schema(name)
    return value


def _day(content: Mapping[str, Json], name: str) -> date:
    day = parse_day(_text(content, name))
    if day is None:
        raise _not_the_schema(name)
    return day


def _not_the_schema(name: str) -> RefusedError:
    return RefusedError(Code.SCHEMA, f"the member {name} of a consent record does not match its schema")
