"""What a feared State is told all the same: that it is told is seen, and the words stay here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.endpoints import circumstances
from support.gate_facts import LISTED

import schemas
from gateway.cases.history import EVERY
from gateway.conversations.history import NOTHING_SAID, History
from gateway.policy.feared_state import IN_CODES, TELLS, tells_feared_state, without_words, words_of

HELD = replace(
    circumstances(None),
    recipient=LISTED,  # AL
    asylum_hold=True,
    feared_states=frozenset({"AL"}),
    history=NOTHING_SAID,
)


def of_nationality(country: str) -> History:
    """A conversation that told this nationality and nothing else."""
    return replace(NOTHING_SAID, nationalities=frozenset({country}))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, True),
        ({"feared_states": frozenset()}, True),
        ({"recipient": None}, True),
        ({"feared_states": frozenset({"MA"})}, False),
        ({"feared_states": frozenset({"MA"}), "recipient": replace(LISTED, country="MA")}, True),
        ({"feared_states": frozenset(), "history": of_nationality("AL")}, True),
        ({"feared_states": frozenset(), "history": of_nationality("MA")}, False),
        ({"feared_states": frozenset({"MA"}), "history": of_nationality("AL")}, True),
        ({"asylum_hold": False}, False),
        ({"asylum_hold": False, "unanswered": frozenset({"AL"})}, True),
        ({"asylum_hold": False, "unanswered": frozenset({EVERY})}, True),
        ({"asylum_hold": False, "unanswered": frozenset({"AL"}), "recipient": None}, True),
        ({"asylum_hold": False, "unanswered": frozenset({"MA"})}, False),
        ({"feared_states": frozenset({"MA"}), "unanswered": frozenset({"XK"})}, False),
    ],
)
def test_what_tells_a_feared_state(changed, told):
    """An alert, its update and a request to erase, to a State that the hold names or while it names none, and to one
    of which a hold on a linked case asks. The State of nationality is as if it were named.
    """
    for entry in schemas.load_catalogue().types:
        found = tells_feared_state(entry.body_type, replace(HELD, **changed))
        assert found is (told and entry.body_type.removesuffix("/1") in TELLS)


def test_what_tells_a_feared_state_is_never_blocked():
    """Only types that no gate stops are here: all others do not go there at all."""
    assert all(schemas.load_catalogue().get(f"{name}/1").never_blocked for name in TELLS)


def test_words_stay_and_codes_go():
    """Each free text is replaced, codes and times are not, and the content is as valid as before."""
    content = {
        "kind": "unsafe_channel",
        "level": "immediate",
        "what_happened": "she wept",
        "never_use_channel": "the number of her aunt",
        "last_contact_at": 1_790_000_000,
    }
    places = words_of("safety.alert/1", content)
    assert places == ("/content/what_happened", "/content/never_use_channel")
    texts = {"what_happened": IN_CODES, "never_use_channel": IN_CODES}
    assert without_words(content, places) == content | texts
    assert words_of("erasure.request/1", {"scope": "conversation", "ground": "not_needed"}) == ()


@pytest.mark.parametrize("name", sorted(TELLS))
def test_free_text_stands_at_the_top_of_these_types(name):
    """What stands deeper would go in words: a new revision with such a member has to be thought of here."""
    texts = [field.path for field in schemas.list_fields(f"{name}/1") if field.text]
    assert [path for path in texts if path.startswith("/content/") and path.count("/") != 2] == []
