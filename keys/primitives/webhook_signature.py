"""The signature of webhooks (Standard Webhooks 1.0): HMAC-SHA256 over id, time and body under a secret of the receiver.

It protects requests to a system of the own country on a local network; nothing between nodes depends on it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

from gateway.errors import Code, RefusedError

PREFIX = "whsec_"
SIZE = 32


def new_secret(rand: Callable[[int], bytes]) -> str:
    """Make a fresh secret in the form that the libraries of receivers read."""
    return PREFIX + base64.b64encode(rand(SIZE)).decode("ascii")


def read_secret(text: str) -> bytes:
    """Read the bytes of a secret. Raises RefusedError(bad_key) for any other text."""
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
    """Compute the value of the header `webhook-signature`; `at` is the time in the header `webhook-timestamp`."""
    signed = hmac.digest(secret, f"{id}.{at}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signed).decode("ascii")
