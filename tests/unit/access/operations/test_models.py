"""gateway.access.operations.models: what is asked about people."""

from __future__ import annotations

import pytest

from gateway.access.operations.models import AddPerson
from gateway.errors import RefusedError
from gateway.operations.models import read_arguments


@pytest.mark.parametrize(
    "words",
    [[], ["adapter"], ["boss"], ["auditor", "boss"], [None], [["auditor"]], ["auditor", 1], "auditor"],
    ids=["none", "a system's", "unknown", "one of two unknown", "null", "nested", "a number", "no list"],
)
def test_words_that_are_no_roles(words: object):
    """A person has at least one role, and none of a case system."""
    with pytest.raises(RefusedError) as caught:
        read_arguments(AddPerson, {"name": "Eva M.", "roles": words})
    assert all(finding.place.startswith("/roles") for finding in caught.value.findings)
