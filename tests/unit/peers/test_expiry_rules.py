"""gateway.peers.expiry_rules: somebody is told 60, 30 and 7 days before the end, once each."""

from __future__ import annotations

from gateway.peers.expiry_rules import DAY, KINDS, STEPS, Ending, due, remembered

END = 1_900_000_000
KEY = Ending(subject="own.sig", at=END)


def told_over(endings: list[Ending], days: range) -> list[tuple[int, str]]:
    """What is told on which day before the end, when it is looked at once a day."""
    told: dict[str, int] = {}
    heard = []
    for day in days:
        new = due(endings, told, END - day * DAY)
        told = remembered(endings, told, new)
        heard += [(day, item.kind) for item in new]
    return heard


def test_once_each() -> None:
    """60, 30 and 7 days before, and never again."""
    expected = [(days, f"own.sig.ends_{days}") for days in STEPS]
    assert told_over([KEY], range(90, -3, -1)) == expected


def test_who_was_away_hears_the_last_one() -> None:
    """A node that was off for weeks tells the step that counts now, not three at once."""
    assert [item.kind for item in due([KEY], {}, END - 5 * DAY)] == ["own.sig.ends_7"]


def test_a_successor_starts_anew() -> None:
    """A later end is another one; what it replaced is forgotten."""
    told = remembered([KEY], {}, due([KEY], {}, END - 30 * DAY))
    successor = Ending(subject="own.sig", at=END + 400 * DAY)
    assert due([successor], told, END) == ()
    assert remembered([successor], told, ()) == {}


def test_peers_are_told_apart() -> None:
    """The same subject of two peers are two endings."""
    both = [Ending(subject="peer.descriptor", at=END, peer=peer) for peer in ("n1a", "n1b")]
    assert [item.ending.peer for item in due(both, {}, END - 60 * DAY)] == ["n1a", "n1b"]
    assert {item.kind for item in due(both, {}, END)} <= set(KINDS)
