"""The signature of webhooks (Standard Webhooks 1.0): HMAC-SHA256 over id, time and body under a secret of the receiver.

It protects what goes to a system of the own country over a local line; nothing between nodes rests on it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

from gateway.errors import Code, RefusedError

PREFIX = "whsec_"
SIZE = 32


def new_secret(rand: Callable[[int], bytes]) -> str:
    """A fresh secret in the form that receivers' libraries read."""
    return PREFIX + base64.b64encode(rand(SIZE)).decode("ascii")


def read_secret(text: str) -> bytes:
    """The bytes of a secret. Raises RefusedError(bad_key) for what is none."""
    encoded = text.strip().removeprefix(PREFIX)
    try:
        secret = base64.b64decode(encoded, validate=True)
    except ValueError:
        secret = b""
    if not text.startswith(PREFIX) or len(secret) < SIZE:
        raise RefusedError(
            Code.BAD_KEY, "this is no secret of a webhook", hint="trm webhook new makes one, for the receiver too"
        )
    return secret


def sign_webhook(secret: bytes, id: str, at: int, body: bytes) -> str:
    """The value of the header `webhook-signature`; `at` is the one of `webhook-timestamp`."""
    signed = hmac.digest(secret, f"{id}.{at}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signed).decode("ascii")
