"""The matrix of roles has a row for each route of the local API, and its page says what it says."""

from __future__ import annotations

from support import roles_page
from support.house import ROOT

from gateway.api.app import APART
from gateway.api.routes import ROUTES
from gateway.operations.roles import ABOUT, MATRIX, NARROWED, UNIT_FREE, Role

ROUTED = {route.operation for route in ROUTES} | set(APART)


def test_every_route_has_its_row():
    """A route without a row would be closed to everybody; a row without a route says something that is not so."""
    assert ROUTED - set(MATRIX) == set()
    assert set(MATRIX) - ROUTED == set()


def test_a_unit_is_asked_about_what_there_is():
    """What a token bound to a unit may do is a part of the matrix, and nothing is both narrowed and free."""
    assert set(MATRIX) >= NARROWED | UNIT_FREE
    assert set() == NARROWED & UNIT_FREE


def test_every_role_is_told_about():
    """Each role has its line, and something that it may do."""
    assert set(ABOUT) == set(Role)
    assert all(any(role in roles for roles in MATRIX.values()) for role in Role)


def test_the_page_is_printed_from_the_matrix():
    """docs/roles.md is up to date; `./dev docs` renews it."""
    assert (ROOT / "docs" / "roles.md").read_text(encoding="utf-8") == roles_page.document()
