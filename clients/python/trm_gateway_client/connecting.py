"""The way to a node: `connect` gives the client that every function below `trm_gateway_client.api` takes."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from .client import AuthenticatedClient

TIMEOUT = 60.0
"""Seconds; longer than an inbox waits for a message."""


class Node(AuthenticatedClient):
    """One node, asked with one token. Printed it shows neither the token nor the headers that hold it."""

    def __repr__(self) -> str:
        """Where the node is."""
        return f"<node at {self._base_url}>"


def connect(url: str, token: str, *, timeout: float = TIMEOUT) -> Node:
    """Connect to the node at this address, such as `http://127.0.0.1:8080`, with this token.

    The token goes to this address and to no other: no redirection is followed, and no proxy that the environment names
    is asked. `timeout` is in seconds.

    Raises:
        ValueError: the address is not one of http or https, or holds a name or a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("the address of a node begins with http:// or https:// and holds no name and no password")
    return Node(
        base_url=f"{parts.scheme}://{parts.netloc}",
        token=token,
        timeout=httpx.Timeout(timeout),
        follow_redirects=False,
        httpx_args={"trust_env": False},
    )
