"""Everything that is shown can have a label."""

from __future__ import annotations

from schemas import load_catalogue
from schemas.describing.members import describe_members
from schemas.label_subjects import collect_subjects


def test_everything_that_is_shown_can_be_labelled() -> None:
    """Each member of each message is a name and a place that a file may have."""
    wanted = collect_subjects()
    for entry in load_catalogue().held:
        for row in describe_members(entry.schema):
            steps = [step for step in row.place.split("/")[1:] if step != "*"]
            path = ".".join(steps[1:] if steps[0] == "content" else steps)
            assert steps[-1] in wanted.fields
            assert f"{entry.body_type.rpartition('/')[0]}:{path}" in wanted.places
