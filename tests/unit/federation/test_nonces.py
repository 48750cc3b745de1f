"""The memory of nonces: one request once, and bounded (nrm1 9.13; threat 16)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.federation.nonces import HELD, NonceCache, Seen
from gateway.federation.signatures import SignedRequest, VerifiedRequest

NODE = "n1" + "a" * 32
KID = "A" * 22


def request(nonce: str, *, created: int = 0, kid: str = KID) -> VerifiedRequest:
    """A verified request that lives 120 s."""
    return VerifiedRequest(
        node=NODE,
        kid=kid,
        nonce=nonce,
        created=created,
        expires=created + 120,
        recipient=NODE,
        content_type="application/json",
        asked=SignedRequest(method="POST", path="/v1/messages", signature=""),
    )


def test_the_second_of_two_equal_requests_is_a_replay() -> None:
    """A nonce passes once for its key, and once again for another key."""
    cache = NonceCache()
    assert cache.admit(request("n"), 0) is Seen.FIRST
    assert cache.admit(request("n"), 0) is Seen.REPLAY
    assert cache.admit(request("n", kid="B" * 22), 0) is Seen.FIRST


def test_a_nonce_is_held_for_as_long_as_its_request_could_be_in_time() -> None:
    """From 30 s before `created` to 30 s after `expires` are 180 s, of which it is remembered each."""
    cache = NonceCache()
    cache.admit(request("n"), 1_000)
    assert cache.admit(request("n"), 1_000 + HELD) is Seen.REPLAY
    assert cache.admit(request("n"), 1_000 + HELD + 31) is Seen.FIRST


def test_expired_nonces_are_swept_away() -> None:
    """What can no longer be replayed is forgotten, and its key id with it."""
    cache = NonceCache()
    for number in range(100):
        cache.admit(request(str(number), kid=f"{number:022}"), 0)
    assert len(cache) == 100
    cache.admit(request("later", created=151), 181)
    assert len(cache) == 1


def test_a_full_cache_refuses_and_recovers() -> None:
    """A peer that uses up its memory waits; another key is not harmed."""
    cache = NonceCache(per_key=2)
    assert [cache.admit(request(n), 0) for n in "abc"] == [Seen.FIRST, Seen.FIRST, Seen.FULL]
    assert cache.admit(request("a"), 0) is Seen.REPLAY
    assert cache.admit(request("c", kid="B" * 22), 0) is Seen.FIRST
    assert cache.admit(request("c", created=151), 181) is Seen.FIRST


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=60))
def test_no_nonce_ever_passes_twice_within_its_life(steps: list[tuple[int, int]]) -> None:
    """Whatever the order and the pace, a request in time passes at most once."""
    cache, now = NonceCache(), 0
    passed: dict[int, int] = {}
    for nonce, pause in steps:
        now += pause
        verdict = cache.admit(request(str(nonce), created=now), now)
        if now <= passed.get(nonce, -1000) + 150:
            assert verdict is Seen.REPLAY
        if verdict is Seen.FIRST:
            passed[nonce] = now
