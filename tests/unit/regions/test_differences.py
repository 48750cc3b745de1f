"""What another edition of a pack changes, in sentences: before anybody is surprised by it."""

from __future__ import annotations

import json
from typing import Any

from gateway.regions.differences import describe_changes
from gateway.regions.draft import Wanted, begin_pack
from gateway.regions.files import PackFiles

BEFORE = begin_pack("sahel", [Wanted(code="IT")], [Wanted(code="ML")], ["fr"])


def after(**changed: bytes | None) -> PackFiles:
    """The pack with some files changed; underscores stand for slashes, and None takes one away."""
    files = {**BEFORE.files, **{path.replace("__", "/"): data for path, data in changed.items()}}
    return PackFiles(name="sahel", files={path: data for path, data in files.items() if data is not None})


def edited(path: str, **members: Any) -> bytes:
    """A JSON file of the pack with other members."""
    return json.dumps(json.loads(BEFORE.files[path]) | members).encode()


def test_the_same_pack_changes_nothing() -> None:
    """Nor does its README."""
    assert describe_changes(BEFORE, BEFORE) == ()
    assert describe_changes(BEFORE, after(**{"README.md": b"# other"})) == ()


def test_each_kind_of_file_says_what_it_means_for_open_conversations() -> None:
    """Deadlines are counted anew; no state and no policy changes by a pack."""
    found = describe_changes(
        BEFORE,
        after(
            **{
                "calendars__IT.json": edited("calendars/IT.json", note="Another note."),
                "procedures__return.json": edited("procedures/return.json", source="Another source"),
                "policies__two-step.json": BEFORE.files["policies/two-step.json"].replace(
                    b'"version": 1', b'"version": 2'
                ),
                "statistics.json": edited("statistics.json", version=2),
                "national__ML.json": edited("national/ML.json", facts=[]),
                "words__fr.json": None,
            }
        ),
    )
    assert found == (
        "calendar of IT: deadlines in working days are counted anew, also of open conversations",
        "facts of ML: shown from the next start on",
        "policy two-step: nothing before two administrators adopt it (trm policy adopt)",
        "stage return: its steps are shown so for open conversations too; no state of theirs changes",
        "published tables: from the next release on; what was released stays",
        "guidance and words: shown from the next start on",
    )


def test_countries_come_and_go() -> None:
    """Both are said by their codes."""
    other = begin_pack("sahel", [Wanted(code="IT")], [Wanted(code="NE")], ["fr"])
    assert describe_changes(BEFORE, other)[:2] == ("country NE comes", "country ML goes")
