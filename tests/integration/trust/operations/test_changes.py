"""What is shown of the administrators of a node."""

from __future__ import annotations

from pathlib import Path

from support.ceremony import ADMINS
from support.pair import two_nodes


async def test_who_the_administrators_are(tmp_path: Path) -> None:
    """Each with the key that they sign by, and that it is in a file; nobody is offered, and nothing is pending."""
    async with two_nodes(tmp_path) as two:
        listed = await two.fr.call("admin.list")
    cards = [admin.card for admin in ADMINS]
    admins = [
        {"pseudonym": card.pseudonym, "label": card.label, "kid": card.kid, "at": card.at, "kind": "file"}
        for card in cards
    ]
    assert listed == {"admins": admins, "offered": [], "pending": []}
