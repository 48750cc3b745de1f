"""The next descriptor of a running node, as the holder of its root key signs it: the node need not know of it."""

from __future__ import annotations

from typing import Any

from support.nodechild import CHEAP
from support.pair import Party

from keys.documents.descriptor import Descriptor
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.offline.roots import load_root
from keys.primitives.sign import SignedDocument

_SAME = (
    "name",
    "expires",
    "roots",
    "threshold",
    "keys",
    "endpoints",
    "suites",
    "log",
    "revoked",
    "country",
    "contact",
    "tls_spki",
    "units",
    "node",
)


def sign_next(of: Party, held: Descriptor, **changes: Any) -> SignedDocument:
    """What follows `held`, issued now and the same but for `changes`."""
    root = load_root(of.folder.parent / f"{of.name}-roots" / f"{of.name}-root-1.key", "roots", at_least=CHEAP)
    content: dict[str, Any] = {name: getattr(held, name) for name in _SAME}
    content |= {"issued": of.clock.now(), "version": held.version + 1, "prev": held.hash} | changes
    return sign_descriptor(build_descriptor(**content), [root.key])
