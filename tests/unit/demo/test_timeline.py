"""The timeline of the demonstration: words for every state, on a terminal or without one."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from gateway.demo import timeline
from gateway.demo.chronicle import Event
from gateway.demo.timeline import Timeline, describe_event
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing


def event(**changes):
    """An event with a few members."""
    values = {"country": "FR", "seq": 1, "kind": "message", "state": "queued", "direction": "out", "peer": "AL"}
    return Event(**{**values, "id": "m", "type": "info.reply/1", **changes})


@pytest.mark.parametrize("state", Outgoing)
def test_every_state_of_an_outgoing_message_has_words(state):
    """Nothing in the timeline is the bare name of a state."""
    assert str(state) in timeline._OUT
    assert "{" not in describe_event(event(state=str(state)))


@pytest.mark.parametrize("state", Incoming)
def test_every_state_of_an_incoming_message_has_words(state):
    """The same for what arrives."""
    assert str(state) in timeline._IN
    assert "{" not in describe_event(event(state=str(state), direction="in"))


def test_where_no_terminal_is_the_timeline_has_plain_lines(federation):
    """One line for each event, with the country, and no codes that steer a terminal."""
    stream = io.StringIO()
    with Timeline(federation.countries, stream) as shown:
        shown.event(event())
        shown.act(federation.home, "al-04 releases it")
    lines = [line.split(" s  ", 1)[1].rstrip() for line in stream.getvalue().splitlines()]
    assert lines == ["FR  → info.reply: queued for AL", "AL  al-04 releases it"]


def test_events_of_a_crowd_are_told_in_one_line(federation):
    """Each kind once, with how often it came; acts are shown at once, and afterwards events one by one again."""
    stream = io.StringIO()
    with Timeline(federation.countries, stream) as shown:
        with shown.gather():
            for _ in range(3):
                shown.event(event())
            shown.event(event(state="opened"))
            shown.act(federation.host, "a worker is killed")
        shown.event(event())
    lines = [line.split(" s  ", 1)[1].rstrip() for line in stream.getvalue().splitlines()]
    assert lines == [
        "FR  a worker is killed",
        "FR  → info.reply: queued for AL (3 times)",
        "FR  ✓ info.reply: opened by a person in AL",
        "FR  → info.reply: queued for AL",
    ]


def test_with_a_record_people_are_shown_acts_and_the_record_has_everything(federation, tmp_path):
    """Events and tables go to the file alone; a screen begins with its number, and so does its part of the file."""
    stream, path = io.StringIO(), tmp_path / "story.log"
    with Timeline(federation.countries, stream) as shown:
        shown.keep_record(path)
        shown.screen("She asks for help", "With her consent.")
        shown.event(event())
        shown.act(federation.home, "al-04 releases it")
        shown.show(Table("message"))
    told, kept = stream.getvalue(), path.read_text(encoding="utf-8")
    assert "━━ 1 of 4  She asks for help ━━" in told and "━━ 1 of 4  She asks for help ━━" in kept
    assert "al-04 releases it" in told and "al-04 releases it" in kept
    assert "queued for AL" not in told and "queued for AL" in kept
    assert "message" not in told and "message" in kept


def test_a_peer_that_is_not_told_is_not_called_none():
    """An event whose peer is gone has words all the same."""
    assert "None" not in describe_event(event(peer=None, state="awaiting_opening"))
