"""Run a case on a bench, and check the calls that cases make."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from adapters.kit import silence, victim
from adapters.kit.contract import MARKER, Bench, BrokenContractError, FilesBench, Trouble, a_delivery, a_notice, require
from gateway.errors import Finding, GatewayError, RefusedError, TransientError
from gateway.ports import Adapter, Delivery, Json, LocalRecord, NoticeKind

LONGEST = 20.0
"""Seconds for one call of an adapter, whatever the local system does; a bench makes patience shorter than that."""
MANY = 7
LOOKS = 100
"""Pulls within which a record comes that a cursor would pass over: a look at everything may be made now and then."""
TOLD = "Content Xanthippe 4712"
"""What a message says in the cases about what may not be told."""


class NodeSide(Protocol):
    """The node's use of the settings and records of an adapter."""

    def mapping_faults(self) -> Sequence[Finding]:
        """Return the findings of `trm mapping check` on the adapter's mapping files."""

    def draft(self, record: LocalRecord) -> Mapping[str, Json] | Sequence[Finding]:
        """Map a record to its draft, or return the findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One adapter over one fresh, empty local system. `kind` and `node` are None for one that is not registered."""

    bench: Bench
    kind: str | None = None
    node: NodeSide | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case. `needs` are troubles that the bench must be able to cause, `mend` is the advice for a failure."""

    name: str
    about: str
    run: Callable[[Trial], Awaitable[None]]
    mend: str
    needs: frozenset[Trouble] = frozenset()
    registered: bool = False
    """Whether it needs what only a registered kind has: settings that another process can use, mapping files."""
    files: bool = False
    """Whether it needs a system that holds files."""


class Verdict(StrEnum):
    """The result of a case."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a case: `why` names the broken promise, or what the bench lacks to try the case."""

    case: Case
    verdict: Verdict
    why: str = ""


async def run(case: Case, trial: Trial) -> Outcome:
    """Run one case. Any exception of an adapter is its answer; none of its text is repeated."""
    missing = [str(trouble) for trouble in sorted(case.needs - set(trial.bench.troubles))]
    if missing:
        return Outcome(case=case, verdict=Verdict.NOT_TRIED, why=f"the bench cannot cause {', '.join(missing)}")
    if case.files and not isinstance(trial.bench, FilesBench):
        return Outcome(case=case, verdict=Verdict.NOT_TRIED, why="this kind of system holds no files")
    if case.registered and (trial.node is None or trial.bench.settings() is None):
        return Outcome(case=case, verdict=Verdict.NOT_TRIED, why="the bench has no settings for another process")
    try:
        await case.run(trial)
    except BrokenContractError as exc:
        return Outcome(case=case, verdict=Verdict.BROKEN, why=str(exc))
    except GatewayError as exc:
        return Outcome(case=case, verdict=Verdict.BROKEN, why=f"it raises {type(exc).__name__}({exc.code}) here")
    except Exception as exc:  # noqa: BLE001 (a case runs strangers' code, and its fault is the finding)
        return Outcome(case=case, verdict=Verdict.BROKEN, why=f"it raises {type(exc).__name__}{silence.place(exc)}")
    return Outcome(case=case, verdict=Verdict.KEPT)


# --- what cases ask of the calls they make ----------------------------------------------------------------------------


async def all_come(bench: Bench) -> None:
    """Offer many records and check that each comes once."""
    for number in range(MANY):
        bench.offer(f"record-{number}")
    await settle_all(bench.adapter(), MANY)


async def settle_all(adapter: Adapter, expected: int, *, looks: int = 2) -> None:
    """Pull and settle until nothing comes in `looks` pulls after one another; each record comes once, and none more."""
    seen: list[str] = []
    empty = 0
    while empty < looks and len(seen) <= expected:
        records = list(await adapter.pull())
        for record in records:
            seen.append(record.ref)
            await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED, key=f"settled-{record.ref}"))
        empty = 0 if records else empty + 1
        if len(seen) == expected and looks > 2:
            break
    require(len(set(seen)) == len(seen), "a settled record comes again")
    require(len(seen) == expected, f"{len(seen)} of {expected} records come")


def an_item(number: int) -> Delivery:
    """Make a message with a number, of its own key and id."""
    return a_delivery(key=f"key-{number}", message_id=f"{number:022d}", text=f"text {number}")


def node_of(trial: Trial) -> NodeSide:
    """Return the node's side of a registered kind."""
    if trial.node is None:
        raise RuntimeError("a case that needs the node was run without one")
    return trial.node


def where(trial: Trial) -> victim.Where:
    """Return the settings by which another process reaches the local system of a registered kind."""
    settings = trial.bench.settings()
    if trial.kind is None or settings is None:
        raise RuntimeError("a case that needs another process was run without settings")
    return victim.Where(kind=trial.kind, settings=settings)


async def within(answer: Awaitable[object], what: str) -> object:
    """Await an answer, which must come in time."""
    try:
        async with asyncio.timeout(LONGEST):
            return await answer
    except TimeoutError as exc:
        raise BrokenContractError(f"{what} waits without end") from exc


async def outcome_of(answer: Awaitable[object], what: str) -> GatewayError | None:
    """Await a call: None when it succeeds, otherwise its error, which must be of the contract and reveal nothing."""
    try:
        await within(answer, what)
    except GatewayError as exc:
        says_nothing_of(exc.findings)
        told = f"{exc} {exc.what} {exc.hint}"
        require(MARKER not in told and TOLD not in told, f"the error of {what} repeats content")
        return exc
    return None


async def is_transient(answer: Awaitable[object], what: str) -> None:
    """Check that the call asks to be tried again and reveals nothing."""
    error = await outcome_of(answer, what)
    require(error is not None, f"{what} says that all is well")
    require(isinstance(error, TransientError), f"{what} is refused for good, and not to be tried again")


async def transient_or_done(answer: Awaitable[object], what: str) -> None:
    """Check that the call succeeds or asks to be tried again."""
    error = await outcome_of(answer, what)
    refused = error is not None and not isinstance(error, TransientError)
    require(not refused, f"{what} is refused for good, and not to be tried again")


async def is_an_error(answer: Awaitable[object], what: str) -> None:
    """Check that the call fails with an error of the contract."""
    require(await outcome_of(answer, what) is not None, f"{what} says that all is well")


async def error_or_done(answer: Awaitable[object], what: str) -> None:
    """Check that the call succeeds or raises an error of the contract."""
    error = await outcome_of(answer, what)
    known = error is None or isinstance(error, TransientError | RefusedError)
    require(known, f"{what} raises an error that is not of the contract")


def says_nothing_of(found: object) -> None:
    """Check that `found` repeats no content."""
    told = repr(found)
    require(MARKER not in told and TOLD not in told, "a finding repeats content")
