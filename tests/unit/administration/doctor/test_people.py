"""What trm doctor says of the people who may release."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.administration.doctor import people
from gateway.administration.doctor.folder import State


def one(role: str, *vouched: str, state: str = "active") -> dict[str, Any]:
    """Somebody, as person.list has them."""
    return {"roles": [role], "state": state, "vouched": [*vouched]}


@pytest.mark.parametrize(
    ("listed", "state", "words"),
    [
        ([], State.OK, "0 may release"),
        ([one("auditor")], State.OK, "0 may release"),
        ([one("case_worker", "Ana")], State.OK, "1 may release"),
        ([one("case_worker", "Ana"), one("focal_point", "Ben")], State.OK, "2 may release"),
        ([one("case_worker", "Ana"), one("focal_point", "Ana")], State.WARN, "no two of them count as two"),
        ([one("case_worker", "Ana"), one("focal_point")], State.WARN, "1 of 2 who may release"),
        ([one("case_worker")], State.WARN, "1 of 1 who may release"),
        ([one("case_worker", state="ended"), one("focal_point", state="asked")], State.OK, "0 may release"),
    ],
)
def test_who_counts_as_two(listed: list[dict[str, Any]], state: State, words: str):
    """Each needs an administrator, and together they need two; who has left or waits does not count."""
    check = people.vouched({"people": listed})
    assert (check.state, words in check.found, "trm person vouch" in check.fix) == (state, True, state is State.WARN)
