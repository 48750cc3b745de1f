"""What follows from each legal status."""

from __future__ import annotations

from schemas.codelists import code_list
from schemas.law.legal_status import is_protected, is_returnable, is_transferable, load_legal_statuses


def test_finding_a9_each_code_of_the_list_says_what_it_does():
    """None is forgotten, and none is made up; each has its reason and its source."""
    found = load_legal_statuses()
    assert set(found) == {entry.code for entry in code_list("legal_status").codes}
    assert all(one.why and one.source for one in found.values())


def test_nobody_who_is_protected_is_returned():
    """A status that protects from a State lets no decision be carried out, and what is not known opens nothing."""
    for code, one in load_legal_statuses().items():
        assert not (one.protected and one.returnable), code
    for code in (None, "", "unknown", "no_such_code"):
        assert not (is_protected(code) or is_returnable(code) or is_transferable(code))
