"""Whom a person fears by what messages told: of which messages it is read, and several conversations together."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cases.history import EVERY
from gateway.policy.told_asylum import MAY_TELL, Fear, join_fears, may_tell, name_states


def fear(*states: str, but: str = "", since: int = 5) -> Fear:
    """What one conversation tells."""
    return Fear(states=frozenset(states), since=since, but=frozenset(but.split()))


@pytest.mark.parametrize(
    ("body_type", "content", "tells"),
    [
        ("referral.request/1", {"legal_status": "asylum_pending"}, True),
        ("referral.request/1", {"legal_status": "irregular", "person": {"nationalities": ["AL"]}}, False),
        ("referral.withdraw/1", {"reason": "asylum_claim"}, True),
        ("return.cancel/1", {"reason": "asylum_claim"}, True),
        ("return.cancel/1", {"reason": "person_ill"}, False),
        ("info.reply/1", {"person_identifying": {"nationalities": ["AL"]}}, True),
        ("info.reply/1", {"person_identifying": {"birth_year": 1998}}, False),
        ("data.correction/1", {"path": "/content/legal_status", "new_value": "regular"}, True),
    ],
)
def test_which_messages_change_what_is_told(body_type: str, content: dict[str, Any], tells: bool):
    """Those that name a status that protects, or other nationalities; a correction may end it too."""
    assert may_tell(body_type, content) is tells
    assert body_type.removesuffix("/1") in MAY_TELL


def test_of_several_conversations_all_states_are_feared():
    """Known since the first of them; one of which two people answered everything is left out."""
    assert join_fears([fear("AL", since=7), fear("XK", "AL", since=9), fear(since=1)]) == fear("AL", "XK", since=7)
    assert join_fears([fear(since=1)]) is join_fears([]) is None


def test_who_alone_told_is_left_out_of_every_state():
    """Unless another conversation says nothing of the kind: somebody else told it, or a person placed a hold."""
    assert join_fears([fear(EVERY, but="PL"), fear("AL")]) == fear(EVERY, "AL", but="PL")
    for other in (fear(EVERY, but="GR"), fear(EVERY), fear("PL")):
        joined = join_fears([fear(EVERY, but="PL"), other])
        assert joined is not None and joined.but == frozenset()


def test_where_no_state_is_named_every_one_is_feared():
    """Two codes name none, and stay beside one that does."""
    assert name_states(frozenset()) == name_states(frozenset({"EH"})) == {EVERY}
    assert name_states(frozenset({"EH", "MA"})) == {"EH", "MA"}
