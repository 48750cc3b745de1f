"""gateway.audit.witness_rules: what a witness answers, and when a log is witnessed (nrm1 11.3; threat 49)."""

from __future__ import annotations

import pytest

from gateway.audit.witness_rules import Answer, Head, judge, quorum

HELD = Head(size=5, root=b"five")


def extends() -> bool:
    """The proof holds."""
    return True


def differs() -> bool:
    """The proof does not hold."""
    return False


def never() -> bool:
    """Fails the test when it is called."""
    raise AssertionError("the proof must not be looked at")


@pytest.mark.parametrize(
    ("held", "old", "new", "proof", "answer"),
    [
        (None, 0, Head(size=3, root=b"three"), extends, Answer.COSIGN),
        (None, 0, Head(size=3, root=b"three"), differs, Answer.INCONSISTENT),
        (None, 2, Head(size=3, root=b"three"), never, Answer.CONFLICT),
        (HELD, 5, Head(size=9, root=b"nine"), extends, Answer.COSIGN),
        (HELD, 5, HELD, extends, Answer.COSIGN),
        (HELD, 5, Head(size=5, root=b"other"), never, Answer.CONFLICT),
        (HELD, 5, Head(size=9, root=b"nine"), differs, Answer.INCONSISTENT),
        (HELD, 4, Head(size=9, root=b"nine"), never, Answer.CONFLICT),
        (HELD, 0, Head(size=9, root=b"nine"), never, Answer.CONFLICT),
        (HELD, 3, Head(size=3, root=b"three"), never, Answer.CONFLICT),
        (HELD, 6, Head(size=5, root=b"five"), never, Answer.BAD),
    ],
)
def test_row_49_what_a_witness_answers(held, old, new, proof, answer) -> None:
    """tlog-witness, step by step: a size that was not cosigned last, a fork at the same size, a proof that fails."""
    assert judge(held, old, new, proof) is answer


def test_quorum() -> None:
    """Two witnesses, or the only one; without active peers there is none, and the log is unwitnessed."""
    assert [quorum(active) for active in (0, 1, 2, 7)] == [0, 1, 2, 2]
