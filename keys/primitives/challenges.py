"""The challenges that a browser signs with a passkey (nrm1 8.12): derived, not stored."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from gateway.errors import Code, RemoteError
from keys.primitives.encoding import b64u, lp_join
from keys.primitives.hybrid_keys import Rand
from keys.primitives.passkey import CHALLENGE_LIFE

if TYPE_CHECKING:
    pass


class Challenges:
    """The challenges of one process, each valid once and for five minutes.

    Nothing is stored until a challenge is used: each is derived again from its id with a key of the process. So
    requesting many takes no memory and displaces nobody's.
    """

    def __init__(self, rand: Rand) -> None:
        self._rand = rand
        self._key = rand(32)
        self._used: dict[str, int] = {}

    def new(self, purpose: str, now: int) -> tuple[str, bytes]:
        """Make a fresh id and its challenge, for one purpose."""
        id = f"{now + CHALLENGE_LIFE}.{b64u(self._rand(16))}"
        return id, self._challenge(purpose, id)

    def of(self, purpose: str, id: str, now: int) -> bytes:
        """Derive the challenge of an id. Raises RemoteError(expired) for one that has expired or was used."""
        until = id.partition(".")[0]
        if not (until.isascii() and until.isdigit() and len(until) < 16) or int(until) <= now or id in self._used:
            raise RemoteError(Code.EXPIRED, "this took too long, or was done already")
        return self._challenge(purpose, id)

    def use(self, id: str, now: int) -> None:
        """Mark a challenge as used. Raises RemoteError(expired) when another request was quicker."""
        if id in self._used:
            raise RemoteError(Code.EXPIRED, "this took too long, or was done already")
        self._used = {used: until for used, until in self._used.items() if until > now}
        self._used[id] = int(id.partition(".")[0])

    def _challenge(self, purpose: str, id: str) -> bytes:
        return hmac.digest(self._key, lp_join(b"challenge", purpose.encode(), id.encode()), "sha256")
