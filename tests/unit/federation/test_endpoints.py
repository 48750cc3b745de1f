"""Endpoints: one for each request line that a node takes, and none for any other."""

from __future__ import annotations

import pytest

from gateway.federation import endpoints
from gateway.federation.endpoints import ENDPOINTS, Segment, find_endpoint

ID = "A" * 22


def test_every_endpoint_is_found_by_its_line() -> None:
    """No two have one method and path."""
    fixed = [row for row in ENDPOINTS if "{" not in row.path]
    assert [find_endpoint(row.method, row.path) for row in fixed] == [(row, None) for row in fixed]
    assert len({(row.method, row.path) for row in ENDPOINTS}) == len(ENDPOINTS)


def test_a_segment_is_named_by_its_path() -> None:
    """A part is asked for as a whole and handed over by segment."""
    for row, segment in (
        (endpoints.PUT_PART, Segment(ID, 0, 0)),
        (endpoints.PUT_PART, Segment(ID, 99, 999_999_999)),
        (endpoints.GET_PART, Segment(ID, 3, None)),
    ):
        assert find_endpoint(row.method, segment.path) == (row, segment)


@pytest.mark.parametrize(
    "line",
    [
        ("PUT", "/v1/messages"),
        ("GET", "/v1/messages/"),
        ("GET", "/V1/link"),
        ("PUT", endpoints.PUT_PART.path),
        ("PUT", f"/v1/messages/{ID}/parts/0"),
        ("GET", f"/v1/messages/{ID}/parts/0/0"),
        ("PUT", f"/v1/messages/{ID}/parts/00/0"),
        ("PUT", f"/v1/messages/{ID}/parts/100/0"),
        ("PUT", f"/v1/messages/{ID[:-1]}B/parts/0/0"),
        ("PUT", f"/v1/messages/{ID}/parts/0/0\n"),
    ],
    ids=repr,
)
def test_any_other_line_has_no_endpoint(line: tuple[str, str]) -> None:
    """One fault each: method, case, placeholders, numbers in another spelling, an id that is none."""
    assert find_endpoint(*line) is None
