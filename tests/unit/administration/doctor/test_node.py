"""What `trm doctor` says of the node's own documents."""

from __future__ import annotations

from support.exhibits import A
from support.first_form import first_descriptor, second_version

from gateway.administration.doctor.folder import State
from gateway.administration.doctor.node import signed_form


def test_roots_that_have_not_met_since_the_first_release() -> None:
    """A descriptor of the first form is told until the roots have signed one of the second; a new node is not."""
    due = signed_form(first_descriptor(A))
    assert (due.state, due.name) == (State.RED, "signed form")
    assert "trm keys rotate log" in due.fix
    for newest in (second_version(A)[-1], A.first()):
        assert signed_form(newest).state is State.OK
