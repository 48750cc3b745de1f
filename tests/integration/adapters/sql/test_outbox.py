"""A node whose node.toml names a database: what a peer sends becomes a row, what the office marks becomes a draft."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.databases import SERVERS, office_on
from support.pair import START, Two, introduce, make_party
from support.pair import SteeredClock as Clock

from adapters.sql.bench import SAMPLE


@pytest.mark.parametrize("server", SERVERS[:1])
async def test_a_message_becomes_a_row_and_a_row_is_judged(server: str, tmp_path: Path) -> None:
    """Two real nodes and a real PostgreSQL: handed over once, receipted, and a row for an unknown node is refused."""
    office = office_on(server, tmp_path)
    clock = Clock(START)
    two = Two(await make_party(tmp_path, "FR", clock), await make_party(tmp_path, "AL", clock), clock)
    settings = two.al.folder / "node.toml"
    section = f'[adapter]\nkind = "sql"\nurl = "{office.address.url}"\nmapping = "{SAMPLE}"\npoll_seconds = 1\n'
    text, changed = re.subn(r"\[adapter\]\n(?:[^\[\n].*\n)*", lambda found: section, settings.read_text())
    assert changed == 1
    settings.write_text(text)
    two.al.own = True
    try:
        for party in two:
            await party.start()
        await introduce(*two)
        await two.until(
            lambda: all(p.peer().keyset is not None and p.agreed() for p in two), seconds=30, what="first push"
        )
        id = await two.fr.submit("by row")
        await two.until(
            lambda: bool(office.inbox("item_key", "kind = 'message'")), seconds=120, what="a row in the inbox"
        )
        (row,) = office.inbox("message_id, type, state, sender_name", "kind = 'message'")
        assert tuple(row) == (id, "enquiry.capacity/1", "new", "FR")

        async def delivered() -> bool:
            return await two.fr.state(id) == "awaiting_opening"

        await two.until(delivered, seconds=60, what="the receipt")
        office.case(1, "a row of the office")
        await two.until(lambda: bool(office.inbox("type", "kind = 'settled'")), seconds=60, what="the row is judged")
        (told,) = office.inbox("type, record, document", "kind = 'settled'")
        assert (told.type, told.record) == ("refused", "1")
        assert '"code": "not_found"' in told.document, "the node that the sample names is no peer here"
        assert "a row of the office" not in told.document
    finally:
        for party in two:
            await party.stop()
