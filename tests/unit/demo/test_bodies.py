"""What people of the demonstration write matches its schema."""

from __future__ import annotations

from datetime import date

import pytest

import schemas
from gateway.demo.bodies import Writer
from gateway.demo.nodes import ROLE, UNIT

DAY = date(2026, 11, 25)
REPLY = {"id": "AAAAAAAAAAAAAAAAAAAAAA", "conversation": "BBBBBBBBBBBBBBBBBBBBBA"}
CONSENT = "CCCCCCCCCCCCCCCCCCCCCA"


@pytest.mark.parametrize("kind", ["question", "answer", "acceptance", "decline", "stopped"])
def test_what_people_write_matches_its_schema(federation, kind):
    """Each message of the story is valid, and sent between units that the nodes have."""
    writer = Writer(federation.home, DAY)
    more = (1_789_000_000,) if kind == "stopped" else (CONSENT,)
    named = {"number": "AL-CASE-55102"} if kind == "acceptance" else {}
    draft = getattr(writer, kind)(federation.host, REPLY, *more, **named)
    header = {**draft["header"], "seen": 1, "author_ref": "al-04"}
    assert schemas.validate(draft["type"], {"header": header, "content": draft["content"]}) == ()
    assert (draft["header"]["sender_unit"], draft["header"]["sender_role"]) == (UNIT, ROLE)
