"""Faults at each step by which a key store is written: what reaches a disk, a TPM or a token goes wrong once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from keys.keystore.destructible.pkcs11 import SecretInToken
from keys.keystore.destructible.secret import Place
from keys.primitives import disk


class Cut(BaseException):
    """The power goes at the step it names."""


class Steps:
    """Counts what reaches a disk, a TPM or a token, and lets one of these steps go wrong."""

    def __init__(self, fault: Callable[[str], BaseException], at: int, how: str) -> None:
        self.fault, self.at, self.how = fault, at, how
        self.done: list[str] = []
        self.armed, self.met = True, False

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """The step `name`, before, in the middle of, or after which it goes wrong."""

        def step(*args: Any) -> Any:
            if not self.armed:
                return real(*args)
            self.at -= 1
            if self.at:
                result = real(*args)
                self.done.append(name)
                return result
            self.armed, self.met = False, True
            if self.how == "half" and isinstance(args[1:2][0] if args[1:2] else None, bytes):
                real(args[0], args[1][: len(args[1]) // 2], *args[2:])
            if self.how == "after":
                real(*args)
                self.done.append(name)
            raise self.fault(name)

        return step


@contextmanager
def going_wrong(fault: Callable[[str], BaseException], at: int, how: str) -> Iterator[Steps]:
    """For so long step number `at` goes wrong."""
    steps = Steps(fault, at, how)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("write_beside", "rename_over", "write_in_place", "sync_folder"):
            patch.setattr(disk, name, steps.wrap(name, getattr(disk, name)))
        from keys.keystore.destructible.tpm import SecretInTpm  # only where the package is, as in the product

        for kind in (SecretInTpm, SecretInToken):
            for name in ("make", "destroy"):
                patch.setattr(kind, name, steps.wrap(f"{kind.place} {name}", getattr(kind, name)))
        yield steps


def every_fault(
    fault: Callable[[str], BaseException],
    run: Callable[[int, Steps], None],
    prepare: Callable[[int], None],
    place: Place = Place.FILE,
) -> list[str]:
    """Run anew with a fault at each step, before it, in its middle and after it; the names of all steps, in order."""
    at, number = 0, 0
    hows = ("before", "half", "after") if place is Place.FILE else ("before", "after")
    while True:
        at += 1
        for how in hows:
            number += 1
            prepare(number)
            with going_wrong(fault, at, how) as steps:
                run(number, steps)
            if not steps.met:
                return steps.done
