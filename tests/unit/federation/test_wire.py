"""Answers without a signature: none of them is final, and each status has its meaning."""

from __future__ import annotations

import pytest

from gateway.errors import Code, RefusedError, TransientError
from gateway.federation import endpoints
from gateway.federation.endpoints import JSON
from gateway.federation.wire import (
    LONGEST_PAUSE,
    Raw,
    body_of,
    check_length,
    has_signature,
    require_taken,
    translate_answer,
    translate_status,
)


def answer(status: int, *fields: tuple[bytes, bytes], content_type: str = JSON) -> Raw:
    """An answer as it comes off the wire."""
    return Raw(status=status, fields=fields, content_type=content_type, body=b"{}", at=0)


def test_each_status_has_its_code() -> None:
    """Whoever stands between can make any of them, so the request is repeated."""
    told = [
        (str(status), str(translate_status(status).code)) for status in (200, 302, 400, 403, 404, 409, 413, 429, 500)
    ]
    assert told == [
        ("200", "bad_signature"),
        ("302", "rejected"),
        ("400", "bad_signature"),
        ("403", "not_active"),
        ("404", "bad_signature"),
        ("409", "bad_signature"),
        ("413", "too_large"),
        ("429", "rejected"),
        ("500", "rejected"),
    ]


def test_a_public_answer_is_json_with_200() -> None:
    """Anything else proves nothing and is tried again."""
    assert body_of(answer(200)) == b"{}"
    for raw in (answer(404), answer(200, content_type="text/html")):
        with pytest.raises(TransientError):
            body_of(raw)


def test_a_push_is_taken_by_202_alone() -> None:
    """Also 200 is none: that is a peer of an earlier draft, which is asked what it holds."""
    require_taken(answer(202))
    for status in (200, 400, 403, 503):
        with pytest.raises(TransientError):
            require_taken(answer(status))


def test_a_peer_may_say_when_to_come_again() -> None:
    """With a 503 and in whole seconds, half a day at most; anything else is as if it had said nothing."""
    later = (b"retry-after", b"600")
    found = translate_answer(answer(503, later))
    assert (found.code, found.again_in) == (Code.MAINTENANCE, 600)
    assert translate_answer(answer(503, (b"Retry-After", b"999999"))).again_in == LONGEST_PAUSE
    bad = [b"0", b"-1", b"1.5", b"Mon, 01 Jan 2029 00:00:00 GMT", b"9" * 12, b" 6"]
    others = [answer(503, (b"Retry-After", value)) for value in bad]
    for raw in (*others, answer(503), answer(503, later, later), answer(500, later), answer(429, later)):
        assert (translate_answer(raw).code, translate_answer(raw).again_in) == (Code.REJECTED, None)


def test_a_field_may_claim_a_signature() -> None:
    """In any case of letters; nothing of it is believed yet."""
    assert has_signature(answer(200, (b"SIGNATURE-Input", b"x")))
    assert not has_signature(answer(200, (b"Signature-Agent", b"x")))


def test_a_request_that_is_too_long_is_never_sent() -> None:
    """The limit itself still goes."""
    row = endpoints.POST_VOID
    check_length(row, bytes(row.request_limit))
    with pytest.raises(RefusedError) as caught:
        check_length(row, bytes(row.request_limit + 1))
    assert caught.value.code is Code.TOO_LARGE
