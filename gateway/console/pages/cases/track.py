"""The way of a message to another country as four stations, as people read it: a picture, and its last word.

The receipts of the protocol stand in the proof. Here it only matters how far the message came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.console.words import N_, Words

STATIONS = (N_("Left here"), N_("Arrived there"), N_("Taken up there"), N_("Opened by a person"))
THEIRS = (N_("Left there"), N_("Arrived here"), N_("Taken up here"), N_("Opened by a person"))
"""The same of a message of another country."""
WAITS, STOPPED, FAILED = N_("Waits to be sent"), N_("Taken back before it left"), N_("Did not arrive")
REFUSED, HELD = N_("Refused here"), N_("Not taken up here: somebody has to look")
REACHED: Mapping[str, int] = {
    "queued": 0,
    "cancelled": 0,
    "failed": 0,
    "awaiting_receipt": 1,
    "voiding": 1,
    "rejected": 1,
    "awaiting_handover": 2,
    "awaiting_opening": 3,
    "opened": 4,
}
"""How many stations a message of ours has behind it, by its state (docs/state-machines.md)."""
REACHED_HERE: Mapping[str, int] = {
    "refused": 1,
    "awaiting_order": 2,
    "awaiting_handover": 2,
    "held": 2,
    "handed_over": 3,
    "opened": 4,
}
"""The same of a message that came in."""
RECEIPTS: Mapping[str, int] = {"received": 2, "delivered": 3, "opened": 4}
"""At which station a receipt was signed."""
LEFT, STEP, WIDE = 52, 36, 212
"""Where the first station lies in the picture, how far the next is, and how wide it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A message on its way from one country to another, by their codes; `ours` began here. `at` is when it reached the
    last station.
    """

    start: str
    end: str
    ours: bool
    reached: int
    failed: bool
    said: str
    at: int | None
    mirrored: bool

    def across(self, place: float) -> float:
        """Turn the picture round: this country always stands where people begin to read."""
        return WIDE - place if self.mirrored else place

    @property
    def stations(self) -> list[tuple[float, str]]:
        """Where each station lies, and how it is drawn: reached, failed or neither."""
        looks = ["reached"] * self.reached + ["failed"] * self.failed
        return [
            (self.across(LEFT + STEP * number), looks[number] if number < len(looks) else "station")
            for number in range(len(STATIONS))
        ]


def track_of(message: Mapping[str, Any], own: str, words: Words) -> Track:
    """The track of a message of ours, from its state and its receipts."""
    said = {"cancelled": STOPPED, "failed": FAILED, "rejected": FAILED}.get(message["state"])
    return _track(message, (own, message["country"] or "–"), words, REACHED, said, STATIONS)


def track_in(message: Mapping[str, Any], other: str, own: str, words: Words) -> Track:
    """The track of a message that came in from another country."""
    said = {"refused": REFUSED, "held": HELD}.get(message["state"])
    return _track(message, (other, own), words, REACHED_HERE, said, THEIRS)


def _track(
    message: Mapping[str, Any],
    way: tuple[str, str],
    words: Words,
    stations: Mapping[str, int],
    said: str | None,
    names: tuple[str, ...],
) -> Track:
    state, ours = message["state"], names is STATIONS
    reached = stations[state]
    times = {RECEIPTS[one["status"]]: one["at"] for one in message["receipts"] if one["status"] in RECEIPTS}
    return Track(
        start=way[0],
        end=way[1],
        ours=ours,
        reached=reached,
        failed=state in ("failed", "rejected", "refused", "held"),
        said=words(said or (names[reached - 1] if reached else WAITS)),
        at=times.get(reached),
        mirrored=(words.language.direction == "rtl") is ours,
    )
