"""The questions that people ask, and the directory and the guidance in which they are asked."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from gateway.directory.entries import Entry
from gateway.directory.rules import Directory
from gateway.guidance.lookup import Library, Origin
from schemas.guidance import load_general_texts
from schemas.region_pack.calendars import Calendar
from schemas.region_pack.regions import load_region

QUESTIONS: dict[str, Any] = json.loads((Path(__file__).parent / "questions.json").read_text())
REGION = "tact"


def seconds(text: str) -> int:
    """Unix seconds of a time as the file writes it."""
    return int(datetime.fromisoformat(text).timestamp())


ASKED_AT = seconds(QUESTIONS["asked_at"])


def seed() -> Directory:
    """The directory of the file: each country has said it about itself."""
    return Directory(
        Entry(
            node=item["country"].lower(),
            country=item["country"],
            peer=item["country"],
            state="active",
            made=seconds(item["created"]),
            content=item["content"],
        )
        for item in QUESTIONS["directory"]
    )


def calendars() -> dict[str, Calendar]:
    """The calendar of each country."""
    return {item["country"]: load_region(REGION).calendar(item["country"]) for item in QUESTIONS["directory"]}


@cache
def library() -> Library:
    """The texts of the package and of its region."""
    return Library({Origin.GENERAL: load_general_texts(), Origin.REGION: load_region(REGION).guidance})
