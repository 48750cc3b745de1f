"""The way of a message as four stations."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.console.pages.cases.track import (
    FAILED,
    HELD,
    REACHED,
    REACHED_HERE,
    REFUSED,
    STATIONS,
    STOPPED,
    THEIRS,
    WAITS,
    track_in,
    track_of,
)
from gateway.console.words import load_words
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing

RECEIPTS = [
    {"status": status, "at": at, "code": None} for status, at in (("received", 10), ("delivered", 20), ("opened", 30))
]


def message(state: str, receipts: int = 0) -> dict[str, Any]:
    """A message of ours to Albania, with so many receipts."""
    return {"state": state, "receipts": RECEIPTS[:receipts], "country": "AL"}


@pytest.mark.parametrize(
    ("state", "receipts", "drawn", "said", "at"),
    [
        ("queued", 0, "....", WAITS, None),
        ("awaiting_receipt", 0, "x...", STATIONS[0], None),
        ("awaiting_handover", 1, "xx..", STATIONS[1], 10),
        ("awaiting_opening", 2, "xxx.", STATIONS[2], 20),
        ("opened", 3, "xxxx", STATIONS[3], 30),
        ("failed", 0, "!...", FAILED, None),
        ("rejected", 0, "x!..", FAILED, None),
        ("cancelled", 0, "....", STOPPED, None),
    ],
)
def test_it_shows_how_far_a_message_came(state: str, receipts: int, drawn: str, said: str, at: int | None) -> None:
    """With the time at which the last station was reached, and a cross where it failed."""
    track = track_of(message(state, receipts), "FR", load_words("en"))
    looks = {"reached": "x", "failed": "!", "station": "."}
    assert ("".join(looks[look] for _, look in track.stations), track.said, track.at) == (drawn, said, at)


def test_every_state_has_its_place() -> None:
    """Of a message of ours, and of one that came in."""
    assert (REACHED.keys(), REACHED_HERE.keys()) == (set(Outgoing), set(Incoming))


def test_it_is_turned_round_where_people_read_from_the_right() -> None:
    """Every place in the picture, so that the way goes where the text goes."""
    there, here = (track_of(message("opened", 3), "FR", load_words(language)) for language in ("ar", "en"))
    assert [x for x, _ in there.stations] == [212 - x for x, _ in here.stations]


@pytest.mark.parametrize(
    ("state", "receipts", "drawn", "said", "at"),
    [
        ("awaiting_order", 1, "xx..", THEIRS[1], 10),
        ("handed_over", 2, "xxx.", THEIRS[2], 20),
        ("opened", 3, "xxxx", THEIRS[3], 30),
        ("held", 1, "xx!.", HELD, 10),
        ("refused", 0, "x!..", REFUSED, None),
    ],
)
def test_what_came_in_runs_to_us(state: str, receipts: int, drawn: str, said: str, at: int | None) -> None:
    """From their side to ours, which stands where people begin to read."""
    track = track_in(message(state, receipts), "AL", "FR", load_words("en"))
    looks = {"reached": "x", "failed": "!", "station": "."}
    assert ("".join(looks[look] for _, look in track.stations), track.said, track.at) == (drawn, said, at)
    assert track.stations[0][0] > track.stations[-1][0] and (track.start, track.end) == ("AL", "FR")
