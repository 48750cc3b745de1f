"""What `trm doctor` says about things that end and are not this node's own keys: trust in peers, tokens."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json
from keys.primitives.encoding import DAY

SOON = 60 * DAY
URGENT = 7 * DAY
TOKEN_SOON = 30 * DAY
_ABOUT_PEERS: Mapping[str, tuple[str, str]] = {
    "peer.descriptor": ("its descriptor", "call its administrators: its root holders have to sign the next one"),
    "peer.trust": ("trust in it", "trm peer renew {peer}, by two administrators"),
}


def peers(node: Mapping[str, Json], now: int) -> Iterator[Check]:
    """Descriptors of peers and trust in them; `node` is the answer of node.show."""
    fine = True
    for item in list_objects(node, "endings"):
        about = _ABOUT_PEERS.get(str(item["subject"]))
        at = item["at"]
        if about is None or not isinstance(at, int) or at - now >= SOON:
            continue
        fine = False
        what, fix = about
        name, fix = f"peer {item['peer']}", fix.format(peer=shlex.quote(str(item["peer"])))
        if at <= now:
            yield red(name, f"{what} ended {time_text.when(at, now=now)}; nothing passes", fix)
        else:
            judge = red if at - now < URGENT else warn
            yield judge(name, f"{what} ends {time_text.when(at, now=now)}", fix)
    if fine:
        yield ok("trust", "nothing about a peer ends within 60 days")


def tokens(told: Mapping[str, Json], now: int) -> Iterator[Check]:
    """Tokens that a program still uses when they end; `told` is the answer of token.list. Those of people end soon."""
    listed = [item for item in list_objects(told, "tokens") if item["state"] != "revoked" and item["role"] is not None]
    late = [item for item in listed if isinstance(at := item["expires"], int) and at - now < TOKEN_SOON]
    for item in late:
        ended = item["state"] == "expired"
        ends = f"{'ended' if ended else 'ends'} {time_text.when(item['expires'], now=now)}"
        yield warn(
            f"token {item['id']}",
            f"{item['role']}, {item['label']}: {ends}",
            f"trm token revoke {item['id']}"
            if ended
            else f"trm token new --role {item['role']}, give it to the program, then trm token revoke {item['id']}",
        )
    if not late:
        yield ok("tokens", f"{len(listed)}, none ends within 30 days")
