"""gateway.delivery.outbound.lookout: which numbers of a link are looked up for what is sealed anew at its place."""

from __future__ import annotations

from support import rows

from gateway.delivery.outbound.lookout import _places


def test_the_place_of_each_and_the_one_before():
    """In the epoch of the link alone; what has no number yet has no place."""
    numbered = [rows.message(1, n=3, epoch=2), rows.message(2, n=9, epoch=1), rows.message(3)]
    assert _places(numbered, 2) == {2, 3}
    assert _places([*numbered, rows.message(4, n=4, epoch=2)], 2) == {2, 3, 4}
