"""A local system under the control of a test, and what the checks of the contract (`promises`) hand to an adapter.

A `Bench` is a small object that puts records into a local system, looks at what it shows, and makes it misbehave.
`Bench.adapter` makes a new adapter over the same local system, as after a restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Protocol, runtime_checkable

from gateway.errors import Code, Finding
from gateway.ports import Adapter, Delivery, Notice, NoticeKind

MARKER = "Marker Xanthippe 4711"
"""A value that `Bench.offer_bad` puts into the faulty record, and that no finding may repeat."""


class BrokenContractError(AssertionError):
    """An adapter breaks the contract; the text says which promise."""


class Trouble(StrEnum):
    """How a local system can misbehave. A bench causes those that its kind of system can have."""

    AWAY = "away"
    """It cannot be reached: refused connections, a share that is not mounted."""
    FAILING = "failing"
    """It answers, and what it answers is an error of its own (500)."""
    SLOW = "slow"
    """It answers after the adapter's patience; the bench sets that patience to a second or less."""
    CUT = "cut"
    """It does what is asked of it, and the connection ends before the answer."""
    THROTTLED = "throttled"
    """It says that this is too much at once (429)."""
    FULL = "full"
    """It has no room, or may only be read."""
    EXPIRED = "expired"
    """The session it gave ended at the moment this begins; logging in again works."""
    LOCKED_OUT = "locked_out"
    """It takes the credentials no more."""
    GARBLED = "garbled"
    """What it answers is not what it promised: a page of HTML, a torn file."""
    SMALL_PAGES = "small_pages"
    """It gives at most two records at a time."""
    EQUAL_STAMPS = "equal_stamps"
    """Whatever is offered meanwhile has one and the same stamp of time."""
    CLOCK_AHEAD = "clock_ahead"
    """Its clock is 26 hours ahead."""
    CLOCK_BEHIND = "clock_behind"
    """Its clock is 26 hours behind."""
    UNMAPPED_CODE = "unmapped_code"
    """Records offered meanwhile have a code that the mapping file does not know."""


class Bench(Protocol):
    """One local system under the control of a test."""

    @property
    def troubles(self) -> Collection[Trouble]:
        """The troubles that `trouble` can cause; the others are not tried on this kind of system."""

    def trouble(self, kind: Trouble) -> AbstractContextManager[None]:
        """Make the system misbehave in this way, for existing adapters and for new ones."""

    def settings(self) -> Mapping[str, str | int | bool] | None:
        """Return the settings under `[adapter]` for this local system, so that a process of its own can use it and be
        killed; None when no other process can reach it.
        """

    def adapter(self) -> Adapter:
        """Make a new adapter over this local system."""

    def offer(self, name: str) -> None:
        """Put a good record there; different names are different records."""

    def offer_bad(self, name: str) -> None:
        """Put a record there that the adapter can find and not read; it holds MARKER."""

    def received(self) -> list[str]:
        """Return the message id of each received message that the local system shows, as often as it shows it."""

    def noticed(self) -> list[str]:
        """Return the kind of every notice that the local system shows."""

    def shows(self, text: str) -> bool:
        """Whether a person at the local system can find this text in what was handed over."""

    def holds(self, text: str) -> bool:
        """Whether the text is anywhere: in records and items of the local system, or in what the adapter keeps."""


@runtime_checkable
class FilesBench(Bench, Protocol):
    """A local system that holds files with records and with messages."""

    def offer_file(self, name: str, data: bytes) -> None:
        """Put a good record there that has one file."""

    def received_files(self) -> list[bytes]:
        """Return the content of each file of a received message that the local system shows, as often as it does."""


NewBench = Callable[[], Bench]
"""Makes a fresh, empty local system beside those it has made before."""


@asynccontextmanager
async def in_folders(make: Callable[[Path], Bench], folder: Path) -> AsyncIterator[NewBench]:
    """Provide a stand-in for a system that consists of files: each bench gets a private folder of its own."""
    numbers = count(1)

    def new() -> Bench:
        own = folder / str(next(numbers))
        own.mkdir(mode=0o700)
        return make(own)

    yield new


def a_delivery(key: str = "key-1", message_id: str = "AAAAAAAAAAAAAAAAAAAAAA", text: str = "a summary") -> Delivery:
    """Make a received referral to hand over."""
    return Delivery(
        key=key,
        message_id=message_id,
        conversation="BBBBBBBBBBBBBBBBBBBBBA",
        in_reply_to=None,
        type="referral.request/1",
        sender="n1" + "a" * 32,
        sender_name="France",
        purpose="referral",
        created=1_750_000_000,
        received=1_750_000_060,
        out_of_order=False,
        header={"priority": "normal", "language": "fr", "seen": 0},
        content={"summary": text, "exploitation": ["ForcedLabour"], "person": {"birth_year": 1999}},
    )


def a_notice(
    ref: str, kind: NoticeKind, key: str = "notice-1", at: int = 1_750_000_100, findings: tuple[Finding, ...] = ()
) -> Notice:
    """Make news about a record."""
    code = Code.SCHEMA if findings else None
    return Notice(key=key, ref=ref, kind=kind, at=at, code=code, findings=findings)


def require(kept: bool, broken: str) -> None:
    """Raise BrokenContractError with `broken` unless the promise was kept."""
    if not kept:
        raise BrokenContractError(broken)
