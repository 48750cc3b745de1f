"""How the processor time of some work grows with the text that it is given."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORT, LONG = 2_000, 20_000
"""Characters of the two texts: quadratic work still ends on the longer one, and outweighs there what is linear."""
MOST = 30
"""What the longer text may cost in times of the shorter: 10 where the time is linear, 75 to 120 where it is not."""
TRIES = 3
HOSTILE = {
    "local parts": "a@",
    "addresses": "a@b.",
    "ends": "@b.cd",
    "one word": "a",
    "digits": "1",
    "digits of another script": "\u0661",
    "numbers": "1 ",
    "dates": "1.1.2010 ",
    "years": "2010-",
    "documents": "a1",
    "signs": "(.",
}
"""What a text is made of, over and over, by what a scan for identifiers takes it for."""


def measure_growth(work: Callable[[str], object], unit: str) -> float:
    """Measure how many times as much the work costs for the longer text made of `unit` as for the shorter."""
    return _measure(work, unit * (LONG // len(unit))) / _measure(work, unit * (SHORT // len(unit)))


def _measure(work: Callable[[str], object], text: str) -> float:
    """The least time of the processor, in seconds, for which this thread worked: other work only makes it longer."""
    taken = []
    for _ in range(TRIES):
        began = time.thread_time()
        work(text)
        taken.append(time.thread_time() - began)
    return min(taken)
