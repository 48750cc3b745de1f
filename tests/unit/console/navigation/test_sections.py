"""Which sections stand beside the pages of somebody, by role, and which one a page belongs to."""

from __future__ import annotations

import pytest
from support.consoles import person

from gateway.console.app import SECTIONS
from gateway.console.navigation.sections import MOST, choose_rail, find_current
from gateway.node.rows import ROWS
from gateway.operations.registry import may
from gateway.operations.roles import Role

FOCAL = ["/cases", "/inbox", "/drafts", "/alerts", "/directory", "/network", "/records"]


def rail(*roles: Role) -> list[str]:
    """The addresses of what stands beside the pages of somebody with these roles."""
    caller = person(*roles).caller
    allowed = [section for section in SECTIONS if may(caller, ROWS[section.operation])]
    return [section.path for section in choose_rail(allowed, frozenset(roles))]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((Role.FOCAL_POINT,), FOCAL),
        ((Role.CASE_WORKER,), ["/cases", "/inbox", "/drafts", "/alerts", "/directory"]),
        ((Role.TRUST_ADMIN,), ["/network", "/trust", "/people", "/guidance"]),
        ((Role.OPERATOR,), ["/network", "/operations", "/operations/messages", "/guidance"]),
        ((Role.AUDITOR,), ["/histories", "/audit", "/audit/entries", "/audit/reads"]),
        ((Role.DATA_PROTECTION_OFFICER, Role.AUDITOR), None),
        ((Role.ADAPTER,), None),
    ],
)
def test_each_role_has_its_work_beside_the_page(roles, expected):
    """Seven entries at most; who has none of their own has the first of what is open to them."""
    found = rail(*roles)
    assert 0 < len(found) <= MOST
    assert expected is None or found == expected


def test_two_roles_have_the_entries_of_both_up_to_seven():
    """What exceeds them stands on the page of the menu alone."""
    assert rail(Role.CASE_WORKER, Role.TRUST_ADMIN) == ["/cases", "/inbox", "/drafts", "/alerts", "/directory", *FIRST]
    assert len(rail(*Role)) == MOST


FIRST = ["/network", "/trust"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/cases", "/cases"),
        ("/cases/AAA/erase", "/cases"),
        ("/desk/owed", "/cases"),
        ("/messages/AAA", "/inbox"),
        ("/guidance/withdrawal", "/directory"),
        ("/audit/entries", "/audit/entries"),
        ("/audit/entries/7", "/audit/entries"),
        ("/auditing", None),
        ("/menu", None),
    ],
)
def test_a_page_belongs_to_the_section_with_the_longest_address(path, expected):
    """Whole parts of an address count, no beginnings of words."""
    found = find_current(SECTIONS, path)
    assert (found and found.path) == expected
