"""Texts of a Primero: ids that repeat themselves, values that a record can have, and consent that is never guessed."""

from __future__ import annotations

from typing import Any

from adapters.primero.texts import CONSENT, case_fields, consent_fields, fields_of, note_id, place_of, uuid_of
from gateway.ports import Delivery


def delivery(type: str = CONSENT, **content: Any) -> Delivery:
    """A message from abroad."""
    return Delivery(
        key="k",
        message_id="m",
        conversation="c",
        in_reply_to=None,
        type=type,
        sender="n1x",
        sender_name="FR",
        purpose=None,
        created=1,
        received=2,
        out_of_order=False,
        header={},
        content=content,
        record=None,
    )


def test_an_id_is_the_same_at_each_repeat() -> None:
    """Of one name, and of no other."""
    assert uuid_of("case/a") == uuid_of("case/a") != uuid_of("case/b")
    assert note_id("k") == uuid_of("note/k")


def test_a_record_has_the_values_that_a_mapping_can_read() -> None:
    """Whole numbers, lists of text, the referral and the service it is about; a fraction is a fault at its place."""
    case = {
        "id": "1",
        "age": 17.0,
        "height": 1.5,
        "big": 2**60,
        "needs": ["a", "b"],
        "files": [{"x": 1}],
        "services_section": [{"unique_id": "s", "service_type": "shelter"}, {"unique_id": "t", "service_type": "law"}],
    }
    fields, places, faults = fields_of(case, {"notes": "n", "service_record_id": "s"}, "case 7")
    assert fields == {
        "id": "1",
        "age": 17,
        "needs": "a;b",
        "referral.notes": "n",
        "referral.service_record_id": "s",
        "services_section.unique_id": "s",
        "services_section.service_type": "shelter",
    }
    assert places["age"] == "case 7, field age"
    assert [(fault.place, fault.rule) for fault in faults] == [
        ("case 7, field height", "number_not_whole"),
        ("case 7, field big", "number_too_large"),
    ]


def test_a_mapped_service_is_one_subform() -> None:
    """Under an id of the message, so that a repeat adds no second one."""
    found = case_fields({"name": "x", "services_section.service_type": "shelter"}, "k")
    assert found == {
        "name": "x",
        "services_section": [{"unique_id": uuid_of("service/k"), "service_type": "shelter"}],
    }
    assert case_fields({"name": "x"}, "k") == {"name": "x"}


def test_the_place_of_a_case_is_plain() -> None:
    """A display id that could say something is not shown."""
    assert place_of({"id": "u", "case_id_display": "AL-0017"}) == "case AL-0017"
    assert place_of({"id": "u", "case_id_display": "Ana B."}) == "case u"


def test_consent_is_what_the_record_says() -> None:
    """A denial takes back a grant of its purpose; what is no consent record says nothing."""
    granted = [{"purpose": "assistance"}]
    assert consent_fields(delivery("referral.request/1", grants=granted)) == {}
    assert consent_fields(delivery(grants=granted, denials=granted, onward_sharing=True)) == {
        "consent_for_services": False,
        "disclosure_other_orgs": True,
    }
    assert consent_fields(delivery(grants="all", onward_sharing="yes")) == {
        "consent_for_services": False,
        "disclosure_other_orgs": False,
    }
