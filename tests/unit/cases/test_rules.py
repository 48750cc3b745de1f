"""Of which case something is, and what a card says: values in, values out."""

from __future__ import annotations

import pytest
from support.tables import table

from gateway.cases.rules import (
    Card,
    ConsentCase,
    Signs,
    case_of_consent,
    consent_case,
    find_case,
    group_by_number,
    hand_over,
    read_card,
)
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId, UnitId

ONE, OTHER = CaseId("one"), CaseId("other")
LINKS = {b"talk": ONE, b"number": ONE, b"their talk": OTHER, b"their number": OTHER, b"record": ONE}


@table(
    "signs, case",
    [
        (Signs(), None),
        (Signs(conversation=b"new"), None),
        (Signs(conversation=b"talk"), ONE),
        (Signs(named=OTHER), OTHER),
        (Signs(number=b"number", conversation=b"new"), ONE),
        (Signs(record=b"record", number=b"new number"), ONE),
        (Signs(named=ONE, conversation=b"talk", number=b"number", record=b"record"), ONE),
    ],
)
def test_a_request_is_of_the_case_that_its_signs_name(signs: Signs, case: CaseId | None):
    """Its conversation, the case it names, its record or its number; nothing said is no case."""
    assert find_case(signs, LINKS) == case


@table(
    "signs, place",
    [
        (Signs(conversation=b"talk", named=OTHER), "/case"),
        (Signs(conversation=b"talk", number=b"their number"), "/header/case_ref_sender"),
        (Signs(named=ONE, number=b"their number"), "/header/case_ref_sender"),
        (Signs(record=b"record", number=b"their number"), "/header/case_ref_sender"),
    ],
)
def test_two_cases_are_never_mixed(signs: Signs, place: str):
    """What names two cases is refused at the place of the second."""
    with pytest.raises(RefusedError) as caught:
        find_case(signs, LINKS)
    assert (caught.value.code, [found.place for found in caught.value.findings]) == (Code.CONFLICT, [place])


@table(
    "of_consent, of_message, held, vouched, found",
    [
        (ONE, ONE, True, False, ConsentCase.SAME),
        (ONE, OTHER, True, False, ConsentCase.OTHER),
        (ONE, None, True, False, ConsentCase.OTHER),
        (None, ONE, True, False, ConsentCase.NONE),
        (None, None, True, False, ConsentCase.NONE),
        (None, ONE, False, False, ConsentCase.SAME),
        (ONE, OTHER, True, True, ConsentCase.SAME),
    ],
)
def test_a_consent_is_of_one_case(
    of_consent: CaseId | None, of_message: CaseId | None, held: bool, vouched: bool, found: ConsentCase
):
    """A message relies on the consent of its own case only; one of none waits for people; a peer's word counts."""
    assert consent_case(of_consent=of_consent, of_message=of_message, held=held, vouched=vouched) is found


def test_a_handed_over_case_is_with_the_new_unit_alone():
    """The unit before keeps its line with its end, and has no access."""
    card = hand_over(Card(label="Blue 7"), unit=UnitId("focal-point"), worker=None, reason="first", now=10)
    card = hand_over(card, unit=UnitId("shelter"), worker="w-2", reason="moved", now=20)
    assert card.units == {"shelter"}
    assert [(one.unit, one.since, one.until) for one in card.keepers] == [
        ("focal-point", 10, 20),
        ("shelter", 20, None),
    ]
    assert (Card().units, read_card(card.to_json())) == (None, Card(label="Blue 7", keepers=card.keepers, group={}))


def test_conversations_with_one_number_are_one_case():
    """Those that share a number are together, one without is alone, and a known number names its case."""
    found = group_by_number(
        [(b"a", frozenset({b"1"})), (b"b", frozenset()), (b"c", frozenset({b"1"})), (b"d", frozenset({b"2"}))],
        {b"2": OTHER},
    )
    assert found == [
        (None, [b"a", b"c"], frozenset({b"1"})),
        (None, [b"b"], frozenset()),
        (OTHER, [b"d"], frozenset({b"2"})),
    ]


@table("relying, case", [([], None), ([ONE], ONE), ([ONE, ONE], ONE), ([ONE, OTHER], None)])
def test_a_consent_of_before_is_of_the_case_that_relies_on_it(relying: list[CaseId], case: CaseId | None):
    """One case and no other; two, or none, leave it to people."""
    assert case_of_consent(relying) == case
