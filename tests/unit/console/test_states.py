"""Every name of the node has words for a reader."""

from __future__ import annotations

import json
import re
from pathlib import Path

from support.tables import table

import schemas
from gateway.console import states
from gateway.console.states import Says
from gateway.console.words import load_words
from gateway.conversations import safe_contact
from gateway.conversations.procedure import ProcedureStatus as StepStanding
from gateway.conversations.rules.fold import Overlay
from gateway.conversations.rules.machines import Enquiry, Kind, OpenQuestionState, Referral
from gateway.conversations.rules.situation import Outcome
from gateway.conversations.safe_contact import Channel, Contact, Party
from gateway.erasure.rules import What
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing
from gateway.operations.roles import Role
from schemas.clocks import load_clocks
from schemas.region_pack.procedures import GATES, Fact


@table(
    ("table", "names"),
    [
        (states.OUTGOING, Outgoing),
        (states.INCOMING, Incoming),
        (states.KINDS, Kind),
        (states.ENQUIRY, Enquiry),
        (states.REFERRAL, Referral),
        (states.STANDING, OpenQuestionState),
        (states.OUTCOMES, Outcome),
        (states.FACTS, Fact),
        (states.STEPS, StepStanding),
        (states.CLOCKS, load_clocks()),
        (states.GATES, GATES),
        (states.ROLES, Role),
        (states.CHANNELS, Channel),
        (states.CONTACT, Contact),
        (states.PARTIES, Party),
        (states.ASKED, What),
        (states.OF_KIND, Kind),
        (states.RECEIPTS, [entry.code for entry in schemas.code_list("receipt_status").codes]),
    ],
)
def test_a_table_has_every_name_and_no_other(table, names):
    """What the core can say, the console can say."""
    assert set(table) == {str(name) for name in names}
    assert all(table.values())


def test_overlays_are_facts():
    """What lies over a conversation has words among the facts."""
    assert {str(overlay) for overlay in Overlay} <= set(states.FACTS)


def test_reasons_of_advice_are_those_of_the_core():
    """Word for word, as they stand in its code."""
    code = Path(safe_contact.__file__).read_text("utf-8")
    advised = [json.loads(text) for text in re.findall(r'_advice\(Contact\.\w+, ("[^"]+")', code)]
    closed = [json.loads(text) for text in re.findall(r'(?:party: |FAMILY, |NATIONALITY\] = )("[^"]+")', code)]
    assert len(advised) == 7 and len(closed) == 3
    assert {*advised, *closed} == set(states.REASONS)


def test_an_unknown_name_is_marked():
    """Never left out, never guessed."""
    says = Says(load_words("en"))
    assert says.message("in", "zzz") == "zzz [no label]"
    assert says.state("other", "open") == "open [no label]"
    assert says.reason("disk") == "disk"
    assert says.reason("misdirected") != "misdirected"


def test_a_state_of_a_message_depends_on_its_direction():
    """The same name means another thing for who sent it and who got it."""
    says = Says(load_words("en"))
    assert says.message("in", "awaiting_handover") != says.message("out", "awaiting_handover")


def test_a_text_with_languages_of_its_own():
    """In that of the reader, else in English, and it says which."""
    says = Says(load_words("fr"))
    assert says.text({"en": "a", "fr": "b"}) == ("b", "fr")
    assert says.text({"en": "a"}) == ("a", "en")
