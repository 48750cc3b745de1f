"""A directory of two countries, and questions to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from support.questions import ASKED_AT, calendars, seed

from gateway.directory.rules import Question

DIRECTORY = seed()
CALENDARS = calendars()


def at(text):
    """Unix seconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def asked(text, now=ASKED_AT, directory=DIRECTORY, **chosen):
    """The answers to a question."""
    return directory.search(Question(text=text, **chosen), CALENDARS, now)[1]


def entry(of, **changed):
    """The entry of a country with its first unit changed."""
    found = next(one for one in DIRECTORY.entries if one.country == of)
    units = [{**found.content["units"][0], **changed}, *found.content["units"][1:]]
    return replace(found, content={**found.content, "units": units})
