"""Root holders under test: they read a request as `trm keys root sign` does, and sign it with their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.nodechild import CHEAP

from keys.offline.ceremony import Request
from keys.offline.roots import load_root
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument


def signed(base: Path, name: str, request: Any, *, passphrase: str = "roots") -> dict[str, Any]:
    """The document for a request (as the desk answers it) of the node `name`, signed by all its root files."""
    asked = Request.decode(canon(request))
    files = sorted((base / f"{name}-roots").glob("*.key"))
    signatures = [asked.sign(load_root(path, passphrase, at_least=CHEAP).key).encode() for path in files]
    return asked.gather(signatures).to_json()


def tombstone(base: Path, name: str, request: Any) -> SignedDocument:
    """The tombstone of a node, from its own request."""
    value = signed(base, name, request)
    return SignedDocument.from_json(value, value["payloadType"])
