"""Failed attempts to come in, which are slowed and never locked out: counted for each credential by itself, and those
that fit none together. The count begins anew with the process.
"""

from __future__ import annotations

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Clock

ATTEMPTS = 10
"""Failed attempts of one kind that are looked at and answered at once; after them one in `PAUSE` seconds."""
PAUSE = 10.0
NOBODY = ""
"""What attempts that fit no credential are counted under."""


class Attempts:
    """How many attempts each credential has left."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[float, float]] = {}

    def check(self, counted: str, *, hint: str) -> None:
        """Return if one more attempt is looked at. Raises TransientError(unauthorised) if it is not."""
        if self._left(counted) < 1:
            raise TransientError(
                Code.UNAUTHORISED, "too many failed attempts", hint=f"wait {PAUSE:.0f} seconds, then {hint}"
            )

    def count(self, counted: str) -> None:
        """One attempt failed."""
        self._failed[counted] = (self._left(counted) - 1, self._clock.monotonic())

    def _left(self, counted: str) -> float:
        left, at = self._failed.get(counted, (float(ATTEMPTS), 0.0))
        return min(float(ATTEMPTS), left + (self._clock.monotonic() - at) / PAUSE)


class SignInAttempts(Attempts):
    """Attempts of people, at the console or a shell: those that are looked at are in the audit log."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(clock)
        self._store = store

    async def refuse(self, counted: str, person: str | None, code: Code) -> RefusedError:
        """Log an attempt that failed, and return its answer. Raises TransientError beyond what is answered at once."""
        self.check(counted, hint="begin again")
        self.count(counted)
        now = self._clock.now()
        await self._store.move(
            lambda c: journal.append_leaf(c, leaf(now, "sign_in.refused", id=person, code=str(code)))
        )
        return refusal()


def refusal() -> RefusedError:
    """Refuse a wrong attempt, without a word of what exists."""
    return RefusedError(
        Code.UNAUTHORISED, "sign-in was refused", hint="begin again; for a new invitation ask whoever invited you"
    )
