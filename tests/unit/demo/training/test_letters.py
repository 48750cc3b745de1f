"""What the training messages say matches its schema."""

from __future__ import annotations

from datetime import date

import pytest

import schemas
from gateway.demo.bodies import Writer
from gateway.demo.training import letters
from gateway.demo.training.personas import draw_personas

DAY = date(2026, 11, 25)
REPLY = {"id": "AAAAAAAAAAAAAAAAAAAAAA", "conversation": "BBBBBBBBBBBBBBBBBBBBBA"}
CONSENT = "CCCCCCCCCCCCCCCCCCCCCA"
PERSONA = next(draw_personas())
SAID = {
    "refer home": letters.write_referral(PERSONA, "AL", returns=True),
    "refer here": letters.write_referral(PERSONA, "AL", returns=False),
    "question": letters.write_question("needs", "What is needed?", blocks=True),
    "papers": letters.write_papers(),
    "accept": letters.write_acceptance("AL-10", "al-02"),
    "decline": letters.write_decline("2026-12-25"),
    "plan": letters.write_plan("2026-11-25", "2027-02-25"),
    "alert": letters.write_alert(1_789_000_000),
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_people_write_matches_its_schema(federation, said):
    """Each message of a training is valid."""
    draft = Writer(federation.home, DAY).said(said, federation.host, REPLY, CONSENT)
    header = {**draft["header"], "seen": 1, "author_ref": "al-02"}
    assert schemas.validate(said.type, {"header": header, "content": said.content}) == ()


def test_an_offer_matches_its_schema(federation):
    """It names nobody, as an enquiry does."""
    offer = letters.write_offer("2026-12-25")
    header = Writer(federation.home, DAY).enquiry(federation.host)["header"]
    header = {**header, "seen": 1, "author_ref": "al-02"}
    assert schemas.validate(offer.type, {"header": header, "content": offer.content}) == ()


def test_nobody_in_a_training_could_be_a_person():
    """No message names somebody, or says when they were born."""
    for said in SAID.values():
        person = said.content.get("person", {})
        assert not {"name_given", "name_family", "birth_date", "birth_year", "identity_documents"} & set(person)
