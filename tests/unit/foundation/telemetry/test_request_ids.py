"""Ids of requests: random ones are taken as they are, anything that could say something is not."""

from __future__ import annotations

import pytest

from gateway.foundation.telemetry import request_ids
from gateway.foundation.telemetry.request_ids import (
    RequestId,
    RequestTrail,
    add_request_id,
    bind_request_id,
    current_request_id,
    make_request_id,
    read_request_id,
    request_scope,
    write_header,
)

GOOD = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def test_an_id_comes_through_a_header_as_it_is():
    """What this node writes, this node reads, with a new span each time and flags that say that it is random."""
    assert read_request_id([f"00-{GOOD}-{SPAN}-01"]) == GOOD
    made = [id for _ in range(500) if read_request_id([write_header(id := make_request_id())])]
    assert len(made) >= 499  # one in thirty thousand looks as if somebody had written it
    for id in made:
        header = write_header(id)
        assert read_request_id([header]) == id
        assert header.endswith("-02")


@pytest.mark.parametrize(
    "given",
    [
        [],
        [""],
        [GOOD],
        [f"00-{GOOD}-{SPAN}-01", f"00-{GOOD}-{SPAN}-01"],
        [f"00-{GOOD.upper()}-{SPAN}-01"],
        [f"01-{GOOD}-{SPAN}-01"],
        [f"00-{GOOD}-{SPAN}-01-x"],
        [f"00-{GOOD}-{SPAN}-01\n"],
        [f"00-{GOOD}-{'0' * 16}-01"],
        [f"00-{'0' * 32}-{SPAN}-01"],
        [f"00-{'19870203':0>32}-{SPAN}-01"],
        [f"00-{'cafe19870203':0>32}-{SPAN}-01"],
        [f"00-{'12345678901234567890123456789012'}-{SPAN}-01"],
        [f"00-Ana Doe, born 1987-{SPAN}-01"],
    ],
)
def test_what_could_say_something_is_no_id(given: list[str]):
    """Dates, numbers of cases and names; two fields; another form."""
    assert read_request_id(given) is None


def test_a_scope_ends_what_was_bound_in_it():
    """One request of a connection does not name the next one; a line that names its own keeps it."""
    assert current_request_id() is None
    with request_scope():
        bind_request_id(RequestId(GOOD))
        assert current_request_id() == GOOD
        assert add_request_id(None, "", {"event": "x"}) == {"event": "x", "trace": GOOD}
        assert add_request_id(None, "", {"trace": "other"}) == {"trace": "other"}
    assert current_request_id() is None
    assert add_request_id(None, "", {"event": "x"}) == {"event": "x"}


def test_one_request_with_messages_of_two_callers_has_an_id_of_its_own():
    """Those of one caller have the caller's; so has none whose request is not known any more."""
    trail = RequestTrail()
    one, two = make_request_id(), make_request_id()
    for ref, id in ((1, one), (2, one), (3, two), (4, None)):
        trail.note(ref, id)
    assert trail.join([1, 2]) == one
    assert trail.join([3]) == two
    for refs in ([1, 3], [1, 4], [4], []):
        assert trail.join(refs) not in (one, two)
    assert (trail.find(3), trail.find(4)) == (two, None)


def test_the_trail_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch):
    """It has an end, however long a node runs."""
    monkeypatch.setattr(request_ids, "MOST", 3)
    trail = RequestTrail()
    for ref in range(5):
        trail.note(ref, RequestId(f"{ref}"))
    assert [trail.find(ref) for ref in range(5)] == [None, None, "2", "3", "4"]
