"""Consent can only shrink by denials and withdrawals, and the answer never names what was not asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.consent.rules import Consent, Denial, Grant, adds, bound, covers, withdraw

PURPOSES = st.sampled_from(["referral", "return", "monitoring"])
UNITS = st.sampled_from(["n1al/a", "n1al/b", "n1ua/a"])
CATEGORIES = st.sampled_from(["identity", "health_mental", "location", "needs"])
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))

grants = st.builds(
    Grant,
    purpose=PURPOSES,
    recipient_units=st.frozensets(UNITS, min_size=1),
    data_categories=st.frozensets(CATEGORIES, min_size=1),
    until=st.none() | DAYS,
)
denials = st.builds(Denial, purpose=st.none() | PURPOSES, unit=st.none() | UNITS, category=st.none() | CATEGORIES)
consents = st.builds(
    Consent,
    consent_id=st.just("AAAAAAAAAAAAAAAAAAAAAA"),
    grants=st.lists(grants, max_size=5).map(tuple),
    denials=st.lists(denials, max_size=2).map(tuple),
    taken_on=DAYS,
    informed=st.just(True),
    transfer_risks_told=st.booleans(),
    onward_sharing=st.booleans(),
)
questions = st.fixed_dictionaries(
    {"purpose": PURPOSES, "unit": UNITS, "categories": st.frozensets(CATEGORIES), "today": DAYS}
)
withdrawals = st.fixed_dictionaries(
    {
        "consent_id": st.just("AAAAAAAAAAAAAAAAAAAAAA"),
        "scope": st.sampled_from(["all", "grants", "grants"]),
        "grants": st.lists(st.integers(-1, 6), max_size=4) | st.none(),
    }
)


@given(consents, questions)
def test_the_answer_is_part_of_the_question(consent, question):
    """Only asked categories are named, and each category is judged by itself."""
    found = covers(consent, **question)
    assert found <= question["categories"]
    alone = {c for c in question["categories"] if covers(consent, **(question | {"categories": {c}}))}
    assert alone == found


@given(consents, questions)
def test_what_is_covered_is_granted_and_not_denied(consent, question):
    """For each covered category there is a grant that says so, and no denial that forbids it."""
    for category in question["categories"] - covers(consent, **question):
        assert any(
            g.purpose == question["purpose"]
            and question["unit"] in g.recipient_units
            and category in g.data_categories
            and (g.until is None or g.until >= question["today"])
            for g in consent.grants
        )
        assert not any(d.forbids(question["purpose"], question["unit"], category) for d in consent.denials)


@given(consents, questions, st.lists(withdrawals, max_size=4))
def test_a_withdrawal_only_takes_away(consent, question, taken_back):
    """After any withdrawals at least as much is uncovered as before; a full one leaves nothing."""
    after = consent
    for content in taken_back:
        after = withdraw(after, content)
        assert after.withdrawn_grants >= consent.withdrawn_grants
    assert covers(after, **question) >= covers(consent, **question)
    if after.fully_withdrawn:
        assert covers(after, **question) == question["categories"]
    assert not (after.fully_withdrawn and after.partly_withdrawn)
    assert after.unwithdrawn() == consent


@given(consents, st.lists(withdrawals, max_size=4), st.randoms())
def test_the_order_of_withdrawals_does_not_matter(consent, taken_back, rng):
    """Two sides that learn of withdrawals in another order hold the same consent."""
    shuffled = list(taken_back)
    rng.shuffle(shuffled)
    one, other = consent, consent
    for content in taken_back:
        one = withdraw(one, content)
    for content in shuffled:
        other = withdraw(other, content)
    assert one == other


@given(consents, questions, denials)
def test_a_denial_only_takes_away(consent, question, denial):
    """One more denial never covers more."""
    denied = replace(consent, denials=(*consent.denials, denial))
    assert covers(denied, **question) >= covers(consent, **question)


@given(consents, questions)
def test_consent_does_not_come_back_with_time(consent, question):
    """Once taken, what is not covered today is not covered tomorrow."""
    if question["today"] >= consent.taken_on:
        tomorrow = question | {"today": question["today"] + timedelta(days=1)}
        assert covers(consent, **tomorrow) >= covers(consent, **question)


@given(consents, st.lists(consents, max_size=2), questions, st.lists(withdrawals, max_size=2))
def test_other_records_only_take_away(consent, others, question, taken_back):
    """Beside other holders' records at least as much is uncovered as alone, and all that any of them denies."""
    for content in taken_back:
        others = [withdraw(other, content) for other in others]
    together = bound(consent, others)
    assert covers(together, **question) >= covers(consent, **question)
    assert not any(
        denial.forbids(question["purpose"], question["unit"], category)
        for category in question["categories"] - covers(together, **question)
        for other in others
        for denial in other.denials
    )


@given(consents, st.lists(withdrawals, max_size=4), withdrawals)
def test_a_withdrawal_that_adds_nothing_changes_nothing(consent, known, repeated):
    """What need not be kept leaves every consent as it is."""
    for content in known:
        consent = withdraw(consent, content)
    if not adds(known, repeated):
        after = withdraw(consent, repeated)
        assert (after.in_force, after.fully_withdrawn) == (consent.in_force, consent.fully_withdrawn)
