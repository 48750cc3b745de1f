"""What a conversation said: one fact per message type, the later word counts, and nothing understood says nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gate_facts import DAY, ID, NOON, SIGNED, TODAY

from gateway.consent.givers import Guardianship
from gateway.consent.rules import read
from gateway.conversations.history import (
    NOTHING_SAID,
    BestInterests,
    FamilyReport,
    Guardian,
    Opened,
    Part,
    Risk,
    Side,
    history_of,
)

OURS, THEIRS = Side


def said(name, content, *, side=OURS, days=0):
    """A message of so many days after the first one."""
    return Opened(body_type=f"{name}/1", side=side, created=NOON + days * DAY, header={}, content=content)


REFERRAL = said(
    "referral.request",
    {
        "legal_status": "reflection_period",
        "reflection_period_until": "2026-08-01",
        "person": {"age_group": "presumed_child", "birth_year": 2009, "nationalities": ["AL", "XK"]},
        "child": {"guardian_unit": "aide-enfance"},
    },
)


def test_what_departed_in_one_second_counts_in_the_order_given():
    """Whatever it is called: a correction that departs together with what it corrects holds."""
    told = said("data.correction", {"path": "/content/legal_status", "new_value": "asylum_pending"})
    assert history_of([REFERRAL, told]).legal_status == "asylum_pending"
    assert history_of([told, REFERRAL]).legal_status == "reflection_period"
    risks = [said("risk.assessment", {"part": part, "conclusion": "proceed"}) for part in ("joint", "sending")]
    history = history_of(risks)
    assert [history.joint[OURS].n, history.parts[OURS, Part.SENDING].n] == [1, 2]


def test_a_conversation_that_has_not_begun():
    """Nothing was said, and whether the person is a child nobody knows."""
    assert history_of([]) == NOTHING_SAID
    assert NOTHING_SAID.child(TODAY) is None


def test_a_referral():
    """Status, end of the reflection period, age, nationalities and the guardian of the side that sent it."""
    history = history_of([REFERRAL])
    assert (history.legal_status, history.reflection_until) == ("reflection_period", date(2026, 8, 1))
    assert history.nationalities == {"AL", "XK"}
    assert (history.age_group, history.birth_year, history.birth_date) == ("presumed_child", 2009, None)
    assert history.guardians == {OURS: Guardian(unit="aide-enfance")}


def test_what_is_told_later_adds_and_replaces():
    """The second step of disclosure tells more; what it leaves out stands."""
    later = said("info.reply", {"person_identifying": {"birth_date": "2008-05-31"}}, days=2)
    history = history_of([later, REFERRAL])
    assert (history.birth_date, history.birth_year, history.nationalities) == (date(2008, 5, 31), 2009, {"AL", "XK"})


@pytest.mark.parametrize(
    ("path", "value", "fact", "expected"),
    [
        ("/content/legal_status", "asylum_pending", "legal_status", "asylum_pending"),
        ("/content/reflection_period_until", "2026-09-01", "reflection_until", date(2026, 9, 1)),
        ("/content/person/age_group", "adult", "age_group", "adult"),
        ("/content/person_identifying/birth_date", "2001-01-01", "birth_date", date(2001, 1, 1)),
        ("/content/person/birth_year", 2012, "birth_year", 2012),
        ("/content/person/birth_year", True, "birth_year", 2009),
        ("/content/person/nationalities/0", "MA", "nationalities", {"AL", "MA", "XK"}),
        ("/content/person_identifying/nationalities/-", "MA", "nationalities", {"AL", "MA", "XK"}),
        ("/header/legal_status", "asylum_pending", "legal_status", "reflection_period"),
        ("/content/summary", "asylum_pending", "legal_status", "reflection_period"),
        ("/content/legal_status", 7, "legal_status", "reflection_period"),
    ],
)
def test_a_correction(path, value, fact, expected):
    """It changes the fact it names and no other."""
    history = history_of([REFERRAL, said("data.correction", {"path": path, "new_value": value}, days=1)])
    assert getattr(history, fact) == expected


def test_a_nationality_that_nobody_told_is_not_narrowed_by_a_correction():
    """Where no nationality is known any State may be that of the person, whatever one of them turns out to be."""
    correction = said("data.correction", {"path": "/content/person/nationalities/0", "new_value": "MA"}, days=1)
    assert history_of([correction]).nationalities is None


@pytest.mark.parametrize(
    ("name", "content", "path", "value", "fact", "left"),
    [
        ("risk.assessment", {"part": "joint", "conclusion": "proceed"}, "conclusion", "do_not_return", "joint", {}),
        (
            "bid.report",
            {"kind": "bid", "outcome": "alternative_care_origin"},
            "outcome",
            "postponed",
            "best_interests",
            None,
        ),
        ("family.report", {"recommendation": "suitable"}, "recommendation", "not_suitable", "family_report", None),
        ("family.report", {"recommendation": "suitable"}, "involvement_suspected", True, "family_report", None),
        ("consent.record", {"child_assent": "given"}, "child_assent", "refused", "child_assent", "refused"),
        ("consent.record", {"child_assent": "given"}, "child_assent", None, "child_assent", None),
    ],
)
def test_a_finding_that_was_corrected_carries_nothing_any_more(name, content, path, value, fact, left):
    """No gate rests on what its own author took back: it is sent anew, and then it counts again."""
    finding = said(name, content)
    corrected = [finding, said("data.correction", {"path": f"/content/{path}", "new_value": value}, days=1)]
    assert getattr(history_of([finding]), fact) and getattr(history_of(corrected), fact) == left
    assert getattr(history_of([*corrected, said(name, content, days=2)]), fact)


@pytest.mark.parametrize("name", ["referral.withdraw", "return.cancel"])
def test_an_asylum_claim_that_stops_something(name):
    """A reason of asylum sets the hold; another reason tells nothing of status."""
    assert history_of([REFERRAL, said(name, {"reason": "asylum_claim"}, days=1)]).legal_status == "asylum_pending"
    assert history_of([REFERRAL, said(name, {"reason": "other"}, days=1)]).legal_status == "reflection_period"


@pytest.mark.parametrize(
    ("person", "child"),
    [
        ({"age_group": "adult"}, False),
        ({"age_group": "child"}, True),
        ({"age_group": "presumed_child"}, True),
        ({"birth_date": "2008-06-01"}, False),
        ({"birth_date": "2008-06-02"}, True),
        ({"birth_year": 2008}, True),
        ({"birth_year": 2007}, False),
        ({"birth_date": "2008-06-01", "age_group": "child"}, False),
        ({"birth_date": "2001-01-01", "age_group": "presumed_child"}, True),
        ({"birth_date": "2012-01-01", "age_group": "adult"}, True),
        ({"birth_year": True}, None),
        ({"birth_date": "2008-6-2"}, None),
        ({}, None),
    ],
)
def test_who_counts_as_a_child(person, child):
    """Whatever speaks for a child decides; the eighteenth birthday ends it; nothing told is no answer."""
    assert history_of([said("referral.request", {"person": person})]).child(TODAY) is child


def test_guardians_of_both_sides():
    """Each side names its own; a handover names the new one, an end leaves none."""
    messages = [
        said("guardian.notice", {"event": "appointed", "guardian_unit": "a", "from": "2026-06-02"}),
        said(
            "guardian.notice", {"event": "handover", "guardian_unit": "b", "until": "2026-07-01"}, side=THEIRS, days=1
        ),
    ]
    first, second = Guardian(unit="a", since=date(2026, 6, 2)), Guardian(unit="b", until=date(2026, 7, 1))
    assert history_of(messages).guardians == {OURS: first, THEIRS: second}
    assert [first.acts(TODAY), second.acts(TODAY), second.acts(date(2026, 7, 2))] == [False, True, False]


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ({"guardian_unit": "a"}, {}),
        ({"guardian_unit": "a", "until": "2026-06-30"}, {OURS: Guardian(unit="a", until=date(2026, 6, 30))}),
        ({"guardian_unit": "z", "until": "2026-06-30"}, {OURS: Guardian(unit="a")}),
    ],
    ids=["at once", "on a day", "another guardian"],
)
def test_the_end_of_a_guardianship(content, left):
    """It ends the guardian it names, at once or on its day, and no other."""
    named = said("guardian.notice", {"event": "appointed", "guardian_unit": "a"})
    assert history_of([named, said("guardian.notice", {"event": "ended"} | content, days=1)]).guardians == left


def _notice(event, unit, since=None, until=None, **where):
    days = {name: day for name, day in (("from", since), ("until", until)) if day is not None}
    return said("guardian.notice", {"event": event, "guardian_unit": unit} | days, **where)


APPOINTED = _notice("appointed", "a", "2026-06-02")


@pytest.mark.parametrize(
    ("messages", "began", "left"),
    [
        ([APPOINTED], ["2026-06-02"], []),
        ([_notice("appointed", "a", "2026-06-02", "2026-08-31")], ["2026-06-02"], ["2026-09-01"]),
        ([APPOINTED, _notice("ended", "a", until="2026-08-31", days=1)], ["2026-06-02"], ["2026-09-01"]),
        ([APPOINTED, _notice("ended", "a", days=1)], ["2026-06-02"], ["2026-06-02"]),
        ([_notice("ended", "a", "2026-05-01", "2026-06-09")], [], ["2026-06-10"]),
        ([APPOINTED, _notice("appointed", "b", "2026-07-01", days=1)], ["2026-06-02", "2026-07-01"], ["2026-07-01"]),
        ([APPOINTED, _notice("changed", "a", "2026-07-01", days=1)], ["2026-06-02", "2026-07-01"], ["2026-07-01"]),
        ([_notice("changed", "a", "2026-07-01")], ["2026-07-01"], ["2026-07-01"]),
        ([REFERRAL, _notice("appointed", "aide-enfance", "2026-07-01", days=1)], ["2026-07-01"], []),
        ([APPOINTED, REFERRAL], ["2026-06-02"], ["2026-06-01"]),
        (
            [_notice("appointed", "a", "2026-06-02", "2026-06-09"), _notice("appointed", "a", "2026-06-10", days=1)],
            ["2026-06-10"],
            [],
        ),
        (
            [_notice("appointed", "a", "2026-06-02", "2026-06-09"), _notice("appointed", "a", "2026-06-11", days=1)],
            ["2026-06-02", "2026-06-11"],
            ["2026-06-10"],
        ),
        (
            [_notice("appointed", "a", "2026-06-02", "2026-06-09"), _notice("appointed", "b", "2026-06-11", days=1)],
            ["2026-06-02", "2026-06-11"],
            ["2026-06-10", "2026-06-11"],
        ),
        ([APPOINTED, _notice("ended", "z", until="2026-06-09", days=1)], ["2026-06-02"], []),
        ([_notice("appointed", "b", "2026-07-01", side=THEIRS)], [], []),
    ],
    ids=[
        "appointed",
        "with an end",
        "ended on a day",
        "ended at once",
        "the end of one that nobody named",
        "another unit",
        "another person of the office",
        "instead of one that nobody named",
        "the first day of one that is known",
        "a referral that names another",
        "prolonged",
        "back after a gap",
        "another after a gap",
        "the end of another one",
        "of the other side",
    ],
)
def test_when_guardians_came_and_left(messages, began, left):
    """The first day of each, and the first day without each, on the side that tells of it."""
    found = history_of(messages).guardianship(OURS)
    assert (sorted(map(str, found.began)), sorted(map(str, found.left))) == (began, left)


MEASURES = [{"measure": "x", "done_on": "2026-06-01"}, {"measure": "y", "by": "2026-06-09"}]


def test_risk_by_part_and_side():
    """Parts and joint conclusions are kept by side, the last of each; a part is not what the other side has to say."""
    messages = [
        said("risk.assessment", {"part": "sending", "conclusion": "postpone"}),
        said("risk.assessment", {"part": "sending", "conclusion": "proceed"}, days=1),
        said("risk.assessment", {"part": "receiving", "conclusion": "proceed", "review_on": "2026-06-20"}, side=THEIRS),
        said("risk.assessment", {"part": "joint", "conclusion": "proceed", "measures": MEASURES}, side=THEIRS, days=2),
        said("risk.assessment", {"part": "joint"}, days=3),
    ]
    history = history_of(messages)
    assert history.parts == {
        (OURS, Part.SENDING): Risk(conclusion="proceed", at=NOON + DAY, review_on=None),
        (THEIRS, Part.RECEIVING): Risk(conclusion="proceed", at=NOON, review_on=date(2026, 6, 20)),
    }
    for asks, assessed in ((OURS, True), (THEIRS, False)):  # the request has its place whatever its clock said
        request = said("referral.request", {}, side=asks, days=5)
        assert history_of([*messages, request]).assessed() is assessed
    assert not history.assessed()
    joint = Risk(conclusion="proceed", at=NOON + 2 * DAY, review_on=None, measures=(date(2026, 6, 1), None))
    assert history.joint == {THEIRS: joint}
    assert history.joint[THEIRS].on == date(2026, 6, 3)


def test_best_interests_and_family():
    """A determination counts, an assessment does not; a report is read to the child's advantage."""
    report = {"recommendation": "suitable", "involvement_suspected": False}
    decided = {"kind": "bid", "outcome": "alternative_care_origin", "care_place_confirmed": {"unit": "x"}}
    history = history_of([said("bid.report", decided), said("family.report", report)])
    assert history.best_interests == BestInterests(outcome="alternative_care_origin", review_on=None, care_place=True)
    assert history.family_report == FamilyReport(recommendation="suitable", involvement_suspected=False)
    assert history_of([said("bid.report", decided | {"kind": "bia"})]).best_interests is None
    doubted = history_of([said("family.report", {"recommendation": "suitable"})]).family_report
    assert doubted is not None and doubted.involvement_suspected


def test_assent_and_travellers():
    """The assent of the last record that has one; the list of the last proposal, an age not told being a child's."""
    messages = [
        said("consent.record", SIGNED | {"child_assent": "given"}),
        said("consent.record", SIGNED | {"consent_id": "B" * 22}, days=1),
        said("return.proposal", {"travellers": [{"age_group": "adult"}, {"pseudonym": "x"}, 7]}),
    ]
    history = history_of(messages)
    assert (history.child_assent, history.travellers) == ("given", ("adult", "presumed_child", "presumed_child"))


def test_signed_requests_end_with_their_withdrawal():
    """A consent on the person's form is kept; a withdrawal counts whenever it came, also before the record."""
    record, taken = (
        said("consent.record", SIGNED),
        said("consent.withdrawal", {"consent_id": ID, "scope": "all"}, days=-1),
    )
    assert [consent.fully_withdrawn for consent in history_of([record]).signed] == [False]
    assert [consent.fully_withdrawn for consent in history_of([record, taken]).signed] == [True]
    assert history_of([record, taken]).signed_by == {ID: Side.OURS}
    theirs = replace(record, side=Side.THEIRS, created=record.created + 1)
    assert history_of([record, theirs]).signed_by == {ID: Side.THEIRS}
    unsigned = {name: value for name, value in SIGNED.items() if name != "signed_form_sha256"}
    assert history_of([said("consent.record", unsigned)]).signed == ()


NAMES = [
    "referral.request",
    "info.reply",
    "data.correction",
    "risk.assessment",
    "bid.report",
    "guardian.notice",
    "family.report",
    "consent.record",
    "consent.withdrawal",
    "return.proposal",
    "return.cancel",
]
WORDS = [
    "person",
    "path",
    "new_value",
    "part",
    "joint",
    "conclusion",
    "kind",
    "bid",
    "outcome",
    "event",
    "ended",
    "guardian_unit",
    "travellers",
    "age_group",
    "consent_id",
    "grants",
    "nationalities",
    "until",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*WORDS, "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
opened = st.builds(
    Opened,
    body_type=st.sampled_from(NAMES).map(lambda name: f"{name}/1"),
    side=st.sampled_from(Side),
    created=st.integers(0, 2**40),
    header=st.just({}),
    content=st.dictionaries(st.sampled_from(WORDS), values, max_size=6),
)


@given(st.lists(opened, max_size=8, unique_by=lambda m: m.created), st.randoms())
def test_no_content_fails_and_order_does_not_matter(messages: list[Opened], rng: random.Random):
    """Whatever the messages hold, and in whatever order they are given, the history is the same."""
    shuffled = list(messages)
    rng.shuffle(shuffled)
    assert history_of(messages) == history_of(shuffled)


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ({"birth_date": date(2009, 6, 2)}, date(2027, 6, 2)),
        ({"birth_date": date(2008, 2, 29)}, date(2026, 3, 1)),
        ({"birth_date": date(2009, 6, 2), "birth_year": 2001}, date(2027, 6, 2)),
        ({"birth_year": 2009}, date(2028, 1, 1)),
        ({"birth_date": date(2009, 6, 2), "age_group": "presumed_child"}, None),
        ({"age_group": "child"}, None),
        ({}, None),
    ],
)
def test_the_day_on_which_a_person_is_an_adult(told: dict[str, Any], day: date | None):
    """The first on which nothing says that the person is a child; the day before still does."""
    history = replace(NOTHING_SAID, **told)
    assert history.adult_on() == day
    if day is not None:
        assert [history.child(on) for on in (day - timedelta(days=1), day)] == [True, False]


def test_whose_guardians_count_for_a_signed_consent():
    """Those of the side that told of it; of both where nobody knows which did."""
    consent = read(SIGNED)
    ours, theirs = Guardianship(left=frozenset({date(2026, 5, 1)})), Guardianship(left=frozenset({date(2026, 5, 2)}))
    history = replace(NOTHING_SAID, earlier_terms={Side.OURS: ours, Side.THEIRS: theirs})
    assert history.guardianship_of(consent) == ours.joined(theirs)
    for side, found in ((Side.OURS, ours), (Side.THEIRS, theirs)):
        assert replace(history, signed_by={consent.consent_id: side}).guardianship_of(consent) == found
