"""How a person is reached safely and whom nobody tells: silence and doubt are no permission."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from support.gate_facts import RECORD, TODAY

import schemas
from gateway.consent.rules import read, withdraw
from gateway.conversations.history import NOTHING_SAID, History
from gateway.conversations.safe_contact import Channel, Contact, Party, do_not_notify, may_contact, rule_of

EVENING, MORNING = datetime(2026, 6, 1, 18, 30), datetime(2026, 6, 1, 9, 0)
RULE = {"may_call": True, "safe_hours": "Mo-Fr 18:00-20:00"}


def advice(rule, channel=Channel.CALL, address="+355 69 123 4567", at=EVENING, **person):
    """What is advised for a person with this rule."""
    return may_contact(rule_of({"safe_contact_rule": rule} if rule is not None else person), channel, address, at)


@pytest.mark.parametrize(
    ("rule", "channel", "at", "expected"),
    [
        (RULE, Channel.CALL, EVENING, Contact.SAFE),
        (RULE, Channel.CALL, MORNING, Contact.NOT_NOW),
        (RULE, Channel.VISIT, MORNING, Contact.NOT_NOW),
        (RULE | {"may_call": False}, Channel.CALL, EVENING, Contact.NEVER),
        (RULE | {"may_call": False}, Channel.MESSAGE, EVENING, Contact.SAFE),
        ({"safe_hours": "18:00-20:00"}, Channel.CALL, EVENING, Contact.NEVER),
        (RULE | {"safe_hours": "after school"}, Channel.CALL, EVENING, Contact.ASK),
        (RULE | {"never_use": ["069 123 4567"]}, Channel.CALL, EVENING, Contact.NEVER),
        (RULE | {"never_use": ["the uncle"]}, Channel.CALL, EVENING, Contact.ASK),
        ({"may_call": True}, Channel.CALL, MORNING, Contact.SAFE),
        (None, Channel.THROUGH_PROVIDER, EVENING, Contact.ASK),
    ],
)
def test_one_rule_at_a_time(rule, channel, at, expected):
    """Hours, calls, channels never to use, words, and no rule at all."""
    assert advice(rule, channel, at=at).contact is expected


def test_what_must_never_be_used_beats_the_hour():
    """A forbidden address is never a matter of time."""
    assert advice(RULE | {"never_use": ["+355691234567"]}, at=MORNING).contact is Contact.NEVER


def test_a_safety_alert_closes_a_channel():
    """`never_use_channel` of an alert counts like the rule's own."""
    rule = rule_of({"safe_contact_rule": RULE}, never_use=["Chat-App: Testina"])
    assert may_contact(rule, Channel.MESSAGE, "chat app testina", EVENING).contact is Contact.NEVER


def test_who_answers_is_checked():
    """With a code word, somebody else at the telephone, or no rule, the caller makes sure first."""
    assert not advice(RULE).check_who_answers
    for rule in (RULE | {"code_word": "lemon"}, RULE | {"who_answers": "the duty educator"}, None):
        assert advice(rule).check_who_answers


def test_advice_repeats_nothing_of_the_rule():
    """It may be shown and logged where the rule may not."""
    rule = {"may_call": True, "code_word": "lemon", "who_answers": "the aunt", "never_use": ["the uncle"]}
    assert not {"lemon", "aunt", "uncle"} & set(repr(advice(rule)).replace("'", " ").split())


# --- whom not to tell ---------------------------------------------------------------------------------------------


def silent(consent=None, history=NOTHING_SAID, **facts):
    """The parties that must hear nothing."""
    usual = {"may_disclose_to_family": "full", "asylum_hold": False, "today": TODAY}
    return set(do_not_notify(consent, history, **(usual | facts)))


def agreed(purpose, **members):
    """A consent to one purpose, whatever the unit."""
    return read(RECORD | {"grants": [RECORD["grants"][0] | {"purpose": purpose}]} | members)


def test_nobody_is_told_without_a_yes():
    """No consent, one that was not informed, one that ended or was taken back: silence to all."""
    withdrawn = withdraw(agreed("consular"), {"consent_id": RECORD["consent_id"], "scope": "all"})
    for consent in (None, agreed("consular", told={"purpose": False}), withdrawn, agreed("referral")):
        assert silent(consent) == set(Party)
    assert silent(agreed("consular"), today=date(2027, 1, 1)) == set(Party)


@pytest.mark.parametrize(
    ("purpose", "party"),
    [("family_inquiry", Party.FAMILY), ("consular", Party.STATE_OF_NATIONALITY), ("law_enforcement", Party.POLICE)],
)
def test_each_yes_is_for_one_party(purpose, party):
    """Family, consulate and police are three separate ticks, and a no beats a yes."""
    assert silent(agreed(purpose)) == set(Party) - {party}
    assert silent(agreed(purpose, denials=[{"purpose": purpose}])) == set(Party)
    assert purpose in schemas.code_list("purpose")


def test_the_family_may_be_told_nothing():
    """The default of an inquiry holds whatever the consent says."""
    assert silent(agreed("family_inquiry"), may_disclose_to_family="nothing") == set(Party)
    assert Party.FAMILY not in silent(agreed("family_inquiry"), may_disclose_to_family="alive_and_safe")


@pytest.mark.parametrize("facts", [{"asylum_hold": True}, {"history": History(legal_status="protection_granted")}])
def test_asylum_closes_the_state_of_nationality(facts):
    """A yes to the consulate does not open it while asylum is sought or granted."""
    assert Party.STATE_OF_NATIONALITY in silent(agreed("consular"), **facts)
