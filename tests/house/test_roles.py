"""Each route of the local API has its row, and the page of roles says what the rows say."""

from __future__ import annotations

from support import roles_page
from support.house import ROOT

from gateway.api.app import APART
from gateway.api.routes import ROUTES
from gateway.node.rows import ROWS
from gateway.operations.roles import ABOUT, Role

ROUTED = {route.operation for route in ROUTES} | set(APART)


def test_every_route_has_its_row():
    """A route without a row would be closed to everybody; a row without a route says something that is not so."""
    assert ROUTED - set(ROWS) == set()
    assert set(ROWS) - ROUTED == set()


def test_every_role_is_told_about():
    """Each role has its line, and something that it may do."""
    assert set(ABOUT) == set(Role)
    assert all(any(role in row.roles for row in ROWS.values()) for role in Role)


def test_the_page_is_printed_from_the_rows():
    """docs/roles.md is up to date; `./dev docs` renews it."""
    assert (ROOT / "docs" / "roles.md").read_text(encoding="utf-8") == roles_page.document()
