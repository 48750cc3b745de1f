"""Whom to call in a country: who is on duty first, and nobody who is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.casework import ANSWERS
from support.consoles import NOW

from gateway.console.navigation.duty import Called, find_called

OFFICE = ANSWERS["directory.search"]["units"][0]
UNITS = ANSWERS["directory.list"]["units"]


@pytest.mark.parametrize(
    ("contact", "duty_phone", "phones"),
    [
        ({"duty": True, "phone": "+1"}, "+2", ["+2", "+1"]),
        ({"duty": True, "phone": "+2"}, "+2", ["+2"]),
        ({"duty": False, "phone": "+1"}, None, []),
        ({"duty": True, "phone": None}, None, []),
        (None, "+2", ["+2"]),
        (None, None, []),
    ],
)
def test_only_a_telephone_of_somebody_on_duty_is_called(contact, duty_phone, phones):
    """Each number once; an office that is closed now is none of them."""
    assert Called(offices=[OFFICE | {"contact": contact, "duty_phone": duty_phone}]).phones == phones


async def test_the_directory_is_asked_about_the_country_of_the_peer():
    """At this moment; offices of another node there are left out, and the signed contacts stand beside them."""
    asked = []

    async def ask(operation: str, arguments: Mapping[str, Any]) -> Any:
        asked.append((operation, arguments))
        return {"units": [OFFICE, OFFICE | {"peer": "AL-2"}]}

    found = await find_called(ask, UNITS, "AL", NOW, "en")
    assert asked == [("directory.search", {"country": "AL", "at": NOW, "language": "en"})]
    assert [one["peer"] for one in found.offices] == ["AL"] and found.signed == ["duty desk"]
    assert await find_called(ask, UNITS, "XX", NOW, "en") == Called(offices=[], signed=[])
