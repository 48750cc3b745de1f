"""Safety of the person: how to reach somebody safely, and whom not to tell. Pure rules over facts and a moment.

    may_contact     is it safe to use this channel now? (`safe_contact_rule` of a person, domain 9.8)
    do_not_notify   which parties must not hear of the case? (domain 7.5: family, consulate and police are three yeses)

Silence and doubt are no permission: a rule that is missing, refused, or written in words that no machine reads is put
before a person. Times of day are those of the place where the person is; the caller converts them. Answers repeat
nothing of a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.consent.rules import Consent
from gateway.conversations.history import History
from gateway.foundation.hours import Hours, hours_of
from gateway.foundation.json import Json
from schemas.law.legal_status import is_protected

# --- reaching the person ------------------------------------------------------------------------------------------


class Channel(StrEnum):
    """How somebody wants to reach the person."""

    CALL = "call"
    MESSAGE = "message"
    VISIT = "visit"
    THROUGH_PROVIDER = "through_provider"


class Contact(StrEnum):
    """The answer."""

    SAFE = "safe"
    ASK = "ask"
    NOT_NOW = "not_now"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRule:
    """`safe_contact_rule` of a person, with what safety alerts said since (`never_use_channel`).

    ``hours`` is None where none were given; ``worded`` that they were given in words. ``guarded``: somebody else may
    answer, or a code word is agreed, so the caller says nothing before it is certain who listens.
    """

    may_call: bool
    hours: Hours | None
    worded: bool
    guarded: bool
    never_use: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do, and whether who answers has to be checked first. It repeats nothing of the rule."""

    contact: Contact
    why: str
    check_who_answers: bool


def rule_of(person: Mapping[str, Json], never_use: Sequence[str] = ()) -> ContactRule | None:
    """The rule in a `person` object, None where there is none; `never_use` comes from safety alerts."""
    rule = person.get("safe_contact_rule")
    if not isinstance(rule, dict):
        return None
    said, listed = rule.get("safe_hours"), rule.get("never_use")
    hours = hours_of(said) if isinstance(said, str) else None
    return ContactRule(
        may_call=rule.get("may_call") is True,
        hours=hours,
        worded=said is not None and hours is None,
        guarded="who_answers" in rule or "code_word" in rule,
        never_use=(
            *(item for item in (listed if isinstance(listed, list) else []) if isinstance(item, str)),
            *never_use,
        ),
    )


def may_contact(rule: ContactRule | None, channel: Channel, address: str | None, at: datetime) -> Advice:
    """Whether the channel may be used at a moment, in the local time of the person. `address` is the number or name
    that would be used, None where there is none.

    What stands under `never_use` may be words ("the uncle's shop"), which no machine can tell from another address:
    where there are any, a person reads them.
    """
    if rule is None:
        return _advice(Contact.ASK, "no rule for safe contact is known: ask who knows the person", None)
    if address is not None and any(_same_address(address, named) for named in rule.never_use):
        return _advice(Contact.NEVER, "this address must never be used", rule)
    if channel is Channel.CALL and not rule.may_call:
        return _advice(Contact.NEVER, "the person must not be called", rule)
    if rule.hours is not None and not rule.hours.holds(at):
        return _advice(Contact.NOT_NOW, "it is not one of the safe hours", rule)
    if rule.worded:
        return _advice(Contact.ASK, "the safe hours are in words: read them first", rule)
    if rule.never_use:
        return _advice(Contact.ASK, "some channels must never be used: read which", rule)
    return _advice(Contact.SAFE, "nothing in the rule speaks against it", rule)


def _advice(contact: Contact, why: str, rule: ContactRule | None) -> Advice:
    return Advice(contact=contact, why=why, check_who_answers=rule is None or rule.guarded)


def _same_address(one: str, other: str) -> bool:
    """Alike but for case, spaces and punctuation; a telephone number also with or without its prefix."""
    left, right = (re.sub(r"[\W_]", "", text.casefold()) for text in (one, other))
    if not left or not right:
        return False
    if left.isdecimal() and right.isdecimal():
        return left[-8:] == right[-8:]
    return left == right


# --- whom not to tell ---------------------------------------------------------------------------------------------


class Party(StrEnum):
    """Who might be told of a case by somebody who means well."""

    FAMILY = "family"
    STATE_OF_NATIONALITY = "state_of_nationality"
    POLICE = "police"


#: The purpose whose grant is the person's yes to each (list purpose).
_YES: Mapping[Party, str] = {
    Party.FAMILY: "family_inquiry",
    Party.STATE_OF_NATIONALITY: "consular",
    Party.POLICE: "law_enforcement",
}


def do_not_notify(
    consent: Consent | None, history: History, *, may_disclose_to_family: str, asylum_hold: bool, today: date
) -> Mapping[Party, str]:
    """The parties that must not hear of the case, each with the reason; others may be told within the consent.

    Closed unless the person said yes to that party (domain 9.9). `may_disclose_to_family` is the code of
    `family.inquiry`; its default is `nothing` (domain 2.19).
    """
    closed = {
        party: "the person has not agreed to it"
        for party, purpose in _YES.items()
        if not _agreed(consent, purpose, today)
    }
    if may_disclose_to_family not in ("alive_and_safe", "full"):
        closed.setdefault(Party.FAMILY, "the family must not be told anything")
    if asylum_hold or is_protected(history.legal_status):
        closed[Party.STATE_OF_NATIONALITY] = "asylum is sought or granted"
    return closed


def _agreed(consent: Consent | None, purpose: str, today: date) -> bool:
    if consent is None or not consent.informed:
        return False
    if any(denial.unit is None and denial.category is None and denial.purpose == purpose for denial in consent.denials):
        return False
    return any(grant.purpose == purpose and (grant.until is None or today <= grant.until) for grant in consent.in_force)
