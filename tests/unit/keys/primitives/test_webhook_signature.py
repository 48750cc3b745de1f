"""Signatures of webhooks, judged by a library that is not ours."""

from __future__ import annotations

import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.errors import Code, RefusedError
from keys.primitives.webhook_signature import new_secret, read_secret, sign_webhook

SECRET = new_secret(lambda size: bytes(range(size)))


def headers(id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of one call."""
    signature = sign_webhook(read_secret(SECRET), id, at, body)
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_a_receiver_can_verify():
    """With the secret and the three headers, by the library of Standard Webhooks."""
    body = b'{"a":1}'
    assert Webhook(SECRET).verify(body, headers("one", int(time.time()), body)) == {"a": 1}


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body"])
def test_nothing_can_be_changed(changed: str):
    """Id, time and body are signed together."""
    at, body = int(time.time()), b'{"a":1}'
    given = headers("one", at, body)
    given |= {"webhook-id": "two"} if changed == "webhook-id" else {}
    given |= {"webhook-timestamp": str(at - 1)} if changed == "webhook-timestamp" else {}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a":2}' if changed == "body" else body, given)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "whsec_!", SECRET.removeprefix("whsec_")])
def test_what_is_no_secret_is_refused(text: str):
    """Also one that is too short."""
    with pytest.raises(RefusedError) as caught:
        read_secret(text)
    assert caught.value.code is Code.BAD_KEY
