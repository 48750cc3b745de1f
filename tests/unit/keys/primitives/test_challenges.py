"""Challenges of passkeys: good once, for one purpose, for five minutes (nrm1 8.12)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Code, RemoteError
from keys.keystore.keystore import system_rand
from keys.primitives.challenges import Challenges
from keys.primitives.passkey import CHALLENGE_LIFE

NOW = 1_800_000_000


def test_a_challenge_is_good_once():
    """For its purpose, in its process, for five minutes."""
    challenges = Challenges(system_rand)
    id, challenge = challenges.new("sign in", NOW)
    assert challenges.of("sign in", id, NOW + CHALLENGE_LIFE - 1) == challenge
    assert challenges.of("enrol", id, NOW) != challenge
    assert Challenges(system_rand).of("sign in", id, NOW) != challenge
    challenges.use(id, NOW)
    for again in (challenges.use, lambda id, now: challenges.of("sign in", id, now)):
        with pytest.raises(RemoteError) as caught:
            again(id, NOW)
        assert caught.value.code is Code.EXPIRED


@pytest.mark.parametrize("spoil", [lambda id: "", lambda id: "x", lambda id: "²." + id, lambda id: f"{10**20}.x"])
def test_what_is_no_id_of_a_challenge(spoil: Any):
    """One that is made up has another challenge, which nobody was told, or is refused."""
    challenges = Challenges(system_rand)
    id, _ = challenges.new("sign in", NOW)
    with pytest.raises(RemoteError):
        challenges.of("sign in", spoil(id), NOW)


def test_a_challenge_ends_and_is_forgotten():
    """What was used is remembered only for as long as it could be used."""
    challenges = Challenges(system_rand)
    id, _ = challenges.new("sign in", NOW)
    challenges.use(id, NOW)
    with pytest.raises(RemoteError):
        challenges.of("sign in", id, NOW + CHALLENGE_LIFE)
    later, _ = challenges.new("sign in", NOW + CHALLENGE_LIFE)
    challenges.use(later, NOW + CHALLENGE_LIFE)
    assert [*challenges._used] == [later]
