"""What follows from the notes about a case: nothing overwrites, roles end, and who is kept out stays out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.cases.history import (
    BlockEntry,
    Entry,
    RoleEntry,
    StatusEntry,
    blocked_now,
    check_entry,
    read_decision,
    read_entry,
    roles_now,
    status_now,
    to_json,
)
from gateway.errors import Code, RefusedError

TODAY, EARLIER = "2026-11-20", "2026-10-02"
IDENTIFIED = {"decision": "identified", "decision_body": "NGO", "decided_on": EARLIER}
REFUSED = {"decision": "not_identified", "decision_body": "NGO", "decided_on": EARLIER}


def status(said: str, on: str = TODAY, *, country: str = "FR", body: str | None = "Police", at: int = 1) -> StatusEntry:
    """A status of a day."""
    return StatusEntry(status=said, country=country, body=body, on=on, message=None, at=at)


def role(said: str, on: str = TODAY, *, ended: bool = False, at: int = 1) -> RoleEntry:
    """A role that begins or has ended."""
    return RoleEntry(role=said, on=on, ended=ended, at=at)


def block(id: str, *, ended: bool = False, at: int = 1) -> BlockEntry:
    """A unit that is kept out, or is not any more."""
    return BlockEntry(who="unit", id=id, reason="a relative", ended=ended, at=at)


@pytest.mark.parametrize("entry", [status("presumed"), role("witness"), block("shelter")])
def test_an_entry_is_read_as_it_was_written(entry: Entry):
    """With every member."""
    assert read_entry(to_json(entry)) == entry


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"thb_status": "presumed", "thb_decision_body": "Police"}, ("presumed", "Police", "2026-12-01")),
        ({"thb_status": "self_reported"}, ("self_reported", None, "2026-12-01")),
        (
            {"decision": "identified", "decision_body": "NGO", "decided_on": TODAY},
            ("identified", "NGO", TODAY),
        ),
        (IDENTIFIED | {"since_then": {"event": "revoked", "event_on": TODAY}}, ("revoked", "NGO", TODAY)),
        (IDENTIFIED | {"since_then": {"event": "overturned", "event_on": TODAY}}, ("revoked", "NGO", TODAY)),
        (IDENTIFIED | {"since_then": {"event": "appealed", "event_on": TODAY}}, ("identified", "NGO", EARLIER)),
        (IDENTIFIED | {"since_then": {"event": "upheld", "event_on": TODAY}}, ("identified", "NGO", EARLIER)),
        (REFUSED | {"since_then": {"event": "overturned", "event_on": TODAY}}, None),
        ({"unknown": {"thb_status": "unknown"}}, None),
    ],
)
def test_a_message_tells_what_a_country_decided(content: dict[str, Any], told: tuple[str, str | None, str] | None):
    """A referral its status, a decision its day, or the day on which it was undone; where it is unknown, or a no was
    overturned, there is nothing to note.
    """
    found = read_decision(content, country="AL", message="m", received="2026-12-01", at=1)
    assert (found and (found.status, found.body, found.on)) == told
    assert found is None or (found.country, found.message, found.at) == ("AL", "m", 1)


def test_countries_may_differ_and_the_latest_day_counts():
    """Whenever it was noted; of one day what was noted last."""
    first, revoked, other = (
        status("presumed", "2026-11-01", at=9),
        status("revoked", at=2),
        status("identified", country="AL"),
    )
    assert status_now([revoked, first, other]) == {"FR": revoked, "AL": other}
    again = replace(revoked, status="identified", at=3)
    assert status_now([again, revoked])["FR"] == again


def test_a_person_has_several_roles_and_each_ends_by_itself():
    """In the order in which they began; one that ended can begin again."""
    noted = [role("victim", "2026-10-01"), role("accused", "2026-10-02"), role("victim", "2026-10-03", ended=True)]
    assert list(roles_now(noted)) == ["accused"]
    assert list(roles_now([*noted, role("victim", at=5)])) == ["accused", "victim"]


def test_who_is_kept_out_stays_out_until_an_entry_says_otherwise():
    """One unit does not end the block of another."""
    noted = [block("shelter", at=1), block("police", at=2), block("shelter", ended=True, at=3)]
    assert list(blocked_now(noted)) == [("unit", "police")]


@pytest.mark.parametrize(
    ("entry", "before", "code", "place"),
    [
        (status("presumed", "2026-11-21"), [], Code.INVALID, "/on"),
        (status("presumed", body=None), [], Code.INVALID, "/body"),
        (status("self_reported"), [], Code.INVALID, "/body"),
        (status("revoked"), [], Code.CONFLICT, ""),
        (status("revoked"), [status("presumed", country="AL")], Code.CONFLICT, ""),
        (status("revoked"), [status("not_identified", "2026-11-01")], Code.CONFLICT, ""),
        (role("witness", "2026-11-21"), [], Code.INVALID, "/on"),
        (role("witness"), [role("witness", "2026-11-01")], Code.CONFLICT, ""),
        (role("witness", ended=True), [role("accused")], Code.CONFLICT, ""),
        (block("shelter"), [block("shelter", at=0)], Code.CONFLICT, ""),
        (block("shelter", ended=True), [block("police")], Code.CONFLICT, ""),
    ],
)
def test_an_entry_that_can_not_be_is_refused(entry: Entry, before: list[Entry], code: Code, place: str):
    """At its place, and nothing is noted."""
    with pytest.raises(RefusedError) as caught:
        check_entry(entry, before, today=TODAY)
    assert (caught.value.code, [one.place for one in caught.value.findings]) == (code, [place] if place else [])


@pytest.mark.parametrize(
    ("entry", "before"),
    [
        (status("presumed"), [status("identified", country="AL")]),
        (status("self_reported", body=None), []),
        (status("revoked"), [status("identified", "2026-11-01")]),
        (role("witness"), [role("witness", "2026-10-01"), role("witness", "2026-11-01", ended=True)]),
        (role("witness", ended=True), [role("witness", "2026-11-01")]),
        (block("shelter"), [block("police")]),
        (block("shelter", ended=True), [block("shelter", at=0)]),
    ],
)
def test_an_entry_that_can_be_is_let_pass(entry: Entry, before: list[Entry]):
    """Whatever other countries, roles or units have."""
    check_entry(entry, before, today=TODAY)
