"""What a consent covers, what denials and withdrawals take away, and how a record is read."""

from __future__ import annotations

from copy import deepcopy
from datetime import date

import pytest

from gateway.consent.rules import (
    Denial,
    Grant,
    adds,
    bound,
    covers,
    everything,
    handling_of,
    onward,
    passed_on,
    read,
    withdraw,
)
from gateway.errors import Code, RefusedError

AL, UA = "n1al/shelter", "n1ua/desk"
TODAY = date(2026, 6, 1)


def grant(purpose, units, categories, until):
    """One grant as the schema has it."""
    return {"purpose": purpose, "recipient_units": units, "data_categories": categories, "until": until}


RECORD = {
    "consent_id": "AAAAAAAAAAAAAAAAAAAAAA",
    "given_by": "person",
    "form": "written",
    "taken_on": "2026-05-20",
    "language": "sq",
    "interpreter": True,
    "grants": [
        grant("referral", [AL], ["identity", "needs"], "2026-12-31"),
        grant("referral", [AL, UA], ["exploitation"], "2026-06-30"),
        grant("return", [AL], ["location"], "2026-12-31"),
    ],
    "denials": [{"unit": UA, "data_category": "exploitation"}],
    "told": dict.fromkeys(
        ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal"), True
    ),
    "onward_sharing": False,
}


def record(**changed: object) -> dict[str, object]:
    """The good record with some members replaced."""
    return deepcopy(RECORD) | changed


def withdrawal(**changed: object) -> dict[str, object]:
    """A withdrawal of the first grant with some members replaced."""
    return {"consent_id": RECORD["consent_id"], "scope": "grants", "grants": [0], "withdrawn_on": 1} | changed


def missing(consent=None, *, purpose="referral", unit=AL, categories=("identity", "needs"), today=TODAY):
    """What is not covered of a usual question."""
    return covers(consent or read(RECORD), purpose=purpose, unit=unit, categories=categories, today=today)


def test_a_record_is_read():
    """Grants, denials and dates come out as values."""
    consent = read(RECORD)
    assert consent.grants[2] == Grant(
        purpose="return",
        recipient_units=frozenset({AL}),
        data_categories=frozenset({"location"}),
        until=date(2026, 12, 31),
    )
    assert consent.denials == (Denial(purpose=None, unit=UA, category="exploitation"),)
    whole = {"purpose": "return", "unit": UA, "data_category": "location"}
    assert read(record(denials=[whole])).denials == (Denial(purpose="return", unit=UA, category="location"),)
    assert consent.informed
    assert not consent.onward_sharing
    assert consent.units == {AL, UA}


def test_the_units_of_a_record_are_those_of_grants_and_denials():
    """A denial of one unit names it; a denial of everybody names none."""
    assert read(record(denials=[{"unit": "n1ua/police"}, {"data_category": "needs"}])).units == {AL, UA, "n1ua/police"}


def test_each_category_may_rest_on_another_grant():
    """Two grants of one purpose and unit together cover what neither covers alone."""
    assert missing(categories=("identity", "needs", "exploitation")) == frozenset()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"purpose": "return"}, {"identity", "needs"}),
        ({"unit": "n1al/other"}, {"identity", "needs"}),
        ({"categories": ("identity", "health_mental")}, {"health_mental"}),
        ({"today": date(2027, 1, 1)}, {"identity", "needs"}),
        ({"today": date(2026, 12, 31)}, set()),
        ({"today": date(2026, 5, 18)}, {"identity", "needs"}),
        ({"today": date(2026, 5, 19)}, set()),
        ({"unit": UA, "categories": ("exploitation",)}, {"exploitation"}),
        ({"categories": ()}, set()),
    ],
    ids=[
        "other purpose",
        "other unit",
        "one category too many",
        "grant over",
        "last day",
        "not yet taken",
        "taken tomorrow in local time",
        "denied",
        "nothing asked",
    ],
)
def test_what_is_not_covered_is_named(asked, expected):
    """The answer is exactly the categories that may not go."""
    assert expected == missing(**asked)


@pytest.mark.parametrize(
    "denial",
    [{"purpose": "referral"}, {"unit": AL}, {"data_category": "identity"}, {"purpose": "referral", "unit": AL}],
)
def test_a_denial_beats_the_grant(denial):
    """Whatever a denial leaves open it denies for every value."""
    assert "identity" in missing(read(record(denials=[denial])))


def test_a_denial_denies_no_more_than_it_says():
    """A denial of a category for one unit leaves the other unit its grant, one of a purpose the other purposes."""
    assert missing(unit=AL, categories=("exploitation",)) == frozenset()
    assert missing(read(record(denials=[{"purpose": "return"}]))) == frozenset()


@pytest.mark.parametrize(
    ("members", "told"),
    [({"transfer_risks_told": True}, True), ({"transfer_risks_told": False}, False), ({}, False)],
    ids=["told", "not told", "not said"],
)
def test_the_risks_of_the_transfer_were_told_only_where_the_record_says_so(members, told):
    """Consent to a transfer without a safeguard rests on it (GDPR 49(1)(a))."""
    assert read(record(**members)).transfer_risks_told is told


@pytest.mark.parametrize("told", [dict(RECORD["told"]) | {"withdrawal": False}, {}], ids=["one point less", "nothing"])
def test_a_person_who_was_not_told_everything_did_not_consent(told):
    """One of the seven points missing makes the record cover nothing."""
    assert missing(read(record(told=told))) == {"identity", "needs"}


def test_a_grant_without_end_holds():
    """A grant whose end is null does not run out."""
    grants = [dict(RECORD["grants"][0]) | {"until": None}]
    assert missing(read(record(grants=grants)), today=date(2031, 1, 1)) == frozenset()


def test_a_withdrawn_grant_covers_nothing():
    """What the withdrawn grant alone covered is gone, the rest stays."""
    consent = withdraw(read(RECORD), withdrawal(grants=[0]))
    assert consent.partly_withdrawn
    assert not consent.fully_withdrawn
    assert missing(consent, categories=("identity", "exploitation")) == {"identity"}
    assert missing(consent.unwithdrawn(), categories=("identity", "exploitation")) == frozenset()


def test_withdrawals_add_up():
    """Taking back each grant one by one takes back the consent."""
    consent = read(RECORD, [withdrawal(grants=[0]), withdrawal(grants=[2, 1])])
    assert consent.fully_withdrawn
    assert not consent.partly_withdrawn


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": "all", "grants": None},
        {"grants": [3]},
        {"grants": [0, -1]},
        {"grants": []},
        {"grants": None},
        {"grants": ["0"]},
        {"grants": [True]},
        {"scope": "some"},
    ],
    ids=["all", "no such grant", "negative", "none named", "no list", "text", "boolean", "unknown scope"],
)
def test_an_unclear_withdrawal_takes_back_everything(changed):
    """A withdrawal is never misread in favour of sharing."""
    assert withdraw(read(RECORD), withdrawal(**changed)).fully_withdrawn


def test_a_grant_named_twice_is_one_grant():
    """Repeating an index does not widen a withdrawal."""
    assert withdraw(read(RECORD), withdrawal(grants=[1, 1])).withdrawn_grants == {1}


def test_a_record_of_denials_only_can_be_withdrawn():
    """A consent without grants is fully withdrawn after a withdrawal of all, and not before."""
    consent = read(record(grants=[]))
    assert not consent.fully_withdrawn
    assert withdraw(consent, withdrawal(scope="all")).fully_withdrawn


def test_what_was_taken_back_as_a_whole_was_granted_once():
    """To tell "never granted" from "taken back", also when nothing is left."""
    consent = withdraw(read(RECORD), withdrawal(scope="all"))
    assert missing(consent) == {"identity", "needs"}
    assert consent.unwithdrawn() == read(RECORD)


def test_naming_each_grant_takes_back_these_and_no_other():
    """Another holder's record of the consent may have a grant more, which nobody took back."""
    every = read(RECORD, [withdrawal(grants=[0, 1, 2])])
    more = read(record(grants=[*RECORD["grants"], grant("monitoring", [AL], ["location"], None)]))
    assert every.fully_withdrawn
    assert missing(bound(more, [every])) == {"identity", "needs"}
    assert missing(bound(more, [every]), purpose="monitoring", categories=["location"]) == frozenset()


def test_a_withdrawal_without_an_id_is_of_the_consent_it_is_read_with():
    """A ledger knows a consent by its keyed hash alone."""
    unnamed = {name: value for name, value in withdrawal().items() if name != "consent_id"}
    assert withdraw(read(RECORD), unnamed) == withdraw(read(RECORD), withdrawal())


def test_the_withdrawal_of_another_consent_is_our_bug():
    """The caller looks consents up by id."""
    with pytest.raises(RuntimeError, match="another consent"):
        withdraw(read(RECORD), withdrawal(consent_id="BBBBBBBBBBBBBBBBBBBBBB"))


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"consent_id": ""}, "consent_id"),
        ({"taken_on": "20.05.2026"}, "taken_on"),
        ({"taken_on": "2026-02-30"}, "taken_on"),
        ({"taken_on": "20260520"}, "taken_on"),
        ({"grants": None}, "grants"),
        ({"grants": ["referral"]}, "grants"),
        ({"grants": [dict(RECORD["grants"][0]) | {"purpose": None}]}, "purpose"),
        ({"grants": [dict(RECORD["grants"][0]) | {"recipient_units": AL}]}, "recipient_units"),
        ({"grants": [dict(RECORD["grants"][0]) | {"data_categories": [1]}]}, "data_categories"),
        ({"grants": [dict(RECORD["grants"][0]) | {"until": "soon"}]}, "until"),
        ({"denials": [{}]}, "denials"),
        ({"denials": [{"category": "identity"}]}, "denials"),
        ({"told": None}, "told"),
    ],
)
def test_a_record_that_is_not_the_schema_is_refused(changed, member):
    """Each fault is refused with the schema code and names its member, not its value."""
    with pytest.raises(RefusedError, match=f"the member {member} of a consent record") as caught:
        read(record(**changed))
    assert caught.value.code is Code.SCHEMA


def test_a_denial_in_another_record_binds():
    """What one holder's record denies is denied, also where the record looked at first grants it."""
    other = read(record(denials=[{"data_category": "needs"}]))
    assert missing(bound(read(RECORD), [other])) == {"needs"}
    assert missing(bound(other, [read(RECORD)])) == {"needs"}


def test_another_record_grants_nothing():
    """A yes of another holder's record is not taken for one of the record looked at first."""
    narrow = read(record(grants=RECORD["grants"][2:]))
    assert missing(bound(narrow, [read(RECORD)])) == {"identity", "needs"}


def test_a_withdrawal_in_another_record_binds_by_what_it_says():
    """A place means another grant where the records differ: both the grant here and the grant there are gone."""
    turned = read(record(grants=RECORD["grants"][::-1]), [withdrawal()])
    consent = bound(read(RECORD, [withdrawal()]), [turned])
    assert missing(consent) == {"identity", "needs"}
    assert missing(consent, purpose="return", categories=["location"]) == {"location"}
    assert consent.partly_withdrawn
    assert missing(consent.unwithdrawn(), purpose="return", categories=["location"]) == frozenset()


def test_the_same_record_twice_loses_nothing_more():
    """Where both holders have the same grants, what another grant still allows stays allowed."""
    twice = record(grants=[RECORD["grants"][0], RECORD["grants"][0]])
    consent = read(twice, [withdrawal()])
    assert bound(consent, [consent]).taken_back == ()
    assert missing(bound(consent, [consent])) == frozenset()


def test_a_whole_withdrawal_in_another_record_binds():
    """A consent that was taken back as a whole in any record is taken back."""
    assert bound(read(RECORD), [read(RECORD, [withdrawal(scope="all")])]).fully_withdrawn


@pytest.mark.parametrize(
    ("known", "changed", "expected"),
    [
        ([], {}, True),
        ([{}], {"withdrawn_on": 2}, False),
        ([{"grants": [0, 2]}], {}, False),
        ([{"grants": [1]}, {"grants": [0]}], {"grants": [0, 1]}, False),
        ([{}], {"grants": [0, 1]}, True),
        ([{}], {"scope": "all"}, True),
        ([{"scope": "all"}], {}, False),
        ([{"grants": [29]}], {"scope": "all"}, True),
        ([{"scope": "all"}], {"scope": "all", "erase_wanted": True}, True),
        ([{"erase_wanted": True}], {"erase_wanted": True}, False),
    ],
)
def test_a_repeated_withdrawal_adds_nothing(known, changed, expected):
    """Only what takes back more, or asks to erase for the first time, is worth keeping."""
    assert adds([withdrawal(**item) for item in known], withdrawal(**changed)) is expected


def test_everything_is_taken_back_without_a_record():
    """A withdrawal of the whole consent says so by itself; one of some grants needs the record."""
    assert everything([withdrawal(), withdrawal(scope="all")])
    assert not everything([withdrawal()])


# --- the person's own word, and onward sharing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "signed"),
    [
        ({"given_by": "person", "form": "written"}, True),
        ({"given_by": "person_and_guardian", "form": "mark"}, True),
        ({"given_by": "legal_representative", "form": "electronic"}, True),
        ({"given_by": "guardian", "form": "written"}, False),
        ({"given_by": "person", "form": "oral_witnessed"}, False),
        ({"given_by": "person", "form": "written", "signed_form_sha256": None}, False),
        ({"given_by": "person"}, False),
        ({"given_by": "parent", "form": "written"}, False),
        ({"given_by": "child_authority_interim", "form": "written"}, False),
    ],
)
def test_a_signed_form_of_the_person(members, signed):
    """A form with a hash, by the person or who stands for an adult; a guardian's word alone is not the person's."""
    content = {
        "consent_id": "A" * 22,
        "taken_on": "2026-05-20",
        "grants": [],
        "told": {"purpose": True},
        "signed_form_sha256": "0" * 64,
    }
    assert read(content | members).signed is signed


@pytest.mark.parametrize(
    ("recorders", "expected"),
    [(["n1a"], True), (["n1b"], False), (["n1c"], False), (["n1a", "n1b"], False), ([], False)],
)
def test_when_it_is_passed_on(recorders, expected):
    """From b to c on what only a recorded; not where b or c recorded it too, nor where nobody did."""
    assert passed_on(recorders, "n1b", "n1c/desk") is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({}, ("none", frozenset())),
        ({"handling": 7}, ("none", frozenset())),
        (
            {"handling": {"onward_sharing": "named_units", "onward_units": ["n1c/desk", 7]}},
            ("named_units", frozenset({"n1c/desk"})),
        ),
    ],
)
def test_what_a_header_says_of_passing_on(header, expected):
    """Whatever can not be read lets nothing go on."""
    said = handling_of(header)
    assert (said.onward_sharing, said.onward_units) == expected
    assert said.lets("n1c/desk") is bool(expected[1])
    assert not said.lets("n1d/desk")


LETS_AL = handling_of({"handling": {"onward_sharing": "named_units", "onward_units": [AL]}})


@pytest.mark.parametrize(
    ("agreed", "handling", "asked", "expected"),
    [
        (True, [LETS_AL], {}, set()),
        (True, [], {}, set()),
        (False, [LETS_AL], {}, {"identity", "needs"}),
        (True, [LETS_AL, handling_of({})], {}, {"identity", "needs"}),
        (True, [LETS_AL], {"unit": UA}, {"identity", "needs"}),
        (True, [], {"unit": "n1al/other"}, {"identity", "needs"}),
        (True, [LETS_AL], {"purpose": "return"}, {"identity", "needs"}),
        (True, [LETS_AL], {"categories": ("identity", "location")}, {"location"}),
        (True, [LETS_AL], {"today": date(2027, 1, 1)}, {"identity", "needs"}),
    ],
    ids=[
        "all say yes",
        "no data came under it",
        "the person does not",
        "one sender does not",
        "no sender names the unit",
        "no grant names the unit",
        "no grant names the purpose",
        "one category too many",
        "grant over",
    ],
)
def test_three_must_agree_to_passing_on(agreed, handling, asked, expected):
    """The person, a grant for the unit with purpose and category, and each sender of the data (domain 7.12)."""
    question = {"purpose": "referral", "unit": AL, "categories": ("identity", "needs"), "today": TODAY} | asked
    assert onward(read(record(onward_sharing=agreed)), handling, **question) == expected


def test_one_record_that_forbids_onward_sharing_binds_the_others():
    """Of several records of one consent each no counts."""
    agreed, not_agreed = read(record(onward_sharing=True)), read(RECORD)
    assert bound(agreed, [agreed]).onward_sharing
    assert not bound(agreed, [not_agreed]).onward_sharing
