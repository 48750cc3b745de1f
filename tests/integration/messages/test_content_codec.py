"""A document that was stored under another version of the code lists, shown by a real node."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.nodeproc import enquiry
from support.pair import two_nodes

from gateway.database import content
from gateway.messages.content_codec import read_content
from gateway.messages.store import messages
from keys.primitives.encoding import lp_join, lp_split
from schemas.labels import load_labels, load_languages
from schemas.render import render_message

OLD, LIMIT = b"SafeHouse1998", 1_000_000
"""A code that our list does not have."""


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_code_that_the_list_does_not_have_is_marked(tmp_path: Path, direction: str) -> None:
    """In every language, beside the codes that are known; what a code would have been is never guessed."""
    async with two_nodes(tmp_path) as two:
        id = (await two.fr.call("message.submit", **enquiry("n1")))["id"]

        async def came() -> bool:
            return bool(await two.al.rows(f"select 1 from message where id = '{id}' and state = 'handed_over'"))

        await two.until(came, seconds=30)
        party = two.fr if direction == "out" else two.al
        node = party.running

        def older(connection) -> None:  # type: ignore[no-untyped-def]
            (row,) = messages.find(connection, id, direction=direction)
            facts, secret, body = lp_split(node.sealer.open(content.get(connection, [row.ref])[row.ref]), 3, LIMIT)
            assert b'"safe_accommodation"' in body
            stored = lp_join(facts, secret, body.replace(b"safe_accommodation", OLD))
            assert read_content(stored).facts.body_type == "enquiry.capacity/1"
            content.erase(connection, row.ref)
            content.put(connection, [node.sealer.seal(row.ref, stored)])

        await node.store.move(older)
        shown = await party.call("message.show", id=id)
        body = {"header": shown["header"], "content": shown["content"]}
        for lang in load_languages():
            text = render_message(shown["type"], body, load_labels(lang)).text()
            assert f"{OLD.decode()} [{load_labels(lang).language.unknown_code}]" in text
            assert text.count(f"[{load_labels(lang).language.unknown_code}]") == 1
