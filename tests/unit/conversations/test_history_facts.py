"""What is kept of a message says the same to a history as all of it, and names nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.conversations.history import _TAKES, Opened, Side, history_of
from gateway.conversations.history_facts import SHAPES, keep_facts
from gateway.conversations.person_facts import describe_person

TODAY = date(2026, 11, 30)

PERSON = {
    "age_group": "child",
    "birth_date": "2012-03-04",
    "birth_year": 2012,
    "gender": "Feminine",
    "nationalities": ["AL", "XK"],
}
NAMED = PERSON | {"family_name": "Tulipán", "phone": "+355 69 555 0142", "identity_documents": [{"number": "X-77"}]}
GRANTS = [{"purpose": "referral", "recipient_units": ["n1.x/unit"], "data_categories": ["identity"]}]
RECORD = {
    "consent_id": "c-1",
    "given_by": "person",
    "child_assent": "given",
    "taken_on": "2026-01-02",
    "grants": GRANTS,
}
RECORD |= {"told": {"purpose": True}, "form": "written", "signed_form_sha256": "00", "onward_sharing": False}
WORDS = {"free": "Tulipán", "note": {"of": "Tulipán"}}
SAID: dict[str, list[dict[str, Any]]] = {
    "referral.request": [
        {"person": NAMED, "legal_status": "reflection_period", "reflection_period_until": "2026-05-06"},
        {"child": {"guardian_unit": "n1.x/unit", "school": "Tulipán"}},
        {},
    ],
    "info.reply": [{"person_identifying": NAMED}],
    "data.correction": [
        {"path": "/content/legal_status", "new_value": "asylum_pending"},
        {"path": "/content/person/nationalities/1", "new_value": "RS"},
        {"path": "/content/person_identifying/birth_year", "new_value": 2013},
        {"path": "/content/person/gender", "new_value": "TransgenderFeminine"},
        {"path": "/content/conclusion", "new_value": None},
    ],
    "referral.withdraw": [{"reason": "asylum_claim"}],
    "return.cancel": [{"reason": "asylum_claim"}],
    "risk.assessment": [
        {"conclusion": "proceed", "part": "joint", "review_on": "2026-07-08", "measures": [{"done_on": "2026-01-01"}]},
        {"conclusion": "stop", "part": "sending", "measures": [{"what": "Tulipán"}]},
    ],
    "bid.report": [
        {"kind": "bid", "outcome": "stay", "care_place_confirmed": {"unit": "u"}, "review_on": "2026-07-08"}
    ],
    "family.report": [{"recommendation": "contact", "involvement_suspected": False}],
    "guardian.notice": [
        {"guardian_unit": "n1.x/unit", "event": "named", "from": "2026-01-01"},
        {"guardian_unit": "n1.x/unit", "event": "ended", "until": "2026-02-01"},
    ],
    "consent.record": [RECORD],
    "consent.withdrawal": [{"consent_id": "c-1", "scope": "some", "grants": [0]}],
    "return.proposal": [
        {
            "travellers": [{"age_group": "child", "name": "Tulipán"}, {"name": "Tulipán"}],
            "return_kind": "voluntary",
            "decision": {
                "remedy_exhausted": True,
                "decided_on": "2026-01-02",
                "lawyer_unit": "u",
                "refoulement_statement": "s",
            },
            "against_advice": {"warnings_told": True, "statement_sha256": "00", "signed_on": "2026-01-03"},
        }
    ],
}


def opened(kind: str, content: dict[str, Any], created: int) -> Opened:
    """A message with words around what counts."""
    header = {"case_ref_sender": "Tulipán"}
    side = Side.OURS if created % 2 else Side.THEIRS
    return Opened(
        body_type=f"{kind}/1", side=side, created=created, header=header, content=WORDS | content, id=str(created)
    )


MESSAGES = [
    opened(kind, content, place)
    for place, (kind, content) in enumerate((kind, content) for kind, contents in SAID.items() for content in contents)
]


def test_each_type_that_a_history_reads_has_its_shape():
    """Also those that say something of a consent alone."""
    assert SHAPES.keys() == SAID.keys() == {*_TAKES, "consent.withdrawal"}


@pytest.mark.parametrize("many", range(1, len(MESSAGES) + 1))
def test_the_history_is_the_same(many):
    """After each message more."""
    some = MESSAGES[:many]
    kept = [facts for message in some if (facts := keep_facts(message)) is not None]
    assert history_of(kept, whole=False) == replace(history_of(some), told=None)
    assert describe_person(kept, TODAY) == describe_person(some, TODAY)


def test_nothing_else_is_kept():
    """No name, number or word of a person; a consent is kept whole, for it is read whole."""
    for message in MESSAGES:
        if not message.body_type.startswith("consent."):
            assert "Tulipán" not in repr(keep_facts(message))
            assert "0142" not in repr(keep_facts(message))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("data.correction", {"path": "/content/person_identifying/family_name", "new_value": "Tulipán"}),
        ("info.reply", {"words": "Tulipán"}),
        ("safety.alert", {"kind": "missing_child"}),
    ],
)
def test_what_no_history_reads_is_not_kept(kind, content):
    """A correction of a name, an answer without a person, and every other type."""
    assert keep_facts(replace(opened(kind, {}, 1), content=content)) is None
