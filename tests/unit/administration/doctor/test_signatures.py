"""What `trm doctor` says of the speed of signatures; how long they take here is nobody's test."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from gateway.administration.doctor.folder import State
from gateway.administration.doctor.signatures import (
    NAME,
    SLOW,
    USUAL_SIGN,
    USUAL_VERIFY,
    Speed,
    check_speed,
    measure_speed,
)


@pytest.mark.parametrize(
    ("sign", "verify", "state"),
    [
        (0.9, 0.2, State.OK),
        (SLOW * USUAL_SIGN, SLOW * USUAL_VERIFY, State.OK),
        (SLOW * USUAL_SIGN + 0.1, 0.2, State.WARN),
        (0.9, SLOW * USUAL_VERIFY + 0.1, State.WARN),
    ],
)
def test_what_takes_far_longer_than_usual_is_told(sign: float, verify: float, state: State) -> None:
    """Both figures, the version and what is usual; with a warning what to do, and whose package not to take."""
    check = check_speed(lambda: Speed(sign=sign, verify=verify))
    assert (check.name, check.state) == (NAME, state)
    for words in (f"signs in {sign:.2f} ms", f"verifies in {verify:.2f} ms", version("cryptography"), str(USUAL_SIGN)):
        assert words in check.found
    assert ("authors you do not know" in check.fix) == (state is State.WARN)


def test_signatures_are_measured_with_keys_of_their_own() -> None:
    """It comes to two figures without a node and without a key store."""
    found = measure_speed()
    assert found.sign >= 0 and found.verify >= 0
