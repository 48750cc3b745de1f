"""keys.documents.admin_card: a card proves possession of the key that it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.ceremony import CARDS
from support.nodes import edited

from gateway.errors import Code, RefusedError, RemoteError
from keys.documents.admin_card import AdminCard
from keys.offline.administrator_key import new_admin


def refused_with(*codes: Code):
    """Expect a RemoteError with one of these codes."""
    return pytest.RaisesExc(RemoteError, check=lambda error: error.code in codes)


@pytest.mark.parametrize("label", ["", "a\nb", "x" * 65, "\u202eB anA"])
def test_a_label_is_a_line_for_people(label: str):
    """No controls, nothing that turns the direction, not empty, not endless."""
    with pytest.raises(RefusedError) as caught:
        new_admin(label=label, now=1)
    assert caught.value.code is Code.INVALID


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(label="Eve"),
        lambda v: v.update(pseudonym=CARDS[1].pseudonym),
        lambda v: v.update(at=2),
        lambda v: v.update(more=1),
        lambda v: v["key"].update(mldsa65=None),
        lambda v: v["key"].update(kid=CARDS[1].key.kid),
    ],
    ids=["label", "pseudonym", "time", "more", "half a key", "kid"],
)
def test_a_card_proves_possession_of_its_key(change):
    """A card with anything changed is not signed by the key that it shows."""
    spoiled = replace(CARDS[0].document, payload=edited(CARDS[0].document.payload, change))
    with refused_with(Code.BAD_SIGNATURE, Code.MALFORMED, Code.BAD_KEY):
        AdminCard.read(spoiled)
    assert AdminCard.from_json(CARDS[0].document.to_json()) == CARDS[0]
