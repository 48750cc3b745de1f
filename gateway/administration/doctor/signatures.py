"""What `trm doctor` says of the installed `cryptography`: how fast it signs and verifies by ML-DSA-65, which is the
dearest step of a message and a matter of how that package was built.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from gateway.administration.doctor.folder import Check, ok, warn
from keys.keystore.keystore import system_rand
from keys.primitives.domains import BATCH
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import sign_document

NAME = "signatures"
INSTALLED = version("cryptography")
USUAL_SIGN, USUAL_VERIFY = 1.5, 0.4
"""Milliseconds that the portable code of OpenSSL needs at most on a processor of the last ten years."""
SLOW = 3
"""So many times as long as is usual is worth a look; less may be another program on this machine."""
SERIES, CALLS = 3, 16
FIX = (
    "see whether the machine is busy or its virtual processor hides its vector instructions; install cryptography from "
    "its own wheels or from the distribution, never from a package whose authors you do not know: it holds every key: "
    "docs/keys.md"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Milliseconds of CPU for one signature by ML-DSA-65, and for its verification."""

    sign: float
    verify: float

    @property
    def shown(self) -> str:
        """In words, with the version that was measured."""
        return f"ML-DSA-65 signs in {self.sign:.2f} ms and verifies in {self.verify:.2f} ms (cryptography {INSTALLED})"


def check_speed(measure: Callable[[], Speed]) -> Check:
    """Whether signing takes about as long as it usually does."""
    found = measure()
    usual = f"usual are up to {USUAL_SIGN} and {USUAL_VERIFY} ms"
    if found.sign > SLOW * USUAL_SIGN or found.verify > SLOW * USUAL_VERIFY:
        return warn(NAME, f"{found.shown}; {usual}, and each message waits for it", FIX)
    return ok(NAME, f"{found.shown}; {usual}")


def measure_speed() -> Speed:
    """Measure with keys that are made for it: what both halves of a signature take without what Ed25519 takes."""
    both, plain = (_time(SigningKey.generate(system_rand, hybrid=hybrid)) for hybrid in (True, False))
    return Speed(sign=max(0.0, both.sign - plain.sign), verify=max(0.0, both.verify - plain.verify))


def _time(key: SigningKey) -> Speed:
    payload = bytes(1_000)
    signed = sign_document(BATCH, payload, [key])
    return Speed(
        sign=_ms(lambda: sign_document(BATCH, payload, [key])),
        verify=_ms(lambda: signed.verify(key.public)),
    )


def _ms(work: Callable[[], object]) -> float:
    """The CPU time of one call in the best of a few series: other work on the machine only ever adds."""
    best = float("inf")
    for _ in range(SERIES):
        begun = time.thread_time()
        for _ in range(CALLS):
            work()
        best = min(best, time.thread_time() - begun)
    return 1_000 * best / CALLS
